// What is metered where at the site that is shown: spaces, units, meters, as people entered them.
import { signal } from "../../vendor/preact.js";
import { get } from "../api.js";
import { failureWords } from "../overview/loading.js";

/** @typedef {{id: string, kind: string, name: string, parent: string, area_m2: string | null, people: number | null}} Space */
/** @typedef {{id: string, name: string, medium: string, role: string, reads: string, space: string, unit: string, parent: string, item: string, device: string, point: string, expression: string, accuracy: string, counted: boolean | null, register: Record<string, any>}} Meter */
/** @typedef {{id: string, name: string, parent: string, area_m2: string | null, people: number | null}} Unit */
/** @typedef {{site: string, rev: number, structure: {spaces: Space[], units: Unit[], meters: Meter[]}, faults: Record<string, string>}} Known */

export const UNITS = /** @type {Record<string, string>} */ ({ electricity: "kWh", water: "m³", gas: "m³", heat: "GJ" });
const ASK_AGAIN_MS = 300_000;

export const structure = signal(/** @type {{of: string, known: Known | null, failure: string}} */ ({ of: "", known: null, failure: "" }));

/** @param {string} site */
async function ask(site) {
  try {
    const known = await get(`/api/v1/energy/structure/${encodeURIComponent(site)}`);
    if (structure.peek().of === site) structure.value = { of: site, known, failure: "" };
  } catch (failure) {
    const kept = structure.peek();
    if (kept.of === site) structure.value = { ...kept, failure: failureWords(failure) };
  }
}

/** Asks again: what is metered was just changed. */
export const askStructure = () => ask(structure.peek().of);

/** Asks for a site's structure while somebody looks. @param {string} site */
export function keepStructure(site) {
  if (!site) return undefined;
  if (structure.peek().of !== site) structure.value = { of: site, known: null, failure: "" };
  void ask(site);
  const timer = setInterval(() => void ask(site), ASK_AGAIN_MS);
  return () => clearInterval(timer);
}

const parts = () => structure.value.known?.structure ?? { spaces: [], units: [], meters: [] };

/** @param {string} id */
export const meterOf = (id) => parts().meters.find((one) => one.id === id);
/** @param {string} id */
export const spaceOf = (id) => parts().spaces.find((one) => one.id === id);
export const meters = () => parts().meters;
export const spaces = () => parts().spaces;
/** @param {string} id */
export const unitOf = (id) => parts().units.find((one) => one.id === id);
/** Units of the organisation, as they were entered. */
export const units = () => parts().units;

/** What a thing is called: of a meter, a space, a unit, or the site. @param {string} kind @param {string} id @param {string} site */
export const thingName = (kind, id, site) => (kind === "meter" ? meterOf(id)?.name : kind === "space" ? spaceOf(id)?.name : kind === "unit" ? unitOf(id)?.name : site) ?? id;
