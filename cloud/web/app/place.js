// Where the reader is: kept in the address, so that a reload, a link, or signing in again comes back to the same place.
import { batch, effect, signal } from "../vendor/preact.js";

export const page = signal("overview");
/** Site id, or "" for all. */
export const site = signal("");
export const search = signal("");
export const kind = signal("");
export const health = signal("");
/** What is open beside the list: `reading:<entity>/<point>`, `device:<entity>`, `gateway:<entity>`, `thing:<entity>`, or "". */
export const shown = signal("");
/** The moment that is looked at, ms; "" for now (`live/past.js`). */
export const at = signal("");
/** "1" for the big screen on a wall: larger, dark, nothing to press. */
export const wall = signal("");

/** Rows opened or closed by hand, by row key; kept for this tab. @type {import("../vendor/preact.js").Signal<Record<string, boolean>>} */
export const opened = signal({});

/** @typedef {import("../vendor/preact.js").Signal<string>} Field */
/** @type {[string, Field][]} */
const FIELDS = [["site", site], ["q", search], ["kind", kind], ["state", health], ["show", shown], ["at", at], ["wall", wall]];
/** What goes along to another page. */
const EVERYWHERE = new Set(["site", "at", "wall"]);

/** One more thing of a page's that stands in the address; pages that use the same name share it. Called while modules load. @param {string} name @returns {Field} */
export function field(name) {
  const known = FIELDS.find(([one]) => one === name);
  if (known) return known[1];
  const made = signal("");
  FIELDS.push([name, made]);
  return made;
}

/** The address of another page, for the same site and moment. @param {string} id */
export function addressOf(id) {
  return addressWith(id, FIELDS.filter(([name]) => EVERYWHERE.has(name)));
}

function read() {
  const [path = "", rest = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const params = new URLSearchParams(rest);
  batch(() => {
    page.value = path || "overview";
    for (const [name, kept] of FIELDS) kept.value = params.get(name) ?? "";
  });
}

/** @param {string} id @param {[string, Field][]} fields */
function addressWith(id, fields) {
  const params = new URLSearchParams();
  for (const [name, kept] of fields) if (kept.value) params.set(name, kept.value);
  const rest = params.toString();
  return `#/${id}${rest ? `?${rest}` : ""}`;
}

/** Starts keeping the address and the signals the same. Opening something makes a step back possible. */
export function keepPlace() {
  read();
  try { opened.value = JSON.parse(sessionStorage.getItem("dayuan.opened") ?? "{}"); } catch { /* starts with nothing opened */ }
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
  let before = shown.peek();
  effect(() => {
    const to = addressWith(page.value, FIELDS);
    if (to === location.hash || (to === "#/overview" && location.hash === "")) return;
    const opens = before !== shown.value && shown.value !== "";
    before = shown.value;
    history[opens ? "pushState" : "replaceState"](null, "", to);
  });
  effect(() => {
    try { sessionStorage.setItem("dayuan.opened", JSON.stringify(opened.value)); } catch { /* nothing to keep it in */ }
  });
}

/** @param {string} key @param {boolean} isOpen */
export function setOpened(key, isOpen) {
  opened.value = { ...opened.peek(), [key]: isOpen };
}
