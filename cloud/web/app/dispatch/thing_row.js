// One resource in the list: shape, name, age, and what it is doing. Drawn anew only when that one has changed, or the clock moves.
import { html } from "../../vendor/preact.js";
import { age, fullTime } from "../format.js";
import { t } from "../i18n.js";
import { alarms, entities, now } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { hovered } from "./map/pointer.js";
import { Shape } from "./shape.js";
import { lookOf } from "./states.js";
import { activeId } from "./things.js";
import { lineOf, nameOf, staleWords, stateWord } from "./words.js";
import { open } from "./where.js";

/** @param {{id: string, top: number, at: number, count: number, isActive: boolean}} props */
export function ThingRow({ id, top, at, count, isActive }) {
  const entity = entities.get(id)?.value;
  if (!entity) return null;
  const look = lookOf(entity, now.value);
  const alarm = alarms.value.find((one) => one.source === id);
  const seen = entity.observed_at;
  const select = () => { activeId.value = id; open(id); };
  return html`<div id=${`thing-${id}`} class=${`thing${isActive ? " active" : ""}${look.stale || look.tone === "off" ? " dim" : ""}`} role="option" aria-selected=${isActive} aria-posinset=${at + 1} aria-setsize=${count}
      style=${{ transform: `translateY(${top}px)` }} onClick=${select} onPointerEnter=${() => { hovered.value = id; }} onPointerLeave=${() => { if (hovered.peek() === id) hovered.value = ""; }}>
    <${Shape} name=${look.stale ? "lost" : look.shape} tone=${look.tone} turn=${0} />
    <b class="thing-name">${nameOf(entity)}${alarm && html` <span class=${`tag p${alarm.priority}`}>P${alarm.priority}</span>`}</b>
    <span class="age" title=${seen ? fullTime(seen, zoneOf(entity.site)) : t("dispatch.never_heard")}>${seen ? age(now.value - seen) : "—"}</span>
    <span class=${`thing-line t-${look.tone}`}>${lineOf(entity, now.value) || stateWord(entity.kind, look.code)}${look.stale ? ` · ${staleWords(entity, now.value)}` : ""}</span>
  </div>`;
}
