// The last half hour of a point, fetched when somebody looks at it and kept moving by what the stream brings.
import { signal } from "../../vendor/preact.js";
import { asObjects, get, query } from "../api.js";
import { now } from "../live/link.js";

/** @typedef {{at: number, value: number | null}} Dot */
/** @typedef {{dots: import("../../vendor/preact.js").Signal<Dot[] | null>, wantedAt: number, askedAt: number}} Trend */
/** @typedef {import("../types.d.ts").Entity} Entity */

export const TREND_MS = 30 * 60_000;
const DOTS_MOST = 2000;
const AT_ONCE = 4;
const KEPT_MOST = 300;
const FRESH_MS = 5 * 60_000;

/** @type {Map<string, Trend>} */
const trends = new Map();
/** @type {(() => Promise<void>)[]} */
const waiting = [];
let running = 0;

/** @param {Entity} device @param {string} point */
export function trendOf(device, point) {
  const key = `${device.id}/${point}`;
  let trend = trends.get(key);
  if (!trend) {
    trend = { dots: signal(/** @type {Dot[] | null} */ (null)), wantedAt: 0, askedAt: -Infinity };
    trends.set(key, trend);
    if (trends.size > KEPT_MOST) trends.delete(/** @type {string} */ (trends.keys().next().value));
  }
  return trend;
}

/** Fetches a trend unless it is fresh. @param {Trend} trend @param {Entity} device @param {string} point */
export function wantTrend(trend, device, point) {
  if (performance.now() - trend.askedAt < FRESH_MS) return;
  trend.askedAt = performance.now();
  waiting.push(() => load(trend, device, point));
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length > 0) {
    running += 1;
    // The last asked is what is looked at now.
    void /** @type {() => Promise<void>} */ (waiting.pop())().finally(() => { running -= 1; next(); });
  }
}

/** @param {Trend} trend @param {Entity} device @param {string} point */
async function load(trend, device, point) {
  const to = Math.floor(now.peek()) + 1000;
  try {
    const table = await get(`/api/v1/readings?${query({ site: device.site, device: device.device, point, from: to - TREND_MS, to, step: "raw", limit: DOTS_MOST })}`);
    const newer = (trend.dots.peek() ?? []).filter((dot) => dot.at >= to);
    trend.dots.value = [.../** @type {Dot[]} */ (asObjects(table).map(({ at, value }) => ({ at, value }))), ...newer];
  } catch {
    trend.askedAt = -Infinity;
  }
}

/** Adds what the stream brought. @param {Trend} trend @param {number} at @param {number | null} value */
export function extend(trend, at, value) {
  const dots = trend.dots.peek();
  const last = dots?.at(-1);
  if (dots === null || !at || (last && at <= last.at)) return;
  const from = now.peek() - TREND_MS;
  trend.dots.value = [...dots.filter((dot) => dot.at >= from), { at, value }];
}
