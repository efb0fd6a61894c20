// A small map inside the form, to choose a place by pointing at it: a name where there is one, else the spot itself.
import { html } from "../../vendor/preact.js";
import { holds, readDrawn } from "../dispatch/map/drawn.js";
import { textOf } from "../dispatch/words.js";
import { t } from "../i18n.js";

/** @typedef {import("../dispatch/map/drawn.js").Drawn} Drawn */
/** @typedef {import("../dispatch/map/drawn.js").Named} Named */
/** @typedef {{width: number, height: number, to: (latitude: number, longitude: number) => [number, number], from: (x: number, y: number) => [number, number]}} Projection */

const WIDE = 600, HIGH = 330, MARGIN = 26;
const REACH = 18;
/** The compound itself: what lies far out in town is found by its name. */
const COMPOUND = new Set(["building", "road", "gate", "parking"]);
const DOTS = new Set(["gate", "place", "parking"]);
const SPOT = /^\s*(-?\d{1,2}\.\d{3,}),\s*(-?\d{1,3}\.\d{3,})\s*$/;

/** A spot as it stands in the field. @param {number} latitude @param {number} longitude */
export const spotText = (latitude, longitude) => `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;

/** What a field for a place means: its name, and where it is when the name is a spot. @param {string} text */
export function placeOf(text) {
  const [, latitude, longitude] = SPOT.exec(text) ?? [];
  return latitude === undefined ? { name: text.trim() } : { name: text.trim(), latitude: Number(latitude), longitude: Number(longitude) };
}

/** @param {any} coordinates @returns {[number, number][]} longitude, latitude of each corner */
const corners = (coordinates) => (typeof coordinates[0] === "number" ? [/** @type {[number, number]} */ (coordinates)] : coordinates.flatMap(corners));

/** The compound fitted into the box; null where nothing is drawn. @param {Drawn} drawn @returns {Projection | null} */
export function projectionOf(drawn) {
  const own = drawn.features.filter((one) => COMPOUND.has(one.properties["kind"]));
  const spots = (own.length > 0 ? own : drawn.features).flatMap((one) => corners(one.geometry.coordinates));
  if (spots.length === 0) return null;
  const west = Math.min(...spots.map(([x]) => x)), east = Math.max(...spots.map(([x]) => x)), south = Math.min(...spots.map(([, y]) => y)), north = Math.max(...spots.map(([, y]) => y));
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = Math.min((WIDE - 2 * MARGIN) / Math.max(1e-6, (east - west) * shrink), (HIGH - 2 * MARGIN) / Math.max(1e-6, north - south));
  const left = (WIDE - (east - west) * shrink * scale) / 2, top = (HIGH - (north - south) * scale) / 2;
  return { width: WIDE, height: HIGH, to: (latitude, longitude) => [left + (longitude - west) * shrink * scale, top + (north - latitude) * scale],
    from: (x, y) => [north - (y - top) / scale, west + (x - left) / (shrink * scale)] };
}

/** The name of what is pointed at: the nearest place within reach, else the building around it; "" for open ground. @param {Drawn} drawn @param {Projection} on @param {number} x @param {number} y */
export function nameAt(drawn, on, x, y) {
  let found = "", least = REACH * REACH;
  for (const one of drawn.named) {
    if (!DOTS.has(one.kind)) continue;
    const [u, v] = on.to(...one.at);
    const far = (u - x) ** 2 + (v - y) ** 2;
    if (far <= least) { least = far; found = textOf(one.text); }
  }
  if (found) return found;
  const [latitude, longitude] = on.from(x, y);
  const around = drawn.named.find((one) => one.ring.length > 0 && holds(latitude, longitude, one.ring));
  return around ? textOf(around.text) : "";
}

/** @param {Projection} on @param {any} geometry */
function pathOf(on, geometry) {
  const lines = geometry.type === "Polygon" || geometry.type === "MultiLineString" ? geometry.coordinates : geometry.type === "LineString" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [];
  const end = geometry.type.endsWith("Polygon") ? "Z" : "";
  return lines.map((/** @type {[number, number][]} */ line) => `M${line.map(([x, y]) => on.to(y, x).map((one) => one.toFixed(1)).join(" ")).join("L")}${end}`).join("");
}

/** `pick` is told what belongs into the field. @param {{map: any, field: string, value: string, pick: (text: string) => void}} props */
export function PlaceMap({ map, field, value, pick }) {
  const drawn = readDrawn(map);
  const on = projectionOf(drawn);
  if (!on) return html`<p class="muted wide">${t("requests.no_place_map")}</p>`;
  const press = (/** @type {MouseEvent} */ event) => {
    const box = /** @type {SVGElement} */ (event.currentTarget).getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * on.width, y = ((event.clientY - box.top) / box.height) * on.height;
    pick(nameAt(drawn, on, x, y) || spotText(...on.from(x, y)));
  };
  const meant = drawn.named.find((one) => value && [textOf(one.text), ...(typeof one.text === "object" ? Object.values(one.text) : [])].includes(value.trim()));
  const spot = placeOf(value);
  const chosen = meant ? on.to(...meant.at) : spot.latitude !== undefined ? on.to(spot.latitude, /** @type {number} */ (spot.longitude)) : null;
  return html`<figure class="place-map wide"><figcaption class="muted">${t("requests.place_map", { field })}</figcaption>
    <svg viewBox=${`0 0 ${on.width} ${on.height}`} role="img" aria-label=${t("requests.place_map_about", { field })} onClick=${press}>
      ${drawn.features.filter((one) => one.geometry.type !== "Point").map((one, i) => html`<path key=${i} class=${`pm-${one.properties["kind"]}`} d=${pathOf(on, one.geometry)} />`)}
      ${drawn.named.filter((one) => DOTS.has(one.kind) || one.kind === "building").map((one, i) => {
        const [x, y] = on.to(...one.at);
        return html`<g key=${i} class=${one === meant ? "meant" : ""}>${DOTS.has(one.kind) && html`<circle cx=${x} cy=${y} r="4" />`}<text x=${x} y=${DOTS.has(one.kind) ? y + 15 : y + 4}>${textOf(one.text)}</text></g>`;
      })}
      ${chosen && html`<circle class="chosen-place" cx=${chosen[0]} cy=${chosen[1]} r="8" />`}</svg></figure>`;
}
