// The track of a vehicle that is replayed on the map: fixes by time, and where on it the replay stands.
import { signal } from "../../vendor/preact.js";

/** `piece` grows after a silence: nothing is drawn across.
 * @typedef {{at: number, latitude: number, longitude: number, speed: number | null, piece: number}} Fix */
/** @typedef {{vehicle: string, fixes: Fix[], head: number}} Track */

/** The open track; null when none is. `head` is the moment the replay stands at. */
export const track = signal(/** @type {Track | null} */ (null));

/** The last fix at or before a moment; the first when there is none before. @param {Fix[]} fixes @param {number} at */
export function fixAt(fixes, at) {
  let low = 0, high = fixes.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (/** @type {Fix} */ (fixes[middle]).at <= at) low = middle;
    else high = middle - 1;
  }
  return fixes[low] ?? null;
}

/** What the tracks' route answers, as fixes in order. @param {any} answer @returns {Fix[]} */
export function fixesOf(answer) {
  const columns = /** @type {string[]} */ (answer?.columns ?? []);
  const column = (/** @type {string} */ name) => columns.indexOf(name);
  const [at, latitude, longitude, speed, piece] = [column("at"), column("latitude"), column("longitude"), column("speed_kmh"), column("piece")];
  return (answer?.points ?? []).map((/** @type {any[]} */ row) => ({ at: row[at ?? 0], latitude: row[latitude ?? 0], longitude: row[longitude ?? 0], speed: row[speed ?? 0] ?? null, piece: row[piece ?? 0] }));
}
