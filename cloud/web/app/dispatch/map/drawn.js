// The drawn map of a site as the collector keeps it, read into what is laid under the vehicles.
import { toGcj02 } from "../gcj.js";

/** @typedef {{type: string, geometry: {type: string, coordinates: any}, properties: Record<string, any>}} Feature */
/** @typedef {{text: any, at: [number, number], use: any, kind: string, id: string, ring: [number, number][]}} Named */
/** @typedef {{features: Feature[], named: Named[], shifted: boolean, tiles: string | null, plan: {url: string, corners: [[number, number], [number, number]]} | null}} Drawn */

/** From the ground up. */
export const LAYERS = ["water", "fence", "parking", "road", "path", "building", "gate", "place", "checkpoint"];

/** @param {[number, number][]} ring longitude, latitude @returns {[number, number]} */
function middle(ring) {
  let longitude = 0, latitude = 0;
  for (const [x, y] of ring) { longitude += x; latitude += y; }
  return [latitude / ring.length, longitude / ring.length];
}

/** @param {Feature} feature @returns {Named | null} */
function namedOf({ geometry, properties }) {
  const text = properties["name"];
  if (!text || !geometry) return null;
  const about = { text, use: properties["use"] ?? "", kind: String(properties["kind"] ?? ""), id: String(properties["id"] ?? "") };
  if (geometry.type === "Point") return { ...about, at: [geometry.coordinates[1], geometry.coordinates[0]], ring: [] };
  if (geometry.type !== "Polygon") return null;
  const ring = /** @type {[number, number][]} */ (geometry.coordinates[0] ?? []);
  const open = ring.length > 1 && ring[0]?.[0] === ring.at(-1)?.[0] && ring[0]?.[1] === ring.at(-1)?.[1] ? ring.slice(0, -1) : ring;
  return open.length > 0 ? { ...about, at: middle(open), ring: open } : null;
}

const CIRCLE_CORNERS = 48;
const DEGREE_M = 111_320;

/** A fence drawn as a spot with a radius, as a ring. @param {Feature} feature @returns {Feature} */
function rounded(feature) {
  const radius = feature.properties["radius_m"];
  if (feature.geometry.type !== "Point" || typeof radius !== "number") return feature;
  const [longitude, latitude] = feature.geometry.coordinates;
  const ring = Array.from({ length: CIRCLE_CORNERS + 1 }, (_, i) => {
    const angle = (i / CIRCLE_CORNERS) * 2 * Math.PI;
    return [longitude + (radius * Math.cos(angle)) / (DEGREE_M * Math.cos((latitude * Math.PI) / 180)), latitude + (radius * Math.sin(angle)) / DEGREE_M];
  });
  return { ...feature, geometry: { type: "Polygon", coordinates: [ring] } };
}

/**
 * A FeatureCollection, or null where nobody drew one. `base: "gcj02"` beside the features says that the tiles are shifted.
 * @param {any} document @returns {Drawn}
 */
export function readDrawn(document) {
  const features = /** @type {Feature[]} */ ((document?.features ?? []).filter((/** @type {any} */ one) => one?.geometry && one.properties)).map(rounded);
  const height = (/** @type {Feature} */ one) => LAYERS.indexOf(one.properties["kind"]);
  features.sort((a, b) => height(a) - height(b));
  const plan = document?.floor_plan, tiles = typeof document?.tiles === "string" ? document.tiles : null;
  return {
    features,
    named: features.map(namedOf).filter((one) => one !== null),
    shifted: tiles !== null && document?.base === "gcj02",
    tiles,
    plan: plan?.url ? { url: plan.url, corners: [[plan.bounds[0], plan.bounds[1]], [plan.bounds[2], plan.bounds[3]]] } : null,
  };
}

/** Where something is drawn: moved onto the grid of the tiles when those are shifted. @param {boolean} shifted @returns {(latitude: number, longitude: number) => [number, number]} */
export const drawnAt = (shifted) => (shifted ? toGcj02 : (latitude, longitude) => [latitude, longitude]);

/** Whether a spot lies within a ring of [longitude, latitude]. @param {number} latitude @param {number} longitude @param {[number, number][]} ring */
export function holds(latitude, longitude, ring) {
  let isInside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [x, y] = /** @type {[number, number]} */ (ring[i]), [u, v] = /** @type {[number, number]} */ (ring[j]);
    if (y > latitude !== v > latitude && longitude < ((u - x) * (latitude - y)) / (v - y) + x) isInside = !isInside;
  }
  return isInside;
}
