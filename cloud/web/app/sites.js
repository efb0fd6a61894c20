// The sites, their names and time zones.
import { computed, signal } from "../vendor/preact.js";
import { get, isRequester } from "./api.js";
import { site } from "./place.js";

/** @typedef {import("./types.d.ts").Site} Site */

export const sites = signal(/** @type {Site[]} */ ([]));

/** A requester learns of them where its form does: the list with gateways and devices is not for it. */
export async function loadSites() {
  sites.value = (await get(isRequester() ? "/api/v1/requests/form" : "/api/v1/sites")).sites;
}

/** @param {string} id */
export const siteOf = (id) => sites.value.find((one) => one.id === id);

/** A site's time zone; UTC where it is not known. @param {string} id */
export const zoneOf = (id) => siteOf(id)?.time_zone || "UTC";

/** @param {string} id */
export const siteName = (id) => siteOf(id)?.name || id;

/** The zone of the page's own clock: the chosen site's, or the one all sites share, else UTC. */
export const pageZone = computed(() => {
  if (site.value) return zoneOf(site.value);
  const zones = new Set(sites.value.map((one) => one.time_zone));
  return zones.size === 1 ? /** @type {string} */ ([...zones][0]) : "UTC";
});
