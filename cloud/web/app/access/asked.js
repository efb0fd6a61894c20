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
/** @type {import("../../vendor/preact.js").Signal<Record<string, number>>} */
const totals = signal({});
/** @type {import("../../vendor/preact.js").Signal<{doors: Rec[], lists: Rec[]} | null>} */
export const control = signal(null);
export const failure = signal("");

/** @param {string} kind @returns {Rec[] | undefined} */
export const recordsOf = (kind) => kept.value[kind];

/** @param {string} kind @param {string} id @returns {Rec | undefined} */
export const recordOf = (kind, id) => kept.value[kind]?.find((one) => one["id"] === id) ?? (listed.value?.kind === kind ? listed.value.rows.find((one) => one["id"] === id) : undefined) ?? alone.value[`${kind}:${id}`] ?? undefined;

/** @typedef {{kind: string, words: string, rows: Rec[], total: number, next: string | null}} Listed */
export const PAGE = 200;
/** What is listed of a kind, page after page, all of it or what a search finds at the collector. @type {import("../../vendor/preact.js").Signal<Listed | null>} */
export const listed = signal(null);
/** Records that were opened and are among none of these, by `kind:id`; null for what is not there. @type {import("../../vendor/preact.js").Signal<Record<string, Rec | null>>} */
const alone = signal({});

/** Lists a kind anew, as many as were listed before of the same. @param {string} kind @param {string} words */
export async function list(kind, words) {
  const before = listed.peek(), site = mapSite.peek();
  const most = before?.kind === kind && before.words === words ? Math.max(PAGE, before.rows.length) : PAGE;
  /** @type {Rec[]} */
  let rows = [];
  let next = /** @type {string | null} */ (null), total = 0;
  do {
    const answer = await ask(`records/${kind}`, { search: words || undefined, after: next ?? undefined, limit: Math.min(SHOWN_MAX, most - rows.length) });
    rows = [...rows, ...answer.records];
    ({ next, total } = answer);
  } while (next !== null && rows.length < most);
  if (mapSite.peek() === site) listed.value = { kind, words, rows, total, next };
}

/** The next page of what is listed. */
export async function more() {
  const before = listed.peek();
  if (!before || before.next === null) return;
  const answer = await ask(`records/${before.kind}`, { search: before.words || undefined, after: before.next, limit: PAGE });
  if (listed.peek() === before) listed.value = { ...before, rows: [...before.rows, ...answer.records], total: answer.total, next: answer.next };
}

/** Asks for one that is beyond what is held. @param {string} kind @param {string} id */
export async function askAlone(kind, id) {
  const key = `${kind}:${id}`;
  try { alone.value = { ...alone.peek(), [key]: await ask(`records/${kind}/${encodeURIComponent(id)}`) }; } catch { alone.value = { ...alone.peek(), [key]: null }; }
}

/** Whether it is known that there is no such record. @param {string} kind @param {string} id */
export const isGone = (kind, id) => alone.value[`${kind}:${id}`] === null;

/** How many of a kind there are. @param {string} kind */
export const totalOf = (kind) => totals.value[kind] ?? 0;

/** Names of holders by id. */
export const names = computed(() => new Map((kept.value["holder"] ?? []).map((/** @type {Rec} */ one) => [one["id"], one["name"]])));

const base = () => `/api/v1/access/${encodeURIComponent(mapSite.peek())}`;

/** @param {string} path @param {Record<string, string | number | undefined>} [asked] */
export const ask = (path, asked = {}) => get(`${base()}/${path}?${query(asked)}`);

/** @param {string} kind */
async function askKind(kind) {
  const answer = await ask(`records/${kind}`, { limit: SHOWN_MAX });
  kept.value = { ...kept.peek(), [kind]: answer.records };
  totals.value = { ...totals.peek(), [kind]: answer.total };
}

/** Asks for everything that the page shows of the site. */
export async function askAll() {
  if (!mapSite.peek() || !may("guard")) return;
  try {
    const now = listed.peek();
    await Promise.all([...KINDS.map(askKind), now ? list(now.kind, now.words) : null, ask("doors").then((answer) => { control.value = answer; })]);
    failure.value = "";
  } catch (error) {
    failure.value = failureWords(error);
  }
}

/** @param {string} kind @param {string} id @param {Rec} body @param {number} rev @returns {Promise<Rec>} */
export async function save(kind, id, body, rev) {
  const made = await call("PUT", `${base()}/records/${kind}/${encodeURIComponent(id)}?rev=${rev}`, body);
  alone.value = { ...alone.peek(), [`${kind}:${id}`]: made };
  await askAll();
  return made;
}

/** @param {string} kind @param {string} id @param {number} rev */
export async function remove(kind, id, rev) {
  await call("DELETE", `${base()}/records/${kind}/${encodeURIComponent(id)}?rev=${rev}`);
  alone.value = { ...alone.peek(), [`${kind}:${id}`]: null };
  await askAll();
}

/** @param {string} site @param {string} door @param {string} reason @returns {Promise<Rec>} */
export const unlock = (site, door, reason) => call("POST", `/api/v1/doors/${encodeURIComponent(site)}/${encodeURIComponent(door)}/unlock`, { reason });

/** @param {string} site @param {string} door @returns {Promise<Rec[]>} */
export const unlocksOf = async (site, door) => (await get(`/api/v1/doors/${encodeURIComponent(site)}/unlocks?${query({ door })}`)).unlocks;

effect(() => { void mapSite.value; kept.value = {}; totals.value = {}; alone.value = {}; listed.value = null; control.value = null; });
