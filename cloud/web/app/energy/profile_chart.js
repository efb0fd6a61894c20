// How a period went: power by quarters and hours as a line, energy by days and months as bars. Bars show what was measured and what was not apart.
import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { dayText, hourMinute, number } from "../format.js";
import { t, word } from "../i18n.js";
import { shown } from "../place.js";
import { cell } from "../reports/table.js";
import { markOf, shareText } from "./amounts.js";
import { ChartCard, axis, hover, tip } from "./chart.js";
import { GRID, band, stretches, timeAxis } from "./drawing.js";
import { dateAt } from "./local.js";
import { fillOf } from "./look.js";
import { spanWords } from "./opened.js";
import { amountAddress, day, span } from "./where.js";

/** @typedef {{at: number, until: number, value: number | null, coverage: number, measured: number, source: string, flags: string[], typical: number | null, sigma: number | null, reference: number | null}} Row */
/** @typedef {import("./look.js").Look} Look */

const HOUR_MS = 3_600_000;

/** @param {Row} row @param {boolean} isPower @param {number | null} value */
const scaled = (row, isPower, value) => (value === null ? null : isPower ? value / ((row.until - row.at) / HOUR_MS) : value);
/** Where a row is drawn: power at its middle. @param {Row} row */
const middle = (row) => (row.at + row.until) / 2;
/** What a line shows of a row; nothing where it is not known in full. @param {Row} row */
const drawn = (row) => (row.coverage < 1 ? null : scaled(row, true, row.value));

/** Neighbours that are not known in full, of what has begun. @param {Row[]} rows @returns {[number, number][]} */
function unknown(rows) {
  /** @type {[number, number][]} */
  const found = [];
  for (const row of rows) {
    if (row.source === "coming" || row.coverage >= 1) continue;
    const last = found.at(-1);
    if (last && last[1] === row.at) last[1] = row.until;
    else found.push([row.at, row.until]);
  }
  return found;
}

/** Power as a line with its marks. @param {Row[]} rows @param {Look} look */
function lines(rows, look) {
  const near = (/** @type {number} */ i, /** @type {(source: string) => boolean} */ is) => [i - 1, i, i + 1].some((at) => is(rows[at]?.source ?? ""));
  const overlay = (/** @type {(source: string) => boolean} */ is) => rows.map((row, i) => [middle(row), near(i, is) ? drawn(row) : null]);
  const plain = { type: "line", symbol: "none", connectNulls: false, emphasis: { disabled: true } };
  return [
    band(rows.map((row) => [middle(row), row.typical === null ? null : Math.max(0, Number(scaled(row, true, row.typical)) - Number(scaled(row, true, row.sigma ?? 0))), row.typical === null ? null : Number(scaled(row, true, row.typical)) + Number(scaled(row, true, row.sigma ?? 0))]), { fill: look.faint, opacity: 0.42 }),
    { ...plain, z: 3, silent: true, data: rows.map((row) => [middle(row), scaled(row, true, row.reference)]), lineStyle: { color: look.muted, width: 1.4, type: [6, 4] } },
    { ...plain, z: 4, data: rows.map((row) => [middle(row), drawn(row)]), lineStyle: { color: look.accent, width: rows.length > 2000 ? 1.2 : 2 } },
    { ...plain, z: 5, silent: true, data: overlay((source) => source === "interpolated" || source === "manual"), lineStyle: { color: look.surface, width: 2, type: [1, 3] } },
    { ...plain, z: 6, silent: true, data: overlay((source) => source === "estimated"), lineStyle: { color: look.warn, width: 3, type: [4, 3] } },
    // Rows that a line cannot show alone: known ones between two that are not.
    { type: "scatter", z: 4, silent: true, symbolSize: 4, itemStyle: { color: look.accent }, data: rows.flatMap((row, i) => (drawn(row) !== null && (i === 0 || drawn(/** @type {Row} */ (rows[i - 1])) === null) && (i === rows.length - 1 || drawn(/** @type {Row} */ (rows[i + 1])) === null) ? [[middle(row), drawn(row)]] : [])) },
  ];
}

/** Energy as bars: measured, above it what was come by otherwise, behind it what is typical. @param {Row[]} rows @param {Look} look */
function bars(rows, look) {
  const rect = (/** @type {any} */ api, /** @type {number} */ i, /** @type {number} */ low, /** @type {number} */ high, /** @type {object} */ style, inset = 0.12) => {
    const row = /** @type {Row} */ (rows[i]);
    const [from, top] = api.coord([row.at, high]), [to, bottom] = api.coord([row.until, low]);
    const gap = Math.min(6, (to - from) * inset);
    return { type: "rect", shape: { x: from + gap, y: top, width: Math.max(1, to - from - 2 * gap), height: Math.max(0, bottom - top) }, style };
  };
  const of = (/** @type {(row: Row, i: number, api: any) => any[]} */ make, z = 3, silent = false) => ({
    type: "custom", z, silent, clip: true, encode: { x: [0, 1], y: 2 }, data: rows.map((row, i) => [row.at, row.until, Math.max(row.value ?? 0, row.typical ?? 0, row.reference ?? 0), i]),
    renderItem: (/** @type {any} */ _, /** @type {any} */ api) => ({ type: "group", children: make(/** @type {Row} */ (rows[api.value(3)]), api.value(3), api) }),
  });
  return [
    of((row, i, api) => (row.value === null ? [] : [
      rect(api, i, 0, row.measured, { fill: look.accent, opacity: 0.85 }),
      ...(row.value - row.measured > row.value * 1e-6 ? [rect(api, i, row.measured, row.value, styleOf(look, row.source))] : []),
    ])),
    of((row, i, api) => [
      ...(row.typical === null ? [] : [rect(api, i, row.typical, row.typical, { stroke: look.text, lineWidth: 1.6, fill: "none" }, 0.04)]),
      ...(row.reference === null ? [] : [rect(api, i, row.reference, row.reference, { stroke: look.muted, lineWidth: 1.6, lineDash: [4, 3], fill: "none" }, 0)]),
    ], 4, true),
  ];
}

/** A fill of charts as a drawing's style. @param {Look} look @param {string} source */
function styleOf(look, source) {
  const { color, borderColor, borderWidth } = /** @type {any} */ (fillOf(look, source));
  return { fill: color, stroke: borderColor, lineWidth: borderWidth ?? 0 };
}

/** @param {{site: string, zone: string, of: string, answer: any, rows: Row[], since: number, end: number}} props */
export function ProfileChart({ site, zone, of, answer, rows, since, end }) {
  const sight = useSignal(/** @type {[number, number] | null} */ (null));
  const isPower = answer.step === "15m" || answer.step === "1h";
  const unit = isPower ? (answer.unit === "kWh" ? "kW" : `${answer.unit}/h`) : answer.unit;
  const [from, to] = sight.value ?? [since, end];
  const rowWords = (/** @type {Row} */ row) => (isPower ? `${dayText(row.at, zone)} ${hourMinute(row.at, zone)}–${hourMinute(row.until, zone)}` : spanWords(row.at, row.until, zone));
  const option = useMemo(() => (/** @type {Look} */ look, /** @type {number} */ width) => ({
    grid: { ...GRID, left: 56, bottom: 56 },
    xAxis: timeAxis(look, since, end, zone, width, { from, to }),
    yAxis: axis(look, { type: "value", min: isPower ? undefined : 0 }),
    dataZoom: [
      { type: "inside", filterMode: "none", startValue: from, endValue: to, minValueSpan: 2 * HOUR_MS, zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
      { type: "slider", filterMode: "none", startValue: from, endValue: to, minValueSpan: 2 * HOUR_MS, height: 18, bottom: 8, borderColor: look.line, fillerColor: look.accentSoft, backgroundColor: look.sunk, dataBackground: { lineStyle: { color: look.faint }, areaStyle: { opacity: 0 } }, selectedDataBackground: { lineStyle: { color: look.accent }, areaStyle: { opacity: 0 } }, handleStyle: { color: look.surface, borderColor: look.accent }, moveHandleStyle: { opacity: 0 }, showDetail: false, brushSelect: false },
    ],
    tooltip: hover(look, "axis", (points) => {
      const moment = Number((Array.isArray(points) ? points[0] : points)?.axisValue);
      const row = rows.find((one) => one.at <= moment && moment < one.until);
      if (!row) return "";
      const text = (/** @type {number | null} */ value) => (value === null ? "—" : `${number(Number(scaled(row, isPower, value)), 1)} ${unit}`);
      return tip(rowWords(row), [[t("energy.used"), row.value === null ? t(row.source === "coming" ? "energy.to_come" : "requests.no_data") : `${text(row.value)} · ${word("energy.source", row.source)}`],
        ...(row.coverage < 1 && row.source !== "coming" ? [/** @type {[string, string]} */ ([t("energy.coverage"), shareText(row.coverage)])] : []),
        ...(row.typical === null ? [] : [/** @type {[string, string]} */ ([t("energy.typical"), text(row.typical)])]), ...(row.reference === null ? [] : [/** @type {[string, string]} */ ([t("energy.reference"), text(row.reference)])])]);
    }),
    series: [
      // Carries the axis' pointer: every row has a place here, also one of which nothing is known.
      { type: "line", data: rows.map((row) => [middle(row), scaled(row, isPower, row.value ?? row.typical ?? 0)]), lineStyle: { opacity: 0 }, itemStyle: { opacity: 0 }, symbol: "none", silent: true },
      stretches(unknown(rows), { fill: look.hatch }), ...(isPower ? lines(rows, look) : bars(rows, look))],
  }), [answer, zone, since, end, from, to]);
  const figures = () => ({
    columns: [{ key: "at", title: t("energy.from_time") }, { key: "value", title: t("energy.used"), unit: answer.unit }, ...(isPower ? [{ key: "kw", title: t("energy.load"), unit }] : []), { key: "source", title: t("energy.source") }, { key: "known", title: t("energy.coverage") }, { key: "measured", title: t("energy.source.measured"), unit: answer.unit }, { key: "typical", title: t("energy.typical"), unit: answer.unit }, { key: "reference", title: t("energy.reference"), unit: answer.unit }],
    rows: rows.filter((row) => row.source !== "coming").map((row) => [
      cell(rowWords(row), `${dateAt(row.at, zone)} ${hourMinute(row.at, zone)}`), { ...cell(row.value === null ? "" : number(row.value, 2), row.value), mark: markOf(row.source), onOpen: () => { shown.value = amountAddress(of, row.at, row.until); } },
      ...(isPower ? [{ ...cell(row.value === null ? "" : number(Number(scaled(row, true, row.value)), 1), scaled(row, true, row.value)), ...(row.value === null ? {} : { onOpen: () => { shown.value = amountAddress(of, row.at, row.until); } }) }] : []), cell(word("energy.source", row.source), row.source), cell(shareText(row.coverage), row.coverage), cell(row.value === null ? "" : number(row.measured, 2), row.value === null ? null : row.measured),
      cell(row.typical === null ? "—" : number(row.typical, 2), row.typical ?? ""), cell(row.reference === null ? "—" : number(row.reference, 2), row.reference ?? "")]),
  });
  const onPick = (/** @type {any} */ event) => {
    const at = Number(event.value?.[0]);
    const row = rows.find((one) => one.at <= at && at < one.until);
    if (row && row.source !== "coming") shown.value = amountAddress(of, row.at, row.until);
  };
  /** Follows the stretch in sight when the hand rests, so that its ticks are round. @param {import("../../vendor/echarts.js").Chart} chart */
  const onDrawn = (chart) => {
    let rest = 0;
    chart.on("datazoom", () => {
      clearTimeout(rest);
      rest = setTimeout(() => {
        const zoom = chart.isDisposed() ? null : chart.getOption().dataZoom[0];
        if (zoom) sight.value = zoom.end - zoom.start > 99.9 ? null : [zoom.startValue, zoom.endValue];
      }, 150);
    });
  };
  const tools = sight.value && html`<button class="btn small" onClick=${() => { const [low, high] = [dateAt(from, zone), dateAt(to - 1, zone)]; sight.value = null; if (low === high) { span.value = ""; day.value = low; } else span.value = `${low}..${high}`; }}>${t("energy.period_in_sight")}</button><button class="btn small" onClick=${() => { sight.value = null; }}>${t("energy.zoom_out")}</button>`;
  return html`<${ChartCard} id="profile" title=${t(isPower ? "energy.profile_power" : "energy.profile_energy")} note=${html`${unit} · ${t(isPower ? "energy.profile_note" : "energy.bars_note")}`} label=${t("energy.profile_label", { n: rows.length })} option=${option} figures=${figures} file=${`${site}-${of.replace(":", "-")}-${dateAt(since, zone)}-${answer.step}`} height="fills" onPick=${onPick} onDrawn=${onDrawn} tools=${tools} />`;
}
