// What of this page stands in the address, beside what all pages keep there.
import { computed } from "../../vendor/preact.js";
import { entities, roster } from "../live/link.js";
import { field, shown, site } from "../place.js";
import { sites } from "../sites.js";

/** Which resources are listed; "" is the first tab. */
export const tab = field("tab");
/** What is searched for in the list. */
export const find = field("find");
/** The one state that is listed; "" for all. */
export const only = field("only");
/** `name` or `age`; "" is by state, what needs somebody first. */
export const order = field("sort");
/** What a narrow window shows of the three columns: `queue`, `map` or `things`; "" is the queue. */
export const pane = field("pane");

/** Whether meters and card readers are drawn on the map: `1`, or "" for not. */
export const equipment = field("equip");

/** The first site that has anything: one without gateways is in no list of sites. */
const firstSite = computed(() => { void roster.value; return entities.values().next().value?.peek().site ?? ""; });

/** The site whose map is drawn: the chosen one, else the first. */
export const mapSite = computed(() => site.value || sites.value[0]?.id || firstSite.value);

/** The thing that is open beside the map, as its entity id; "" for none. */
export const openThing = computed(() => (shown.value.startsWith("thing:") ? shown.value.slice(6) : ""));

/** @param {string} id */
export function open(id) {
  shown.value = `thing:${id}`;
  if (pane.peek() !== "") pane.value = "things";
}
