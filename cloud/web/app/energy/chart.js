// A chart: ECharts on a canvas, loaded with the first one, in the page's own colours; and its table, which says the same in figures.
import { html, useEffect, useMemo, useRef, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { csvText, save } from "../reports/table.js";
import { FiguresTable } from "./figures_table.js";
import { followLook, look } from "./look.js";

/** @typedef {import("./look.js").Look} Look */
/** @typedef {import("../reports/table.js").Column} Column */
/** @typedef {import("../reports/table.js").Cell} Cell */
/** @typedef {import("../../vendor/echarts.js").Chart} Drawn */
/** @typedef {{columns: Column[], rows: Cell[][]}} Figures */

/** @type {Promise<typeof import("../../vendor/echarts.js")> | null} */
let library = null;
/** ECharts, asked for once. A download that failed is tried again by the next chart. */
const load = () => (library ??= import("../../vendor/echarts.js").catch((failure) => { library = null; throw failure; }));

/** What all charts have in common: no motion, the page's letters, tooltips as elements (the page's policy refuses styles in texts). @param {Look} look */
export const ground = (look) => ({
  animation: false,
  textStyle: { fontFamily: look.font, fontSize: 11, color: look.muted },
  tooltip: hover(look, "axis"),
});

/** A tooltip of the page's look; `words` gives an element (`tip`). @param {Look} look @param {"axis" | "item"} trigger @param {(points: any) => HTMLElement | string} [words] */
export const hover = (look, trigger, words) => ({
  trigger, confine: true, renderMode: "html", backgroundColor: look.surface, borderColor: look.line, borderWidth: 1, padding: 8, textStyle: { color: look.text, fontSize: 12, fontFamily: look.font },
  axisPointer: { type: "line", lineStyle: { color: look.faint } }, transitionDuration: 0, extraCssText: "box-shadow:none;max-width:min(340px,80vw);white-space:normal", ...(words ? { formatter: words } : {}),
});

/** An axis of the page's look. @param {Look} look @param {object} more */
export const axis = (look, more = {}) => ({
  axisLine: { show: false, lineStyle: { color: look.line } }, axisTick: { show: false },
  axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true }, splitLine: { lineStyle: { color: look.line } }, ...more,
});

/** What a tooltip says: a heading and lines of name and value, as an element. @param {string} head @param {[string, string][]} lines */
export function tip(head, lines) {
  const box = document.createElement("div");
  box.className = "tip";
  const title = document.createElement("b");
  title.textContent = head;
  box.append(title);
  for (const [name, value] of lines) {
    const line = document.createElement("div");
    for (const text of [name, value]) line.append(Object.assign(document.createElement("span"), { textContent: text }));
    box.append(line);
  }
  return box;
}

/** Ends a chart. Half drawn it would go on in the next frame, on a canvas that is gone: drawing nothing first calls that off. @param {Drawn | null} chart */
function end(chart) {
  if (!chart) return;
  chart.clear();
  chart.getZr().flush();
  chart.dispose();
}

/**
 * The drawing alone. `option` gives an ECharts option from the page's colours; give it through useMemo or useCallback, it is drawn anew when it changes.
 * `label` says in words what is seen. `px`: its height, where the classes of `height` do not fit. `onPick` is told what was clicked, `onDrawn` gets the chart once.
 * @param {{label: string, option: (look: Look, width: number, height: number) => object, height?: string, px?: number, onPick?: (event: any) => void, onDrawn?: (chart: Drawn) => void}} props
 */
export function Chart({ label, option, height = "", px = 0, onPick, onDrawn }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const chart = useSignal(/** @type {Drawn | null} */ (null));
  const isFailed = useSignal(false);
  const width = useSignal(0);
  const high = useSignal(0);
  const picked = useRef(onPick);
  picked.current = onPick;
  useEffect(() => {
    followLook();
    let isGone = false;
    const element = /** @type {HTMLElement} */ (box.current);
    const sized = new ResizeObserver(() => { if (element.clientWidth && element.clientHeight) { chart.peek()?.resize(); width.value = element.clientWidth; high.value = element.clientHeight; } });
    load().then(({ init }) => {
      if (isGone) return;
      const made = init(element, null, { renderer: "canvas" });
      made.on("click", (event) => picked.current?.(event));
      chart.value = made;
      width.value = element.clientWidth;
      high.value = element.clientHeight;
      sized.observe(element);
      onDrawn?.(made);
    }, () => { isFailed.value = true; });
    return () => { isGone = true; sized.disconnect(); end(chart.peek()); };
  }, []);
  const colours = look.value;
  useEffect(() => {
    if (!chart.value || !colours || !width.value) return;
    chart.value.setOption({ ...ground(colours), ...option(colours, width.value, high.value) }, { notMerge: true });
    if (box.current) box.current.dataset["drawn"] = String(Number(box.current.dataset["drawn"] ?? 0) + 1);
  }, [chart.value, colours, option, width.value, high.value]);
  return html`<div class=${`chart-frame${px ? " scrolls" : ""}`} tabindex=${px ? 0 : undefined} role=${px ? "group" : undefined} aria-label=${px ? label : undefined}>${isFailed.value && html`<p class="calm warn" role="alert">${t("energy.no_charts")}</p>`}
    <div ref=${box} class=${`chart ${height}`} style=${px ? { height: `${px}px` } : {}} role="img" aria-label=${label}></div></div>`;
}

/**
 * A card with a chart and, behind a button, its table; both as CSV. Without `option` it is the table alone.
 * @param {{id: string, title: string, note?: any, label?: string, option?: ((look: Look, width: number, height: number) => object) | null, figures: Figures | (() => Figures), file: string, height?: string, px?: number, tools?: any, onPick?: (event: any) => void, onDrawn?: (chart: Drawn) => void, children?: any}} props
 */
export function ChartCard({ id, title, note, label, option, figures, file, height, px, tools, onPick, onDrawn, children }) {
  const isTable = useSignal(false);
  const all = useMemo(() => (typeof figures === "function" ? figures : () => figures), [figures]);
  const copy = () => { const { columns, rows } = all(); save(`${file}.csv`, csvText(columns, rows)); };
  return html`<section class="card chart-card" aria-labelledby=${`chart-${id}`}>
    <div class="h"><h2 id=${`chart-${id}`}>${title}</h2>${note && html`<small>${note}</small>`}<span class="sp"></span><span class="tools">${tools}
      ${option && html`<button class="btn small" aria-pressed=${isTable.value} aria-label=${t("energy.table_of", { title })} onClick=${() => { isTable.value = !isTable.value; }}>${t("energy.table")}</button>`}
      <button class="btn small" aria-label=${t("reports.csv_of", { title })} onClick=${copy}>CSV</button></span></div>
    ${option && !isTable.value ? html`<${Chart} label=${label ?? title} option=${option} height=${height} px=${px} onPick=${onPick} onDrawn=${onDrawn} />` : html`<${FiguresTable} label=${title} ...${all()} />`}
    ${children}</section>`;
}
