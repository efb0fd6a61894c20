// Beside the list: what needs somebody, and what happened last. An opened number takes its place.
import { html, useEffect } from "../../vendor/preact.js";
import { alarmText } from "../access/carriers.js";
import { age, fullTime, moment } from "../format.js";
import { eventName, t } from "../i18n.js";
import { alarms, entities, now, roster } from "../live/link.js";
import { shown } from "../place.js";
import { pageZone, zoneOf } from "../sites.js";
import { eventDetails } from "./headline.js";
import { followEvents, latest } from "./latest_events.js";

/** Kinds of events that somebody may have to act on. */
const GRAVE = new Set(["door_forced", "door_held", "tamper", "device_lost", "device_fault", "buffer_damaged", "buffer_full", "gap"]);

function Alarms() {
  const list = alarms.value;
  return html`<section class="card alarms"><h2 class="h">${t("alarms.title")}<small>${list.length > 0 ? t("alarms.active", { n: list.length }) : ""}</small></h2>
    ${list.length === 0 && html`<p class="calm muted">${t("alarms.none")}</p>`}
    <ul>${list.map((alarm) => html`<li key=${alarm.id}><span class=${`tag p${alarm.priority}`}>P${alarm.priority}</span><span class="words">${alarmText(alarm)}</span>
      <span class="age">${t("alarms.since", { time: moment(alarm.since, now.value, pageZone.value), age: age(now.value - alarm.since) })}</span></li>`)}</ul>
  </section>`;
}

function Events() {
  useEffect(followEvents, []);
  const list = latest.value;
  void roster.value;
  return html`<section class="card events"><h2 class="h">${t("events.title")}</h2>
    ${list.length === 0 && html`<p class="calm muted">${t("events.none")}</p>`}
    <ul tabindex=${list.length > 0 ? 0 : undefined} aria-label=${t("events.title")}>${list.map(({ entity: id, event }) => {
      const entity = entities.get(id)?.peek();
      const isGateway = entity?.kind === "gateway";
      return html`<li key=${`${id} ${event.at} ${event.kind}`}>
        <button class="num" onClick=${() => { shown.value = `${isGateway ? "gateway" : "device"}:${id}`; }}>${entity?.name || entity?.device || id}</button>
        <span class="age" title=${fullTime(event.at, zoneOf(entity?.site ?? ""))}>${age(now.value - event.at)}</span>
        <span class="s"><span class=${GRAVE.has(event.kind) ? "warn" : ""}>${eventName(event.kind)}</span>${[eventDetails(event)].filter(Boolean).map((words) => ` · ${words}`)}</span></li>`;
    })}</ul>
  </section>`;
}

export const Aside = () => html`<${Alarms} /><${Events} />`;
