// Devices as they are chosen from: what each is, what it said last, and what it tells about already.
import { computed } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { age, valueText } from "../format.js";
import { eventName, pointHaystack, pointName, word } from "../i18n.js";
import { entities, now, roster } from "../live/link.js";
import { inOrder } from "../overview/point_order.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {{site: string, kind: string, id: string, name: string, unit: string, facts: Record<string, any>, bindings: {role: string, device: string}[], rev: number}} Asset */

/** The devices of the site, by name. */
export const devices = computed(() => {
  void roster.value;
  const found = [...entities.values()].map((each) => each.peek()).filter((each) => each.device && each.site === mapSite.value);
  return found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
});

/** @param {string} device */
export function deviceOf(device) {
  void roster.value;
  return entities.get(`${mapSite.value}/${device}`)?.value;
}

/** The value or event that says most about a device, in words; "" when it never said anything. @param {Entity} device */
export function lastValue(device) {
  const [name] = inOrder(Object.keys(device.points));
  const point = name ? device.points[name] : undefined;
  if (name && point) { const { text, unit } = valueText(name, point); return `${pointName(name)} ${text}${unit ? ` ${unit}` : ""}`; }
  return device.attributes.last_event ? eventName(device.attributes.last_event.kind) : "";
}

/** How long ago it said something; "" when it never did. @param {Entity} device */
export const lastAge = (device) => { const at = device.observed_at ?? device.attributes.last_event?.at; return at ? age(now.value - at) : ""; };

/** @param {string} gateway */
export const gatewayName = (gateway) => entities.get(`${mapSite.value}/@${gateway}`)?.peek().name ?? gateway;

/** What each device tells about. @param {Asset[]} assets @returns {Map<string, {asset: Asset, role: string}[]>} */
export function boundOf(assets) {
  const found = new Map();
  for (const asset of assets) for (const { role, device } of asset.bindings) found.set(device, [...(found.get(device) ?? []), { asset, role }]);
  return found;
}

/** Everything by which somebody may look for a device. @param {Entity} device */
export const deviceHaystack = (device) => [device.device, device.name, device.kind, word("kind", device.kind), device.gateway, gatewayName(device.gateway), ...Object.keys(device.points).map(pointHaystack)].join(" ").toLowerCase();

/** Roles, with what a kind of thing is usually told about first. @type {Record<string, string[]>} */
const USUAL = { vehicle: ["position", "odometer", "ignition", "reader"], door: ["contact", "lock", "reader"], reader: ["reader"], room: ["presence", "reader", "lock"], guard: ["position", "tag"], technician: ["position", "tag"], driver: ["position", "tag"], meter: ["meter"] };
const ROLES = ["position", "contact", "lock", "reader", "presence", "odometer", "ignition", "meter", "tag"];

/** @param {string} kind */
export const rolesOf = (kind) => [...new Set([...(USUAL[kind] ?? []), ...ROLES])];

/** The role a device most likely has for a kind of thing. @param {string} kind @param {Entity | undefined} device */
export function likelyRole(kind, device) {
  const usual = rolesOf(kind);
  const fits = device && { reader: "reader", door: "contact", meter: "meter", vehicle: "position", sensor: "presence" }[device.kind];
  return fits && (USUAL[kind] ?? []).includes(fits) ? fits : /** @type {string} */ (usual[0]);
}

/** Kinds of devices that usually tell about a kind of thing. @type {Record<string, string[]>} */
const FITS = { vehicle: ["vehicle"], door: ["door", "reader"], reader: ["reader", "door"], room: ["sensor", "room", "reader"], guard: ["vehicle"], technician: ["vehicle"], driver: ["vehicle"], meter: ["meter"] };

/** The likelier a device is chosen for a kind of thing, the less. @param {string} kind @param {Entity} device @param {boolean} isTaken */
export const unlikely = (kind, device, isTaken) => ((FITS[kind] ?? []).includes(device.kind) ? 0 : 2) + (isTaken ? 1 : 0);

/** What a device that did not say its kind seems to be, by its points. @param {Entity} device */
function seems(device) {
  const has = (/** @type {string} */ start) => Object.keys(device.points).some((name) => name.startsWith(start));
  return has("latitude") ? "vehicle" : has("door_open") || has("lock_state") ? "door" : has("occupancy") ? "sensor" : has("active_") || has("voltage_") ? "meter" : "";
}

/** @type {Record<string, string[]>} */
const MAY_BE = { reader: ["reader", "door", "room"], door: ["door"], meter: ["meter"], vehicle: ["vehicle", "guard", "technician"], sensor: ["room", "door"] };

/** Kinds of things a device may tell about, the likeliest first. @param {Entity} device */
export const kindsFor = (device) => MAY_BE[device.kind] ?? MAY_BE[seems(device)] ?? ["door", "room", "vehicle", "meter", "reader", "guard"];
