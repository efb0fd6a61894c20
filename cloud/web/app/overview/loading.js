// Asking the collector for what a panel shows.
import { signal, useEffect, useMemo } from "../../vendor/preact.js";
import { ApiFailure, get } from "../api.js";
import { t } from "../i18n.js";
import { refusedWords } from "../refused.js";

/** @typedef {{answer: any, failure: string, isBusy: boolean}} Loading */

/**
 * The answer of a GET, asked again when `path` changes. What was there stays until the new answer comes, unless `about` (what
 * is asked for, without the moment of asking) changed too.
 * @param {string} path @param {string} about @returns {Loading}
 */
export function useAnswer(path, about) {
  const state = useMemo(() => signal(/** @type {Loading} */ ({ answer: null, failure: "", isBusy: true })), [about]);
  useEffect(() => {
    let gone = false;
    state.value = { ...state.peek(), isBusy: true };
    get(path).then(
      (answer) => { if (!gone) state.value = { answer, failure: "", isBusy: false }; },
      (failure) => { if (!gone) state.value = { ...state.peek(), failure: failureWords(failure), isBusy: false }; },
    );
    return () => { gone = true; };
  }, [path, state]);
  return state.value;
}

/** @param {unknown} failure */
export function failureWords(failure) {
  if (!(failure instanceof ApiFailure) || failure.status === 0) return t("live.unreachable");
  return refusedWords(failure.code, failure.message, failure.hint);
}
