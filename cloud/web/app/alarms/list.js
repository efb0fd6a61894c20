// The list of alarms. The list itself has the focus and names its active row; A, S and Enter act on that.
import { html, useEffect, useRef, useSignal } from "../../vendor/preact.js";
import { alarmText } from "../access/carriers.js";
import { age, fullTime, moment } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { now } from "../live/link.js";
import { shown } from "../place.js";
import { pageZone } from "../sites.js";
import { act, askHistory, history, mayAct, older } from "./asked.js";
import { activeId, HIDDEN, rows, stateOf } from "./listed.js";
import { StateMark } from "./marks.js";
import { shelving } from "./shelve.js";
import { nameOf } from "./source.js";
import { openAlarm, tab } from "./where.js";

/** @typedef {import("../types.d.ts").Alarm} Alarm */

/** How many rows are drawn at first, and how many more each time. */
const SOME = 200;

/** Acknowledges, where there is something to acknowledge. @param {Alarm} alarm */
export function acknowledge(alarm) {
  if (!mayAct() || !["unacknowledged", "returned"].includes(stateOf(alarm))) return;
  const list = rows.peek(), at = list.findIndex((one) => one.id === alarm.id);
  const next = list[at + 1] ?? list[at - 1];
  void act(alarm, "acknowledge").then((isDone) => { if (isDone && stateOf(alarm) === "returned" && next) activeId.value = next.id; });
}

/** The row the keys act on: the active one, else the one that is open. */
const current = () => rows.peek().find((alarm) => alarm.id === (activeId.peek() || openAlarm.peek()));

/** @param {{alarm: Alarm, isActive: boolean}} props */
function Row({ alarm, isActive }) {
  const zone = pageZone.value, ended = alarm.ended_at ?? null;
  const when = ended === null ? age(now.value - alarm.since) : t("alarms.lasted", { age: age(ended - alarm.since) });
  return html`<li id=${`alarm-${alarm.id}`} role="option" aria-selected=${isActive} class=${`alarm s-${stateOf(alarm)}${isActive ? " active" : ""}${openAlarm.value === alarm.id ? " open" : ""}`}
      onClick=${() => { activeId.value = alarm.id; shown.value = `alarm:${alarm.id}`; }}>
    <span class=${`tag p${alarm.priority}`}>P${alarm.priority}</span>
    <span class="alarm-text">${alarmText(alarm)}</span>
    <span class="alarm-source">${nameOf(alarm)}${(alarm.count ?? 1) > 1 ? html` <b class="warn">×${alarm.count}</b>` : ""}${alarm.suppresses ? html` <small class="muted">${t("alarms.explains", { n: alarm.suppresses })}</small>` : ""}</span>
    <${StateMark} alarm=${alarm} />
    <span class="alarm-when" title=${fullTime(alarm.since, zone)}>${moment(alarm.since, now.value, zone)}<small>${when}</small></span>
  </li>`;
}

const empty = () => (tab.value === "shelved" ? t("alarms.none_hidden") : tab.value === "history" ? t(history.value === null ? "alarms.loading" : "alarms.none_past") : t("alarms.none"));

export function AlarmList() {
  const list = rows.value;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const drawn = useSignal(SOME);
  const active = list.findIndex((alarm) => alarm.id === activeId.value);
  const moveTo = (/** @type {number} */ to) => {
    const alarm = list[Math.max(0, Math.min(list.length - 1, to))];
    if (!alarm) return;
    activeId.value = alarm.id;
    document.getElementById(`alarm-${alarm.id}`)?.scrollIntoView({ block: "nearest" });
  };
  useEffect(() => {
    const undo = [
      onKey("a", () => { const alarm = current(); if (alarm) acknowledge(alarm); }),
      onKey("s", (event) => { const alarm = current(); if (alarm && mayAct() && !HIDDEN.has(stateOf(alarm))) { event.preventDefault(); shelving.value = alarm; } }),
    ];
    return () => { for (const one of undo) one(); };
  }, []);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown") moveTo(active + 1);
    else if (event.key === "ArrowUp") moveTo(active - 1);
    else if (event.key === "Home") moveTo(0);
    else if (event.key === "End") moveTo(Math.min(list.length, drawn.peek()) - 1);
    else if ((event.key === "Enter" || event.key === " ") && list[active]) shown.value = `alarm:${list[active].id}`;
    else return;
    event.preventDefault();
  };
  if (list.length === 0) return html`<div class="alarms-box"><p class="calm muted">${empty()}</p></div>`;
  return html`<div class="alarms-box">
    <ul ref=${box} class="alarm-list" role="listbox" tabindex="0" aria-label=${t("page.alarms")} aria-activedescendant=${active >= 0 ? `alarm-${activeId.value}` : undefined}
        onKeyDown=${onKeyDown} onFocus=${() => { if (active < 0 && list[0]) activeId.value = list[0].id; }}>
      ${list.slice(0, drawn.value).map((alarm, i) => html`<${Row} key=${alarm.id} alarm=${alarm} isActive=${i === active} />`)}
    </ul>
    ${list.length > drawn.value ? html`<button class="plain more" onClick=${() => { drawn.value += SOME; }}>${t("alarms.more", { n: list.length - drawn.value })}</button>`
      : tab.value === "history" && older.value !== null ? html`<button class="plain more" onClick=${() => askHistory(true)}>${t("alarms.older")}</button>` : null}
  </div>`;
}
