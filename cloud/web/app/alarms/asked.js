// What is asked for beside the stream: figures, shelves, the history, the deeds of one alarm; and what is done.
import { effect, signal } from "../../vendor/preact.js";
import { ApiFailure, call, get, may, query } from "../api.js";
import { t } from "../i18n.js";
import { now, pastAt, takeAlarm } from "../live/link.js";
import { site } from "../place.js";
import { openAlarm, tab } from "./where.js";

/** @typedef {import("../types.d.ts").Alarm} Alarm */
/** @typedef {{at: number, by: string, action: string, text: string, until: number | null}} Deed */
/** @typedef {{kind: string, source: string, mode: string, until: number | null, reason: string, by: string, at: number, alarm: string, title: {en: string, zh: string}}} Shelf */

const EVERY_MS = 10_000;

/** @type {import("../../vendor/preact.js").Signal<any>} */
export const figures = signal(null);
export const shelves = signal(/** @type {Shelf[]} */ ([]));
export const history = signal(/** @type {Alarm[] | null} */ (null));
/** Where the history goes on; null at its end. */
export const older = signal(/** @type {number | null} */ (null));
export const deeds = signal(/** @type {Deed[]} */ ([]));
/** An open alarm that is not among those that stand. */
export const looked = signal(/** @type {Alarm | null} */ (null));
/** What went wrong last, in words; "" for nothing. */
export const failure = signal("");
/** Grows with everything that was done here. */
const done = signal(0);

/** @param {unknown} error */
const words = (error) => (error instanceof ApiFailure && error.status !== 0
  ? [error.code === "conflict" ? t("alarms.conflict") : error.message, error.code === "conflict" ? "" : error.hint].filter(Boolean).join(" · ") : t("live.unreachable"));

/** Whether this user may do anything about alarms. */
export const mayAct = () => may("alarms") && pastAt.value === null;

/** Asks; what went wrong is said on the page. @param {() => Promise<void>} ask */
async function trying(ask) {
  try {
    await ask();
    failure.value = "";
    return true;
  } catch (error) {
    failure.value = words(error);
    return false;
  }
}

const askNow = () => trying(async () => {
  const at = pastAt.peek();
  figures.value = await get(`/api/v1/alarms/figures?${query({ site: site.peek(), to: at ?? undefined })}`);
  if (at === null) shelves.value = (await get("/api/v1/alarms/shelves")).shelves;
});

/** The newest of the history, or what is older than what is shown. @param {boolean} more */
export const askHistory = (more) => trying(async () => {
  const ask = { site: site.peek(), to: pastAt.peek() ?? undefined, from: (pastAt.peek() ?? now.peek()) - 100 * 86_400_000,
    before: more ? older.peek() ?? undefined : undefined, limit: 100 };
  const said = await get(`/api/v1/alarms/history?${query(ask)}`);
  history.value = more ? [...(history.peek() ?? []), ...said.alarms] : said.alarms;
  older.value = said.next;
});

/** @param {string} id */
const askOne = (id) => trying(async () => {
  const said = await get(`/api/v1/alarms/${id}`);
  if (openAlarm.peek() !== id) return;
  looked.value = said.alarm;
  deeds.value = said.history;
});

/** Does something about an alarm; true when it was done. @param {Alarm} alarm @param {string} deed @param {Record<string, unknown>} [body] */
export const act = (alarm, deed, body = {}) => trying(async () => {
  const said = await call("POST", `/api/v1/alarms/${alarm.id}/${deed}`, { ...body, ...(alarm.rev === undefined ? {} : { rev: alarm.rev }) });
  takeAlarm(said.alarm);
  done.value += 1;
});

/** Keeps asking while the page is shown; returns how to end it. */
export function keepAsking() {
  const ends = [
    effect(() => { void [site.value, pastAt.value, done.value]; void askNow(); }),
    effect(() => { void [site.value, pastAt.value, done.value]; if (tab.value === "history") void askHistory(false); }),
    effect(() => {
      void done.value;
      const id = openAlarm.value;
      if (looked.peek()?.id !== id) { looked.value = null; deeds.value = []; }
      if (/^\d+$/.test(id)) void askOne(id);
    }),
  ];
  const timer = setInterval(() => { if (pastAt.peek() === null) void askNow(); }, EVERY_MS);
  return () => { clearInterval(timer); for (const end of ends) end(); };
}
