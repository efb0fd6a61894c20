// The state of everything, as a plain map: what a snapshot and deltas add up to. Pure, used in the worker and in the page.
/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Change} Change */

/** Whether it is neither a device nor a gateway but something the collector's features show: a vehicle, a room, a request.
 * @param {Entity} entity */
export const isThing = (entity) => !entity.device && entity.kind !== "gateway";

/**
 * One entity after a change; null when it was deleted, the same object when the change is old.
 * `set` replaces top-level fields, `attributes` is merged one level deep, each point is replaced whole.
 * @param {Entity | undefined} before @param {Change} change @returns {Entity | null}
 */
export function changed(before, change) {
  if (change.deleted) return null;
  if (before && change.rev !== undefined && change.rev <= before.rev) return before;
  /** @type {Entity} */
  const base = before ?? { id: change.id, kind: "", site: "", gateway: "", name: change.id, rev: 0, observed_at: null, received_at: null,
    quality: "good", stale_after_s: null, attributes: {}, points: {} };
  return {
    ...base,
    ...change.set,
    rev: change.rev ?? base.rev,
    attributes: change.attributes ? { ...base.attributes, ...change.attributes } : base.attributes,
    points: change.points ? { ...base.points, ...change.points } : base.points,
  };
}

/** @param {Map<string, Entity>} world @param {Change[]} changes */
export function applyAll(world, changes) {
  for (const change of changes) {
    const after = changed(world.get(change.id), change);
    if (after === null) world.delete(change.id);
    else world.set(change.id, after);
  }
}
