// An action under way: busy, and what went wrong; done again on what the request has become.
import { useMemo, useSignal } from "../../vendor/preact.js";
import { act, newKey, Overtaken } from "./act.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {Record<string, any>} Facts */

/**
 * `run(action, more)` does it once; `again()` repeats what failed on the request as it is now, or is null when nothing failed.
 * @param {Entity} entity @param {(after: Facts) => void} [done]
 */
export function useDoing(entity, done = () => undefined) {
  const busy = useSignal("");
  const failed = useSignal(/** @type {{failure: unknown, action: string, more: Facts, before: Facts} | null} */ (null));
  const key = useMemo(() => ({ said: "", value: "" }), []);
  const run = async (/** @type {string} */ action, /** @type {Facts} */ more = {}, /** @type {Entity} */ on = entity) => {
    if (busy.peek()) return false;
    // The same thing said again after a failure of the line is the same change.
    const said = JSON.stringify([on.id, /** @type {Facts} */ (on.attributes)["rev"], action, more]);
    if (key.said !== said) { key.said = said; key.value = newKey(); }
    busy.value = action;
    try {
      const after = await act(on, action, more, key.value);
      failed.value = null;
      key.said = "";
      done(after);
      return true;
    } catch (failure) {
      if (failure instanceof Overtaken) key.said = "";
      failed.value = { failure, action, more, before: /** @type {Facts} */ (on.attributes) };
      return false;
    } finally {
      busy.value = "";
    }
  };
  const last = failed.value;
  const now = last?.failure instanceof Overtaken ? last.failure.now : null;
  const again = last ? () => void run(last.action, last.more, now ? { ...entity, attributes: now } : entity) : null;
  return { busy: busy.value, failed: last, run, again, forget: () => { failed.value = null; } };
}
