// Days and months in words, each as its language orders them.
import { dayText } from "../format.js";
import { lang } from "../i18n.js";
import { addDays, midnight } from "./local.js";

/** `Sat 21 Nov 2026`, `2026年11月21日 周六`. @param {string} day @param {string} zone */
function dayWords(day, zone) {
  const words = dayText(midnight(day, zone), zone);
  return lang.value === "en" ? `${words} ${day.slice(0, 4)}` : `${day.slice(0, 4)}年${words}`;
}

/** Local days [first, until): `Thu 1 Oct – Sat 31 Oct 2026`, `2026年10月1日 周四 – 10月31日 周六`. @param {string} first @param {string} until @param {string} zone */
export function daysWords(first, until, zone) {
  const last = addDays(until, -1);
  if (first === last) return dayWords(first, zone);
  if (first.slice(0, 4) !== last.slice(0, 4)) return `${dayWords(first, zone)} – ${dayWords(last, zone)}`;
  const [from, to] = [first, last].map((day) => dayText(midnight(day, zone), zone));
  return lang.value === "en" ? `${from} – ${to} ${last.slice(0, 4)}` : `${first.slice(0, 4)}年${from} – ${to}`;
}

/** `November 2026`, `2026年11月`. @param {string} day any of its days, or `2026-11` */
export function monthWords(day) {
  return new Intl.DateTimeFormat(lang.value === "en" ? "en-GB" : lang.value, { timeZone: "UTC", year: "numeric", month: "long" }).format(Date.parse(`${day.slice(0, 7)}-01`));
}
