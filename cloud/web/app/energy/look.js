// The colours of charts: those of the page (style/tokens.css), read again when the theme changes.
import { signal } from "../../vendor/preact.js";

/** @typedef {{key: string, surface: string, sunk: string, line: string, text: string, muted: string, faint: string, accent: string, accentSoft: string, warn: string, alarm: string, font: string, hatch: object, dots: object, stripes: object, hollow: object}} Look */

/** A small tile that a canvas repeats. @param {number} size @param {(pen: CanvasRenderingContext2D) => void} draw */
function tile(size, draw) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  draw(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")));
  return { image: canvas, repeat: "repeat" };
}

/** Lines from corner to corner. @param {string} colour @param {number} width @param {number} size @param {string} [ground] */
const lines = (colour, width, size, ground) => tile(size, (pen) => {
  if (ground) { pen.fillStyle = ground; pen.fillRect(0, 0, size, size); }
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  for (const shift of [-size, 0, size]) { pen.beginPath(); pen.moveTo(shift, size); pen.lineTo(shift + size, 0); pen.stroke(); }
});

/** @returns {Look} */
function read() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const [surface, faint, accent, warn] = [of("surface"), of("faint"), of("accent"), of("p2-line")];
  return {
    key: document.documentElement.dataset["theme"] ?? "light", surface, sunk: of("sunk"), line: of("line"), text: of("text"), muted: of("muted"), faint, accent, accentSoft: of("accent-soft"), warn, alarm: of("p1-line"), font: of("f"),
    // Missing: grey lines on nothing. Estimated: orange lines. Interpolated: a pale fill with dots. Measured is the full accent.
    hatch: lines(faint, 1.2, 7),
    stripes: lines(warn, 2, 6, surface),
    dots: tile(5, (pen) => { pen.fillStyle = surface; pen.fillRect(0, 0, 5, 5); pen.fillStyle = accent; pen.fillRect(1, 1, 2, 2); }),
    hollow: { color: surface, borderColor: accent, borderWidth: 1.5 },
  };
}

/** The colours that hold now; null before the first chart. */
export const look = signal(/** @type {Look | null} */ (null));

/** Follows the theme while anybody draws; called by every chart. */
export function followLook() {
  if (look.peek()) { if (look.peek()?.key !== document.documentElement.dataset["theme"]) look.value = read(); return; }
  look.value = read();
  new MutationObserver(() => { if (look.peek()?.key !== document.documentElement.dataset["theme"]) look.value = read(); })
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

/** How the four sources of an amount look as a bar. @param {Look} look @param {string} source */
export function fillOf(look, source) {
  if (source === "measured") return { color: look.accent };
  if (source === "missing") return { color: look.hatch, borderColor: look.muted, borderType: "dashed", borderWidth: 1 };
  if (source === "estimated") return { color: look.stripes, borderColor: look.warn, borderWidth: 1 };
  return { color: look.dots, borderColor: look.accent, borderWidth: 1 };
}
