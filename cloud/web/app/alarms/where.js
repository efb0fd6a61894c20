// What of this page stands in the address, beside what all pages keep there.
import { computed } from "../../vendor/preact.js";
import { field, shown } from "../place.js";

/** Which alarms are listed: `` what stands, `shelved`, `history`. */
export const tab = field("alarms");
/** The one priority that is listed; "" for all. */
export const priority = field("prio");
/** The one state that is listed; "" for all. */
export const only = field("astate");

/** Id of the alarm that is open beside the list; "" for none. */
export const openAlarm = computed(() => (shown.value.startsWith("alarm:") ? shown.value.slice(6) : ""));
