// Lists that are asked for beside the stream: again after every change here, and every so often for those of others.
import { signal, useEffect } from "../../vendor/preact.js";
import { get, may } from "../api.js";
import { pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";

const AGAIN_MS = 15_000;

/** Whether this user may change settings. */
export const mayChange = () => may("administer");

/** Whether anything can be changed just now: the collector answers, and now is shown. */
export const canChange = () => mayChange() && pastAt.value === null && state.value === "live";

/**
 * A list of the collector's. `items` is null until it was answered once; what was there stays when asking fails.
 * @param {string} path @param {(answer: any) => any[]} pick
 */
export function listOf(path, pick) {
  const items = signal(/** @type {any[] | null} */ (null));
  const failure = signal("");
  const ask = async () => {
    try {
      items.value = pick(await get(path));
      failure.value = "";
    } catch (error) {
      failure.value = failureWords(error);
    }
  };
  return { items, failure, ask };
}

/** Asks while a section is shown. @param {{ask: () => Promise<void>}} list */
export function useAsking(list) {
  useEffect(() => {
    void list.ask();
    const timer = setInterval(() => { if (!document.hidden && state.peek() === "live") void list.ask(); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [list]);
}
