// The list: one tree of gateways, devices and points. Only the rows in view are drawn, so two thousand devices stay smooth.
// The tree itself has the focus and names its active row; rows may come and go without the keyboard losing its place.
import { html, signal, useEffect, useLayoutEffect, useMemo, useRef, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { shown } from "../place.js";
import { DeviceRow } from "./device_row.js";
import { GatewayRow } from "./gateway_row.js";
import { activeKey, rows as allRows, toggle, touched } from "./list.js";
import { PointRow } from "./point_row.js";

/** @typedef {import("./rows.js").Row} Row */

const narrow = matchMedia("(max-width: 720px)");
const isNarrow = signal(narrow.matches);
narrow.addEventListener("change", () => { isNarrow.value = narrow.matches; });

const HEAD = 28;
/** `tall` is a gateway with so many buses that they take two lines. */
const HEIGHTS = { wide: { gateway: 46, tall: 62, device: 30, point: 26 }, narrow: { gateway: 132, tall: 150, device: 50, point: 44 } };
const BUSES_A_LINE = 2;

/** @typedef {typeof HEIGHTS.wide} Heights */

/** @param {Row} row @param {Heights} heights */
function heightOf(row, heights) {
  const buses = row.type === "gateway" ? row.group.gateway?.entity.attributes.report?.buses.length ?? 0 : 0;
  return buses > BUSES_A_LINE ? heights.tall : heights[row.type];
}

const OVERSCAN_PX = 200;

/** The top edge of each row, and of the end. @param {Row[]} rows @param {Heights} heights @param {number} head */
function edgesOf(rows, heights, head) {
  const edges = new Array(rows.length + 1);
  let at = head;
  rows.forEach((row, i) => { edges[i] = at; at += heightOf(row, heights); });
  edges[rows.length] = at;
  return /** @type {number[]} */ (edges);
}

/** The first row whose end is below `y`. @param {number[]} edges @param {number} y */
function rowAt(edges, y) {
  let low = 0, high = edges.length - 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {number} */ (edges[middle + 1]) > y) high = middle;
    else low = middle + 1;
  }
  return Math.max(0, low);
}

/** What Enter and a click on a row do. @param {Row} row */
export function openRow(row) {
  if (row.type === "point") shown.value = `reading:${row.key}`;
  else toggle(row.key, row.isOpen);
}

/** @param {Row} row */
export function showDetails(row) {
  if (row.type === "point") shown.value = `reading:${row.key}`;
  else shown.value = `${row.type}:${row.id}`;
}

/** Where the keyboard goes from row `at`; null when the key is not for us. @param {string} key @param {number} at @param {number} page @param {Row[]} rows */
function target(key, at, page, rows) {
  const end = rows.length - 1;
  if (key === "ArrowDown") return Math.min(end, at + 1);
  if (key === "ArrowUp") return Math.max(0, at - 1);
  if (key === "PageDown") return Math.min(end, at + page);
  if (key === "PageUp") return Math.max(0, at - page);
  if (key === "Home") return 0;
  if (key === "End") return end;
  const row = rows[at];
  if (key === "ArrowLeft" && row && (row.type === "point" || !row.isOpen)) {
    for (let i = at - 1; i >= 0; i -= 1) if (/** @type {Row} */ (rows[i]).level < row.level) return i;
    return at;
  }
  return null;
}

/** The part of the list that can be seen, from the scroller it stands in. @param {import("../../vendor/preact.js").Signal<{top: number, height: number}>} view @param {{current: HTMLElement | null}} box */
function useView(view, box) {
  useLayoutEffect(() => {
    const tree = /** @type {HTMLElement} */ (box.current);
    const scrollers = [tree.closest(".list"), tree.closest("main")].filter((one) => one !== null);
    const measure = () => {
      const scroller = /** @type {HTMLElement} */ (isNarrow.peek() ? scrollers[1] : scrollers[0]);
      const top = Math.max(0, scroller.getBoundingClientRect().top - tree.getBoundingClientRect().top);
      const height = scroller.clientHeight;
      if (view.peek().top !== top || view.peek().height !== height) view.value = { top, height };
    };
    const watcher = new ResizeObserver(measure);
    for (const scroller of scrollers) { watcher.observe(scroller); scroller.addEventListener("scroll", measure, { passive: true }); }
    measure();
    return () => { watcher.disconnect(); for (const scroller of scrollers) scroller.removeEventListener("scroll", measure); };
  }, [isNarrow.value]);
}

/** @typedef {{above: number | null, below: number[]}} Pins */
/** @type {Pins} */
const NO_PINS = { above: null, below: [] };
const PINS_BELOW_MOST = 3;

/**
 * Which gateways' rows are pinned: the one whose devices are being read, and the next ones further down.
 * @param {Row[]} rows @param {number[]} edges @param {number} top @param {number} bottom @returns {Pins}
 */
function pinned(rows, edges, top, bottom) {
  /** @type {Pins} */
  const pins = { above: null, below: [] };
  const height = (/** @type {number} */ i) => /** @type {number} */ (edges[i + 1]) - /** @type {number} */ (edges[i]);
  // From the end: what is pinned further down takes the room that a row above it would be seen in.
  for (let i = rows.length - 1; i >= 0; i -= 1) {
    if (/** @type {Row} */ (rows[i]).type !== "gateway") continue;
    if (/** @type {number} */ (edges[i]) < top) { pins.above = i; break; }
    if (/** @type {number} */ (edges[i + 1]) <= bottom) continue;
    pins.below.unshift(i);
    bottom -= height(i);
    if (pins.below.length > PINS_BELOW_MOST) bottom += height(/** @type {number} */ (pins.below.pop()));
  }
  return pins;
}

/** @param {HTMLElement} tree @param {number} top @param {number} height */
function reveal(tree, top, height) {
  const scroller = /** @type {HTMLElement} */ (tree.closest(isNarrow.peek() ? "main" : ".list"));
  const offset = tree.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
  const head = isNarrow.peek() ? 0 : HEAD + HEIGHTS.wide.tall;
  if (offset + top - head < scroller.scrollTop) scroller.scrollTop = offset + top - head;
  else if (offset + top + height > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = offset + top + height - scroller.clientHeight;
}

const VIEWS = { gateway: GatewayRow, device: DeviceRow, point: PointRow };

export function Tree() {
  const rows = allRows.value;
  const heights = isNarrow.value ? HEIGHTS.narrow : HEIGHTS.wide;
  const head = isNarrow.value ? 0 : HEAD;
  const edges = useMemo(() => edgesOf(rows, heights, head), [rows, heights]);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const view = useSignal({ top: 0, height: 900 });
  useView(view, box);

  const active = rows.findIndex((row) => row.key === activeKey.value);
  const moveTo = (/** @type {number} */ to) => {
    const row = rows[to];
    if (!row || !box.current) return;
    touched();
    activeKey.value = row.key;
    reveal(box.current, /** @type {number} */ (edges[to]), heightOf(row, heights));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== box.current) return;
    const row = rows[active];
    const to = target(event.key, active, Math.max(1, Math.floor(view.value.height / heights.device) - 2), rows);
    if (to !== null) moveTo(to);
    else if (!row) return;
    else if (event.key === "ArrowRight") { if (row.type !== "point" && !row.isOpen) toggle(row.key, false); else moveTo(active + 1); }
    else if (event.key === "ArrowLeft" && row.isOpen) toggle(row.key, true);
    else if (event.key === "Enter" || event.key === " ") openRow(row);
    else if (event.key === "d" || event.key === "D") showDetails(row);
    else return;
    event.preventDefault();
  };
  useEffect(() => { if (active < 0 && activeKey.peek() !== "" && rows[0]) activeKey.value = rows[0].key; }, [rows]);

  const pins = isNarrow.value ? NO_PINS : pinned(rows, edges, view.value.top + head, view.value.top + view.value.height);
  const pin = (/** @type {number} */ i) => html`<${Pin} key=${i} row=${rows[i]} height=${heightOf(/** @type {Row} */ (rows[i]), heights)} onClick=${() => { moveTo(i); box.current?.focus(); }} />`;
  const first = rowAt(edges, view.value.top - OVERSCAN_PX);
  const last = Math.min(rows.length, rowAt(edges, view.value.top + view.value.height + OVERSCAN_PX) + 1);
  return html`<div ref=${box} class="tree" role="treegrid" tabindex="0" aria-label=${t("list.title")} aria-rowcount=${rows.length + 1}
      aria-activedescendant=${active >= first && active < last ? `row-${activeKey.value}` : undefined}
      style=${{ height: `${edges[rows.length]}px` }} onKeyDown=${onKeyDown} onPointerMove=${touched}
      onFocus=${() => { if (active < 0 && rows[0]) activeKey.value = rows[0].key; }}>
    <${Head} />
    <div class="pins" role="presentation">${pins.above === null ? null : pin(pins.above)}</div>
    ${rows.slice(first, last).map((row, i) => {
      const at = first + i;
      const View = VIEWS[row.type];
      return html`<div key=${row.key} id=${`row-${row.key}`} role="row" aria-level=${row.level} aria-rowindex=${at + 2}
          aria-expanded=${row.type === "point" ? undefined : row.isOpen} aria-selected=${at === active}
          class=${`row ${row.type} k-${row.kind}${at === active ? " active" : ""}`}
          style=${{ transform: `translateY(${edges[at]}px)`, height: `${heightOf(row, heights)}px` }}
          onClick=${() => { activeKey.value = row.key; openRow(row); }}><${View} row=${row} /></div>`;
    })}
    <div class="pins below" role="presentation">${pins.below.map(pin)}</div>
  </div>`;
}

/** A gateway's row at the edge of the list while the row itself is out of sight. A picture of it: keys and readers have the row itself.
 * @param {{row: Row, height: number, onClick: () => void}} props */
const Pin = ({ row, height, onClick }) => html`<div class="pin" aria-hidden="true" style=${{ height: `${height}px` }} onClick=${onClick}><div class="row gateway" style=${{ height: `${height}px` }}><${GatewayRow} row=${row} /></div></div>`;

function Head() {
  const names = ["device", "kind", "now", "trend", "state", "period", "age"];
  return html`<div class="row head" role="row" aria-rowindex="1">${names.map((name) => html`<span role="columnheader" class=${`c-${name}`}>${t(`column.${name}`)}</span>`)}</div>`;
}
