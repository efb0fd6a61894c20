// The map as a part of the page: loads the library and the site's drawing when it is first looked at, and keeps its place.
import { computed, html, signal, useEffect, useRef, useSignal } from "../../../vendor/preact.js";
import { ApiFailure, get } from "../../api.js";
import { t } from "../../i18n.js";
import { lastReason, roster, state } from "../../live/link.js";
import { field, wall } from "../../place.js";
import { stateWord } from "../words.js";
import { equipment, mapSite, open, openThing } from "../where.js";
import { tabCounts, thingsOf } from "../things.js";
import { Shape } from "../shape.js";
import { EQUIPMENT, placeOf as standsAt } from "./items.js";
import { readDrawn } from "./drawn.js";
import { MapView } from "./view.js";

const view = field("view");
const ASK_AGAIN_MS = 5000;

/** The map that is open, for the list and the keys. */
export const openMap = signal(/** @type {MapView | null} */ (null));

/** @param {string} text @returns {[number, number, number] | null} */
function placeOf(text) {
  const parts = text.split(",").map(Number);
  return parts.length === 3 && parts.every(Number.isFinite) ? /** @type {[number, number, number]} */ (parts) : null;
}

/** The site's drawing; null where nobody drew one. @param {string} site */
export async function askDrawing(site) {
  try {
    return await get(`/api/v1/map/${encodeURIComponent(site)}`);
  } catch (failure) {
    if (failure instanceof ApiFailure && failure.status === 404) return null;
    throw failure;
  }
}

/** Keeps one map in `box` for a site. @param {{current: HTMLElement | null}} box @param {string} site @param {import("../../../vendor/preact.js").Signal<string>} said */
function useMap(box, site, said) {
  useEffect(() => {
    let gone = false;
    /** @type {MapView | null} */
    let made = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let again;
    const load = async () => {
      try {
        const [leaflet, document] = await Promise.all([import("../../../vendor/leaflet.js"), askDrawing(site)]);
        if (gone || !box.current) return;
        made = new MapView(leaflet, box.current, {
          site, drawn: readDrawn(document), place: placeOf(view.peek()), opened: open,
          moved: ([latitude, longitude, zoom]) => { view.value = `${latitude.toFixed(5)},${longitude.toFixed(5)},${zoom}`; },
        });
        openMap.value = made;
        said.value = !document?.features?.length ? t("dispatch.no_map") : "";
      } catch {
        if (gone) return;
        said.value = t("dispatch.map_failed");
        again = setTimeout(() => void load(), ASK_AGAIN_MS);
      }
    };
    if (site) void load();
    return () => { gone = true; clearTimeout(again); made?.remove(); openMap.value = null; };
  }, [site, lastReason.value === "epoch"]);
}

function Controls() {
  const map = openMap.value;
  // Once they stand there, the compound is fitted into what they leave free.
  useEffect(() => { if (map && !map.held) map.fit(); }, [map, wall.value]);
  if (!map || wall.value) return null;
  const whole = () => { view.value = ""; map.letGo(); map.fit(); };
  const zoom = (/** @type {number} */ by) => () => { map.letGo(); map.map.zoomIn(by); };
  return html`<div class="map-controls" role="group" aria-label=${t("dispatch.map_controls")}>
    <button class="btn" aria-label=${t("dispatch.zoom_in")} title=${t("dispatch.zoom_in")} onClick=${zoom(0.5)}>+</button>
    <button class="btn" aria-label=${t("dispatch.zoom_out")} title=${t("dispatch.zoom_out")} onClick=${zoom(-0.5)}>−</button>
    <button class="btn" onClick=${whole}>${t("dispatch.fit")}</button>
    <button class="btn" onClick=${() => map.fitAll()}>${t("dispatch.fit_all")}</button>
    ${placed.value > 0 && html`<button class=${`btn${equipment.value ? " on" : ""}`} aria-pressed=${equipment.value !== ""} title=${t("dispatch.equipment_about", { n: placed.value })} onClick=${() => { equipment.value = equipment.peek() ? "" : "1"; }}>${t("dispatch.equipment")}</button>`}
    <${MapLegend} />
  </div>`;
}

/** How many meters and card readers have a place. */
const placed = computed(() => {
  void roster.value;
  return [...thingsOf([...EQUIPMENT])].filter((one) => typeof standsAt(one).latitude === "number").length;
});

const LEGEND = [["vehicle", "on_trip"], ["vehicle", "available"], ["vehicle", "reserved"], ["vehicle", "stopped"], ["vehicle", "non_contactable"], ["door", "closed"], ["door", "open"], ["guard", "available"]];
/** @type {Record<string, string>} */
const LEGEND_SHAPES = { on_trip: "arrow", available: "arrow_open", reserved: "arrow_dot", stopped: "square", non_contactable: "lost", closed: "gate", open: "gate_open" };

/** What the shapes mean, folded away until asked for. */
function MapLegend() {
  const isOpen = useSignal(false);
  return html`<div class="map-legend"><button class="btn" aria-expanded=${isOpen.value} onClick=${() => { isOpen.value = !isOpen.value; }}>${t("dispatch.legend")}</button>
    ${isOpen.value && html`<ul class="card">${LEGEND.map(([kind = "", code = ""]) => html`<li key=${kind + code}><${Shape} name=${kind === "guard" ? "diamond_open" : LEGEND_SHAPES[code] ?? "lost"} tone=${code === "on_trip" || code === "open" ? "live" : "calm"} />${kind === "vehicle" ? "" : `${t(`dispatch.kind_${kind}`)} · `}${stateWord(kind, code)}</li>`)}
      <li><${Shape} name="tower" tone="calm" />${t("dispatch.kind_gateway")}</li>
      ${placed.value > 0 && html`<li><${Shape} name="box" tone="calm" />${t("dispatch.equipment_legend", { n: placed.value })}</li>`}</ul>`}</div>`;
}

export function CompoundMap() {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const said = useSignal("");
  useMap(box, mapSite.value, said);
  useEffect(() => { if (openThing.value) openMap.peek()?.reveal(openThing.value); }, [openThing.value, openMap.value]);
  const counts = tabCounts.value;
  const words = t("dispatch.map_words", { vehicles: counts["vehicles"] ?? 0, doors: counts["doors"] ?? 0, guards: counts["guards"] ?? 0 });
  return html`<div ref=${box} class="map-box" role="region" aria-label=${words}></div>
    ${said.value && state.value !== "connecting" && html`<p class="map-said card" role="status">${said.value}</p>`}
    <${Controls} />`;
}

