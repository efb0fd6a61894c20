// The keys that work everywhere, and the list of all of them.
import { signal } from "../vendor/preact.js";

/** @typedef {{keys: string, what: string, asked?: boolean}} KeyLine `asked`: also on the one page of who only files requests */

export const keysShown = signal(false);

/** All keys, for the list behind `?`; `what` is a text key. @type {KeyLine[]} */
export const KEY_LIST = [
  { keys: "/", what: "keys.search", asked: true },
  { keys: "↑ ↓", what: "keys.move", asked: true },
  { keys: "→ ←", what: "keys.fold" },
  { keys: "Enter", what: "keys.open", asked: true },
  { keys: "D", what: "keys.details" },
  { keys: "N", what: "keys.new_request", asked: true },
  { keys: "[ ]", what: "keys.past_step" },
  { keys: "P", what: "keys.past_play" },
  { keys: "W", what: "keys.wall" },
  { keys: "Home End PgUp PgDn", what: "keys.jump", asked: true },
  { keys: "A", what: "keys.attention" },
  { keys: "A S", what: "keys.alarms" },
  { keys: "1 … 9", what: "keys.energy_parts" },
  { keys: ", .", what: "keys.energy_period" },
  { keys: "L", what: "keys.language", asked: true },
  { keys: "T", what: "keys.theme", asked: true },
  { keys: "Esc", what: "keys.back", asked: true },
  { keys: "?", what: "keys.list", asked: true },
];

/** Who was bound last comes first. @type {Map<string, ((event: KeyboardEvent) => void)[]>} */
const handlers = new Map();

/** Binds a key for the whole page, over who had it before; returns how to undo it. @param {string} key @param {(event: KeyboardEvent) => void} handler */
export function onKey(key, handler) {
  handlers.set(key, [...(handlers.get(key) ?? []), handler]);
  return () => { handlers.set(key, (handlers.get(key) ?? []).filter((one) => one !== handler)); };
}

/** @param {EventTarget | null} target */
const isTyping = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    if (isTyping(event.target) && event.key !== "Escape") return;
    const handler = handlers.get(event.key.length === 1 ? event.key.toLowerCase() : event.key)?.at(-1);
    if (handler) handler(event);
  });
}
