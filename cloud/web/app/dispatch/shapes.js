// The shapes of states, the same in lists and on the map: paths in a box from -10 to 10, filled, stroked, or both.

/** @typedef {{fill?: string, line?: string, dashed?: boolean, turns?: boolean}} Shape */

const ARROW = "M0-9L7 8L0 4L-7 8Z";
const SQUARE = "M-6-6H6V6H-6Z";
const DIAMOND = "M0-8L7 0L0 8L-7 0Z";
const RING = "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0-8 0Z";
const CROSS = "M-6-6L6 6M6-6L-6 6";
const HEAD = "M-3.5-4A3.5 3.5 0 1 0 3.5-4A3.5 3.5 0 1 0-3.5-4Z";
const BODY = "M-6.5 8C-6.5 2.5-3.5 1 0 1S6.5 2.5 6.5 8Z";
const LEGS = "M-6-7V7M0-7V7M6-7V7";

/** `turns`: shows where it is heading. @type {Record<string, Shape>} */
export const SHAPES = {
  arrow: { fill: ARROW, turns: true },
  arrow_open: { line: ARROW, turns: true },
  arrow_dot: { line: ARROW, fill: "M-2.5 1.5A2.5 2.5 0 1 0 2.5 1.5A2.5 2.5 0 1 0-2.5 1.5Z", turns: true },
  square: { fill: SQUARE },
  square_open: { line: SQUARE },
  square_half: { line: SQUARE, fill: "M-6 0H6V6H-6Z" },
  square_bar: { fill: SQUARE, line: "M9.5-7V3M9.5 6V8" },
  gate: { line: `${RING}M-3-3.5V3.5M3-3.5V3.5` },
  gate_open: { line: `${RING}M-3.5-3.5V3.5M-3.5 0L4-3.5` },
  gate_forced: { line: `${RING}M-3.5-3.5L3.5 3.5M3.5-3.5L-3.5 3.5` },
  diamond: { fill: DIAMOND },
  diamond_open: { line: DIAMOND },
  bars: { line: `${LEGS}M-8 0H8` },
  bars_open: { line: LEGS },
  bars_cross: { line: `${LEGS}M-8 5L8-5` },
  person: { fill: `${HEAD}${BODY}` },
  person_open: { line: `${HEAD}${BODY}` },
  check: { line: "M-6 0L-2 5L7-5" },
  dash: { line: "M-6 0H6" },
  cross: { line: CROSS },
  tower: { line: "M0 8V-1M-5 8H5M-4.5 1.5A5.5 5.5 0 0 1-4.5-6.5M4.5 1.5A5.5 5.5 0 0 0 4.5-6.5", fill: "M-2-2.5A2 2 0 1 0 2-2.5A2 2 0 1 0-2-2.5Z" },
  box: { line: "M-6-7H6V7H-6ZM-3-3H3" },
  lost: { line: RING, dashed: true },
};

/** @param {string} name @returns {Shape} */
export const shapeOf = (name) => SHAPES[name] ?? /** @type {Shape} */ (SHAPES["lost"]);
