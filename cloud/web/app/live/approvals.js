// Commands that wait for a second person: asked for when the stream says that one began or ended, never by the clock.
import { computed, effect, signal } from "../../vendor/preact.js";
import { get, may } from "../api.js";
import { site } from "../place.js";
import { allAlarms, pastAt } from "./link.js";

/** @typedef {{id: string, site: string, gateway: string, device: string, point: string, action: string, value: number | null, reason: string, asked_by: string, asked_at: number, until: number, state: string, decided_by: string, opinion: string, mine: boolean}} Approval */

const KIND = "approval_waiting";

/** The newest of them, decided or not; null until they were asked for. */
export const approvals = signal(/** @type {Approval[] | null} */ (null));

/** Which wait, as the stream tells: changes whenever one begins or ends. */
const waiting = computed(() => allAlarms.value.filter((alarm) => alarm.kind === KIND && alarm.active).map((alarm) => alarm.id).sort().join(" "));

/** Those this person may decide: of the site that is shown, or of all. */
export const toDecide = computed(() => (waiting.value === "" ? [] : (approvals.value ?? []).filter((one) => one.state === "waiting" && !one.mine && ["", one.site].includes(site.value))));

/** Asks for them; throws ApiFailure. */
export async function askApprovals() {
  approvals.value = (await get("/api/v1/approvals")).approvals;
}

/** From now on they are known as they change. Called once, when the page begins. */
export function watchApprovals() {
  let known = "";
  effect(() => {
    const now = waiting.value;
    if (pastAt.value !== null || now === known || !may("dispatch")) return;
    known = now;
    askApprovals().catch(() => { known = ""; });
  });
}
