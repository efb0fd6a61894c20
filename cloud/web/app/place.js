// Where the reader is: kept in the address, so that a reload, a link, or signing in again comes back to the same place.
import { batch, effect, signal } from "../vendor/preact.js";

export const page = signal("overview");
/** Site id, or "" for all. */
export const site = signal("");
export const search = signal("");
export const kind = signal("");
export const health = signal("");
/** What is open beside the list: `reading:<entity>/<point>`, `device:<entity>`, `gateway:<entity>`, or "". */
export const shown = signal("");

/** Rows opened or closed by hand, by row key; kept for this tab. @type {import("../vendor/preact.js").Signal<Record<string, boolean>>} */
export const opened = signal({});

const FIELDS = /** @type {const} */ ([["site", site], ["q", search], ["kind", kind], ["state", health], ["show", shown]]);

function read() {
  const [path = "", rest = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const params = new URLSearchParams(rest);
  batch(() => {
    page.value = path || "overview";
    for (const [name, field] of FIELDS) field.value = params.get(name) ?? "";
  });
}

function address() {
  const params = new URLSearchParams();
  for (const [name, field] of FIELDS) if (field.value) params.set(name, field.value);
  const rest = params.toString();
  return `#/${page.value}${rest ? `?${rest}` : ""}`;
}

/** Starts keeping the address and the signals the same. Opening something makes a step back possible. */
export function keepPlace() {
  read();
  try { opened.value = JSON.parse(sessionStorage.getItem("dayuan.opened") ?? "{}"); } catch { /* starts with nothing opened */ }
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
  let before = shown.peek();
  effect(() => {
    const to = address();
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
