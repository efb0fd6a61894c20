// Where labels stand: beside their symbol, never over another label or symbol. Pure.

/** @typedef {{x: number, y: number, w: number, h: number}} Box */
/** @typedef {{x: number, y: number, r: number, w: number, h: number, rank: number, must?: boolean, below?: boolean}} Wish */

const CELL = 48;
const GAP = 3;

/** Boxes by the cells of a grid they touch, so that a thousand labels look only at their neighbours. */
export class Grid {
  constructor() {
    /** @type {Map<number, Box[]>} */
    this.cells = new Map();
  }

  /** @param {Box} box @param {(boxes: Box[] | undefined, key: number) => boolean} visit */
  #each(box, visit) {
    const right = Math.floor((box.x + box.w) / CELL), bottom = Math.floor((box.y + box.h) / CELL);
    for (let column = Math.floor(box.x / CELL); column <= right; column += 1) {
      for (let row = Math.floor(box.y / CELL); row <= bottom; row += 1) {
        const key = column * 100_003 + row;
        if (visit(this.cells.get(key), key)) return true;
      }
    }
    return false;
  }

  /** @param {Box} box */
  add(box) {
    this.#each(box, (boxes, key) => {
      if (boxes) boxes.push(box);
      else this.cells.set(key, [box]);
      return false;
    });
  }

  /** @param {Box} box @param {Box} [except] */
  hits(box, except) {
    return this.#each(box, (boxes) => boxes !== undefined && boxes.some((other) => other !== except
      && box.x < other.x + other.w && other.x < box.x + box.w && box.y < other.y + other.h && other.y < box.y + box.h));
  }
}

/** Right, left, above, below of a symbol; below first for what stands still. @param {Wish} wish @returns {Box[]} */
function places({ x, y, r, w, h, below }) {
  const sides = [
    { x: x + r + GAP, y: y - h / 2, w, h }, { x: x - r - GAP - w, y: y - h / 2, w, h },
    { x: x - w / 2, y: y - r - GAP - h, w, h }, { x: x - w / 2, y: y + r + GAP, w, h },
  ];
  return below ? [/** @type {Box} */ (sides[3]), .../** @type {Box[]} */ (sides.slice(0, 3))] : sides;
}

/**
 * A box for each wish, or null where there is no room. Who has the lower rank chooses first; `must` gets a place in any case.
 * @param {Wish[]} wishes @param {Box[]} taken what stands there already (names of buildings)
 * @returns {(Box | null)[]}
 */
export function placed(wishes, taken) {
  const grid = new Grid();
  for (const box of taken) grid.add(box);
  const symbols = wishes.map(({ x, y, r }) => ({ x: x - r, y: y - r, w: 2 * r, h: 2 * r }));
  for (const box of symbols) grid.add(box);
  const order = wishes.map((_, i) => i).sort((a, b) => /** @type {Wish} */ (wishes[a]).rank - /** @type {Wish} */ (wishes[b]).rank || a - b);
  /** @type {(Box | null)[]} */
  const boxes = new Array(wishes.length).fill(null);
  for (const i of order) {
    const wish = /** @type {Wish} */ (wishes[i]);
    if (wish.w === 0) continue;
    const sides = places(wish);
    const free = sides.find((box) => !grid.hits(box, symbols[i])) ?? (wish.must ? sides[0] : undefined);
    if (!free) continue;
    grid.add(free);
    boxes[i] = free;
  }
  return boxes;
}
