// The colours of the map, read from the style sheet so that themes hold here too.

/** @typedef {Record<"act1" | "act2" | "live" | "calm" | "off" | "text" | "muted" | "surface" | "line" | "ring" | "grass" | "water" | "road" | "building" | "building_line", string>} Colours */

const NAMES = {
  act1: "--p1-line", act2: "--p2-line", live: "--accent", calm: "--muted", off: "--faint", text: "--text", muted: "--muted", surface: "--surface", line: "--line",
  ring: "--ring", grass: "--grass", water: "--water", road: "--road", building: "--bldg", building_line: "--bldg-line",
};

/** @returns {Colours} */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  return /** @type {Colours} */ (Object.fromEntries(Object.entries(NAMES).map(([name, property]) => [name, style.getPropertyValue(property).trim()])));
}

/** Calls back when the theme changes; returns how to stop. @param {() => void} changed */
export function onTheme(changed) {
  const watcher = new MutationObserver(changed);
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-look"] });
  return () => watcher.disconnect();
}
