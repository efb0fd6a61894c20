// Light, dark, or as the system says.
import { effect, signal } from "../vendor/preact.js";
import { wall } from "./place.js";

/** @typedef {"auto" | "light" | "dark"} Theme */

/** @type {readonly Theme[]} */
export const THEMES = ["auto", "light", "dark"];

/** @returns {Theme} */
function kept() {
  try {
    const said = localStorage.getItem("dayuan.theme");
    return said === "light" || said === "dark" ? said : "auto";
  } catch { return "auto"; }
}

export const theme = signal(kept());

export function keepTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => { document.documentElement.dataset["theme"] = wall.peek() ? "dark" : theme.peek() === "auto" ? (system.matches ? "dark" : "light") : theme.peek(); };
  system.addEventListener("change", show);
  effect(() => {
    void theme.value;
    void wall.value;
    show();
    try { localStorage.setItem("dayuan.theme", theme.value); } catch { /* private windows keep nothing */ }
  });
}

export function nextTheme() {
  theme.value = /** @type {Theme} */ (THEMES[(THEMES.indexOf(theme.peek()) + 1) % THEMES.length]);
}
