// What stands on the map: one item a thing with a place, worked out anew only when that thing has changed or grown old.
import { effect, untracked } from "../../../vendor/preact.js";
import { entities, now, roster } from "../../live/link.js";
import { lookOf } from "../states.js";
import { factsOf, shortName } from "../words.js";

/** @typedef {import("../../types.d.ts").Entity} Entity */
/** @typedef {import("../states.js").Look} Look */
/** @typedef {{id: string, kind: string, latitude: number, longitude: number, course: number, look: Look, label: string, width: number, entity: Entity}} Item */

/** Kinds that are many, never move and seldom need anybody: drawn small, and only where they are asked for. */
export const EQUIPMENT = new Set(["meter", "reader"]);
/** Kinds drawn as symbols; rooms are counted on their buildings. */
const DRAWN = new Set(["vehicle", "door", "guard", "technician", "gateway", ...EQUIPMENT]);
const AGE_MS = 2000;

/** Where a thing stands; of a gateway that is written down beside it. @param {Entity} entity @returns {{latitude?: unknown, longitude?: unknown}} */
export const placeOf = (entity) => (entity.kind === "gateway" ? factsOf(entity)["placed"] ?? {} : factsOf(entity));

/** @param {Entity} entity @returns {Item | null} */
function itemOf(entity) {
  const facts = factsOf(entity);
  const { latitude, longitude } = placeOf(entity);
  if (typeof latitude !== "number" || typeof longitude !== "number" || facts["state"] === "off_duty") return null;
  return { id: entity.id, kind: entity.kind, latitude, longitude, course: typeof facts["course_deg"] === "number" ? facts["course_deg"] : 0,
    look: lookOf(entity, now.peek()), label: shortName(entity), width: 0, entity };
}

/** Follows the things of a site. `touched` is told that something has changed; `items` is what to draw then. */
export class Items {
  /** @param {string} site @param {() => void} touched */
  constructor(site, touched) {
    this.site = site;
    this.touched = touched;
    /** @type {Map<string, Item>} */
    this.items = new Map();
    /** @type {Map<string, {of: unknown, end: () => void}>} */
    this.ends = new Map();
    this.judgedAt = 0;
    this.end = effect(() => { void roster.value; untracked(() => this.#enrol()); });
    this.endAge = effect(() => { if (Math.abs(now.value - this.judgedAt) >= AGE_MS) untracked(() => this.#judge()); });
  }

  #enrol() {
    for (const [id, entity] of entities) {
      const { kind, device, site } = entity.peek();
      if (this.ends.get(id)?.of === entity || device || !DRAWN.has(kind) || (this.site && site !== this.site)) continue;
      this.ends.get(id)?.end();
      // One effect a thing: a change costs that thing alone.
      const end = effect(() => {
        const one = entity.value;
        untracked(() => this.#take(id, one));
      });
      this.ends.set(id, { of: entity, end });
    }
    for (const [id, { end }] of this.ends) if (!entities.has(id)) { end(); this.ends.delete(id); this.items.delete(id); }
    this.touched();
  }

  /** @param {string} id @param {Entity} entity */
  #take(id, entity) {
    const item = itemOf(entity);
    const before = this.items.get(id);
    if (item && before && before.label === item.label) item.width = before.width;
    if (item) this.items.set(id, item);
    else this.items.delete(id);
    this.touched();
  }

  /** Things grow old without a word. */
  #judge() {
    this.judgedAt = now.peek();
    for (const item of this.items.values()) item.look = lookOf(item.entity, this.judgedAt);
    this.touched();
  }

  stop() {
    this.end();
    this.endAge();
    for (const { end } of this.ends.values()) end();
    this.ends.clear();
  }
}
