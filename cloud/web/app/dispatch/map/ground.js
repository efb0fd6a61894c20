// The ground: tiles or none, the floor plan, water, roads and buildings, in the quiet colours of the theme.
import { drawnAt } from "./drawn.js";

/** @typedef {import("./colours.js").Colours} Colours */
/** @typedef {import("./drawn.js").Drawn} Drawn */
/** @typedef {typeof import("../../../vendor/leaflet.js")} Leaflet */

/** How a feature looks, by its kind. @param {string} kind @param {Colours} colours @param {boolean} hasTiles */
function styleOf(kind, colours, hasTiles) {
  const none = { stroke: false, fill: false };
  switch (kind) {
    case "building": return { stroke: true, color: colours.building_line, weight: 1, fill: true, fillColor: colours.building, fillOpacity: hasTiles ? 0.75 : 1 };
    case "road": return { stroke: true, color: colours.road, weight: 9, opacity: 1, lineCap: /** @type {const} */ ("round"), fill: false };
    case "path": return { stroke: true, color: colours.road, weight: 3, opacity: 1, fill: false };
    case "water": return { stroke: false, fill: true, fillColor: colours.water, fillOpacity: 1 };
    case "parking": return { stroke: true, color: colours.building_line, weight: 1, fill: true, fillColor: colours.road, fillOpacity: 1 };
    case "fence": return { stroke: true, color: colours.building_line, weight: 1.2, dashArray: "6 5", fill: false };
    default: return none;
  }
}

/** A road is as wide as it is on the ground. @param {number} metres @param {number} perPixel */
const widthOf = (metres, perPixel) => Math.max(2, Math.min(26, metres / perPixel));
/** What belongs to the compound itself: rivers and fences in town may reach far. */
const COMPOUND = new Set(["building", "road", "gate", "parking"]);
/** Public tiles end here; nearer, they are enlarged. */
const TILES_MOST = 18;
const ROAD_M = 7, PATH_M = 2.5;

export class Ground {
  /** @param {Leaflet} leaflet @param {import("../../../vendor/leaflet.js").Map} map @param {Drawn} drawn @param {Colours} colours */
  constructor(leaflet, map, drawn, colours) {
    this.map = map;
    this.drawn = drawn;
    this.colours = colours;
    const place = drawnAt(drawn.shifted);
    /** @type {{addTo: (map: any) => any, remove: () => any}[]} */
    this.layers = [];
    if (drawn.tiles) {
      this.layers.push(leaflet.tileLayer(drawn.tiles, { minZoom: 3, maxZoom: 22, maxNativeZoom: TILES_MOST, className: "map-tiles" }));
    }
    if (drawn.plan) {
      const bounds = leaflet.latLngBounds(drawn.plan.corners.map(([latitude, longitude]) => place(latitude, longitude)));
      this.layers.push(leaflet.imageOverlay(drawn.plan.url, bounds, { className: "map-plan" }));
    }
    const shapes = drawn.features.filter((one) => one.geometry.type !== "Point");
    this.ground = leaflet.geoJSON({ type: "FeatureCollection", features: shapes }, {
      interactive: false,
      coordsToLatLng: (/** @type {number[]} */ at) => leaflet.latLng(place(/** @type {number} */ (at[1]), /** @type {number} */ (at[0]))),
      style: (/** @type {any} */ feature) => this.#style(feature),
    });
    this.layers.push(this.ground);
    const own = shapes.filter((one) => COMPOUND.has(one.properties["kind"]));
    this.extent = leaflet.geoJSON({ type: "FeatureCollection", features: own.length > 0 ? own : shapes }, { coordsToLatLng: (/** @type {number[]} */ at) => leaflet.latLng(place(/** @type {number} */ (at[1]), /** @type {number} */ (at[0]))) }).getBounds();
    for (const layer of this.layers) layer.addTo(map);
    this.restyle = this.restyle.bind(this);
    map.on("zoomend", this.restyle);
  }

  /** @param {any} feature */
  #style(feature) {
    const kind = feature.properties.kind;
    const style = styleOf(kind, this.colours, this.drawn.tiles !== null);
    const perPixel = (156_543 * Math.cos((this.map.getCenter().lat * Math.PI) / 180)) / 2 ** this.map.getZoom();
    if (kind === "road") return { ...style, weight: widthOf(feature.properties.width_m ?? ROAD_M, perPixel) };
    if (kind === "path") return { ...style, weight: widthOf(PATH_M, perPixel) };
    return style;
  }

  restyle() {
    this.ground.setStyle((/** @type {any} */ feature) => this.#style(feature));
  }

  /** @param {Colours} colours */
  recolour(colours) {
    this.colours = colours;
    this.restyle();
  }

  /** What the compound covers; null when nothing is drawn. */
  bounds() {
    return this.extent.isValid() ? this.extent : null;
  }

  remove() {
    this.map.off("zoomend", this.restyle);
    for (const layer of this.layers) layer.remove();
  }
}
