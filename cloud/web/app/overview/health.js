// What state a device or a gateway is in, and since when: one word, worst first. Pure.
/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Point} Point */
/** @typedef {import("../types.d.ts").Health} Health */

/** From what needs attention most to what needs none. @type {Health[]} */
export const WORST_FIRST = ["fenced", "offline", "lost", "stale", "bad", "failing", "clock", "backlog", "uncertain", "waiting", "ok"];

/** @type {Record<string, number>} */
const RANK = Object.fromEntries(WORST_FIRST.map((health, i) => [health, i]));

/** Order of sorting, 0 the worst. @param {Health} health */
export const rankOf = (health) => RANK[health] ?? WORST_FIRST.length;

/** States in which somebody may have to act. @param {Health} health */
export const needsAttention = (health) => rankOf(health) < rankOf("uncertain");

/** A backlog older than this is worth saying. */
const BACKLOG_OLD_S = 60;
/** What waits for less is simply on its way. */
const ON_ITS_WAY_S = 5;

/** What waits at a gateway beyond what is on its way. @param {import("../types.d.ts").Report | null | undefined} report */
export function backlogOf(report) {
  if (!report || (report.oldest_unacked_s ?? 0) < ON_ITS_WAY_S) return { readings: 0, bytes: 0, oldest: 0 };
  return { readings: report.backlog_readings, bytes: report.backlog_bytes, oldest: report.oldest_unacked_s ?? 0 };
}

/** @param {number | null | undefined} at @param {number | null | undefined} staleAfter @param {number} now */
export const isStale = (at, staleAfter, now) => Boolean(at && staleAfter && now - at > staleAfter * 1000);

/** @param {Point} point @param {number} now @param {boolean} away no news of it can come: its gateway is offline */
export const isPointStale = (point, now, away) => away || isStale(point.observed_at, point.stale_after_s, now);

/** The device itself says it has no value here, as meters do for what they do not measure: missing, and nobody's fault. @param {Point} point */
const hasNoValue = (point) => point.value === null && (point.quality !== "bad" || point.reason === "sentinel");

/** What of a device does not depend on the time, worked out once per version of it.
 * @typedef {{bad: number, none: number, uncertain: number, staleAt: number}} Digest */

/** @type {WeakMap<Entity, Digest>} */
const digests = new WeakMap();

/** @param {Entity} entity @returns {Digest} */
export function digest(entity) {
  let known = digests.get(entity);
  if (!known) {
    known = { bad: 0, none: 0, uncertain: 0, staleAt: Infinity };
    for (const point of Object.values(entity.points)) {
      if (hasNoValue(point)) known.none += 1;
      else if (point.quality === "bad") known.bad += 1;
      else if (point.quality === "uncertain") known.uncertain += 1;
      if (point.observed_at && point.stale_after_s) known.staleAt = Math.min(known.staleAt, point.observed_at + point.stale_after_s * 1000);
    }
    digests.set(entity, known);
  }
  return known;
}

/** @param {Entity} device @param {number} now @param {boolean} away no news of it can come: its gateway is offline @returns {Health} */
export function deviceHealth(device, now, away) {
  const { bad, none, uncertain, staleAt } = digest(device);
  const state = device.attributes.state;
  if (state === "lost") return "lost";
  if (!device.observed_at) return state === "failing" ? "failing" : "waiting";
  if (away || isStale(device.observed_at, device.stale_after_s, now) || now > staleAt) return "stale";
  if (bad > 0 || (none > 0 && none === Object.keys(device.points).length)) return "bad";
  if (state === "failing") return "failing";
  if (uncertain > 0) return "uncertain";
  return "ok";
}

/** @param {Entity} gateway */
export const isOnline = (gateway) => gateway.attributes.online === true;

/** `synced`, `unsynced`, `stepped`, or "" when not reported. @param {Entity} gateway */
export const clockOf = (gateway) => gateway.attributes.report?.clock?.state ?? "";

/** @param {Entity} gateway @param {number} now @returns {Health} */
export function gatewayHealth(gateway, now) {
  const { fenced, online, announced, report } = gateway.attributes;
  if (fenced) return "fenced";
  if (announced === false && !gateway.observed_at) return "uncertain";
  if (online === false) return "offline";
  if (isStale(gateway.observed_at, gateway.stale_after_s, now)) return "stale";
  if (clockOf(gateway) === "unsynced") return "clock";
  const backlog = backlogOf(report);
  if (backlog.readings > 0 && backlog.oldest > BACKLOG_OLD_S) return "backlog";
  return online === undefined ? "waiting" : "ok";
}

/** The mark beside a value. @param {Point} point @param {number} now @param {boolean} away no news of it can come */
export function markOf(point, now, away) {
  if (hasNoValue(point)) return "missing";
  if (point.quality === "bad") return "bad";
  if (isPointStale(point, now, away)) return "stale";
  if (point.reason === "estimated" || point.reason === "interpolated") return point.reason;
  return point.quality === "uncertain" ? "uncertain" : "measured";
}
