// What the list shows now. Order and state are worked out every two seconds, not with every delta: values move, rows do not.
import { computed, signal } from "../../vendor/preact.js";
import { catalogueWords } from "../i18n.js";
import { entities, now, roster } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { isThing } from "../live/world.js";
import { health, kind, opened, search, setOpened, site } from "../place.js";
import { deviceHealth, gatewayHealth, needsAttention } from "./health.js";
import { flattened, grouped, sorted } from "./rows.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

const BEAT_MS = 2000;
/** Rows stay where they are for so long after the last move of a pointer or key in the list. */
const HOLD_MS = 6000;

const beat = computed(() => Math.floor(now.value / BEAT_MS));

/** Key of the row the keyboard is on. */
export const activeKey = signal("");

let touchedAt = -Infinity;
/** @type {Map<string, number>} */
let places = new Map();
let placesFor = "";

/** Somebody is pointing at or moving through the list. */
export function touched() {
  touchedAt = performance.now();
}

/** The words of an entity's kind in both languages, for the search. @param {Entity} entity */
const kindWords = (entity) => `${entity.kind} ${catalogueWords(`kind.${entity.kind}`)}`;

function* all() {
  for (const entity of entities.values()) if (!isThing(entity.peek())) yield entity.peek();
}

export const groups = computed(() => {
  void beat.value;
  void roster.value;
  const filter = { site: site.value, search: search.value, kind: kind.value, health: health.value };
  const made = grouped(all(), filter, now.peek(), isOutOfReach, kindWords);
  const filterKey = JSON.stringify(filter);
  const holds = filterKey === placesFor && performance.now() - touchedAt < HOLD_MS;
  const ordered = sorted(made, holds ? places : null);
  placesFor = filterKey;
  places = new Map();
  for (const group of ordered) {
    places.set(group.id, places.size);
    for (const { entity } of group.devices) places.set(entity.id, places.size);
  }
  return ordered;
});

export const rows = computed(() => {
  const chosen = opened.value;
  return flattened(groups.value, (key, otherwise) => chosen[key] ?? otherwise, search.value);
});

/** @param {string} key @param {boolean} isOpen */
export function toggle(key, isOpen) {
  touched();
  setOpened(key, !isOpen);
}

/** How many there are of each kind and in each state, within the chosen site, whatever is filtered. */
export const counts = computed(() => {
  void beat.value;
  void roster.value;
  const at = now.peek();
  /** @type {Record<string, number>} */
  const byKind = {};
  /** @type {Record<string, number>} */
  const byHealth = {};
  let devices = 0, attention = 0, gateways = 0, online = 0;
  for (const entity of all()) {
    if (site.value && entity.site !== site.value) continue;
    const isGateway = entity.kind === "gateway";
    const judged = isGateway ? gatewayHealth(entity, at) : deviceHealth(entity, at, isOutOfReach(entity));
    if (needsAttention(judged)) attention += 1;
    byHealth[judged] = (byHealth[judged] ?? 0) + 1;
    if (isGateway) { gateways += 1; if (entity.attributes.online) online += 1; continue; }
    devices += 1;
    byKind[entity.kind] = (byKind[entity.kind] ?? 0) + 1;
  }
  return { byKind, byHealth, devices, attention, gateways, online };
});
