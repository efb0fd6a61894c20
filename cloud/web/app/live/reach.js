// Whether news can come at all: what is known of a thing or a device is not of now while all its gateways are offline.
import { entities } from "./link.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

/** @param {Entity} entity @returns {readonly string[]} */
function gatewaysOf(entity) {
  if (entity.kind === "gateway") return [];
  return entity.attributes.gateways ?? (entity.gateway ? [entity.gateway] : []);
}

/** @param {Entity} entity */
export function isOutOfReach(entity) {
  const names = gatewaysOf(entity);
  return names.length > 0 && names.every((name) => entities.get(`${entity.site}/@${name}`)?.peek().attributes.online === false);
}
