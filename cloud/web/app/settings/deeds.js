// What somebody did, in words: the audit trail keeps the request, `POST /api/v1/requests/17/assign`.
import { keysUnder, t } from "../i18n.js";

const API = "/api/v1/";

/** The words for an action, and what it was done to; null where there are none (a command of the desk says itself what it is).
 * @param {string} action @returns {{what: string, of: string} | null} */
export function deedOf(action) {
  const [method, path] = action.split(" ");
  if (!path?.startsWith(API)) return null;
  const parts = path.slice(API.length).split("/");
  for (const key of keysUnder(`deed.${method} `)) {
    const wanted = key.split(" ")[1]?.split("/") ?? [];
    if (wanted.length !== parts.length || !wanted.every((part, i) => part === "*" || part === parts[i])) continue;
    return { what: t(key), of: parts.filter((_, i) => wanted[i] === "*").map(decoded).join(" / ") };
  }
  return null;
}

const decoded = (/** @type {string} */ part) => { try { return decodeURIComponent(part); } catch { return part; } };
