// The keys that work everywhere, and the list of all of them.
import { signal } from "../vendor/preact.js";

/** @typedef {{keys: string, what: string}} KeyLine */

export const keysShown = signal(false);

/** All keys, for the list behind `?`; `what` is a text key. @type {KeyLine[]} */
export const KEY_LIST = [
  { keys: "/", what: "keys.search" },
  { keys: "↑ ↓", what: "keys.move" },
  { keys: "→ ←", what: "keys.fold" },
  { keys: "Enter", what: "keys.open" },
  { keys: "D", what: "keys.details" },
  { keys: "Home End PgUp PgDn", what: "keys.jump" },
  { keys: "A", what: "keys.attention" },
  { keys: "L", what: "keys.language" },
  { keys: "T", what: "keys.theme" },
  { keys: "Esc", what: "keys.back" },
  { keys: "?", what: "keys.list" },
];

/** @type {Map<string, (event: KeyboardEvent) => void>} */
const handlers = new Map();

/** Binds a key for the whole page; returns how to undo it. @param {string} key @param {(event: KeyboardEvent) => void} handler */
export function onKey(key, handler) {
  handlers.set(key, handler);
  return () => { if (handlers.get(key) === handler) handlers.delete(key); };
}

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    if (isTyping(event.target) && event.key !== "Escape") return;
    const handler = handlers.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (handler) handler(event);
  });
}
