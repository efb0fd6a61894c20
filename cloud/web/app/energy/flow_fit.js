// A flow with so many meters that a drawing can name them all: the small ones of a meter are shown together until each column fits. Pure.

/** @typedef {[string, string, string, number, number]} Branch source, target, kind, amount, how many meters */

/** How far each node is from the beginning. @param {Branch[]} branches @returns {Map<string, number>} */
function depths(branches) {
  const sources = new Map(branches.map(([source, target]) => [target, source]));
  const depth = (/** @type {string} */ id) => {
    let steps = 0;
    for (let at = sources.get(id); at !== undefined && steps < branches.length; at = sources.get(at)) steps += 1;
    return steps;
  };
  return new Map(branches.map(([, target]) => [target, depth(target)]));
}

/** How many nodes stand in the fullest column. @param {Branch[]} branches */
export function fullest(branches) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const depth of depths(branches).values()) counts.set(depth, (counts.get(depth) ?? 0) + 1);
  return Math.max(1, ...counts.values());
}

/** The two smallest of one column that may stand together, joined; null where there are none. @param {Branch[]} branches @param {number} column @returns {Branch[] | null} */
function joined(branches, column) {
  const at = depths(branches);
  const feeding = new Set(branches.map(([source]) => source));
  const ends = branches.filter(([, target, kind]) => at.get(target) === column && kind !== "rest" && !feeding.has(target));
  const beside = (/** @type {Branch} */ one) => ends.filter((other) => other !== one && other[0] === one[0]);
  const [least] = ends.filter((one) => one[2] === "meter" && beside(one).length > 0).sort((a, b) => a[3] - b[3]);
  if (!least) return null;
  const [source] = least;
  const other = beside(least).find(([, , kind]) => kind === "others") ?? beside(least).sort((a, b) => a[3] - b[3])[0];
  if (!other) return null;
  /** @type {Branch} */
  const both = [source, `${source}+`, "others", least[3] + other[3], least[4] + other[4]];
  return [...branches.filter((one) => one !== least && one !== other), both];
}

/**
 * Branches of which no column holds more than so many nodes, as far as that can be: what a meter feeds stays apart from what others feed, and what no meter
 * measured is never joined to what was. @param {Branch[]} branches @param {number} most @returns {Branch[]}
 */
export function fitted(branches, most) {
  let kept = branches;
  for (;;) {
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (const depth of depths(kept).values()) counts.set(depth, (counts.get(depth) ?? 0) + 1);
    const crowded = [...counts].filter(([, n]) => n > most).sort((a, b) => b[1] - a[1]);
    let next = null;
    for (const [column] of crowded) { next = joined(kept, column); if (next) break; }
    if (!next) return kept;
    kept = next;
  }
}
