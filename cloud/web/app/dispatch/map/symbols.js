// One symbol on the map: shape and colour by state, turned by course, a ring for an alarm or for what is open.
import { shapeOf } from "../shapes.js";

/** @typedef {import("./colours.js").Colours} Colours */
/** @typedef {import("./items.js").Item} Item */

/** @type {Map<string, Path2D>} */
const paths = new Map();

/** @param {string} text */
function pathOf(text) {
  let path = paths.get(text);
  if (!path) { path = new Path2D(text); paths.set(text, path); }
  return path;
}

const RADIUS = 9;

/** How much room a symbol takes. @param {number} scale */
export const radiusOf = (scale) => RADIUS * scale;

/** Pictures of symbols, by theme: a thousand are stamped in the time that fifty are drawn. @type {WeakMap<Colours, Map<string, HTMLCanvasElement>>} */
const stamps = new WeakMap();
const TURN = 6;
const HALF = 14;

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {Item} item @param {Colours} colours @param {number} scale */
export function drawSymbol(context, x, y, item, colours, scale) {
  const { look, course } = item;
  const turn = shapeOf(look.shape).turns ? Math.round(course / TURN) * TURN : 0;
  const ratio = devicePixelRatio || 1;
  let made = stamps.get(colours);
  if (!made) { made = new Map(); stamps.set(colours, made); }
  const key = `${look.shape} ${look.tone} ${look.stale} ${turn} ${scale} ${ratio}`;
  let stamp = made.get(key);
  if (!stamp) { stamp = stampOf(look, turn, colours, scale, ratio); made.set(key, stamp); }
  context.drawImage(stamp, x - HALF * scale, y - HALF * scale, 2 * HALF * scale, 2 * HALF * scale);
}

/** @param {Item["look"]} look @param {number} turn degrees @param {Colours} colours @param {number} scale @param {number} ratio pixels of the screen to one of the page */
function stampOf(look, turn, colours, scale, ratio) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(2 * HALF * scale * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const shape = shapeOf(look.shape);
  const colour = colours[look.tone];
  context.translate(canvas.width / 2, canvas.height / 2);
  context.scale(scale * ratio * 0.9, scale * ratio * 0.9);
  if (look.stale) context.globalAlpha = 0.55;
  context.rotate((turn * Math.PI) / 180);
  context.lineJoin = "round";
  // A rim of the ground's colour keeps it readable on roads and roofs.
  context.strokeStyle = colours.surface;
  context.lineWidth = 4.5;
  if (shape.line) context.stroke(pathOf(shape.line));
  if (shape.fill) context.stroke(pathOf(shape.fill));
  if (shape.line) {
    const path = pathOf(shape.line);
    context.fillStyle = colours.surface;
    if (shape.line.includes("Z")) context.fill(path);
    context.strokeStyle = colour;
    context.lineWidth = 1.9;
    context.setLineDash(shape.dashed ? [2.4, 2.4] : []);
    context.stroke(path);
  }
  if (shape.fill) { context.fillStyle = colour; context.fill(pathOf(shape.fill)); }
  return canvas;
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {string} colour @param {number} radius @param {number} width */
export function drawRing(context, x, y, colour, radius, width) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

/** A label on its plate. @param {CanvasRenderingContext2D} context @param {{x: number, y: number, w: number, h: number}} box @param {Item} item @param {Colours} colours */
export function drawLabel(context, box, item, colours) {
  if (item.look.stale) context.globalAlpha = 0.65;
  context.beginPath();
  context.roundRect(box.x, box.y, box.w, box.h, 4);
  context.fillStyle = colours.surface;
  context.fill();
  context.strokeStyle = item.look.tone === "act1" || item.look.tone === "act2" ? colours[item.look.tone] : colours.line;
  context.lineWidth = 1;
  context.stroke();
  context.fillStyle = colours.text;
  context.fillText(item.label, box.x + box.w / 2, box.y + box.h / 2 + 0.5);
  context.globalAlpha = 1;
}
