// What a request says about itself, in the reader's language.
import { dayText, hourMinute, moment, number } from "../format.js";
import { t, word } from "../i18n.js";

/** @typedef {Record<string, any>} Facts */

/** `02:46`; hours when there are any, days when it is long. @param {number} ms */
export function span(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (s >= 86_400 * 2) return `${Math.floor(s / 86_400)} ${t("unit.d")}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}

/** `16:30` of today, else with the day. @param {number} at @param {number} now @param {string} zone */
export function hourOrDay(at, now, zone) {
  const same = dayText(at, zone) === dayText(now, zone);
  if (same) return hourMinute(at, zone);
  if (dayText(at, zone) === dayText(now + 86_400_000, zone)) return t("requests.tomorrow", { time: hourMinute(at, zone) });
  return moment(at, now, zone);
}

/** The title, or what kind of request it is. @param {Facts} facts */
export const titleOf = (facts) => String(facts["title"] || "") || word("requests.kind", String(facts["kind"]));

/** Unit and person. @param {Facts} facts */
export const whoOf = (facts) => [facts["requester"]?.unit, facts["requester"]?.name].filter(Boolean).join(" · ");

/** What a clock counts to, by the kind of request. @param {string} name @param {string} kind */
export const clockWord = (name, kind) => (name === "assign" ? t(kind === "vehicle" ? "requests.clock_assign_vehicle" : "requests.clock_assign_person") : t(`requests.clock_${name}`));

/** @param {string} code */
export const statusWord = (code) => word("requests.status", code);

/** @param {string} code */
export const tierWord = (code) => word("requests.tier", code);

/** @param {string} code */
export const kindWord = (code) => word("requests.kind", code);

/** `1.2 min`. @param {any} s */
export const minutesText = (s) => (typeof s === "number" ? `${number(s / 60, s < 6000 ? 1 : 0)} ${t("unit.min")}` : "—");

/** @param {any} m */
export const kilometres = (m) => (typeof m === "number" ? `${number(m / 1000, 1)} km` : "—");

/** Where from and where to. @param {Facts} facts */
export const wayOf = (facts) => [facts["from"]?.name, facts["to"]?.name].filter(Boolean).join(" → ");
