// What of the requests stands in the address.
import { computed } from "../../vendor/preact.js";
import { field } from "../place.js";

/** Which requests are listed; "" is those that wait. */
export const queueTab = field("queue");
/** Number of the chosen request with its site, as its entity id; "" for none. */
export const chosen = field("request");

export const TABS = ["waiting", "under_way", "booked", "done"];

/** The tab that is open. */
export const openQueue = computed(() => (TABS.includes(queueTab.value) ? queueTab.value : "waiting"));

/** `site.number`, as in addresses of the API. @param {string} entity */
export const idOf = (entity) => entity.replace("/request:", ".");

/** Whether an entity id is that of a request. @param {string} id */
export const isRequest = (id) => id.includes("/request:");
