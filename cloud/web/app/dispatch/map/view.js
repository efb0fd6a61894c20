// One Leaflet map with its ground and its moving things, apart from the page around it.
import { effect } from "../../../vendor/preact.js";
import { lang } from "../../i18n.js";
import { alarms, entities, roster } from "../../live/link.js";
import { wall } from "../../place.js";
import { chosenRequest } from "../../requests/chosen.js";
import { equipment, openThing } from "../where.js";
import { track } from "../track.js";
import { Ground } from "./ground.js";
import { onTheme, readColours } from "./colours.js";
import { drawnAt } from "./drawn.js";
import { Items, placeOf } from "./items.js";
import { Paint } from "./paint.js";
import { hovered, nearest } from "./pointer.js";
import { drawRequest, drawRoute } from "./route.js";
import { drawScene } from "./scene.js";

/** @typedef {typeof import("../../../vendor/leaflet.js")} Leaflet */
/** @typedef {import("./drawn.js").Drawn} Drawn */
/** @typedef {[number, number, number]} Place latitude, longitude, zoom */

const WALL_SCALE = 1.45;
/** Room for what stands over the map: chips above, the time machine below. */
const FIT_PX = { side: 28, above: 56, below: 84 };
/** Where nothing at all is known. */
const NOWHERE = /** @type {Place} */ ([30, 110, 4]);
const ALONE_M = 0.004;
/** What stands over the map, and how long it is taken to stand where it stood: asking costs the browser a layout. */
const OVER = ".map-chips > *, .map-controls > *, .map-card > *, .past-bar";
const COVERED_MS = 500;

export class MapView {
  /** @param {Leaflet} leaflet @param {HTMLElement} box @param {{site: string, drawn: Drawn, place: Place | null, moved: (place: Place) => void, opened: (id: string) => void}} given */
  constructor(leaflet, box, given) {
    this.leaflet = leaflet;
    this.given = given;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map = leaflet.map(box, { zoomControl: false, attributionControl: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: !still,
      preferCanvas: true, zoomSnap: 0.1, zoomDelta: 0.5, wheelPxPerZoomLevel: 90, minZoom: 3, maxZoom: 22, keyboard: true });
    this.map.setView([NOWHERE[0], NOWHERE[1]], NOWHERE[2]);
    this.colours = readColours();
    this.font = getComputedStyle(document.body).fontFamily;
    this.at = drawnAt(given.drawn.shifted);
    this.ground = new Ground(leaflet, this.map, given.drawn, this.colours);
    /** @type {import("./scene.js").Spot[]} */
    this.spots = [];
    this.held = given.place !== null;
    /** @type {import("./labels.js").Box[]} */
    this.covered = [];
    this.coveredAt = -Infinity;
    this.revealedAt = -Infinity;
    this.paint = new Paint(this.map, (context, width, height) => this.#draw(context, width, height));
    this.items = new Items(given.site, () => this.paint.touch());
    if (given.place) this.map.setView([given.place[0], given.place[1]], given.place[2]);
    else this.fit();
    this.#listen(box);
  }

  /** @param {HTMLElement} box */
  #listen(box) {
    /** @type {(() => void)[]} */
    this.ends = [
      effect(() => { void [lang.value, alarms.value, openThing.value, hovered.value, track.value, roster.value, chosenRequest.value, equipment.value]; this.paint.touch(); }),
      effect(() => { void wall.value; for (const item of this.items.items.values()) item.width = 0; this.paint.touch(); }),
      effect(() => {
        const one = openThing.value ? entities.get(openThing.value) : undefined;
        void one?.value;
        if (one && this.revealedAt > (this.touchedAt ?? -Infinity)) this.reveal(openThing.peek());
      }),
      onTheme(() => { this.colours = readColours(); this.ground.recolour(this.colours); this.paint.soon(); }),
    ];
    const watcher = new ResizeObserver(() => {
      this.map.invalidateSize({ animate: false, pan: false });
      if (!this.held) this.fit();
    });
    watcher.observe(box);
    this.ends.push(() => watcher.disconnect());
    // Only a hand on the map keeps it where it is; a window that changes its size fits the compound anew.
    for (const name of ["pointerdown", "wheel", "keydown"]) box.addEventListener(name, () => { this.touchedAt = performance.now(); }, { passive: true });
    this.map.on("moveend", () => {
      if (performance.now() - (this.touchedAt ?? -Infinity) > 3000) return;
      this.held = true;
      const { lat, lng } = this.map.getCenter();
      this.given.moved([lat, lng, this.map.getZoom()]);
    });
    this.map.on("mousemove", (event) => {
      const id = nearest(this.spots, event.containerPoint.x, event.containerPoint.y);
      if (id !== hovered.peek()) { hovered.value = id; box.classList.toggle("on-thing", id !== ""); }
    });
    this.map.on("mouseout", () => { hovered.value = ""; });
    this.map.on("click", (event) => {
      const id = nearest(this.spots, event.containerPoint.x, event.containerPoint.y);
      if (id) this.given.opened(id);
    });
  }

  get scale() {
    return wall.peek() ? WALL_SCALE : 1;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  #draw(context, width, height) {
    const project = (/** @type {number} */ latitude, /** @type {number} */ longitude) => this.map.latLngToContainerPoint(this.at(latitude, longitude));
    const view = { drawn: this.given.drawn, colours: this.colours, scale: this.scale, font: this.font, project, items: [...(this.items?.items.values() ?? [])], covered: this.#covered() };
    drawRoute(context, view);
    drawRequest(context, view);
    this.spots = drawScene(context, width, height, view);
  }

  /** What stands over the map, where no label can be read. */
  #covered() {
    if (performance.now() - this.coveredAt < COVERED_MS) return this.covered;
    const box = this.map.getContainer(), at = box.getBoundingClientRect();
    this.coveredAt = performance.now();
    this.covered = [...(box.parentElement?.querySelectorAll(OVER) ?? [])].map((one) => one.getBoundingClientRect()).filter((one) => one.width > 0)
      .map((one) => ({ x: one.x - at.x, y: one.y - at.y, w: one.width, h: one.height }));
    return this.covered;
  }

  /** Shows the whole compound; where none is drawn, everything that has a place. */
  fit() {
    this.held = false;
    const bounds = this.ground.bounds() ?? this.#everything();
    if (bounds) this.map.fitBounds(bounds, { ...this.#room(), maxZoom: 19 });
  }

  /** Shows everything that has a place, also what is far out in town. */
  fitAll() {
    const things = this.#everything(), ground = this.ground.bounds();
    const bounds = things && ground ? things.extend(ground) : things ?? ground;
    this.touchedAt = performance.now();
    if (bounds) this.map.fitBounds(bounds, this.#room());
  }

  /** What is kept free for that which stands over the map. */
  #room() {
    const controls = this.map.getContainer().parentElement?.querySelector(".map-controls");
    const right = FIT_PX.side + (controls instanceof HTMLElement ? controls.offsetWidth : 0);
    return { paddingTopLeft: /** @type {[number, number]} */ ([FIT_PX.side, FIT_PX.above]), paddingBottomRight: /** @type {[number, number]} */ ([right, FIT_PX.below]), animate: false };
  }

  #everything() {
    const spots = [...(this.items?.items.values() ?? [])].map(({ latitude, longitude }) => this.at(latitude, longitude));
    if (spots.length === 0) return null;
    const bounds = this.leaflet.latLngBounds(spots);
    if (spots.length > 1) return bounds;
    const [latitude, longitude] = /** @type {[number, number]} */ (spots[0]);
    return bounds.extend([latitude + ALONE_M, longitude + ALONE_M]).extend([latitude - ALONE_M, longitude - ALONE_M]);
  }

  /** Brings a thing into view: what is out of sight is shown together with the compound, for else nothing says where that is.
   * It is kept in view while it moves, until somebody moves the map. @param {string} id */
  reveal(id) {
    this.revealedAt = performance.now();
    const entity = entities.get(id)?.peek();
    const { latitude, longitude } = entity ? placeOf(entity) : {};
    if (typeof latitude !== "number" || typeof longitude !== "number") return;
    const spot = this.at(latitude, longitude), { x, y } = this.map.latLngToContainerPoint(spot), size = this.map.getSize();
    const { paddingTopLeft: [left, above], paddingBottomRight: [right, below] } = this.#room();
    if (x >= left && y >= above && x <= size.x - right && y <= size.y - below) return;
    const ground = this.ground.bounds();
    if (ground) this.map.fitBounds(this.leaflet.latLngBounds([spot]).extend(ground), { ...this.#room(), maxZoom: 19 });
    else this.map.panInside(spot, { padding: [60, 60], animate: false });
  }

  /** Somebody chose what is in view: what is open is followed no longer. */
  letGo() {
    this.revealedAt = -Infinity;
  }

  remove() {
    for (const end of this.ends ?? []) end();
    this.items.stop();
    this.paint.remove();
    this.ground.remove();
    // A frame that Leaflet's canvas asked for may still come, and would find its canvas gone.
    requestAnimationFrame(() => this.map.remove());
    hovered.value = "";
  }
}
