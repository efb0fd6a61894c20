// The one place that talks to the collector by request and answer.
import { signal } from "../vendor/preact.js";

/** @typedef {import("./types.d.ts").User} User */
/** @typedef {import("./types.d.ts").Table} Table */

/** undefined: not asked yet; null: nobody is signed in. */
export const user = signal(/** @type {User | null | undefined} */ (undefined));

/** Whether who is signed in only files requests: it sees its own, and nothing of the site's. */
export const isRequester = () => Boolean(user.value) && !may("look");

/** Whether who is signed in has a right, at some site at least. The collector decides; this hides what it would refuse. @param {string} right */
export const may = (right) => right in (user.value?.rights ?? {});

export class ApiFailure extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {string} hint @param {number} retryAfter @param {any} [answer] all that was said */
  constructor(status, code, message, hint, retryAfter, answer = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
    /** Everything that is wrong, where the collector said more than the first of it. @type {{key: string, message: string, line?: number}[]} */
    this.faults = Array.isArray(answer.errors) ? answer.errors : [];
  }
}

/**
 * Calls the API; a Blob goes as it is, anything else as JSON. Throws ApiFailure with what the collector said; status 0 when it was not reached. A lost session shows the login.
 * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] @returns {Promise<any>}
 */
export async function call(method, path, body, headers = {}, read = (/** @type {Response} */ answer) => answer.json()) {
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: body === undefined || body instanceof Blob ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body),
    });
  } catch {
    throw new ApiFailure(0, "unreachable", "", "", 0);
  }
  if (response.ok) return response.status === 204 ? null : read(response);
  const said = await response.json().catch(() => ({}));
  const error = said.error ?? {};
  const failure = new ApiFailure(response.status, error.code ?? "", error.message ?? response.statusText, error.hint ?? "",
    Number(response.headers.get("Retry-After") ?? 0), said);
  if (response.status === 401 && path !== "/api/v1/session") user.value = null;
  if (failure.code === "must_change_password" && user.peek()) user.value = { .../** @type {User} */ (user.peek()), must_change_password: true };
  throw failure;
}

/** @param {string} path */
export const get = (path) => call("GET", path);

/** A file, as text. @param {string} path @returns {Promise<string>} */
export const getText = (path) => call("GET", path, undefined, {}, (answer) => answer.text());

/** Asks who is signed in and says so in `user`. Leaves `user` undefined when the collector is not reached. */
export async function askUser() {
  try {
    user.value = (await get("/api/v1/session")).user;
  } catch (failure) {
    if (failure instanceof ApiFailure && failure.status === 401) user.value = null;
    else throw failure;
  }
}

/** @param {Record<string, string | number | undefined>} params */
export function query(params) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value !== undefined && value !== "") search.set(key, String(value));
  return search.toString();
}

/** The rows of a table as objects. @param {Table} table @returns {Record<string, any>[]} */
export const asObjects = (table) => table.rows.map((row) => Object.fromEntries(table.columns.map((column, i) => [column, row[i]])));
