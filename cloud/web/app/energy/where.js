// What of this page stands in the address, beside what all pages keep there. Parts that are loaded later find their fields here too:
// a field must be known when the first module loads.
import { computed } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { now } from "../live/link.js";
import { field, shown } from "../place.js";
import { zoneOf } from "../sites.js";
import { addDays, addMonths, dateAt, midnight } from "./local.js";

/** The part that is open; "" is the first. */
export const part = field("part");
/** What is looked at: `meter:b3-main`, `space:b3`, `unit:office`; "" is the whole site. */
export const about = field("of");
/** A day of the period, `2026-11-21`; "" is today. */
export const day = field("day");
/** `day`, `week`, `month`, `year`, or `2026-11-01..2026-11-15`, both included; "" is a day. */
export const span = field("span");
/** `15m`, `1h`, `1d`, `1mo`; "" is what suits the period. */
export const step = field("step");
/** `water`, `gas`, `heat`; "" is electricity. */
export const medium = field("medium");
/** What a period is held against: `year`, `before`, or the first day of another; "" is nothing. */
export const against = field("against");
/** Findings that are shown: `shelved`, `accepted`, `noted`; "" is those that are open. */
export const judgedAs = field("judged");
/** For what a part keeps of its own. */
export const chosen = field("pick");

/** The site whose energy is shown. */
export const energySite = mapSite;
export const zone = computed(() => zoneOf(energySite.value));
export const openMedium = computed(() => medium.value || "electricity");

/** The day it is, `2026-11-21`, by the site's clock. */
export const today = computed(() => dateAt(now.value, zone.value));
const QUARTER_MS = 900_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** The day that is looked at; one to come is today. */
export const openDay = computed(() => (DAY.test(day.value) && day.value < today.value && Number.isFinite(Date.parse(day.value)) ? day.value : today.value));

/** @typedef {{kind: string, first: string, until: string, since: number, end: number}} Period `until` is the first day that is not of it; `since` and `end` are ms */

/** @param {string} kind @param {string} first @param {string} until @param {string} at @returns {Period} */
const period = (kind, first, until, at) => ({ kind, first, until, since: midnight(first, at), end: midnight(until, at) });

/** A period around a day. @param {string} kind @param {string} at @param {string} where @returns {Period} */
export function periodOf(kind, at, where) {
  const [first = "", last = ""] = kind.split("..");
  if (DAY.test(first) && DAY.test(last) && first <= last && Number.isFinite(Date.parse(first)) && Number.isFinite(Date.parse(last))) return period("free", first, addDays(last, 1), where);
  if (kind === "week") {
    const monday = addDays(at, -((new Date(`${at}T00:00Z`).getUTCDay() + 6) % 7));
    return period("week", monday, addDays(monday, 7), where);
  }
  if (kind === "month") return period("month", `${at.slice(0, 7)}-01`, addMonths(`${at.slice(0, 7)}-01`, 1), where);
  if (kind === "year") return period("year", `${at.slice(0, 4)}-01-01`, `${Number(at.slice(0, 4)) + 1}-01-01`, where);
  return period("day", at, addDays(at, 1), where);
}

/** The period that is looked at. */
export const openPeriod = computed(() => periodOf(span.value, openDay.value, zone.value));

/** The same kind of period, so many before (below 0) or after. `least`: what a day counts as. @param {number} by @param {string} [least] */
export function stepPeriod(by, least = "") {
  const open = openPeriod.peek();
  const { kind, first, until } = open.kind === "day" && least ? periodOf(least, openDay.peek(), zone.peek()) : open;
  if (kind === "free") {
    const days = Math.round((Date.parse(until) - Date.parse(first)) / 86_400_000);
    span.value = `${addDays(first, by * days)}..${addDays(until, by * days - 1)}`;
    return;
  }
  const to = kind === "month" ? addMonths(first, by) : kind === "year" ? addMonths(first, 12 * by) : addDays(kind === "week" ? first : openDay.peek(), by * (kind === "week" ? 7 : 1));
  day.value = to >= today.peek() ? "" : to;
}

/** What is looked at, as its parts. */
export const openAbout = computed(() => {
  const colon = about.value.indexOf(":");
  return colon < 0 ? { kind: "site", id: "" } : { kind: about.value.slice(0, colon), id: about.value.slice(colon + 1) };
});

/** Goes to a meter or a space in detail. @param {string} to `meter:b3-main`, `space:b3` */
export function openDetail(to) {
  shown.value = "";
  about.value = to;
  part.value = "detail";
}

/** The address of an opened amount: of whom, from when until when (ms). @param {string} of @param {number} since @param {number} until */
export const amountAddress = (of, since, until) => `amount:${of}@${Math.round(since)}-${Math.round(until)}`;

/** The address of what was used while a finding showed itself last. @param {{meter: string, since: number, until: number, episodes: [number, number, ...any[]][]}} one @param {number} [place] */
export function episodeAddress(one, place = one.episodes.length - 1) {
  const [since, until] = one.episodes[place] ?? [one.since, one.until];
  // What has no length, such as a change of meter, opens to the quarter of an hour it lies in.
  if (until <= since) return amountAddress(`meter:${one.meter}`, Math.floor(since / QUARTER_MS) * QUARTER_MS, Math.floor(since / QUARTER_MS + 1) * QUARTER_MS);
  return amountAddress(`meter:${one.meter}`, since, until);
}

/** What amount is open, or null. */
export const openAmount = computed(() => {
  const found = /^amount:(meter|space|unit|site):([^@]*)@(\d+)-(\d+)$/.exec(shown.value);
  return found ? { kind: String(found[1]), id: String(found[2]), since: Number(found[3]), until: Number(found[4]) } : null;
});
