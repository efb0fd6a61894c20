// The days of an anomaly: what was drawn beside what was to be expected, with the time of it marked. Missing is a hole, never a line.
import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { dayText, hourMinute, number } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { useAnswer } from "../overview/loading.js";
import { shown } from "../place.js";
import { ChartCard, axis, tip } from "./chart.js";
import { addDays, dateAt, daysBetween } from "./local.js";
import { spanWords } from "./opened.js";
import { amountAddress, today } from "./where.js";

const DAYS_MOST = 8;
const QUARTER_MS = 900_000;

/** The days to show: around the newest or the chosen episode. @param {import("./anomalies.js").Finding} one @param {string} zone @param {number} place */
export function daysOf(one, zone, place) {
  const [since, until] = /** @type {import("./anomalies.js").Episode} */ (one.episodes[place] ?? one.episodes[one.episodes.length - 1]);
  const last = dateAt(until - 1, zone);
  let first = addDays(dateAt(since, zone), -1), end = addDays(last, 2);
  if (end > addDays(today.peek(), 1)) end = addDays(today.peek(), 1);
  if (daysBetween(first, end) > DAYS_MOST) first = addDays(end, -DAYS_MOST);
  return { first, end: end > first ? end : addDays(first, 1) };
}

/** @param {{site: string, zone: string, one: import("./anomalies.js").Finding}} props */
export function AnomalyChart({ site, zone, one }) {
  const place = useSignal(one.episodes.length - 1);
  const { first, end } = daysOf(one, zone, place.value);
  const { answer, failure } = useAnswer(`/api/v1/analysis/expected?${query({ site, meter: one.meter, from: first, until: end })}`, `${one.meter} ${first} ${end}`);
  const rows = /** @type {(number | null)[][] | null} */ (answer?.rows ?? null);
  const marks = useMemo(() => (rows?.length ? one.episodes.filter(([since, until]) => until > Number(rows[0]?.[0]) && since < Number(rows[rows.length - 1]?.[0]) + QUARTER_MS) : []), [rows, one]);
  const option = useMemo(() => rows && ((/** @type {import("./look.js").Look} */ look) => ({
    grid: { left: 8, right: 12, top: 24, bottom: 4, containLabel: true },
    xAxis: { type: "category", boundaryGap: false, data: rows.map((row) => row[0]), ...axis(look), axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, formatter: (/** @type {string} */ value) => (hourMinute(Number(value), zone) === "00:00" ? dayText(Number(value), zone) : hourMinute(Number(value), zone)), interval: (/** @type {number} */ at) => hourMinute(Number(rows[at]?.[0]), zone) === "00:00" || hourMinute(Number(rows[at]?.[0]), zone) === "12:00" } },
    yAxis: { type: "value", ...axis(look), name: "kW", nameTextStyle: { color: look.muted, fontSize: 11, align: "left" } },
    tooltip: { trigger: "axis", formatter: (/** @type {any[]} */ items) => { const row = /** @type {(number | null)[]} */ (rows[items[0].dataIndex]); return tip(`${spanWords(Number(row[0]), Number(row[0]) + QUARTER_MS, zone)}`, [[t("money.drawn"), say(row[1])], [t("money.expected"), row[2] === null || row[2] === undefined ? "—" : `${number(row[2], 1)} ± ${number(row[3] ?? 0, 1)} kW`]]); } },
    series: [
      { name: "low", type: "line", stack: "band", symbol: "none", lineStyle: { opacity: 0 }, silent: true, data: rows.map((row) => (row[2] === null || row[2] === undefined ? null : Math.max(0, row[2] - 2 * (row[3] ?? 0)))) },
      { name: "band", type: "line", stack: "band", symbol: "none", lineStyle: { opacity: 0 }, areaStyle: { color: look.faint, opacity: .28 }, silent: true, data: rows.map((row) => (row[2] === null || row[2] === undefined ? null : Math.min(4 * (row[3] ?? 0), row[2] + 2 * (row[3] ?? 0)))) },
      { name: t("money.expected"), type: "line", symbol: "none", lineStyle: { color: look.muted, width: 1.2, type: "dashed" }, itemStyle: { color: look.muted }, data: rows.map((row) => row[2]) },
      { name: t("money.drawn"), type: "line", symbol: "none", connectNulls: false, lineStyle: { color: look.accent, width: 2 }, itemStyle: { color: look.accent }, data: rows.map((row) => row[1]),
        markArea: { silent: true, itemStyle: { color: look.warn, opacity: .16 }, data: marks.map(([since, until]) => [{ xAxis: String(nearest(rows, since)) }, { xAxis: String(nearest(rows, Math.max(until, since + QUARTER_MS + 1) - 1)) }]) } },
    ],
  })), [rows, marks, t("money.drawn"), zone]);
  const say = (/** @type {number | null | undefined} */ value) => (value === null || value === undefined ? t("requests.no_data") : `${number(value, 1)} kW`);
  if (!rows) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  const cell = (/** @type {number | null | undefined} */ value) => ({ text: value === null || value === undefined ? "" : number(value, 2), value: value ?? null });
  const go = (/** @type {number} */ by) => { place.value = Math.max(0, Math.min(one.episodes.length - 1, place.peek() + by)); };
  return html`<${ChartCard} id="anomaly" title=${t("money.show_me")} note=${`${t("money.band_note")} · ${spanWords(Number(rows[0]?.[0]), Number(rows[rows.length - 1]?.[0]) + QUARTER_MS, zone)}`} label=${t("money.show_me_label")} option=${option} height="tall" file=${`anomaly-${one.meter}`}
    tools=${one.episodes.length > 1 && html`<button class="btn small" aria-label=${t("money.earlier")} aria-disabled=${place.value === 0} onClick=${() => go(-1)}>‹</button><button class="btn small" aria-label=${t("money.later")} aria-disabled=${place.value === one.episodes.length - 1} onClick=${() => go(1)}>›</button>`}
    figures=${() => ({ columns: [{ key: "at", title: t("energy.from_time") }, { key: "kw", title: t("money.drawn"), unit: "kW" }, { key: "expected", title: t("money.expected"), unit: "kW" }, { key: "sigma", title: "σ", unit: "kW" }], rows: rows.map((row) => [{ text: spanWords(Number(row[0]), Number(row[0]) + QUARTER_MS, zone), value: new Date(Number(row[0])).toISOString() }, { ...cell(row[1]), ...(Number(row[0]) < now.peek() ? { onOpen: () => { shown.value = amountAddress(`meter:${one.meter}`, Number(row[0]), Number(row[0]) + QUARTER_MS); } } : {}) }, cell(row[2]), cell(row[3])]) })} />`;
}

/** The quarter of an hour of the rows that an instant lies in. @param {(number | null)[][]} rows @param {number} at */
function nearest(rows, at) {
  const first = Number(rows[0]?.[0]), last = Number(rows[rows.length - 1]?.[0]);
  return Math.max(first, Math.min(last, Math.floor(at / QUARTER_MS) * QUARTER_MS));
}
