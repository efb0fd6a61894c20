// Small drawings of readings. A gap is hatched; no line is ever drawn across it.
import { html } from "../../vendor/preact.js";

/** @typedef {{at: number, value: number | null}} Dot */
/** @typedef {{width: number, height: number, from: number, to: number, gapMs: number, isStep?: boolean, pad?: number}} Frame */

/** What counts as a gap: longer than the point's own limit, or thrice the usual distance of readings, at least a minute.
 * @param {Dot[]} dots @param {number | null} staleAfterS */
export function gapLimit(dots, staleAfterS) {
  if (staleAfterS) return staleAfterS * 1000;
  const steps = dots.slice(1).map((dot, i) => dot.at - /** @type {Dot} */ (dots[i]).at).sort((a, b) => a - b);
  return Math.max(60_000, 3 * (steps[steps.length >> 1] ?? 0));
}

/**
 * Runs of readings that belong together, and the gaps between. A reading without a value is a gap too, however short.
 * @param {Dot[]} dots @param {number} from @param {number} to @param {number} gapMs
 */
export function runsAndGaps(dots, from, to, gapMs) {
  /** @type {{at: number, value: number}[][]} */
  const runs = [];
  /** @type {[number, number][]} */
  const gaps = [];
  /** @type {{at: number, value: number}[]} */
  let run = [];
  let last = from;
  let isBroken = false;
  const reach = (/** @type {number} */ at) => {
    if (!isBroken && at - last <= gapMs) return;
    gaps.push([last, at]);
    if (run.length > 0) runs.push(run);
    run = [];
  };
  for (const { at, value } of dots) {
    if (at < from || at > to) continue;
    if (value === null) { isBroken = true; continue; }
    reach(at);
    run.push({ at, value });
    last = at;
    isBroken = false;
  }
  reach(to);
  if (run.length > 0) runs.push(run);
  return { runs, gaps };
}

/** Least and greatest value; null when there is none. @param {Dot[]} dots */
export function extent(dots) {
  let low = Infinity, high = -Infinity;
  for (const { value } of dots) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
  return low <= high ? { low, high } : null;
}

/** Thins a run to about two dots a pixel, keeping the extremes. @param {{at: number, value: number}[]} run @param {number} most */
function thinned(run, most) {
  if (run.length <= most * 2) return run;
  const size = Math.ceil(run.length / most);
  const kept = [];
  for (let i = 0; i < run.length; i += size) {
    const part = run.slice(i, i + size).sort((a, b) => a.value - b.value);
    const ends = [/** @type {{at: number, value: number}} */ (part[0]), /** @type {{at: number, value: number}} */ (part.at(-1))];
    kept.push(...ends.sort((a, b) => a.at - b.at));
  }
  return kept;
}

/** The line and the hatched gaps. @param {{dots: Dot[], frame: Frame}} props */
export function Line({ dots, frame }) {
  const { width, height, from, to, gapMs, isStep = false, pad = 2 } = frame;
  const range = extent(dots.filter((dot) => dot.at >= from));
  const { runs, gaps } = runsAndGaps(dots, from, to, gapMs);
  const x = (/** @type {number} */ at) => ((at - from) / (to - from)) * width;
  const span = range && range.high > range.low ? range.high - range.low : 0;
  const y = (/** @type {number} */ value) => (span === 0 ? height / 2 : pad + (1 - (value - /** @type {{low: number}} */ (range).low) / span) * (height - 2 * pad));
  const path = (/** @type {{at: number, value: number}[]} */ run) => thinned(run, width)
    .map(({ at, value }, i) => (i === 0 ? "M" : isStep ? `H${x(at).toFixed(1)}L` : "L") + `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  return html`<g>
    ${gaps.map(([a, b]) => html`<rect class="gap" x=${x(a).toFixed(1)} width=${Math.max(1, x(b) - x(a)).toFixed(1)} y="0" height=${height} fill="url(#hatch)" />`)}
    ${runs.map((run) => (run.length === 1
      ? html`<circle class="dot-alone" cx=${x(/** @type {{at: number}} */ (run[0]).at).toFixed(1)} cy=${y(/** @type {{value: number}} */ (run[0]).value).toFixed(1)} r="1.5" />`
      : html`<path class="line" d=${path(run)} />`))}
  </g>`;
}
