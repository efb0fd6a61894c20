// One alarm: what, where, since when, what to do, who did what about it, and what can be done now.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { alarmText } from "../access/carriers.js";
import { age, fullTime, moment } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { allAlarms, now } from "../live/link.js";
import { shown } from "../place.js";
import { pageZone } from "../sites.js";
import { PanelBox } from "../overview/panel.js";
import { act, deeds, looked, mayAct } from "./asked.js";
import { acknowledge } from "./list.js";
import { HIDDEN, stateOf } from "./listed.js";
import { StateMark } from "./marks.js";
import { shelving } from "./shelve.js";
import { nameOf, sourceAddress, sourceName } from "./source.js";
import { openAlarm } from "./where.js";

/** @typedef {import("../types.d.ts").Alarm} Alarm */

/** @param {{alarm: Alarm}} props */
function Actions({ alarm }) {
  const state = stateOf(alarm);
  if (!mayAct()) return null;
  return html`<div class="alarm-actions">
    ${["unacknowledged", "returned"].includes(state) && html`<button class="btn pri" onClick=${() => acknowledge(alarm)}>${t("alarms.acknowledge")} <kbd>A</kbd></button>`}
    ${HIDDEN.has(state) ? html`<button class="btn" onClick=${() => act(alarm, "unshelve")}>${t("alarms.unshelve")}</button>`
      : html`<button class="btn" onClick=${() => { shelving.value = alarm; }}>${t("alarms.shelve")} <kbd>S</kbd></button>`}
  </div>`;
}

/** @param {{alarm: Alarm}} props */
function Note({ alarm }) {
  const text = useSignal("");
  if (!mayAct()) return null;
  const onSubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (text.value.trim() && await act(alarm, "note", { text: text.value.trim() })) text.value = "";
  };
  return html`<form class="note" onSubmit=${onSubmit}><input aria-label=${t("alarms.note")} placeholder=${t("alarms.note")} maxlength="500" value=${text.value} autocomplete="off"
    onInput=${(/** @type {any} */ event) => { text.value = event.target.value; }} /><button class="btn">${t("alarms.keep_note")}</button></form>`;
}

/** @param {{alarm: Alarm}} props */
function Facts({ alarm }) {
  const zone = pageZone.value, address = sourceAddress(alarm.source), ended = alarm.ended_at ?? null;
  /** @type {[string, any][]} */
  const facts = [
    ["alarms.what_state", html`<${StateMark} alarm=${alarm} />`],
    ["alarms.where", html`${address ? html`<a class="num" href=${address}>${nameOf(alarm)}</a>` : nameOf(alarm)}${nameOf(alarm) === alarm.source ? "" : html` <small class="muted mono">${alarm.source}</small>`}`],
    ["alarms.since_when", `${fullTime(alarm.since, zone).replace(/\.\d+ .*/, "")} (${age((ended ?? now.value) - alarm.since)})`],
  ];
  if (ended !== null) facts.push(["alarms.returned_at", moment(ended, now.value, zone)]);
  if ((alarm.count ?? 1) > 1) facts.push(["alarms.times", t("alarms.times_since", { n: alarm.count ?? 1 })]);
  if (alarm.acknowledged_at) facts.push(["alarms.acknowledged_by", `${alarm.acknowledged_by} · ${moment(alarm.acknowledged_at, now.value, zone)}`]);
  if (alarm.shelved_until) facts.push(["alarms.until", moment(alarm.shelved_until, now.value, zone)]);
  if (alarm.hidden_by) facts.push(["alarms.hidden_by", stateOf(alarm) === "suppressed" ? sourceName(alarm.hidden_by) : alarm.hidden_by]);
  if (alarm.reason) facts.push(["alarms.reason", alarm.reason]);
  if (alarm.suppresses) facts.push(["alarms.suppresses", t("alarms.explains", { n: alarm.suppresses })]);
  if (alarm.note) facts.push(["alarms.note", alarm.note]);
  return html`<dl class="facts">${facts.map(([key, value]) => html`<div key=${key}><dt>${t(key)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function History() {
  const zone = pageZone.value;
  return html`<h3>${t("alarms.deeds")}</h3>
    ${deeds.value.length === 0 && html`<p class="calm muted">${t("alarms.no_deeds")}</p>`}
    <ul class="deeds">${deeds.value.map((deed, i) => html`<li key=${i}><span class="mono">${moment(deed.at, now.value, zone)}</span>
      <span><b>${t(`adeed.${deed.action}`)}</b> ${deed.by || t("alarms.by_itself")}${deed.text ? html`<small>${deed.text}</small>` : ""}${deed.until ? html`<small class="muted">${t("alarms.until")} ${moment(deed.until, now.value, zone)}</small>` : ""}</span></li>`)}</ul>`;
}

export function AlarmDetail() {
  useEffect(() => onKey("Escape", () => {
    shown.value = "";
    /** @type {HTMLElement | null} */ (document.querySelector(".alarm-list"))?.focus();
  }), []);
  const alarm = allAlarms.value.find((one) => one.id === openAlarm.value) ?? looked.value;
  if (!alarm) return html`<${PanelBox} title=${t("page.alarms")}><p class="calm muted">${t("alarms.loading")}</p><//>`;
  return html`<${PanelBox} title=${nameOf(alarm)} sub=${`P${alarm.priority} · ${t(`astate.${stateOf(alarm)}`)}`}>
    <p class="alarm-said">${alarmText(alarm)}</p>
    <${Actions} alarm=${alarm} /><${Facts} alarm=${alarm} /><${Note} key=${alarm.id} alarm=${alarm} /><${History} /><//>`;
}
