// Doing something to a request: once, on what was looked at, and told when somebody was faster.
import { ApiFailure, call, get, isRequester, may, user } from "../api.js";
import { t } from "../i18n.js";
import { pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { idOf } from "./where.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {Record<string, any>} Facts */

/** Whether the one who looks may do a dispatcher's work. */
export const isDispatcher = () => may("dispatch");

/** Whether the one who looks may see who would be sent. */
export const mayChoose = () => Boolean(user.value) && !isRequester();

/** Whether the one who looks files requests. */
export const mayFile = () => isDispatcher() || isRequester();

/** Whether anything can be done at all: now is shown, and the collector answers. */
export const canAct = () => pastAt.value === null && state.value === "live";

/** A key for one change: sent again, it is done once. Works where the page has no secure context. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} path @param {unknown} body @param {string} key @returns {Promise<any>} */
export const post = (path, body, key) => call("POST", path, body, { "Idempotency-Key": key });

/** A change that somebody else's came before: `now` is the request as it is. */
export class Overtaken extends Error {
  /** @param {Facts} now @param {ApiFailure} failure */
  constructor(now, failure) {
    super(failure.message);
    this.now = now;
    this.failure = failure;
  }
}

/** Does an action to a request as it was looked at. Throws Overtaken on 409, ApiFailure else.
 * @param {Entity} entity @param {string} action @param {Facts} [more] @param {string} [key] @returns {Promise<Facts>} the request after it */
export async function act(entity, action, more = {}, key = newKey()) {
  const id = encodeURIComponent(idOf(entity.id));
  try {
    return (await post(`/api/v1/requests/${id}/${action}`, { rev: /** @type {Facts} */ (entity.attributes)["rev"], ...more }, key)).request;
  } catch (failure) {
    if (!(failure instanceof ApiFailure) || failure.status !== 409) throw failure;
    throw new Overtaken((await get(`/api/v1/requests/${id}`)).request, failure);
  }
}

/** What to say of a failed action. @param {unknown} failure */
export function actWords(failure) {
  if (failure instanceof ApiFailure && failure.code === "reason_needed") return t("requests.reason_needed");
  if (failure instanceof ApiFailure && failure.status === 403) return t("requests.not_allowed");
  return failureWords(failure);
}
