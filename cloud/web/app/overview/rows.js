// Which rows the list has, and in which order: gateways, their devices, their points. Pure.
import { pointHaystack } from "../i18n.js";
import { deviceHealth, gatewayHealth, needsAttention, rankOf } from "./health.js";
import { inOrder } from "./point_order.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Health} Health */
/** @typedef {{entity: Entity, health: Health}} Judged */
/** @typedef {{gateway: Judged | null, id: string, site: string, name: string, devices: Judged[], total: number}} Group */
/** @typedef {{key: string, type: "gateway" | "device" | "point", id: string, kind: string, point: string, level: number, isOpen: boolean, group: Group, health: Health}} Row */
/** @typedef {{site: string, search: string, kind: string, health: string}} Filter */

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** @type {WeakMap<Entity, string>} */
const haystacks = new WeakMap();

/** Everything of an entity that a search looks through. @param {Entity} entity @param {(entity: Entity) => string} kindWords */
function haystack(entity, kindWords) {
  let known = haystacks.get(entity);
  if (known === undefined) {
    const { attributes } = entity;
    known = [entity.name, entity.device ?? "", entity.gateway, entity.site, attributes.profile ?? "", attributes.last_error ?? "", attributes.state ?? "",
      kindWords(entity), ...Object.keys(entity.points).map(pointHaystack)].join(" ").toLowerCase();
    haystacks.set(entity, known);
  }
  return known;
}

/** @param {string} text @param {string[]} terms */
const hasAll = (text, terms) => terms.every((term) => text.includes(term));

/** @param {string} search */
export const termsOf = (search) => search.toLowerCase().split(/\s+/).filter(Boolean);

/** @param {Health} health @param {string} wanted */
const healthFits = (health, wanted) => wanted === "" || (wanted === "attention" ? needsAttention(health) : health === wanted || (wanted === "bad" && health === "failing"));

/**
 * All entities by gateway, judged at `now`, filtered, worst first. A gateway nobody has announced still has a group.
 * @param {Iterable<Entity>} entities @param {Filter} filter @param {number} now @param {(entity: Entity) => boolean} isOutOfReach
 * @param {(entity: Entity) => string} kindWords @returns {Group[]}
 */
export function grouped(entities, filter, now, isOutOfReach, kindWords) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const groupOf = (/** @type {Entity} */ entity) => {
    const id = `${entity.site}/@${entity.gateway}`;
    let group = groups.get(id);
    if (!group) { group = { gateway: null, id, site: entity.site, name: entity.gateway, devices: [], total: 0 }; groups.set(id, group); }
    return group;
  };
  const terms = termsOf(filter.search);
  const narrowed = terms.length > 0 || filter.kind !== "" || filter.health !== "";
  const fits = (/** @type {Entity} */ entity, /** @type {Health} */ health) => (filter.kind === "" || entity.kind === filter.kind)
    && healthFits(health, filter.health) && (terms.length === 0 || hasAll(haystack(entity, kindWords), terms));
  /** @type {Set<Group>} */
  const found = new Set();
  for (const entity of entities) {
    if (filter.site && entity.site !== filter.site) continue;
    const group = groupOf(entity);
    if (entity.kind === "gateway") {
      group.gateway = { entity, health: gatewayHealth(entity, now) };
      group.name = entity.name || entity.gateway;
      if (fits(entity, group.gateway.health)) found.add(group);
      continue;
    }
    group.total += 1;
    const health = deviceHealth(entity, now, isOutOfReach(entity));
    if (fits(entity, health)) group.devices.push({ entity, health });
  }
  return [...groups.values()].filter((group) => !narrowed || group.devices.length > 0 || found.has(group));
}

/** Kinds in the order people look for them; others come after. */
const KINDS = ["meter", "door", "reader", "vehicle", "room", "io"];

/** @param {string} kind */
const kindOrder = (kind) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);

/** @param {Judged} a @param {Judged} b */
const worseFirst = (a, b) => rankOf(a.health) - rankOf(b.health) || kindOrder(a.entity.kind) - kindOrder(b.entity.kind) || collator.compare(a.entity.name, b.entity.name) || collator.compare(a.entity.id, b.entity.id);

/**
 * Puts what needs attention on top. With `held` (ids in the order shown before) known rows keep their place, so that nothing
 * moves under a pointer.
 * @param {Group[]} groups @param {Map<string, number> | null} held
 */
export function sorted(groups, held) {
  const place = (/** @type {string} */ id) => held?.get(id) ?? Infinity;
  const byPlace = (/** @type {string} */ a, /** @type {string} */ b) => {
    const [first, second] = [place(a), place(b)];
    return first === second ? 0 : first - second;
  };
  for (const group of groups) group.devices.sort((a, b) => byPlace(a.entity.id, b.entity.id) || worseFirst(a, b));
  const rank = (/** @type {Group} */ group) => (group.gateway ? rankOf(group.gateway.health) : rankOf("clock"));
  return groups.sort((a, b) => byPlace(a.id, b.id) || rank(a) - rank(b) || collator.compare(a.site, b.site) || collator.compare(a.name, b.name));
}

/**
 * The rows to show, one after the other.
 * @param {Group[]} groups @param {(key: string, otherwise: boolean) => boolean} isOpen @param {string} search @returns {Row[]}
 */
export function flattened(groups, isOpen, search) {
  /** @type {Row[]} */
  const rows = [];
  const terms = termsOf(search);
  const openAtFirst = groups.length <= 6 || terms.length > 0;
  for (const group of groups) {
    const key = group.id;
    const open = isOpen(key, openAtFirst);
    rows.push({ key, type: "gateway", id: group.id, kind: "gateway", point: "", level: 1, isOpen: open, group, health: group.gateway?.health ?? "waiting" });
    if (!open) continue;
    for (const { entity, health } of group.devices) {
      const deviceOpen = isOpen(entity.id, false);
      rows.push({ key: entity.id, type: "device", id: entity.id, kind: entity.kind, point: "", level: 2, isOpen: deviceOpen, group, health });
      if (!deviceOpen) continue;
      for (const name of pointsShown(entity, terms)) {
        rows.push({ key: `${entity.id}/${name}`, type: "point", id: entity.id, kind: entity.kind, point: name, level: 3, isOpen: false, group, health });
      }
    }
  }
  return rows;
}

/** When the search names points, only those. @param {Entity} entity @param {string[]} terms */
function pointsShown(entity, terms) {
  const names = inOrder(Object.keys(entity.points));
  if (terms.length === 0) return names;
  const named = names.filter((name) => terms.some((term) => term.length > 1 && pointHaystack(name).includes(term)));
  return named.length > 0 ? named : names;
}
