// What is known of a resource, a line each: the value, how old it is, and where it comes from.
import { html, signal } from "../../vendor/preact.js";
import { age, hourMinute, moment, number } from "../format.js";
import { eventName, t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { backlogOf, clockOf } from "../overview/health.js";
import { Opens } from "../overview/number.js";
import { codeOf } from "./states.js";
import { askDrawing, openMap } from "./map/map.js";
import { carrierOf, factsOf, gateName, speedOf, standsIn, stateWord, textOf } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {[string, any, string?]} Line name, value, where it comes from */

/** @param {Entity} entity @returns {{at: (ms: any) => string, hour: (ms: any) => string}} */
function timesOf(entity) {
  const zone = zoneOf(entity.site);
  return {
    at: (ms) => (typeof ms === "number" ? moment(ms, now.value, zone) : ""),
    hour: (ms) => (typeof ms === "number" ? hourMinute(ms, zone) : ""),
  };
}

/** @param {any} value @param {number} digits @param {string} unit */
const amount = (value, digits, unit) => (typeof value === "number" ? `${number(value, digits)} ${unit}` : "");

/** What people call a request: its number. @param {unknown} id */
const numberOf = (id) => String(id ?? "").split(":").at(-1) ?? "";

/** What is drawn, by site, where no map is open: a narrow window shows one thing at a time.
 * @type {Record<string, import("../../vendor/preact.js").Signal<{properties: Record<string, any>}[]>>} */
const drawings = {};

/** @param {string} site */
function drawnAt(site) {
  let known = drawings[site];
  if (!known) {
    const made = (known = drawings[site] = signal([]));
    void askDrawing(site).then((drawn) => { made.value = drawn?.features ?? []; }, () => { delete drawings[site]; });
  }
  return known.value;
}

/** A fence as the map calls it. @param {string} site @param {unknown} fence */
function fenceName(site, fence) {
  const features = openMap.value?.given.drawn.features ?? drawnAt(site);
  return textOf(features.find((one) => one.properties["id"] === fence)?.properties["name"] ?? fence);
}

/** @param {Entity} entity @returns {Line[]} */
function vehicleLines(entity) {
  const facts = factsOf(entity);
  const { at, hour } = timesOf(entity);
  const { order, trip } = facts;
  return [
    ["warning", facts["warning"] && html`<span class="warn">${word("warning", String(facts["warning"]))}</span>`],
    ["place", textOf(facts["place"]), facts["accuracy_m"] ? t("dispatch.within", { m: number(facts["accuracy_m"]) }) : ""],
    ["speed", amount(speedOf(entity, now.value), 0, "km/h")],
    ["driver", textOf(facts["driver"])],
    ["order", order ? [numberOf(order.request), textOf(order.to), order.until && t("dispatch.until", { time: hour(order.until) })].filter(Boolean).join(" · ") : t("dispatch.no_order")],
    ["trip", trip ? [trip.since && t("dispatch.since", { time: at(trip.since) }), textOf(trip.from), amount(trip.km, 1, "km")].filter(Boolean).join(" · ") : ""],
    ["mileage", amount(facts["today_km"], 1, "km"), facts["mileage_source"] ? word("mileage", String(facts["mileage_source"])) : ""],
    ["fences", (facts["fences"] ?? []).map((/** @type {any} */ fence) => fenceName(entity.site, fence)).join(", ")],
    ["vehicle", [facts["class"] && word("class", String(facts["class"])), facts["seats"] && t("dispatch.seats", { n: facts["seats"] }), facts["plate"]].filter(Boolean).join(" · ")],
    ["unit", textOf(facts["unit"])],
  ];
}

/** @param {Entity} entity @returns {Line[]} */
function doorLines(entity) {
  const facts = factsOf(entity);
  const { at } = timesOf(entity);
  const { last } = facts;
  return [
    ["warning", facts["tampered"] && html`<span class="warn">${word("warning", "tampered")}</span>`],
    ["why", facts["why"] ? word("why", String(facts["why"]).replaceAll(" ", "_")) : ""],
    ["locked", facts["locked"] === undefined || facts["locked"] === null ? "" : t(facts["locked"] ? "dispatch.locked" : "dispatch.unlocked")],
    ["last", last ? [word("passage", String(last.kind)), carrierOf(last.who, entity.site), at(last.at)].filter(Boolean).join(" · ") : ""],
    ["pace", typeof facts["throughput_s"] === "number" ? t("dispatch.pace", { s: number(facts["throughput_s"], 1) }) : "", typeof facts["throughput_n"] === "number" ? t("dispatch.of_n", { n: facts["throughput_n"] }) : ""],
    ["passed", typeof facts["passed_today"] === "number" ? number(facts["passed_today"]) : ""],
    ["denied", typeof facts["denied_today"] === "number" ? number(facts["denied_today"]) : ""],
    ["waiting", facts["waiting"] > 0 ? number(facts["waiting"]) : ""],
  ];
}

/** @param {Entity} entity @returns {Line[]} */
function roomLines(entity) {
  const facts = factsOf(entity);
  const { hour } = timesOf(entity);
  const span = (/** @type {any} */ one) => (one ? [`${hour(one.from)}–${hour(one.until)}`, textOf(one.subject), textOf(one.unit), one.people && t("dispatch.people", { n: one.people })].filter(Boolean).join(" · ") : "");
  const occupied = facts["occupied"];
  return [
    ["occupied", t(occupied === true ? "dispatch.occupied" : occupied === false ? "dispatch.empty" : "dispatch.not_known")],
    ["booking", span(facts["booking"])], ["next", span(facts["next"])],
    ["capacity", facts["capacity"] ? t("dispatch.seats", { n: facts["capacity"] }) : ""],
    ["equipment", (facts["equipment"] ?? []).join(", ")],
    ["why", textOf(facts["out_of_service"])],
    ["use", typeof facts["use_share_30d"] === "number" ? `${number(facts["use_share_30d"] * 100)} %` : "", t("dispatch.days_30")],
  ];
}

/** @param {Entity} entity @returns {Line[]} */
function guardLines(entity) {
  const facts = factsOf(entity);
  const { hour } = timesOf(entity);
  const { patrol, order } = facts;
  return [
    ["place", textOf(facts["place"]), facts["accuracy_m"] ? t("dispatch.within", { m: number(facts["accuracy_m"]) }) : ""],
    ["patrol", patrol ? [t("dispatch.patrol_done", { route: textOf(patrol.route), done: patrol.done, of: patrol.of }), textOf(patrol.next), patrol.due_at && t("dispatch.until", { time: hour(patrol.due_at) })].filter(Boolean).join(" · ") : ""],
    ["order", order ? [numberOf(order.request), textOf(order.to)].filter(Boolean).join(" · ") : ""],
    ["skills", (facts["skills"] ?? []).join(", ")],
    ["unit", textOf(facts["unit"])],
  ];
}

/** @param {Entity} entity @returns {Line[]} */
function visitorLines(entity) {
  const facts = factsOf(entity);
  const { hour } = timesOf(entity);
  return [["visit", [`${hour(facts["from"])}–${hour(facts["until"])}`, facts["people"] > 1 && t("dispatch.people", { n: facts["people"] })].filter(Boolean).join(" · ")], ["arrived", hour(facts["arrived_at"])], ["left", hour(facts["left_at"])], ["host", textOf(facts["host"])], ["unit", textOf(facts["unit"])], ["plate", textOf(facts["plate"])], ["gate", gateName(entity.site, facts["gate"])]];
}

/** @param {Entity} entity @returns {Line[]} */
function patrolLines(entity) {
  const facts = factsOf(entity);
  const { hour } = timesOf(entity);
  return [["guard", textOf(facts["guard"])], ["visit", facts["from"] ? `${hour(facts["from"])}–${hour(facts["until"])}` : ""]];
}

/** @param {Entity} entity @returns {Line[]} */
function gatewayLines(entity) {
  const facts = factsOf(entity), report = facts["report"];
  const waiting = backlogOf(report), clock = clockOf(entity);
  const devices = /** @type {{state: string}[]} */ (report?.devices ?? []);
  return [
    ["backlog", waiting.readings > 0 ? t("dispatch.readings_wait", { n: waiting.readings, age: age(waiting.oldest * 1000) }) : report ? "0" : ""],
    ["clock", clock && word("clock", clock)],
    ["devices", html`<${Opens} to=${`gateway:${entity.id}`}>${devices.length > 0 ? t("dispatch.n_devices_ok", { n: devices.length, ok: devices.filter((one) => one.state === "ok").length }) : entity.gateway}<//>`],
    ["building", standsIn(facts["placed"])],
    ["unit", textOf(facts["placed"]?.unit)],
  ];
}

/** @param {Entity} entity @returns {Line[]} */
function equipmentLines(entity) {
  const facts = factsOf(entity), own = facts["facts"] ?? {};
  const { at } = timesOf(entity);
  const { last } = facts;
  return [
    ["last", last ? [eventName(String(last.kind)), carrierOf(last.who, entity.site), at(last.at)].filter(Boolean).join(" · ") : ""],
    ["circuit", textOf(own.circuit)], ["door", [own.door, own.room, own.vehicle, own.checkpoint].filter(Boolean).join(", ")],
    ["building", standsIn(own)], ["unit", textOf(facts["unit"])],
  ];
}

/** @type {Record<string, (entity: Entity) => Line[]>} */
const LINES = { vehicle: vehicleLines, door: doorLines, room: roomLines, guard: guardLines, technician: guardLines, patrol: patrolLines, visitor: visitorLines, gateway: gatewayLines, meter: equipmentLines, reader: equipmentLines };

/** @param {{entity: Entity}} props */
export function ThingFacts({ entity }) {
  const facts = factsOf(entity);
  const { at } = timesOf(entity);
  /** @type {Line[]} */
  const lines = [
    ["state", stateWord(entity.kind, codeOf(entity)), typeof facts["since"] === "number" ? t("dispatch.since_age", { time: at(facts["since"]), age: age(now.value - facts["since"]) }) : ""],
    ...(LINES[entity.kind]?.(entity) ?? []),
    ["seen", entity.observed_at ? at(entity.observed_at) : "—", entity.observed_at ? t("dispatch.ago", { age: age(now.value - entity.observed_at) }) : ""],
  ];
  return html`<dl class="facts">${lines.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false)
    .map(([name, value, source]) => html`<div key=${name}><dt>${t(`dispatch.fact_${name}`)}</dt><dd>${value}${source ? html` <small class="muted">${source}</small>` : null}</dd></div>`)}</dl>`;
}

/** The checkpoints of a patrol, in their order. @param {{entity: Entity}} props */
export function Checkpoints({ entity }) {
  /** @type {Record<string, any>[]} */
  const points = factsOf(entity)["checkpoints"] ?? [];
  const { at, hour } = timesOf(entity);
  if (points.length === 0) return null;
  return html`<h3>${t("dispatch.checkpoints")}</h3><ol class="checkpoints">${points.map((one) => html`<li key=${one["id"]} class=${one["state"] === "missed" || one["state"] === "out_of_order" ? "warn" : ""}>
    <span>${textOf(one["name"])}</span><span class="muted">${hour(one["from"])}–${hour(one["until"])}</span><span>${stateWord("checkpoint", String(one["state"]))}${one["at"] ? ` ${at(one["at"])}` : ""}</span></li>`)}</ol>`;
}
