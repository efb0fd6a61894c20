// Days and clocks of a site. Days are texts such as `2026-11-21`; a day may have 23 or 25 hours. Pure.
import { fromField, toField } from "../requests/local_time.js";

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;

/** The day of an instant. @param {number} at @param {string} zone */
export const dateAt = (at, zone) => toField(at, zone).slice(0, 10);

/** @type {Map<string, number>} */
const midnights = new Map();

/** When a day begins, ms. @param {string} day @param {string} zone */
export function midnight(day, zone) {
  const key = `${zone} ${day}`;
  let found = midnights.get(key);
  if (found === undefined) {
    // A zone that skips midnight begins the day with the first quarter there is of it.
    let at = /** @type {number} */ (fromField(`${day}T00:00`, zone));
    while (dateAt(at, zone) < day) at += QUARTER_MS;
    while (dateAt(at - QUARTER_MS, zone) >= day) at -= QUARTER_MS;
    found = at;
    midnights.set(key, found);
  }
  return found;
}

/** Until when a day that goes on has come: what is still to come is not asked for. @param {{from: number, until: number, as_of: number}} day */
export const begun = (day) => Math.min(day.until, Math.max(day.as_of, day.from + QUARTER_MS));

/** @param {string} day @param {number} by */
export const addDays = (day, by) => new Date(Date.parse(`${day}T00:00Z`) + by * 86_400_000).toISOString().slice(0, 10);

/** The first of a month, so many months on. @param {string} day @param {number} by */
export function addMonths(day, by) {
  const [year, month] = /** @type {[number, number]} */ (day.split("-").map(Number));
  return new Date(Date.UTC(year, month - 1 + by, 1)).toISOString().slice(0, 10);
}

/** The number of days in [first, until). @param {string} first @param {string} until */
export const daysBetween = (first, until) => Math.round((Date.parse(until) - Date.parse(first)) / 86_400_000);

/** How far the zone's clocks are ahead of UTC, ms. @param {number} at @param {string} zone */
const offset = (at, zone) => Date.parse(`${toField(at, zone)}Z`) - Math.floor(at / 60_000) * 60_000;

/**
 * Instants for an axis at round local times: hours, days or months, some `wanted` of them at most.
 * @param {number} since @param {number} until @param {string} zone @param {number} [wanted]
 */
export function ticks(since, until, zone, wanted = 10) {
  const hours = (until - since) / HOUR_MS;
  const every = [1, 2, 3, 4, 6, 12].find((one) => hours / one <= wanted);
  /** @type {number[]} */
  const found = [];
  if (hours <= 72 && every) {
    for (let at = Math.ceil(since / QUARTER_MS) * QUARTER_MS; at <= until; at += QUARTER_MS) {
      const local = at + offset(at, zone);
      if (local % (every * HOUR_MS) === 0) { found.push(at); at += HOUR_MS / 2; }
    }
    return found;
  }
  const days = daysBetween(dateAt(since, zone), dateAt(until, zone));
  const step = [1, 2, 3, 5, 7, 14].find((one) => days / one <= wanted);
  if (step) {
    for (let day = dateAt(since, zone); midnight(day, zone) <= until; day = addDays(day, step)) if (midnight(day, zone) >= since) found.push(midnight(day, zone));
    return found;
  }
  const months = Math.ceil(days / 30 / wanted);
  for (let day = `${dateAt(since, zone).slice(0, 7)}-01`; midnight(day, zone) <= until; day = addMonths(day, months)) if (midnight(day, zone) >= since) found.push(midnight(day, zone));
  return found;
}
