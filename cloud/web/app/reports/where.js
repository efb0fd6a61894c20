// What of this page stands in the address.
import { field } from "../place.js";

/** `today`, `week` or `month`; "" is the week. */
export const period = field("period");
