// The resources there are, by tab: which are listed and in which order. Worked out every two seconds, as in the overview:
// values move, rows do not, and nothing moves under a pointer.
import { computed, signal } from "../../vendor/preact.js";
import { entities, now, roster } from "../live/link.js";
import { site } from "../place.js";
import { codeOf, isWarned, lookOf } from "./states.js";
import { find, only, order, tab } from "./where.js";
import { haystack, nameOf } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("./states.js").Look} Look */
/** @typedef {{id: string, look: Look, name: string, at: number}} Row */

/** The tabs and the kinds they list. @type {Record<string, readonly string[]>} */
export const TABS = { vehicles: ["vehicle"], doors: ["door"], rooms: ["room"], guards: ["guard", "technician", "patrol"], visitors: ["visitor"], equipment: ["gateway", "meter", "reader"] };

const BEAT_MS = 2000;
const HOLD_MS = 6000;
const collator = new Intl.Collator(["zh-CN", "en"], { numeric: true, sensitivity: "base" });
const beat = computed(() => Math.floor(now.value / BEAT_MS));

/** The tab that is open. */
export const openTab = computed(() => (tab.value in TABS ? tab.value : "vehicles"));
/** Id of the row the keyboard is on. */
export const activeId = signal("");

let touchedAt = -Infinity;
let orderedFor = "";
/** @type {Map<string, number>} */
let places = new Map();

/** Somebody is pointing at or moving through the list. */
export function touched() {
  touchedAt = performance.now();
}

/** The tab that lists things of a kind; "" for none. @param {string} kind */
export const tabOf = (kind) => Object.keys(TABS).find((name) => TABS[name]?.includes(kind)) ?? "";

/** Features' things of these kinds, of the site that is looked at. @param {readonly string[]} kinds */
export function* thingsOf(kinds) {
  for (const entity of entities.values()) {
    const one = entity.peek();
    if (!one.device && kinds.includes(one.kind) && (!site.value || one.site === site.value)) yield one;
  }
}

/** How many there are in each tab. */
export const tabCounts = computed(() => {
  void roster.value;
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of Object.keys(TABS)) counts[name] = [...thingsOf(TABS[name] ?? [])].length;
  return counts;
});

/** What each state of the open tab amounts to. */
export const stateCounts = computed(() => {
  void beat.value;
  void roster.value;
  /** @type {Record<string, number>} */
  const counts = {};
  for (const one of thingsOf(TABS[openTab.value] ?? [])) {
    const code = codeOf(one);
    counts[code] = (counts[code] ?? 0) + 1;
    if (isWarned(one)) counts["warning"] = (counts["warning"] ?? 0) + 1;
  }
  return counts;
});

/** @type {Record<string, (a: Row, b: Row) => number>} */
const ORDERS = {
  "": (a, b) => a.look.rank - b.look.rank,
  name: () => 0,
  age: (a, b) => b.at - a.at,
};

/** @param {Entity} one */
const fits = (one) => only.value === "" || (only.value === "warning" ? isWarned(one) : codeOf(one) === only.value);

/** The rows of the open tab. */
export const rows = computed(() => {
  void beat.value;
  void roster.value;
  const at = now.peek();
  const terms = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  /** @type {Row[]} */
  const found = [];
  for (const one of thingsOf(TABS[openTab.value] ?? [])) {
    if (!fits(one) || !terms.every((term) => haystack(one).includes(term))) continue;
    found.push({ id: one.id, look: lookOf(one, at), name: nameOf(one), at: one.observed_at ?? 0 });
  }
  const key = JSON.stringify([site.value, openTab.value, find.value, only.value, order.value]);
  const held = key === orderedFor && performance.now() - touchedAt < HOLD_MS ? places : null;
  const place = (/** @type {Row} */ row) => held?.get(row.id) ?? Infinity;
  const first = ORDERS[order.value] ?? ORDERS[""];
  found.sort((a, b) => {
    const [here, there] = [place(a), place(b)];
    if (here !== there) return here - there;
    return /** @type {(a: Row, b: Row) => number} */ (first)(a, b) || collator.compare(a.name, b.name) || collator.compare(a.id, b.id);
  });
  orderedFor = key;
  places = new Map(found.map((row, i) => [row.id, i]));
  return found;
});
