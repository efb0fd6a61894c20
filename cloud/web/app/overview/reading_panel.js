// A number, opened: the readings it comes from, each with time, quality, gateway, batch and when it was received.
import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { asObjects, query } from "../api.js";
import { clockTime, fullTime, hourMinute, moment, number, seconds, valueText } from "../format.js";
import { pointName, t, word } from "../i18n.js";
import { now, state } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { extent, gapLimit, Line } from "./chart.js";
import { markOf } from "./health.js";
import { useAnswer } from "./loading.js";
import { Mark, reasonWords } from "./marks.js";
import { PanelBox } from "./panel.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Point} Point */

const MINUTE = 60_000;
const RANGES = [
  { id: "15m", ms: 15 * MINUTE, step: "raw", stepMs: 0 },
  { id: "1h", ms: 60 * MINUTE, step: "raw", stepMs: 0 },
  { id: "24h", ms: 24 * 60 * MINUTE, step: "15m", stepMs: 15 * MINUTE },
  { id: "30d", ms: 30 * 24 * 60 * MINUTE, step: "1h", stepMs: 60 * MINUTE },
];
const LIMIT = 10_000;
const ROWS_FIRST = 200;
/** An open panel asks again when something new has come, at most this often. */
const AGAIN_MS = 5000;
const WIDTH = 352, HEIGHT = 84;

/** @param {{rows: Record<string, any>[], range: typeof RANGES[number], from: number, to: number, point: Point, name: string, zone: string}} props */
function Chart({ rows, range, from, to, point, name, zone }) {
  const dots = rows.map((row) => ({ at: row["at"] + range.stepMs / 2, value: range.step === "raw" ? row["value"] : row["mean"] ?? row["last"] }));
  const gapMs = range.step === "raw" ? gapLimit(dots, point.stale_after_s) : range.stepMs * 1.5;
  const frame = { width: WIDTH, height: HEIGHT, from, to, gapMs, isStep: point.kind === "state", pad: 4 };
  const range_ = extent(dots);
  const show = (/** @type {number} */ value) => { const { text, unit } = valueText(name, { ...point, value }); return `${text} ${unit}`.trim(); };
  const words = range_ ? t("chart.label", { point: pointName(name), low: show(range_.low), high: show(range_.high), n: dots.length }) : t("chart.none");
  const time = (/** @type {number} */ at) => (range.ms > 24 * 60 * MINUTE ? moment(at, 0, zone) : hourMinute(at, zone));
  return html`<figure class="chart"><div class="scale"><span>${range_ ? show(range_.high) : ""}</span><span>${range_ && range_.high !== range_.low ? show(range_.low) : ""}</span></div>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${words}><${Line} dots=${dots} frame=${frame} /></svg>
    <figcaption><span>${time(from)}</span><span>${time(to)}</span></figcaption></figure>`;
}

/** @param {{row: Record<string, any>, point: Point, name: string, zone: string, gateway: string}} props */
function RawRow({ row, point, name, zone, gateway }) {
  const reading = { ...point, value: row["value"], quality: row["quality"], reason: row["reason"] ?? "", observed_at: row["at"], stale_after_s: null };
  const mark = markOf(reading, now.peek(), false);
  const late = typeof row["received_at"] === "number" ? (row["received_at"] - row["at"]) / 1000 : null;
  const reason = reasonWords(reading.reason);
  return html`<tr class=${mark === "bad" || mark === "missing" ? "none" : ""}>
    <td title=${fullTime(row["at"], zone)}>${clockTime(row["at"], zone)}</td>
    <td class="r" title=${row["value"] ?? ""}>${valueText(name, reading, true).text}</td>
    <td class="wrap"><${Mark} mark=${mark} why=${reason} /> ${reason || word("mark", mark)}</td>
    <td class="mono" title=${`${row["gateway"] ?? ""} ${row["epoch"] ?? ""} ${row["seq"] ?? ""}`}>${row["gateway"] && row["gateway"] !== gateway ? html`${row["gateway"]}<br />` : null}${row["epoch"] ?? ""}<span class="seq"> ${row["seq"] ?? "—"}</span></td>
    <td class="r" title=${row["received_at"] ? fullTime(row["received_at"], zone) : ""}>${late === null ? "—" : `+${seconds(Math.max(0, late))}`}</td></tr>`;
}

/** @param {{row: Record<string, any>, point: Point, name: string, zone: string, range: typeof RANGES[number]}} props */
function RollRow({ row, point, name, zone, range }) {
  const show = (/** @type {any} */ value) => valueText(name, { ...point, value }).text;
  const coverage = row["coverage"];
  return html`<tr><td title=${fullTime(row["at"], zone)}>${range.ms > 24 * 60 * MINUTE ? moment(row["at"], now.peek(), zone) : hourMinute(row["at"], zone)}</td>
    <td class="r">${show(row["mean"])}</td><td class="r">${show(row["min"])}</td><td class="r">${show(row["max"])}</td>
    <td class="r">${typeof coverage === "number" ? `${number(Math.min(1, coverage) * 100)} %` : "—"}</td></tr>`;
}

const RAW_HEAD = ["time", "value", "quality", "batch", "received"];
const ROLL_HEAD = ["time", "mean", "min", "max", "coverage"];
const RIGHT = new Set(["value", "received", "mean", "min", "max", "coverage"]);

/** @param {{rows: Record<string, any>[], range: typeof RANGES[number], point: Point, name: string, zone: string, gateway: string}} props */
function Rows({ rows, range, point, name, zone, gateway }) {
  const most = useSignal(ROWS_FIRST);
  const newest = rows.slice(-most.value).reverse();
  const isRaw = range.step === "raw";
  return html`<table class="readings"><thead><tr>${(isRaw ? RAW_HEAD : ROLL_HEAD).map((head) => html`<th scope="col" class=${RIGHT.has(head) ? "r" : ""}>${t(`reading.${head}`)}</th>`)}</tr></thead>
    <tbody>${newest.map((row) => (isRaw ? html`<${RawRow} key=${row["at"]} row=${row} point=${point} name=${name} zone=${zone} gateway=${gateway} />` : html`<${RollRow} key=${row["at"]} row=${row} point=${point} name=${name} zone=${zone} range=${range} />`))}</tbody></table>
    ${rows.length > most.value && html`<button class="btn more" onClick=${() => { most.value += 500; }}>${t("reading.more", { n: rows.length - most.value })}</button>`}`;
}

/** @param {{device: Entity, name: string}} props */
export function ReadingPanel({ device, name }) {
  const chosen = useSignal("15m");
  const range = /** @type {typeof RANGES[number]} */ (RANGES.find((one) => one.id === chosen.value));
  const zone = zoneOf(device.site);
  const point = device.points[name] ?? { value: null, unit: "", kind: "gauge", quality: "good", reason: "", observed_at: 0, received_at: 0, stale_after_s: null, label: null };
  // Asking again is bound to the clock of the page: it stands still while offline.
  const turn = Math.floor(now.value / (range.step === "raw" ? AGAIN_MS : MINUTE));
  const { from, to } = useMemo(() => { const end = Math.floor(now.peek()) + 1000; return { from: end - range.ms, to: end }; }, [turn, range, state.value]);
  const params = { site: device.site, device: device.device, point: name, from, to, step: range.step, ...(range.step === "raw" ? { origin: 1 } : {}) };
  const base = { ...params, from: undefined, to: undefined };
  const { answer, failure } = useAnswer(`/api/v1/readings?${query({ ...params, limit: LIMIT })}`, `${query(base)} ${range.ms}`);
  const rows = useMemo(() => (answer ? asObjects(answer) : []), [answer]);
  const { text, unit } = valueText(name, point);
  const title = html`<span>${t("panel.opened", { value: point.value === null ? t("value.none") : `${text} ${unit}`.trim() })}</span>`;
  const csv = html`<a class="btn" href=${`/api/v1/readings?${query({ ...params, format: "csv" })}`} download=${`${device.site}-${device.device}-${name}.csv`}>CSV</a>`;
  return html`<${PanelBox} title=${title} sub=${`${device.name || device.device} · ${pointName(name)}`} actions=${csv}>
    <div class="ranges" role="group" aria-label=${t("range.title")}>${RANGES.map((one) => html`<button key=${one.id} class=${`pick${one.id === chosen.value ? " on" : ""}`} aria-pressed=${one.id === chosen.value} onClick=${() => { chosen.value = one.id; }}>${t(`range.${one.id}`)}</button>`)}
      <span class="sp"></span><span class="muted">${answer ? t(range.step === "raw" ? "reading.count" : "reading.count_rolled", { n: rows.length }) : ""}</span></div>
    <${Chart} rows=${rows} range=${range} from=${from} to=${to} point=${point} name=${name} zone=${zone} />
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${answer && rows.length === 0 ? html`<p class="calm muted">${t("reading.none")}</p>` : html`<${Rows} rows=${rows} range=${range} point=${point} name=${name} zone=${zone} gateway=${device.gateway} />`}
    <p class="calm muted">${t("reading.zone", { zone, gateway: device.gateway })}</p>
  <//>`;
}
