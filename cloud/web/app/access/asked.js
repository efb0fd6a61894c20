// What is known of access at the site that is shown: asked for while the page is open, and after every change here.
import { computed, effect, signal } from "../../vendor/preact.js";
import { call, get, may, query } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";

/** @typedef {Record<string, any>} Rec a record as the API shows it */

/** So many are held of a kind; more are found by searching. */
export const SHOWN_MAX = 1000;
export const KINDS = ["holder", "credential", "group", "permission", "schedule", "door_group"];

export const mayWrite = () => may("access");
export const mayUnlock = () => may("unlock");
/** Whether anything can be done just now. */
export const isNow = () => pastAt.value === null && state.value === "live";

/** @type {import("../../vendor/preact.js").Signal<Record<string, Rec[] | undefined>>} */
const kept = signal({});
/** @type {import("../../vendor/preact.js").Signal<{doors: Rec[], lists: Rec[]} | null>} */
export const control = signal(null);
export const failure = signal("");

/** @param {string} kind @returns {Rec[] | undefined} */
export const recordsOf = (kind) => kept.value[kind];

/** @param {string} kind @param {string} id @returns {Rec | undefined} */
export const recordOf = (kind, id) => kept.value[kind]?.find((one) => one["id"] === id);

/** Names of holders by id. */
export const names = computed(() => new Map((kept.value["holder"] ?? []).map((/** @type {Rec} */ one) => [one["id"], one["name"]])));

const base = () => `/api/v1/access/${encodeURIComponent(mapSite.peek())}`;

/** @param {string} path @param {Record<string, string | number | undefined>} [asked] */
export const ask = (path, asked = {}) => get(`${base()}/${path}?${query(asked)}`);

/** @param {string} kind */
async function askKind(kind) {
  const answer = await ask(`records/${kind}`, { limit: SHOWN_MAX });
  kept.value = { ...kept.peek(), [kind]: answer.records };
}

/** Asks for everything that the page shows of the site. */
export async function askAll() {
  if (!mapSite.peek() || !may("guard")) return;
  try {
    await Promise.all([...KINDS.map(askKind), ask("doors").then((answer) => { control.value = answer; })]);
    failure.value = "";
  } catch (error) {
    failure.value = failureWords(error);
  }
}

/** @param {string} kind @param {string} id @param {Rec} body @param {number} rev @returns {Promise<Rec>} */
export async function save(kind, id, body, rev) {
  const made = await call("PUT", `${base()}/records/${kind}/${encodeURIComponent(id)}?rev=${rev}`, body);
  await askAll();
  return made;
}

/** @param {string} kind @param {string} id @param {number} rev */
export async function remove(kind, id, rev) {
  await call("DELETE", `${base()}/records/${kind}/${encodeURIComponent(id)}?rev=${rev}`);
  await askAll();
}

/** @param {string} site @param {string} door @param {string} reason @returns {Promise<Rec>} */
export const unlock = (site, door, reason) => call("POST", `/api/v1/doors/${encodeURIComponent(site)}/${encodeURIComponent(door)}/unlock`, { reason });

/** @param {string} site @param {string} door @returns {Promise<Rec[]>} */
export const unlocksOf = async (site, door) => (await get(`/api/v1/doors/${encodeURIComponent(site)}/unlocks?${query({ door })}`)).unlocks;

effect(() => { void mapSite.value; kept.value = {}; control.value = null; });
