// The thresholds a site goes by: which there are, how they are grouped, and in which unit people write them.

/** @typedef {{name: string, type: "amount" | "choice" | "lines" | "tiers", unit?: string, per?: number, options?: string[], low?: number, high?: number, whole?: boolean}} Threshold
 * `per`: how much of the API's unit one of the written unit is */

/** @param {string} name @param {string} unit @param {Partial<Threshold>} [more] @returns {Threshold} */
const amount = (name, unit, more = {}) => ({ name, type: "amount", unit, low: 0, ...more });
/** @param {string} name @param {Partial<Threshold>} [more] */
const minutes = (name, more = {}) => amount(name, "min", { per: 60, ...more });

/** Of the fleet, by group. @type {Record<string, Threshold[]>} */
export const FLEET = {
  orders: [{ name: "orders", type: "choice", options: ["dispatched", "always", "never"] }, amount("grace_min", "min"), amount("movement_s", "s"), { name: "hours", type: "lines" }],
  standing: [{ name: "overnight", type: "lines" }, amount("overnight_after_min", "min"), amount("parking_after_min", "min"), amount("sensitive_after_min", "min")],
  states: [minutes("stale_s"), minutes("stale_parked_s"), minutes("available_after_s")],
  trips: [amount("trip_distance_m", "m"), amount("stop_duration_s", "s"), amount("stop_duration_ignition_off_s", "s"), minutes("stop_gap_s"), amount("rest_radius_m", "m")],
  fences: [amount("exit_margin_m", "m"), amount("exit_fixes", "", { whole: true }), amount("exit_s", "s"), minutes("crossing_gap_s")],
  positions: [amount("accuracy_max_m", "m"), amount("speed_max_m_s", "m/s"), amount("future_max_s", "s"), amount("reorder_s", "s"), amount("anchor_m", "m"), amount("anchor_accuracies", "")],
};

/** Of dispatch, by group. @type {Record<string, Threshold[]>} */
export const DISPATCH = {
  ...Object.fromEntries(["real_time", "4h", "24h"].map((tier) => [`tier_${tier}`, ["acknowledge_s", "assign_s", "approve_s"].map((step) => minutes(`tiers.${tier}.${step}`))])),
  clocks: [amount("ladder.colour", "%", { whole: true }), amount("ladder.note", "%", { whole: true }), amount("ladder.escalate", "%", { whole: true }), minutes("arrive_slack_s"), minutes("expire_after_s")],
  deciding: [{ name: "automatic", type: "tiers", options: ["real_time", "4h", "24h"] }, { name: "office_hours", type: "lines" }, amount("out_of_town_km", "km"), amount("emergency_approve_s", "h", { per: 3600 })],
  driving: [amount("vehicle_kmh", "km/h"), amount("walking_kmh", "km/h"), amount("road_factor", "", { low: 1 }), minutes("start_s"), amount("arrival_radius_m", "m"), amount("drive_max_s", "h", { per: 3600 }), minutes("rest_s")],
  matching: [amount("batch_s", "s"), minutes("soon_free_s"), minutes("look_ahead_s"), ...["eta", "late", "empty", "fair", "switch", "class", "wait"].map((name) => amount(`weights.${name}`, ""))],
};

/** Of what is watched without a rule, by group. @type {Record<string, Threshold[]>} */
export const BUILT_IN = {
  doors: [amount("door_held_s", "s", { low: 5 }), amount("door_denied_burst", "", { low: 2, whole: true }), amount("card_travel_kmh", "km/h", { high: 300 })],
  gateways: [minutes("backlog_age_s"), amount("gateway_silent_s", "s", { low: 30 }), minutes("clock_unset_s"), amount("gateway_hot_c", "°C", { low: 30, high: 120 })],
};

/** Of how much things are used. @type {Record<string, Threshold[]>} */
export const USE = { evaluation: [amount("evaluation_under", "%", { per: 0.01, high: 100 })] };

/** What stands at a path such as `tiers.4h.assign_s`. @param {any} settings @param {string} path */
export const at = (settings, path) => path.split(".").reduce((inside, part) => inside?.[part], settings);

/** The same settings with another value at a path. @param {any} settings @param {string} path @param {unknown} value @returns {any} */
export function withAt(settings, path, value) {
  const [first = "", ...rest] = path.split(".");
  return { ...settings, [first]: rest.length === 0 ? value : withAt(settings[first] ?? {}, rest.join("."), value) };
}
