// What of this page stands in the address, beside what all pages keep there.
import { computed } from "../../vendor/preact.js";
import { field, shown } from "../place.js";

/** The section that is open; "" is the first. */
const section = field("set");
/** Which things are listed: "" all, `unbound` without a device, `unknown` with a device nobody announced, `devices` devices bound to nothing. */
export const which = field("which");

export const SECTIONS = ["things", "import", "rules", "builtin", "webhooks", "fleet", "dispatch", "rooms", "identities", "rollouts", "approvals", "people", "tokens", "trail", "person", "kept_of"];

/** The section that is open. */
export const openSection = computed(() => (SECTIONS.includes(section.value) ? section.value : "things"));

/** @param {string} id */
export function openTheSection(id) {
  shown.value = "";
  section.value = id === "things" ? "" : id;
}

/** What is open beside a list: `what` (`asset`, `device`, `rule`, `webhook`) and its id; a `+` begins the id of a new one. */
export const opened = computed(() => {
  const colon = shown.value.indexOf(":");
  return colon < 0 ? { what: "", id: "" } : { what: shown.value.slice(0, colon), id: shown.value.slice(colon + 1) };
});

/** @param {string} what @param {string} id */
export function open(what, id) {
  shown.value = `${what}:${id}`;
}

export function close() {
  shown.value = "";
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".set-list"))?.focus());
}
