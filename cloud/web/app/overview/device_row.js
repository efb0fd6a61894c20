// One row a device.
import { html } from "../../vendor/preact.js";
import { age, fullTime, moment, seconds } from "../format.js";
import { said, t, word } from "../i18n.js";
import { entities, now } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { zoneOf } from "../sites.js";
import { deviceHealth, digest, isPointStale } from "./health.js";
import { Headline, trendPoint } from "./headline.js";
import { HealthMark } from "./marks.js";
import { SmallTrend } from "./small_trend.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Health} Health */

const TREND_WIDTH = 110;

/** Why a device is not well, in words. @param {Entity} device @param {Health} health */
export function healthWords(device, health) {
  const zone = zoneOf(device.site);
  const at = device.observed_at ? moment(device.observed_at, now.value, zone) : "";
  const error = device.attributes.last_error ? said(device.attributes.last_error) : "";
  const { bad, none, uncertain } = digest(device);
  const total = Object.keys(device.points).length;
  if (health === "stale") {
    if (isOutOfReach(device)) return t("health.cut_off_since", { time: at });
    const points = Object.values(device.points);
    const stale = points.filter((point) => isPointStale(point, now.value, false)).length;
    if (stale > 0 && stale < points.length) return t("health.some_stale", { n: stale, total: points.length });
    return t("health.stale_since", { time: at });
  }
  if (health === "lost") return [at ? t("health.lost_since", { time: at }) : word("health", "lost"), error].filter(Boolean).join(" · ");
  if (health === "bad") return [t("health.some_bad", { n: bad || none, total }), error].filter(Boolean).join(" · ");
  if (health === "failing") return [word("health", "failing"), error].filter(Boolean).join(" · ");
  if (health === "uncertain") return t("health.some_uncertain", { n: uncertain });
  if (health === "waiting") return word("health", "waiting");
  if (device.attributes.state === "unannounced") return t("health.unannounced");
  return none > 0 ? t("health.some_none", { n: none, total }) : "";
}

/** Achieved against wanted; the achieved one is marked when it is much longer. @param {{achieved: number | null | undefined, every: number | null | undefined}} props */
export function Period({ achieved, every }) {
  if (!every) return null;
  if (achieved === null || achieved === undefined) return html`<span class="muted">${seconds(every)}</span>`;
  const slow = achieved > every * 1.5 + 0.5;
  return html`<span class=${slow ? "warn" : "muted"} title=${t("period.title", { achieved: seconds(achieved), every: seconds(every) })}>${slow ? `${seconds(achieved)} / ${seconds(every)}` : seconds(achieved)}</span>`;
}

/** @param {{row: import("./rows.js").Row}} props */
export function DeviceRow({ row }) {
  const device = entities.get(row.id)?.value;
  if (!device) return null;
  const health = deviceHealth(device, now.value, isOutOfReach(device));
  const dim = health === "stale" || health === "lost" ? " dim" : "";
  const attributes = device.attributes;
  const trend = trendPoint(device);
  const words = healthWords(device, health);
  return html`
    <span role="gridcell" class=${`c-device${dim}`}><span class="fold" aria-hidden="true">${row.isOpen ? "▾" : "▸"}</span><${HealthMark} health=${health} />
      <b class="name">${device.name || device.device}</b>${device.name && device.name !== device.device ? html`<span class="id">${device.device}</span>` : null}</span>
    <span role="gridcell" class="c-kind muted">${word("kind", device.kind)}</span>
    <span role="gridcell" class=${`c-now${dim}${trend ? "" : " broad"}`}><${Headline} entity=${device} /></span>
    ${trend && html`<span role="gridcell" class="c-trend"><${SmallTrend} device=${device} name=${trend} width=${TREND_WIDTH} /></span>`}
    <span role="gridcell" class=${`c-state w-${health}`} title=${words}>${words}</span>
    <span role="gridcell" class="c-period"><${Period} achieved=${attributes.achieved_s} every=${attributes.every_s} /></span>
    <span role="gridcell" class="c-age age" title=${device.observed_at ? fullTime(device.observed_at, zoneOf(device.site)) : ""}>${device.observed_at ? age(now.value - device.observed_at) : "—"}</span>`;
}
