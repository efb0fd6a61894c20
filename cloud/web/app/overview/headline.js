// What a device says in one line: a meter its power and energy, a door its last event, a vehicle where it is and how fast.
import { html } from "../../vendor/preact.js";
import { reasonWord } from "../access/words.js";
import { age, valueText } from "../format.js";
import { eventName, pointName, said, stateLabel, t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { isPointStale } from "./health.js";
import { Opens } from "./number.js";
import { inOrder } from "./point_order.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").LastEvent} LastEvent */

const SILENT_FIELDS = new Set(["door", "card_key", "reader", "known", "observed", "latitude", "longitude", "person"]);
/** Reasons that only repeat the kind of event. */
const SAID_ALREADY = new Set(["granted", "denied"]);

/** Fields of an event worth saying in a line, in words. @param {LastEvent} event */
export function eventDetails(event) {
  const { data = {} } = event;
  /** @type {string[]} */
  const parts = [];
  for (const [field, value] of Object.entries(data)) {
    if (value === null || value === "" || SILENT_FIELDS.has(field) || SAID_ALREADY.has(String(value).toLowerCase())) continue;
    if (field === "reason" && event.kind.startsWith("access_")) parts.push(reasonWord(String(value)));
    else if (field === "access" || field === "reason" || field === "detail" || field === "region" || field === "error") parts.push(said(String(value)));
    else if (field === "direction") parts.push(word("direction", String(value)));
    else if (field === "decision_ms") parts.push(t("events.decided_in", { ms: Number(value) }));
    else if (field === "open_s" || field === "lost_s") parts.push(age(Number(value) * 1000));
    else parts.push(`${word("field", field)} ${value}`);
  }
  if (typeof data["card_key"] === "string") parts.push(`${word("field", "card_key")} ${data["card_key"].slice(0, 8)}`);
  if (event.reason) parts.push(word("reason", event.reason));
  return parts.join(" · ");
}

/** @param {{entity: Entity, names: string[]}} props */
function Values({ entity, names }) {
  return names.map((name) => {
    const point = entity.points[name];
    if (!point) return null;
    const { text, unit } = valueText(name, point);
    return html`<span key=${name} class=${`hv${isPointStale(point, now.value, isOutOfReach(entity)) ? " stale" : ""}${point.value === null ? " none" : ""}`}>
      <${Opens} inList=${true} to=${`reading:${entity.id}/${name}`} title=${pointName(name)}>${text}<//>${unit && html`<span class="u">${unit}</span>`}</span>`;
  });
}

/** @param {{entity: Entity}} props */
function Position({ entity }) {
  const lat = entity.points["latitude"], lon = entity.points["longitude"];
  if (!lat || !lon || lat.value === null || lon.value === null) return null;
  const stale = isPointStale(lat, now.value, isOutOfReach(entity)) ? " stale" : "";
  return html`<span class=${`hv${stale}`}><${Opens} inList=${true} to=${`reading:${entity.id}/latitude`} title=${pointName("latitude")}>${valueText("latitude", lat).text}<//>${", "}<${Opens} inList=${true} to=${`reading:${entity.id}/longitude`} title=${pointName("longitude")}>${valueText("longitude", lon).text}<//></span>`;
}

/** @param {{event: LastEvent, id: string}} props */
function LastSaid({ event, id }) {
  const details = eventDetails(event);
  return html`<span class="hv ev"><${Opens} inList=${true} to=${`device:${id}`}>${eventName(event.kind)}<//>${details && html`<span class="u">${details}</span>`}<span class="u">${age(now.value - event.at)}</span></span>`;
}

/** A state that is out of the ordinary: an open door. @param {{entity: Entity}} props */
function DoorState({ entity }) {
  const open = entity.points["door_open"];
  if (!open || open.value === null) return null;
  return html`<span class=${`hv${isPointStale(open, now.value, isOutOfReach(entity)) ? " stale" : ""}`}><${Opens} inList=${true} to=${`reading:${entity.id}/door_open`}>${stateLabel("door_open", open.value) ?? open.value}<//></span>`;
}

/** @param {{entity: Entity}} props */
export function Headline({ entity }) {
  const event = entity.attributes.last_event;
  if (entity.kind === "vehicle") return html`<${Values} entity=${entity} names=${["speed_kmh"]} /><${Position} entity=${entity} />`;
  if (entity.kind === "door") return html`<${DoorState} entity=${entity} />${event && html`<${LastSaid} event=${event} id=${entity.id} />`}`;
  const names = inOrder(Object.keys(entity.points)).slice(0, 2);
  return html`<${Values} entity=${entity} names=${names} />${names.length === 0 && event ? html`<${LastSaid} event=${event} id=${entity.id} />` : null}`;
}

/** @type {Record<string, string>} */
const TRENDS = { meter: "active_power_total", vehicle: "speed_kmh" };

/** The point whose line stands in a device's row, or "". @param {Entity} entity */
export function trendPoint(entity) {
  const name = TRENDS[entity.kind] ?? "";
  return entity.points[name] ? name : "";
}
