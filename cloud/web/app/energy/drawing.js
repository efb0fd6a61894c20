// What several charts draw: an axis of the site's time, stretches of it that are hatched or shaded, a band around a line. Pure.
import { dayText, hourMinute } from "../format.js";
import { axis } from "./chart.js";
import { dateAt, ticks } from "./local.js";

/** @typedef {import("./look.js").Look} Look */

const HOUR_MS = 3_600_000;

/** What stands below a tick: the hour, or the day where it is midnight of a longer stretch. @param {number} at @param {number} length @param {string} zone */
function tickWords(at, length, zone) {
  if (length <= 27 * HOUR_MS) return hourMinute(at, zone);
  if (length <= 72 * HOUR_MS) return hourMinute(at, zone) === "00:00" ? dayText(at, zone) : hourMinute(at, zone);
  return length > 200 * 24 * HOUR_MS ? dateAt(at, zone).slice(0, 7) : dayText(at, zone);
}

/**
 * An axis of instants with ticks at round times of the site's clock: days of 23 and 25 hours are as long as they are.
 * @param {Look} look @param {number} since @param {number} until @param {string} zone @param {number} width @param {{from?: number, to?: number}} [shown] the stretch in sight
 */
export function timeAxis(look, since, until, zone, width, shown = {}) {
  const { from = since, to = until } = shown;
  const at = ticks(from, to, zone, Math.max(3, Math.floor(width / 78)));
  const last = to - from <= 27 * HOUR_MS ? to : NaN;
  return axis(look, {
    type: "value", min: since, max: until, splitLine: { show: false }, axisLine: { show: true, lineStyle: { color: look.line } },
    axisTick: { show: true, customValues: at, lineStyle: { color: look.line } },
    axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, customValues: at, formatter: (/** @type {number} */ one) => (Math.abs(one - last) < 1 && hourMinute(one, zone) === "00:00" ? "24:00" : tickWords(one, to - from, zone)) },
    axisPointer: { label: { show: false } },
  });
}

/** Stretches of the time axis, drawn over the whole height behind everything. @param {[number, number][]} stretches @param {object} style @param {number} [z] */
export function stretches(stretches, style, z = 1) {
  return {
    type: "custom", silent: true, z, clip: true, encode: { x: [0, 1], y: -1 }, data: stretches, tooltip: { show: false },
    renderItem: (/** @type {any} */ params, /** @type {any} */ api) => {
      const { x, y, width, height } = params.coordSys;
      const from = Math.max(x, api.coord([api.value(0), 0])[0]), to = Math.min(x + width, api.coord([api.value(1), 0])[0]);
      return to > from ? { type: "rect", shape: { x: from, y, width: Math.max(to - from, 1), height }, style } : null;
    },
  };
}

/** A band between two lines; a gap in them is a gap in it. @param {[number, number | null, number | null][]} points instant, lower, upper @param {object} style */
export function band(points, style) {
  /** @type {[number, number, number][][]} */
  const runs = [];
  let run = /** @type {[number, number, number][]} */ ([]);
  for (const [at, low, high] of points) {
    if (low === null || high === null) { if (run.length > 1) runs.push(run); run = []; } else run.push([at, low, high]);
  }
  if (run.length > 1) runs.push(run);
  return {
    type: "custom", silent: true, z: 2, clip: true, tooltip: { show: false }, encode: { x: 0, y: [1, 2] },
    // One drawing for each run; its corners are worked out anew for the stretch in sight.
    data: runs.map((one, i) => [one[0]?.[0], Math.min(...one.map(([, low]) => low)), Math.max(...one.map(([, , high]) => high)), i]),
    renderItem: (/** @type {any} */ _, /** @type {any} */ api) => {
      const one = runs[api.value(3)] ?? [];
      const points = [...one.map(([at, low]) => api.coord([at, low])), ...one.map(([at, , high]) => api.coord([at, high])).reverse()];
      return { type: "polygon", shape: { points }, style };
    },
  };
}

/** Neighbouring stretches of rows that are alike. @param {any[][]} rows `from`, `until`, … @param {(row: any[]) => string} kindOf @returns {{kind: string, from: number, to: number}[]} */
export function runsOf(rows, kindOf) {
  /** @type {{kind: string, from: number, to: number}[]} */
  const found = [];
  for (const row of rows) {
    const kind = kindOf(row), last = found.at(-1);
    if (last && last.kind === kind && last.to === row[0]) last.to = row[1];
    else found.push({ kind, from: row[0], to: row[1] });
  }
  return found;
}

export const GRID = { left: 48, right: 14, top: 18, bottom: 24 };
