// The requests of the shown world by tab: which are listed and in which order. Worked out every two seconds.
import { computed } from "../../vendor/preact.js";
import { entities, now, roster } from "../live/link.js";
import { site } from "../place.js";
import { byUrgency, tabOfRequest } from "./clocks.js";
import { openQueue, TABS } from "./where.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {{id: string, facts: Record<string, any>, tab: string}} Row */

const BEAT_MS = 2000;
const beat = computed(() => Math.floor(now.value / BEAT_MS));

/** Every request, with the tab it stands in. Follows each of them, and the time by beats. */
const all = computed(() => {
  void beat.value;
  void roster.value;
  /** @type {Row[]} */
  const found = [];
  for (const entity of entities.values()) {
    const one = entity.peek();
    if (one.kind !== "request" || one.device || (site.value && one.site !== site.value)) continue;
    const facts = /** @type {Record<string, any>} */ (entity.value.attributes);
    found.push({ id: one.id, facts, tab: tabOfRequest(facts, now.peek()) });
  }
  return found;
});

/** How many there are in each tab. */
export const counts = computed(() => Object.fromEntries(TABS.map((tab) => [tab, all.value.filter((row) => row.tab === tab).length])));

/** How many somebody must still do something for. */
export const toDo = computed(() => all.value.filter((row) => row.tab !== "done").length);

/** All of them: open ones by urgency, then what ended last. */
export const own = computed(() => [...all.value].sort((a, b) => Number(a.tab === "done") - Number(b.tab === "done") || (a.tab === "done" ? (b.facts["ended_at"] ?? 0) - (a.facts["ended_at"] ?? 0) : byUrgency(a.facts, b.facts)) || (a.id < b.id ? -1 : 1)));

/** The rows of the open tab. */
export const rows = computed(() => {
  const tab = openQueue.value;
  const found = all.value.filter((row) => row.tab === tab);
  if (tab === "done") found.sort((a, b) => (b.facts["ended_at"] ?? 0) - (a.facts["ended_at"] ?? 0) || (a.id < b.id ? -1 : 1));
  else if (tab === "booked") found.sort((a, b) => (a.facts["window"]?.earliest ?? 0) - (b.facts["window"]?.earliest ?? 0) || (a.id < b.id ? -1 : 1));
  else found.sort((a, b) => byUrgency(a.facts, b.facts));
  return found;
});
