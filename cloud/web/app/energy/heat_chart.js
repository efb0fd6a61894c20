// Hour by day: how much each hour took. Missing hours are hatched, an hour that the clocks leave out is a thin line, one that comes twice holds both.
import { html, useMemo } from "../../vendor/preact.js";
import { dayText, number } from "../format.js";
import { t } from "../i18n.js";
import { cell } from "../reports/table.js";
import { shown } from "../place.js";
import { fromField } from "../requests/local_time.js";
import { ChartCard, axis, hover, tip } from "./chart.js";
import { midnight } from "./local.js";
import { amountAddress } from "./where.js";

/** @typedef {{days: string[], kwh: (number | null)[][], known: number[][], expected: number[][]}} Heat */

const QUARTER_MS = 900_000;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const clock = (/** @type {number} */ hour) => `${String(hour).padStart(2, "0")}:00`;

/** From when until when an hour of a day is; null where the clocks leave it out. @param {Heat} heat @param {number} row @param {number} hour @param {string} zone */
function spanOf(heat, row, hour, zone) {
  const length = (heat.expected[row]?.[hour] ?? 0) * QUARTER_MS;
  const since = fromField(`${heat.days[row]}T${clock(hour)}`, zone);
  return length > 0 && since !== null ? { since, until: since + length } : null;
}

/** `now`: how far the time has come, hours after it are not drawn. @param {{id: string, title: string, heat: Heat, zone: string, of: string, unit: string, now: number, file: string, height?: string}} props */
export function HeatChart({ id, title, heat, zone, of, unit, now, file, height = "fills" }) {
  const power = unit === "kWh" ? "kW" : `${unit}/h`;
  /** Mean power of an hour, or what there is instead. @param {number} row @param {number} hour @returns {number | "missing" | "none" | "coming"} */
  const of_ = (row, hour) => {
    const expected = heat.expected[row]?.[hour] ?? 0, kwh = heat.kwh[row]?.[hour] ?? null;
    if (expected === 0) return "none";
    if (kwh !== null) return kwh / (expected / 4);
    const span = spanOf(heat, row, hour, zone);
    return span && span.until > now ? "coming" : "missing";
  };
  const option = useMemo(() => (/** @type {import("./look.js").Look} */ look) => {
    /** @type {[number, number, number][]} */
    const known = [];
    /** @type {[number, number][]} */
    const missing = [];
    /** @type {[number, number][]} */
    const none = [];
    heat.days.forEach((_, row) => HOURS.forEach((hour) => {
      const value = of_(row, hour);
      if (typeof value === "number") known.push([hour, row, value]);
      else if (value === "missing") missing.push([hour, row]);
      else if (value === "none") none.push([hour, row]);
    }));
    const most = Math.max(...known.map(([, , kw]) => kw), 0);
    const cellOf = (/** @type {[number, number][]} */ data, /** @type {object} */ style, thin = false) => ({
      type: "custom", data, encode: { x: 0, y: 1 }, z: 2,
      renderItem: (/** @type {any} */ _, /** @type {any} */ api) => {
        const [x, y] = api.coord([api.value(0), api.value(1)]);
        const [width, high] = api.size([1, 1]);
        return { type: "rect", shape: thin ? { x: x - width / 2 + 2, y: y - 0.5, width: width - 4, height: 1 } : { x: x - width / 2 + 0.5, y: y - high / 2 + 0.5, width: width - 1, height: high - 1 }, style };
      },
    });
    return {
      grid: { left: 40, right: 12, top: 8, bottom: 24 },
      xAxis: axis(look, { type: "category", data: HOURS.map(clock), splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, interval: (/** @type {number} */ at) => at % 6 === 0, align: "left" } }),
      yAxis: axis(look, { type: "category", inverse: true, data: heat.days, splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, interval: (/** @type {number} */ at) => (heat.days.length > 62 ? heat.days[at]?.endsWith("-01") ?? false : heat.days.length <= 10 || at === 0 || (at + 1) % 5 === 0), formatter: (/** @type {string} */ day) => (heat.days.length > 62 ? day.slice(0, 7) : String(Number(day.slice(8)))) } }),
      visualMap: { show: false, min: 0, max: most || 1, dimension: 2, seriesIndex: 0, inRange: { color: [look.sunk, look.accentSoft, look.accent] } },
      tooltip: hover(look, "item", (/** @type {any} */ point) => {
          const [hour, row] = point.value;
          const value = of_(row, hour), day = heat.days[row] ?? "";
          const words = typeof value === "number" ? `${number(value, 1)} ${power} · ${number(heat.kwh[row]?.[hour] ?? 0, 1)} ${unit}` : t(value === "none" ? "energy.hour_left_out" : "requests.no_data");
          return tip(`${dayText(midnight(day, zone), zone)} ${clock(hour)}`, [[t("energy.load"), words], ...((heat.expected[row]?.[hour] ?? 4) > 4 ? [/** @type {[string, string]} */ ([t("energy.hour"), t("energy.hour_twice")])] : [])]);
        }),
      series: [
        { type: "heatmap", data: known, itemStyle: { borderColor: look.surface, borderWidth: heat.days.length > 62 ? 0 : 1 }, emphasis: { itemStyle: { borderColor: look.text, borderWidth: 1 } } },
        cellOf(missing, { fill: look.hatch, stroke: look.line, lineWidth: 1 }), cellOf(none, { fill: look.faint }, true),
      ],
    };
  }, [heat, zone, unit, now]);
  const figures = () => ({
    columns: [{ key: "day", title: t("energy.day") }, ...HOURS.map((hour) => ({ key: String(hour), title: clock(hour), unit: power }))],
    rows: heat.days.map((day, row) => [cell(day, day), ...HOURS.map((hour) => {
      const value = of_(row, hour), span = spanOf(heat, row, hour, zone);
      if (value === "none" || value === "coming") return cell("", "");
      return { ...cell(typeof value === "number" ? number(value, 1) : "", typeof value === "number" ? Math.round(value * 1000) / 1000 : null), ...(span ? { onOpen: () => { shown.value = amountAddress(of, span.since, span.until); } } : {}) };
    })]),
  });
  const onPick = (/** @type {any} */ event) => {
    const [hour, row] = event.value ?? [];
    const span = hour === undefined ? null : spanOf(heat, row, hour, zone);
    if (span && span.since < now) shown.value = amountAddress(of, span.since, span.until);
  };
  return html`<${ChartCard} id=${id} title=${title} note=${t("energy.heat_note", { unit: power })} label=${t("energy.heat_label", { n: heat.days.length })} option=${option} figures=${figures} file=${file} height=${height} onPick=${onPick} />`;
}
