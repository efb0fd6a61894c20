// Asking again while somebody looks: amounts grow every few minutes.
import { signal, useEffect, useMemo } from "../../vendor/preact.js";
import { get } from "../api.js";
import { pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";

/** @typedef {{answer: any, failure: string, isBusy: boolean}} Asked */

/**
 * The answer of a GET, asked again every so often; what was there stays while it is asked again, and nothing of another path is shown.
 * `everyMs` 0 asks once. @param {string} path @param {number} everyMs @returns {Asked}
 */
export function useKept(path, everyMs) {
  const kept = useMemo(() => signal(/** @type {Asked} */ ({ answer: null, failure: "", isBusy: true })), [path]);
  useEffect(() => {
    let gone = false;
    const ask = () => {
      get(path).then((answer) => { if (!gone) kept.value = { answer, failure: "", isBusy: false }; },
        (failure) => { if (!gone) kept.value = { ...kept.peek(), failure: failureWords(failure), isBusy: false }; });
    };
    ask();
    if (!everyMs) return () => { gone = true; };
    const timer = setInterval(() => { if (!document.hidden && state.peek() === "live" && pastAt.peek() === null) ask(); }, everyMs);
    return () => { gone = true; clearInterval(timer); };
  }, [path, everyMs, kept]);
  return kept.value;
}
