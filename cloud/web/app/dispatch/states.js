// What state a thing is in: its shape, its tone, and how soon somebody should look.
import { isOutOfReach } from "../live/reach.js";
import { isStale } from "../overview/health.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** Red and orange are for what somebody must act on; `live` is under way, `calm` is normal, `off` needs nobody.
 * @typedef {"act1" | "act2" | "live" | "calm" | "off"} Tone */
/** @typedef {{code: string, shape: string, tone: Tone, rank: number, stale: boolean}} Look */

/** By kind and state: shape, tone, rank (0 is looked at first). @type {Record<string, Record<string, [string, Tone, number]>>} */
const STATES = {
  vehicle: {
    on_trip: ["arrow", "live", 3], stopped: ["square", "calm", 5], reserved: ["arrow_dot", "calm", 4], available: ["arrow_open", "calm", 6],
    non_contactable: ["lost", "off", 7], non_operational: ["cross", "off", 8],
  },
  door: { forced: ["gate_forced", "act1", 0], held: ["gate_open", "act2", 1], open: ["gate_open", "live", 4], unknown: ["lost", "off", 7], closed: ["gate", "calm", 6] },
  room: {
    overrun: ["square_bar", "act2", 1], no_show: ["square_open", "act2", 2], in_use: ["square", "live", 3], booked: ["square_half", "calm", 4],
    free: ["square_open", "calm", 6], out_of_service: ["cross", "off", 8],
  },
  guard: { busy: ["diamond", "live", 3], available: ["diamond_open", "calm", 6], non_contactable: ["lost", "off", 7], off_duty: ["dash", "off", 8] },
  patrol: {
    missed: ["bars_cross", "act2", 1], late: ["bars", "act2", 2], under_way: ["bars", "live", 3], planned: ["bars_open", "calm", 6], done: ["check", "off", 8],
  },
  gateway: { fenced: ["cross", "act1", 0], offline: ["tower", "act2", 1], waiting: ["lost", "off", 7], online: ["tower", "calm", 6] },
  meter: { lost: ["box", "act2", 1], failing: ["box", "act2", 2], unannounced: ["box", "calm", 4], waiting: ["lost", "off", 7], ok: ["box", "calm", 6] },
  visitor: { overdue: ["person", "act2", 1], arrived: ["person", "live", 3], expected: ["person_open", "calm", 4], left: ["dash", "off", 7], cancelled: ["cross", "off", 8] },
};
STATES["reader"] = /** @type {Record<string, [string, Tone, number]>} */ (STATES["meter"]);
STATES["technician"] = /** @type {Record<string, [string, Tone, number]>} */ (STATES["guard"]);

/** @type {[string, Tone, number]} */
const UNKNOWN = ["lost", "off", 7];

/** The state of a thing as a code; of equipment it is that of its link. @param {Entity} entity */
export function codeOf(entity) {
  const { state, device_state: device, fenced, online } = /** @type {Record<string, any>} */ (entity.attributes);
  if (entity.kind === "gateway") return fenced ? "fenced" : online === true ? "online" : online === false && entity.observed_at ? "offline" : "waiting";
  return String(state ?? device ?? "unknown");
}

/** Where things of this kind never move and say nothing for days, silence is no reason for doubt; a gateway that is offline is.
 * @param {Entity} entity @param {number} now */
const isOld = (entity, now) => isStale(entity.observed_at, entity.stale_after_s, now) || isOutOfReach(entity);

/** What somebody should look into, though its state is a usual one. @param {Entity} entity */
export const isWarned = (entity) => Boolean(entity.attributes.warning || entity.attributes.tampered);

/** @param {Entity} entity @param {number} now @returns {Look} */
export function lookOf(entity, now) {
  const code = codeOf(entity);
  const [shape, tone, rank] = STATES[entity.kind]?.[code] ?? UNKNOWN;
  const stale = isOld(entity, now);
  if (isWarned(entity) && tone !== "act1") return { code, shape, tone: "act2", rank: 1, stale };
  return { code, shape, tone: stale && tone !== "act1" && tone !== "act2" ? "off" : tone, rank: stale ? Math.max(rank, 7) : rank, stale };
}

/** The states of a kind, those that are looked at first in front. @param {readonly string[]} kinds */
export function statesOf(kinds) {
  const found = kinds.flatMap((kind) => Object.entries(STATES[kind] ?? {}).map(([code, [, , rank]]) => ({ code, rank })));
  found.sort((a, b) => a.rank - b.rank);
  return [...new Set(found.map((one) => one.code))];
}
