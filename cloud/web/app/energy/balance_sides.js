// What each meter of a balance says of itself over the period: its amount and how far that is known, and its steps for the drawing.
import { signal, useEffect, useMemo } from "../../vendor/preact.js";
import { get, query } from "../api.js";
import { failureWords } from "../overview/loading.js";

/** @typedef {{total: import("./amounts.js").Total, rows: any[][]}} Side */
/** @typedef {{of: Record<string, Side> | null, step: string, failure: string}} Sides */

const HOURS_MS = 8 * 86_400_000;

/** The meter and those below it, each asked once. @param {string} site @param {string[]} meters @param {number} since @param {number} end @returns {Sides} */
export function useSides(site, meters, since, end) {
  const step = end - since <= HOURS_MS ? "1h" : "1d";
  const kept = useMemo(() => signal(/** @type {Sides} */ ({ of: null, step, failure: "" })), [site, meters.join(" "), since, end]);
  useEffect(() => {
    let isGone = false;
    Promise.all(meters.map((meter) => get(`/api/v1/energy/intervals?${query({ site, meter, from: since, to: end, step })}`))).then(
      (answers) => { if (!isGone) kept.value = { of: Object.fromEntries(meters.map((meter, i) => [meter, answers[i]])), step, failure: "" }; },
      (failure) => { if (!isGone) kept.value = { of: null, step, failure: failureWords(failure) }; });
    return () => { isGone = true; };
  }, [kept]);
  return kept.value;
}
