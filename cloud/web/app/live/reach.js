// Whether news of a thing can come at all: what is known of it is not of now while all its gateways are offline.
import { entities } from "../live/link.js";

/** @param {import("../types.d.ts").Entity} entity */
export function isOutOfReach(entity) {
  const names = entity.attributes.gateways ?? [];
  return names.length > 0 && names.every((name) => entities.get(`${entity.site}/@${name}`)?.peek().attributes.online === false);
}
