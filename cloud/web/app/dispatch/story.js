// The day of a thing: what the collector's timeline says, read into spans of states and single happenings. Pure.

/** @typedef {{at: number, kind: string, facts: Record<string, any>}} Entry */
/** @typedef {{code: string, from: number, to: number}} Span */

/** What was noted of a thing's attributes: some that changed, or all; `gone` when it was shown no longer. */
export const NOTED = new Set(["changed", "whole", "gone"]);

/** What the timeline's route answers, oldest first. @param {any} answer @returns {Entry[]} */
export const entriesOf = (answer) => (answer?.entries ?? []).map((/** @type {any} */ one) => ({ at: Number(one.at), kind: String(one.kind), facts: one.facts ?? {} }));

/** What doors' devices say beside what the collector makes of it. */
const OF_DEVICE = new Set(["door_opened", "door_closed", "door_forced", "door_held"]);

/** Where states are in the journal, by when they began, what was shown meanwhile says nothing more: catching up after a
 * silence, it may have been another for a moment. @param {Entry[]} entries @returns {Entry[]} */
export function booked(entries) {
  const first = entries.findIndex((one) => one.kind === "door_state");
  return first < 0 ? entries : entries.filter((one, i) => i < first || !(OF_DEVICE.has(one.kind) || (NOTED.has(one.kind) && stateOf(one) !== null)));
}

const SAME_TAP_MS = 1_500;
/** What says the same tap better than the one before. @type {Record<string, string[]>} */
const BETTER = { card_read: ["access_granted", "access_denied", "door_denied"], access_denied: ["door_denied"] };

/** A tap once: a reader whose gateway decides tells of the card and of the decision, and the door's journal of a refusal.
 * @param {Entry[]} entries @returns {Entry[]} */
export function once(entries) {
  return entries.filter((one) => {
    const better = BETTER[one.kind];
    return !better || !entries.some((other) => better.includes(other.kind) && Math.abs(other.at - one.at) <= SAME_TAP_MS);
  });
}

/** What a person reads: each change of state once, though two books noted it, and no change of anything smaller.
 * @param {Entry[]} entries @returns {Entry[]} */
export function told(entries) {
  /** @type {Entry[]} */
  const kept = [];
  let state = "";
  for (const entry of entries) {
    const next = stateOf(entry);
    if (next === null && NOTED.has(entry.kind)) continue;
    if (next !== null) {
      if (next === state) continue;
      state = next;
    }
    kept.push(entry);
  }
  return kept;
}

/** The state that began with an entry; null when it is about something else. @param {Entry} entry @returns {string | null} */
export function stateOf({ kind, facts }) {
  if ((NOTED.has(kind) || kind.endsWith("_state")) && typeof facts["state"] === "string") return facts["state"];
  return kind.startsWith("visitor_") ? kind.slice(8) : null;
}

/** The states of a thing between two moments, from the changes that are known. What was before the first change is not known.
 * @param {Entry[]} entries @param {number} from @param {number} to @returns {Span[]} */
export function spansOf(entries, from, to) {
  /** @type {Span[]} */
  const spans = [];
  let at = from, code = "";
  for (const entry of entries) {
    const next = stateOf(entry);
    if (next === null) continue;
    if (entry.at > at) { spans.push({ code, from: at, to: Math.min(entry.at, to) }); at = Math.max(from, entry.at); }
    code = next;
  }
  if (at < to) spans.push({ code, from: at, to });
  return spans.filter((span) => span.to > span.from);
}

/** First instant of the site's day that holds a moment, ms. @param {number} at @param {string} zone */
export function dayStart(at, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" }).formatToParts(at).map((one) => [one.type, one.value]));
  return at - (at % 1000) - ((Number(parts["hour"]) * 60 + Number(parts["minute"])) * 60 + Number(parts["second"])) * 1000;
}

/** @typedef {{count: number, alarms: number}} Bar */

/** How much happened in each step, and how many alarms began, as many as there are bars; quiet ones are not in the answer.
 * @param {any} answer @param {number} from @param {number} step @param {number} bars @returns {Bar[]} */
export function barsOf(answer, from, step, bars) {
  const made = Array.from({ length: bars }, () => ({ count: 0, alarms: 0 }));
  /** @type {string[]} */
  const columns = answer?.columns ?? [];
  for (const row of answer?.rows ?? []) {
    const bar = made[Math.floor((row[columns.indexOf("at")] - from) / step)];
    if (!bar) continue;
    columns.forEach((name, i) => {
      if (name === "alarms") bar.alarms += row[i];
      else if (name !== "at") bar.count += row[i];
    });
  }
  return made;
}
