// What was typed and not saved yet, by what it is about. It outlives errors, news from the stream, and looking at something else.
import { signal } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";

/** @typedef {Record<string, any>} Values */
/** @typedef {{values: Values, rev: number, start: Values}} Draft `rev`, `start`: what the typing began on */

/** @type {import("../../vendor/preact.js").Signal<Record<string, Draft>>} */
const drafts = signal({});

/** Of each site its own. @param {string} key */
const siteKey = (key) => `${mapSite.value} ${key}`;

/** What was typed about something of the site that is shown. @param {string} key @returns {Draft | undefined} */
export const draftOf = (key) => drafts.value[siteKey(key)];

/** @param {string} key @param {Draft | null} draft */
export function keep(key, draft) {
  const { [siteKey(key)]: _before, ...rest } = drafts.peek();
  drafts.value = draft ? { ...rest, [siteKey(key)]: draft } : rest;
}

/** What was typed, laid over what is there now: fields nobody touched here are as others left them. @param {Draft} draft @param {Values} now @returns {Values} */
export const laidOver = (draft, now) => ({ ...now, ...Object.fromEntries(Object.entries(draft.values).filter(([name, value]) => JSON.stringify(value ?? "") !== JSON.stringify(draft.start[name] ?? ""))) });

/** Whether two sets of values say the same. @param {Values} one @param {Values} other */
export const isSame = (one, other) => [...new Set([...Object.keys(one), ...Object.keys(other)])].every((name) => JSON.stringify(one[name] ?? "") === JSON.stringify(other[name] ?? ""));

addEventListener("beforeunload", (event) => { if (Object.keys(drafts.peek()).length > 0) event.preventDefault(); });
