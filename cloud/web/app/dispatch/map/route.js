// Lines on the map: the track that is replayed, and where the chosen request leads.
import { entities } from "../../live/link.js";
import { chosenRequest } from "../../requests/chosen.js";
import { fixAt, track } from "../track.js";
import { factsOf, textOf } from "../words.js";
import { drawRing } from "./symbols.js";

/** @typedef {{latitude: number, longitude: number, name: string}} Stop */

/** Who is sent or would be, where to, and where then. @returns {{way: Stop[], from: Stop | null, to: Stop | null}} */
export function wayOfRequest() {
  const request = chosenRequest.peek();
  /** @type {Record<string, any>} */
  const facts = request ? factsOf(request) : {};
  const stop = (/** @type {any} */ one) => (typeof one?.latitude === "number" && typeof one?.longitude === "number" ? { latitude: one.latitude, longitude: one.longitude, name: textOf(one.name) } : null);
  const resource = facts["assigned"]?.resource ?? facts["suggested"]?.resource;
  const from = stop(facts["from"]), to = stop(facts["to"]);
  const sent = resource && facts["status"] !== "done" ? stop(entities.get(resource)?.peek().attributes) : null;
  return { way: [sent, from, to].filter((one) => one !== null), from, to };
}

/** Dotted and straight: which road is taken is the driver's. @param {CanvasRenderingContext2D} context @param {Pick<import("./scene.js").View, "colours" | "project" | "scale" | "font">} view */
export function drawRequest(context, { colours, project, scale, font }) {
  const { way, from, to } = wayOfRequest();
  if (way.length === 0) return;
  context.save();
  context.strokeStyle = colours.live;
  context.lineWidth = 3 * scale;
  context.lineCap = "round";
  context.setLineDash([1, 7]);
  context.beginPath();
  way.forEach((stop, i) => { const { x, y } = project(stop.latitude, stop.longitude); if (i === 0) context.moveTo(x, y); else context.lineTo(x, y); });
  context.stroke();
  context.setLineDash([]);
  context.font = `600 ${11 * scale}px ${font}`;
  context.textAlign = "center";
  for (const [stop, isGoal] of /** @type {[Stop | null, boolean][]} */ ([[from, false], [to, true]])) {
    if (!stop) continue;
    const { x, y } = project(stop.latitude, stop.longitude);
    drawRing(context, x, y, colours.live, 6 * scale, 2.5);
    if (isGoal) { context.beginPath(); context.arc(x, y, 3 * scale, 0, 2 * Math.PI); context.fillStyle = colours.live; context.fill(); }
    context.lineWidth = 3;
    context.strokeStyle = colours.grass;
    context.strokeText(stop.name, x, y - 14 * scale);
    context.fillStyle = colours.live;
    context.fillText(stop.name, x, y - 14 * scale);
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {Pick<import("./scene.js").View, "colours" | "project" | "scale">} view */
export function drawRoute(context, { colours, project, scale }) {
  const open = track.peek();
  if (!open || open.fixes.length === 0) return;
  context.save();
  context.lineWidth = 2.5 * scale;
  context.lineJoin = "round";
  context.lineCap = "round";
  for (const done of [false, true]) {
    context.beginPath();
    let before = -1;
    for (const fix of open.fixes) {
      if (done && fix.at > open.head) break;
      const { x, y } = project(fix.latitude, fix.longitude);
      // Over a silence nobody knows the way: no line.
      if (before !== fix.piece) context.moveTo(x, y);
      else context.lineTo(x, y);
      before = fix.piece;
    }
    context.strokeStyle = done ? colours.live : colours.off;
    context.setLineDash(done ? [] : [2, 6]);
    context.stroke();
  }
  const head = fixAt(open.fixes, open.head);
  if (head) {
    const { x, y } = project(head.latitude, head.longitude);
    context.setLineDash([]);
    context.beginPath();
    context.arc(x, y, 5 * scale, 0, 2 * Math.PI);
    context.fillStyle = colours.live;
    context.fill();
    drawRing(context, x, y, colours.surface, 6.5 * scale, 2);
  }
  context.restore();
}
