// The clocks of a request: which one counts now, how far it has run, and how that looks. Pure.

/** @typedef {{started_at: number, due_at: number, done_at: number | null, step: number}} ClockState */
/** @typedef {Record<string, any>} Facts the attributes of a request */
/** @typedef {{name: string, clock: ClockState, percent: number, tone: "calm" | "warm" | "hot"}} Running */

export const CLOCKS = ["acknowledge", "approve", "assign", "arrive"];
export const ENDED = new Set(["done", "cancelled", "refused", "expired"]);
const WARM = 50, HOT = 80;

/** How far it has run, in percent; above 100 when it is late, 0 before its start. @param {ClockState} clock @param {number} now */
export const percentOf = (clock, now) => Math.max(0, ((now - clock.started_at) * 100) / Math.max(1, clock.due_at - clock.started_at));

/** @param {number} percent @returns {Running["tone"]} */
export const toneOf = (percent) => (percent >= HOT ? "hot" : percent >= WARM ? "warm" : "calm");

/** The running clock that is nearest to its end or furthest beyond it; null when none counts. @param {Facts} facts @param {number} now @returns {Running | null} */
export function worstClock(facts, now) {
  const ended = ENDED.has(facts["status"]);
  const counts = !ended ? CLOCKS : facts["status"] === "done" && facts["approval"]?.state === "pending" ? ["approve"] : [];
  /** @type {Running | null} */
  let worst = null;
  for (const name of counts) {
    const clock = facts["clocks"]?.[name];
    if (!clock || clock.done_at !== null && clock.done_at !== undefined) continue;
    const percent = percentOf(clock, now);
    if (worst === null || percent > worst.percent) worst = { name, clock, percent, tone: toneOf(percent) };
  }
  return worst;
}

const BOOKED_AHEAD_MS = 30 * 60_000;

/** The tab a request stands in. @param {Facts} facts @param {number} now */
export function tabOfRequest(facts, now) {
  const status = String(facts["status"]);
  if (ENDED.has(status)) return "done";
  if (status === "under_way" || status === "arrived") return "under_way";
  if (status === "assigned") return (facts["window"]?.earliest ?? 0) > now + BOOKED_AHEAD_MS ? "booked" : "under_way";
  return "waiting";
}

/** @type {Record<string, number>} */
const TIERS = { real_time: 0, "4h": 1, "24h": 2 };

/** Emergencies, then by tier, priority, and what is due first. @param {Facts} a @param {Facts} b */
export function byUrgency(a, b) {
  const due = (/** @type {Facts} */ one) => Math.min(...CLOCKS.map((name) => one["clocks"]?.[name]).filter((clock) => clock && !clock.done_at).map((clock) => clock.due_at), Infinity);
  return Number(Boolean(b["emergency"])) - Number(Boolean(a["emergency"])) || (TIERS[a["tier"]] ?? 3) - (TIERS[b["tier"]] ?? 3)
    || (a["priority"] ?? 3) - (b["priority"] ?? 3) || (due(a) < due(b) ? -1 : due(a) > due(b) ? 1 : 0) || String(a["number"]).localeCompare(String(b["number"]));
}
