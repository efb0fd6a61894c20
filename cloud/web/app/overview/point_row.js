// One row a point: value, unit, age, quality with its reason, and the last half hour.
import { html, useEffect } from "../../vendor/preact.js";
import { age, fullTime, moment, valueText } from "../format.js";
import { pointName, t, word } from "../i18n.js";
import { entities, now } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { gapLimit, Line } from "./chart.js";
import { markOf } from "./health.js";
import { Mark, reasonWords } from "./marks.js";
import { Opens } from "./number.js";
import { extend, TREND_MS, trendOf, wantTrend } from "./trends.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Point} Point */

const WIDTH = 150;
const HEIGHT = 18;

/** @param {{device: Entity, name: string, point: Point}} props */
function Trend({ device, name, point }) {
  const trend = trendOf(device, name);
  useEffect(() => { wantTrend(trend, device, name); }, [device.id, name]);
  useEffect(() => { extend(trend, point.observed_at, point.value); }, [point.observed_at]);
  const dots = trend.dots.value;
  if (dots === null) return html`<svg class="trend" width=${WIDTH} height=${HEIGHT} aria-hidden="true"></svg>`;
  const to = now.value;
  const frame = { width: WIDTH, height: HEIGHT, from: to - TREND_MS, to, gapMs: gapLimit(dots, point.stale_after_s), isStep: point.kind === "state" };
  return html`<svg class="trend" width=${WIDTH} height=${HEIGHT} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${t("trend.label", { point: pointName(name), n: dots.length })}><${Line} dots=${dots} frame=${frame} /></svg>`;
}

/** Why the value is not simply measured, in words. @param {Point} point @param {string} mark @param {string} zone */
function pointWords(point, mark, zone) {
  if (mark === "stale") return t("health.stale_since", { time: moment(point.observed_at, now.value, zone) });
  if (mark === "measured") return "";
  const reason = reasonWords(point.reason);
  return reason ? `${word("mark", mark)}: ${reason}` : word("mark", mark);
}

/** @param {{row: import("./rows.js").Row}} props */
export function PointRow({ row }) {
  const device = entities.get(row.id)?.value;
  const point = device?.points[row.point];
  if (!device || !point) return null;
  const zone = zoneOf(device.site);
  const mark = markOf(point, now.value);
  const { text, unit } = valueText(row.point, point);
  const label = pointName(row.point);
  const none = point.value === null;
  return html`
    <span role="gridcell" class=${`c-point${mark === "stale" ? " dim" : ""}`}><${Mark} mark=${mark} why=${reasonWords(point.reason)} /><span class="name">${label}</span>${label === row.point ? null : html`<span class="id">${row.point}</span>`}</span>
    <span role="gridcell" class=${`c-value${none ? " none" : ""}${mark === "stale" ? " dim" : ""}`}><${Opens} inList=${true} to=${`reading:${row.key}`}>${text}<//><span class="u">${unit}</span></span>
    <span role="gridcell" class="c-trend"><${Trend} device=${device} name=${row.point} point=${point} /></span>
    <span role="gridcell" class=${`c-why w-${mark}`}>${pointWords(point, mark, zone)}</span>
    <span role="gridcell" class="c-age age" title=${fullTime(point.observed_at, zone)}>${point.observed_at ? age(now.value - point.observed_at) : "—"}</span>`;
}
