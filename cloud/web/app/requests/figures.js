// The figures of dispatch over today, the week and the month, asked for while somebody looks.
import { effect, signal } from "../../vendor/preact.js";
import { get, isRequester, query, user } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { dayStart } from "./local_time.js";
import { liveNow, state } from "../live/link.js";
import { page } from "../place.js";
import { zoneOf } from "../sites.js";

/** @typedef {"today" | "week" | "month"} Period */
/** @typedef {import("../../vendor/preact.js").Signal<any>} Answer */

const DAY_MS = 86_400_000;
/** @type {Record<Period, number>} */
const EVERY_MS = { today: 60_000, week: 300_000, month: 600_000 };

/** @type {Record<Period, Answer>} */
const answers = { today: signal(null), week: signal(null), month: signal(null) };

/** From when the period is, until now. @param {Period} period @param {string} zone @param {number} now */
export function sinceOf(period, zone, now) {
  const today = dayStart(now, zone);
  return period === "today" ? today : today - (period === "week" ? 6 : 29) * DAY_MS;
}

/** The figures of a period, null until they are known. @param {Period} period */
export const figuresOf = (period) => answers[period];

/** @param {Period} period */
async function ask(period) {
  const at = mapSite.peek();
  if (!at || state.peek() !== "live" || document.hidden) return;
  const now = liveNow();
  try {
    const found = await get(`/api/v1/dispatch/figures?${query({ site: at, from: sinceOf(period, zoneOf(at), now), to: Math.round(now) })}`);
    if (mapSite.peek() === at) answers[period].value = found;
  } catch { /* the last known stays; the stream says what is wrong */ }
}

let asked = "";
effect(() => {
  const wants = page.value === "dispatch" && user.value && !isRequester() && state.value === "live" ? mapSite.value : "";
  if (!wants) return undefined;
  const periods = /** @type {Period[]} */ (Object.keys(EVERY_MS));
  if (asked !== wants) { asked = wants; for (const period of periods) answers[period].value = null; }
  for (const period of periods) void ask(period);
  const timers = periods.map((period) => setInterval(() => void ask(period), EVERY_MS[period]));
  return () => { for (const timer of timers) clearInterval(timer); };
});
