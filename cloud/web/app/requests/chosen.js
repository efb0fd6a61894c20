// The chosen request, and what Enter does to it.
import { computed, signal } from "../../vendor/preact.js";
import { entities, roster } from "../live/link.js";
import { chosen, isRequest } from "./where.js";

/** What Enter in the queue does to the chosen request; null for opening it. */
export const primary = signal(/** @type {(() => void) | null} */ (null));

/** The chosen request as it is in the shown world; undefined when there is none. */
export const chosenRequest = computed(() => {
  void roster.value;
  return isRequest(chosen.value) ? entities.get(chosen.value)?.value : undefined;
});
