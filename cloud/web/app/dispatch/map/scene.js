// What one frame of the map shows: names of buildings with their rooms, the open track, symbols, rings and labels.
import { alarms, entities } from "../../live/link.js";
import { equipment, openThing } from "../where.js";
import { factsOf, textOf } from "../words.js";
import { t } from "../../i18n.js";
import { hovered } from "./pointer.js";
import { holds } from "./drawn.js";
import { EQUIPMENT } from "./items.js";
import { placed } from "./labels.js";
import { drawLabel, drawRing, drawSymbol, radiusOf } from "./symbols.js";

/** @typedef {import("./items.js").Item} Item */
/** @typedef {import("./colours.js").Colours} Colours */
/** @typedef {import("./drawn.js").Drawn} Drawn */
/** @typedef {{item: Item, x: number, y: number}} Spot */
/** @typedef {{x: number, y: number, w: number, h: number}} Box */
/** @typedef {(latitude: number, longitude: number) => {x: number, y: number}} Project */
/** @typedef {{drawn: Drawn, colours: Colours, scale: number, font: string, project: Project, items: Item[], covered: Box[]}} View */

const MARGIN = 20;
const LABEL_H = 17;
const NAMED = new Set(["building", "place", "gate"]);
const DOTS = new Set(["place", "gate", "checkpoint"]);
/** A gate that has a door is shown by that. */
const SAME_PX = 24;
const SMALL = 0.6;

/** Ids of what has an active alarm, with the worst priority. */
function alarmed() {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const { source, priority } of alarms.peek()) found.set(source, Math.min(priority, found.get(source) ?? 9));
  return found;
}

/** How many rooms lie in each building, and how many are used. @param {Drawn} drawn */
export function roomsByBuilding(drawn) {
  const buildings = drawn.named.filter((one) => one.kind === "building" && one.ring.length > 0);
  /** @type {Map<string, {used: number, all: number}>} */
  const counts = new Map();
  for (const entity of entities.values()) {
    const one = entity.peek();
    if (one.kind !== "room" || one.device) continue;
    const { latitude, longitude, state } = factsOf(one);
    if (typeof latitude !== "number" || typeof longitude !== "number") continue;
    const building = buildings.find(({ ring }) => holds(latitude, longitude, ring));
    if (!building) continue;
    const count = counts.get(building.id) ?? { used: 0, all: 0 };
    count.all += 1;
    if (state === "in_use" || state === "overrun") count.used += 1;
    counts.set(building.id, count);
  }
  return counts;
}

/** Names of buildings and places; returns the room they take. @param {CanvasRenderingContext2D} context @param {View} view @returns {Box[]} */
function drawNames(context, view) {
  const { drawn, colours, project, scale } = view;
  const rooms = roomsByBuilding(drawn);
  /** @type {Box[]} */
  const taken = [];
  const doors = view.items.filter((item) => item.kind === "door").map((item) => project(item.latitude, item.longitude));
  for (const named of drawn.named) {
    const text = textOf(named.text);
    const { x, y } = project(...named.at);
    if (DOTS.has(named.kind)) {
      if (doors.some((door) => Math.abs(door.x - x) < SAME_PX && Math.abs(door.y - y) < SAME_PX)) continue;
      drawRing(context, x, y, colours.muted, 2.5 * scale, 1.3);
    }
    if (!NAMED.has(named.kind)) continue;
    const count = rooms.get(named.id);
    const use = textOf(named.use);
    const fits = named.ring.length > 0 && context.measureText(use).width * 1.1 < widthOnScreen(named.ring, project);
    const sub = count ? t("dispatch.rooms_used", { used: count.used, all: count.all }) : fits ? use : "";
    const isBuilding = named.kind === "building";
    context.font = `${(isBuilding ? 13 : 11) * scale}px ${view.font}`;
    const w = context.measureText(text).width;
    if (isBuilding && named.ring.length > 0 && w > widthOnScreen(named.ring, project) * 1.15) continue;
    context.fillStyle = isBuilding ? colours.text : colours.muted;
    context.fillText(text, x, isBuilding ? (sub ? y - 8 * scale : y) : y + 11 * scale);
    let wide = w;
    if (sub) {
      context.font = `${11 * scale}px ${view.font}`;
      wide = Math.max(w, context.measureText(sub).width);
      context.fillStyle = colours.muted;
      context.fillText(sub, x, y + 9 * scale);
    }
    const h = (sub ? 36 : 18) * scale;
    taken.push({ x: x - wide / 2, y: y - h / 2, w: wide, h });
  }
  return taken;
}

/** @param {[number, number][]} ring @param {Project} project */
function widthOnScreen(ring, project) {
  let low = Infinity, high = -Infinity;
  for (const [longitude, latitude] of ring) {
    const { x } = project(latitude, longitude);
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  return high - low;
}

/** @param {Spot} spot @param {Map<string, number>} alarm */
function rankOf({ item }, alarm) {
  if (item.id === openThing.peek() || item.id === hovered.peek()) return -2;
  if (alarm.has(item.id)) return -1;
  return item.look.rank + (item.kind === "vehicle" ? 0 : EQUIPMENT.has(item.kind) ? 9 : 0.5);
}

/** Equipment that nobody looks at just now. @param {Item} item */
const isQuiet = (item) => EQUIPMENT.has(item.kind) && item.id !== openThing.peek() && item.id !== hovered.peek();

/** @param {Item} item */
const sizeOf = (item) => (EQUIPMENT.has(item.kind) ? SMALL : 1);

/** Draws it all; returns where the symbols stand, for the pointer. @param {CanvasRenderingContext2D} context @param {number} width @param {number} height @param {View} view @returns {Spot[]} */
export function drawScene(context, width, height, view) {
  const { colours, scale, project } = view;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const taken = [...drawNames(context, view), ...view.covered];
  const alarm = alarmed();
  /** @type {Spot[]} */
  const spots = [];
  context.font = `${11 * scale}px ${view.font}`;
  for (const item of view.items) {
    if (isQuiet(item) && !equipment.peek() && !alarm.has(item.id)) continue;
    const { x, y } = project(item.latitude, item.longitude);
    if (x < -MARGIN || y < -MARGIN || x > width + MARGIN || y > height + MARGIN) continue;
    if (item.width === 0) item.width = context.measureText(item.label).width;
    spots.push({ item, x, y });
  }
  // What matters most is drawn last, above the others.
  spots.sort((a, b) => rankOf(b, alarm) - rankOf(a, alarm));
  const radius = radiusOf(scale);
  // Beyond the edges of the map nobody can read anything.
  const edges = [{ x: -MARGIN, y: -MARGIN, w: MARGIN - 2, h: height + 2 * MARGIN }, { x: width + 2, y: -MARGIN, w: MARGIN, h: height + 2 * MARGIN }];
  const boxes = placed(spots.map((spot) => ({
    x: spot.x, y: spot.y, r: radius * sizeOf(spot.item), w: isQuiet(spot.item) ? 0 : spot.item.width + 12, h: LABEL_H * scale, rank: rankOf(spot, alarm), must: rankOf(spot, alarm) < 0, below: spot.item.kind === "door",
  })), [...taken, ...edges]);
  spots.forEach(({ item, x, y }, i) => {
    const priority = alarm.get(item.id);
    if (priority !== undefined) drawRing(context, x, y, priority === 1 ? colours.act1 : colours.act2, radius + 7 * scale, 2);
    if (item.id === openThing.peek()) drawRing(context, x, y, colours.live, radius + 4 * scale, 2);
    drawSymbol(context, x, y, item, colours, scale * sizeOf(item));
    const box = boxes[i];
    if (!box) return;
    drawLabel(context, box, item, colours);
  });
  return spots;
}
