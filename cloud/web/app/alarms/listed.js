// Which alarms are listed, in which order.
import { computed, signal } from "../../vendor/preact.js";
import { allAlarms } from "../live/link.js";
import { search, site } from "../place.js";
import { history, shelves } from "./asked.js";
import { nameOf, sourceName } from "./source.js";
import { only, priority, tab } from "./where.js";

/** @typedef {import("../types.d.ts").Alarm} Alarm */

/** What nobody has acknowledged comes first among equals. */
const RANK = { unacknowledged: 0, returned: 1, acknowledged: 2, suppressed: 3, shelved: 4, out_of_service: 5, normal: 6 };
export const STATES = /** @type {const} */ (["unacknowledged", "returned", "acknowledged", "suppressed"]);
export const HIDDEN = new Set(["shelved", "out_of_service"]);

/** @param {Alarm} alarm */
export const stateOf = (alarm) => alarm.state ?? (alarm.active ? "unacknowledged" : "normal");

const ofSite = (/** @type {{source: string}} */ one) => !site.value || one.source === site.value || one.source.startsWith(`${site.value}/`);

const standing = computed(() => allAlarms.value.filter((alarm) => ofSite(alarm) && !HIDDEN.has(stateOf(alarm)))
  .sort((a, b) => a.priority - b.priority || RANK[stateOf(a)] - RANK[stateOf(b)] || b.since - a.since));

/** Hidden ones, also those whose condition does not last just now: a shelf without an alarm. */
const hidden = computed(() => {
  const active = allAlarms.value.filter((alarm) => ofSite(alarm) && HIDDEN.has(stateOf(alarm)));
  const known = new Set(active.map((alarm) => `${alarm.kind} ${alarm.source}`));
  const quiet = shelves.value.filter((shelf) => ofSite(shelf) && !known.has(`${shelf.kind} ${shelf.source}`));
  return [...active, ...quiet.map((shelf) => /** @type {Alarm} */ ({ id: shelf.alarm, kind: shelf.kind, priority: 3, source: shelf.source,
    since: shelf.at, args: {}, active: false, state: shelf.mode, shelved_until: shelf.until, reason: shelf.reason, hidden_by: shelf.by,
    text: { en: `${sourceName(shelf.source)}: ${shelf.title.en}`, zh: `${sourceName(shelf.source)}：${shelf.title.zh}` } }))];
});

const chosen = computed(() => (tab.value === "shelved" ? hidden.value : tab.value === "history" ? history.value ?? [] : standing.value));

/** Both languages, so that either finds it. @param {Alarm} alarm */
const haystack = (alarm) => `${alarm.text.en} ${alarm.text.zh} ${alarm.kind} ${alarm.source} ${nameOf(alarm)}`.toLowerCase();

export const rows = computed(() => {
  const sought = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return chosen.value.filter((alarm) => (priority.value === "" || String(alarm.priority) === priority.value)
    && (only.value === "" || stateOf(alarm) === only.value) && sought.every((one) => haystack(alarm).includes(one)));
});

export const counts = computed(() => {
  const byPriority = /** @type {Record<string, number>} */ ({}), byState = /** @type {Record<string, number>} */ ({});
  for (const alarm of chosen.value) {
    byPriority[alarm.priority] = (byPriority[alarm.priority] ?? 0) + 1;
    byState[stateOf(alarm)] = (byState[stateOf(alarm)] ?? 0) + 1;
  }
  return { byPriority, byState, standing: standing.value.length, hidden: hidden.value.length, listed: chosen.value.length };
});

/** The row the keys act on. */
export const activeId = signal("");
