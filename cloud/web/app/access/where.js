// What of this page stands in the address, beside what all pages keep there.
import { computed } from "../../vendor/preact.js";
import { field, shown } from "../place.js";

const section = field("part");

/** Sections in their order; the first six are lists of records of that kind. */
export const SECTIONS = ["holder", "credential", "group", "permission", "schedule", "door_group", "doors", "heard", "import"];

export const openSection = computed(() => (SECTIONS.includes(section.value) ? section.value : "holder"));

/** @param {string} id */
export function openTheSection(id) {
  shown.value = "";
  section.value = id === "holder" ? "" : id;
}

/** Opens a record, a door or a decision beside the list. @param {string} what @param {string} id */
export function open(what, id) {
  shown.value = `${what}:${id}`;
}

/** Goes to a section and opens something of it. @param {string} to @param {string} what @param {string} id */
export function goTo(to, what, id) {
  section.value = to === "holder" ? "" : to;
  shown.value = `${what}:${id}`;
}
