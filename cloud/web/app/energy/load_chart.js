// The load of a day by quarters of an hour: over the typical band, with the bands of the tariff behind, and the marks of what was not measured.
import { html, useMemo } from "../../vendor/preact.js";
import { dayText, hourMinute, number } from "../format.js";
import { t, word } from "../i18n.js";
import { cell } from "../reports/table.js";
import { shown } from "../place.js";
import { markOf } from "./amounts.js";
import { ChartCard, axis, hover, tip } from "./chart.js";
import { GRID, band, stretches, timeAxis } from "./drawing.js";
import { amountAddress } from "./where.js";

const QUARTER_MS = 900_000;
/** How dark each band of a tariff stands behind the line. @type {Record<string, number>} */
const SHADE = { sharp: 1, peak: 0.75, flat: 0.3, valley: 0, deep: 0 };

/** @typedef {{site: string, zone: string, of: string, day: any}} Props */

/** The stretches of rows whose source is one of these. @param {any[][]} rows @param {(source: string) => boolean} is @returns {[number, number][]} */
function stretchesOf(rows, is) {
  /** @type {[number, number][]} */
  const found = [];
  for (const [at, , source] of rows) {
    if (!is(source)) continue;
    const last = found.at(-1);
    if (last && last[1] === at) last[1] = at + QUARTER_MS;
    else found.push([at, at + QUARTER_MS]);
  }
  return found;
}

/** A line of the rows that `is` tells, joined to the rows before and after, at the middle of each quarter. @param {any[][]} rows @param {(source: string) => boolean} is */
const over = (rows, is) => rows.map(([at, kw], i) => [at + QUARTER_MS / 2, is(rows[i]?.[2]) || (is(rows[i - 1]?.[2] ?? "") && rows[i]?.[2] !== "coming") || is(rows[i + 1]?.[2] ?? "") ? kw : null]);

/** @param {Props} props */
export function LoadChart({ site, zone, of, day }) {
  const rows = /** @type {any[][]} */ (day.load.rows);
  const unit = day.unit === "kWh" ? "kW" : `${day.unit}/h`;
  const option = useMemo(() => (/** @type {import("./look.js").Look} */ look, /** @type {number} */ width) => {
    const at = (/** @type {number} */ moment) => rows[Math.floor((moment - day.from) / QUARTER_MS)];
    const bands = /** @type {[number, number, string][]} */ (day.bands);
    const peak = Math.max(...rows.map((row) => Math.max(row[1] ?? 0, (row[3] ?? 0) + (row[4] ?? 0))), 0);
    const wide = (/** @type {[number, number, string]} */ one) => ((one[1] - one[0]) / (day.until - day.from)) * width > 62;
    const last = rows.filter((row) => row[1] !== null).at(-1);
    return {
      grid: GRID,
      xAxis: timeAxis(look, day.from, day.until, zone, width),
      yAxis: axis(look, { type: "value", min: 0, max: peak > 0 ? undefined : 1 }),
      tooltip: hover(look, "axis", (/** @type {any} */ points) => {
          const row = at(Number((Array.isArray(points) ? points[0] : points).axisValue));
          if (!row) return "";
          const inBand = bands.find(([from, to]) => from <= row[0] && row[0] < to);
          return tip(`${hourMinute(row[0], zone)}–${hourMinute(row[0] + QUARTER_MS, zone)}`, [
            [t("energy.load"), row[1] === null ? t(row[2] === "coming" ? "energy.to_come" : "requests.no_data") : `${number(row[1], 1)} ${unit} · ${word("energy.source", row[2])}`],
            ...(row[3] === null ? [] : [/** @type {[string, string]} */ ([t("energy.typical"), `${number(row[3], 1)} ± ${number(row[4] ?? 0, 1)} ${unit}`])]),
            ...(inBand ? [/** @type {[string, string]} */ ([t("energy.band"), word("energy.tariff_band", inBand[2])])] : [])]);
        }),
      series: [
        { type: "line", data: rows.map((row) => [row[0] + QUARTER_MS / 2, row[1] ?? row[3] ?? 0]), lineStyle: { opacity: 0 }, itemStyle: { opacity: 0 }, symbol: "none", silent: true,
          markArea: { silent: true, data: bands.filter((one) => (SHADE[one[2]] ?? 0) > 0 || wide(one)).map((one) => [{ xAxis: one[0], name: wide(one) ? word("energy.tariff_band", one[2]) : "", itemStyle: { color: look.faint, opacity: (SHADE[one[2]] ?? 0) * 0.22 }, label: { color: look.muted, fontSize: 10.5, position: "top", distance: 2 } }, { xAxis: one[1] }]) } },
        stretches(stretchesOf(rows, (source) => source === "missing"), { fill: look.hatch }),
        band(rows.map((row) => [row[0] + QUARTER_MS / 2, row[3] === null ? null : Math.max(0, row[3] - (row[4] ?? 0)), row[3] === null ? null : row[3] + (row[4] ?? 0)]), { fill: look.faint, opacity: 0.42 }),
        { type: "line", z: 3, symbol: "none", connectNulls: false, data: rows.map((row) => [row[0] + QUARTER_MS / 2, row[1]]), lineStyle: { color: look.accent, width: 2 }, emphasis: { disabled: true } },
        { type: "line", z: 4, symbol: "none", connectNulls: false, silent: true, data: over(rows, (source) => source === "interpolated" || source === "manual"), lineStyle: { color: look.surface, width: 2, type: [1, 3] }, emphasis: { disabled: true } },
        { type: "line", z: 5, symbol: "none", connectNulls: false, silent: true, data: over(rows, (source) => source === "estimated"), lineStyle: { color: look.warn, width: 3, type: [4, 3] }, emphasis: { disabled: true } },
        { type: "scatter", z: 6, silent: true, symbolSize: 8, data: last && rows.some((row) => row[2] === "coming") ? [[last[0] + QUARTER_MS / 2, last[1]]] : [], itemStyle: { color: look.accent } },
      ],
    };
  }, [day, zone, unit]);
  const figures = () => ({
    columns: [{ key: "at", title: t("energy.from_time") }, { key: "kw", title: t("energy.load"), unit }, { key: "source", title: t("energy.source") }, { key: "typical", title: t("energy.typical"), unit }, { key: "sigma", title: "±", unit }],
    rows: rows.filter((row) => row[2] !== "coming" || row[3] !== null).map((row) => [
      cell(hourMinute(row[0], zone), `${dayText(row[0], zone)} ${hourMinute(row[0], zone)}`),
      row[2] === "coming" ? cell("", "") : { ...cell(number(row[1] ?? 0, 1), row[1]), mark: markOf(row[2]), onOpen: () => { shown.value = amountAddress(of, row[0], row[0] + QUARTER_MS); } }, cell(row[2] === "coming" ? t("energy.to_come") : word("energy.source", row[2]), row[2]),
      cell(row[3] === null ? "—" : number(row[3], 1), row[3] ?? ""), cell(row[4] === null ? "—" : number(row[4], 1), row[4] ?? "")]),
  });
  const onPick = (/** @type {any} */ event) => {
    const row = event.value ? rows[Math.floor((event.value[0] - day.from) / QUARTER_MS)] : null;
    if (row && row[2] !== "coming") shown.value = amountAddress(of, row[0], row[0] + QUARTER_MS);
  };
  const note = day.typical_of >= 4 ? t("energy.load_note", { unit, kind: word("energy.kind", day.kind), n: day.typical_of }) : t("energy.load_note_alone", { unit });
  return html`<${ChartCard} id="load" title=${t("energy.load_day")} note=${note} label=${t("energy.load_label", { day: dayText(day.from, zone), peak: number(Math.max(...rows.map((row) => row[1] ?? 0)), 0), unit })} option=${option} figures=${figures} file=${`${site}-${day.day}-load`} height="fills" onPick=${onPick} />`;
}
