// What the pointer is on.
import { signal } from "../../../vendor/preact.js";

/** Id of the thing under the pointer, on the map or in the list; "" for none. */
export const hovered = signal("");

const REACH = 14;

/** The nearest symbol within reach; "" for none. @param {{item: {id: string}, x: number, y: number}[]} spots @param {number} x @param {number} y */
export function nearest(spots, x, y) {
  let found = "", least = REACH * REACH;
  for (const spot of spots) {
    const far = (spot.x - x) ** 2 + (spot.y - y) ** 2;
    if (far <= least) { least = far; found = spot.item.id; }
  }
  return found;
}
