// One row a point: value, unit, age, quality with its reason, and the last half hour.
import { html } from "../../vendor/preact.js";
import { age, fullTime, moment, valueText } from "../format.js";
import { pointName, t, word } from "../i18n.js";
import { entities, now } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { zoneOf } from "../sites.js";
import { markOf } from "./health.js";
import { Mark, reasonWords } from "./marks.js";
import { Opens } from "./number.js";
import { SmallTrend } from "./small_trend.js";

/** @typedef {import("../types.d.ts").Point} Point */

const TREND_WIDTH = 110;

/** Why the value is not simply measured, in words. @param {Point} point @param {string} mark @param {boolean} away @param {string} zone */
function pointWords(point, mark, away, zone) {
  if (mark === "stale") return t(away ? "health.cut_off_since" : "health.stale_since", { time: moment(point.observed_at, now.value, zone) });
  if (mark === "measured") return "";
  const reason = reasonWords(point.reason), name = word("mark", mark);
  return reason && reason !== name ? `${name}: ${reason}` : name;
}

/** @param {{row: import("./rows.js").Row}} props */
export function PointRow({ row }) {
  const device = entities.get(row.id)?.value;
  const point = device?.points[row.point];
  if (!device || !point) return null;
  const zone = zoneOf(device.site);
  const away = isOutOfReach(device);
  const mark = markOf(point, now.value, away);
  const { text, unit } = valueText(row.point, point);
  const label = pointName(row.point);
  const words = pointWords(point, mark, away, zone);
  const none = mark === "missing" || mark === "bad";
  return html`
    <span role="gridcell" class=${`c-point${mark === "stale" ? " dim" : ""}`}><${Mark} mark=${mark} why=${reasonWords(point.reason)} /><span class="name">${label}</span>${label === row.point ? null : html`<span class="id">${row.point}</span>`}</span>
    <span role="gridcell" class=${`c-value${none ? " none" : ""}${mark === "stale" ? " dim" : ""}`}><${Opens} inList=${true} to=${`reading:${row.key}`}>${text}<//><span class="u">${unit}</span></span>
    <span role="gridcell" class="c-trend"><${SmallTrend} device=${device} name=${row.point} width=${TREND_WIDTH} /></span>
    <span role="gridcell" class=${`c-why w-${mark}`} title=${words}>${words}</span>
    <span role="gridcell" class="c-age age" title=${fullTime(point.observed_at, zone)}>${point.observed_at ? age(now.value - point.observed_at) : "—"}</span>`;
}
