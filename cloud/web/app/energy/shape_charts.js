// What a load is like: by kind of day, and by how long it lasts.
import { html, useMemo } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { cell } from "../reports/table.js";
import { ChartCard, axis, hover, tip } from "./chart.js";
import { band } from "./drawing.js";

/** @typedef {{kind: string, days: number, median: (number | null)[], low: (number | null)[], high: (number | null)[]}} Profile */
/** @typedef {import("./look.js").Look} Look */

const clock = (/** @type {number} */ slot) => `${String(Math.floor(slot / 4)).padStart(2, "0")}:${String((slot % 4) * 15).padStart(2, "0")}`;
const GRID = { left: 52, right: 14, top: 14, bottom: 26 };
/** Lines are told apart by their dashes, not by colour alone. @type {Record<string, number[] | "solid">} */
const DASHES = { workday: "solid", weekend: [6, 4], holiday: [2, 3], makeup: [8, 3, 2, 3] };

/** @param {{profiles: Profile[], unit: string, file: string}} props */
export function KindsChart({ profiles, unit, file }) {
  const power = unit === "kWh" ? "kW" : `${unit}/h`;
  const option = useMemo(() => (/** @type {Look} */ look) => ({
    grid: GRID,
    xAxis: axis(look, { type: "value", min: 0, max: 96, interval: 24, splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, formatter: clock } }),
    yAxis: axis(look, { type: "value" }),
    tooltip: hover(look, "axis", (points) => {
      const slot = Math.min(95, Math.floor(Number(points[0]?.axisValue ?? 0)));
      return tip(clock(slot), profiles.map((one) => [`${word("energy.kind", one.kind)} (${one.days})`, one.median[slot] === null || one.median[slot] === undefined ? "—" : `${number(one.median[slot] ?? 0, 1)} ${power} (${number(one.low[slot] ?? 0, 1)} – ${number(one.high[slot] ?? 0, 1)})`]));
    }),
    series: profiles.flatMap((one) => [
      band(one.median.map((_, slot) => [slot + 0.5, one.low[slot] ?? null, one.high[slot] ?? null]), { fill: one.kind === "workday" ? look.accent : look.faint, opacity: 0.16 }),
      { type: "line", z: 3, symbol: "none", connectNulls: false, data: one.median.map((kw, slot) => [slot + 0.5, kw]), lineStyle: { color: one.kind === "workday" ? look.accent : look.muted, width: 2, type: DASHES[one.kind] ?? "solid" }, endLabel: { show: false }, emphasis: { disabled: true } },
    ]),
  }), [profiles, power]);
  const figures = () => ({
    columns: [{ key: "slot", title: t("energy.from_time") }, ...profiles.flatMap((one) => [{ key: one.kind, title: `${word("energy.kind", one.kind)} (${one.days})`, unit: power }, { key: `${one.kind}-low`, title: "P10", unit: power }, { key: `${one.kind}-high`, title: "P90", unit: power }])],
    rows: Array.from({ length: 96 }, (_, slot) => [cell(clock(slot), clock(slot)), ...profiles.flatMap((one) => [one.median, one.low, one.high].map((values) => { const value = values[slot] ?? null; return cell(value === null ? "" : number(value, 1), value); }))]),
  });
  return html`<${ChartCard} id="kinds" title=${t("energy.by_kind")} note=${html`${power} · ${profiles.map((one) => html`<span key=${one.kind} class=${`dash-key ${one.kind}`}>${word("energy.kind", one.kind)} (${one.days})</span> `)}`} label=${t("energy.by_kind_label")} option=${profiles.length > 0 ? option : null} figures=${figures} file=${file} height="fills" />`;
}

/** @param {{points: [number, number][], unit: string, file: string}} props */
export function DurationChart({ points, unit, file }) {
  const power = unit === "kWh" ? "kW" : `${unit}/h`;
  const percent = (/** @type {number} */ share) => `${number(share * 100, 0)} %`;
  const option = useMemo(() => (/** @type {Look} */ look) => ({
    grid: GRID,
    xAxis: axis(look, { type: "value", min: 0, max: 1, interval: 0.25, splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, formatter: percent } }),
    yAxis: axis(look, { type: "value", min: 0 }),
    tooltip: hover(look, "axis", (found) => { const [share, kw] = found[0]?.value ?? [0, 0]; return tip(t("energy.duration_at", { share: percent(share) }), [[t("energy.at_least"), `${number(kw, 1)} ${power}`]]); }),
    series: [{ type: "line", symbol: "none", data: points, lineStyle: { color: look.accent, width: 2 }, areaStyle: { color: look.accentSoft, opacity: 0.6 }, emphasis: { disabled: true } }],
  }), [points, power]);
  const figures = () => ({ columns: [{ key: "share", title: t("energy.share_of_time") }, { key: "kw", title: t("energy.at_least"), unit: power }], rows: points.map(([share, kw]) => [cell(percent(share), share), cell(number(kw, 1), kw)]) });
  return html`<${ChartCard} id="duration" title=${t("energy.duration")} note=${t("energy.duration_note", { unit: power })} label=${t("energy.duration_label")} option=${points.length > 0 ? option : null} figures=${figures} file=${file} height="fills" />`;
}
