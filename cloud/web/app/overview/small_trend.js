// The last half hour of a point as a small line in a row.
import { html, useEffect } from "../../vendor/preact.js";
import { pointName, t } from "../i18n.js";
import { now } from "../live/link.js";
import { gapLimit, Line } from "./chart.js";
import { extend, TREND_MS, trendOf, wantTrend } from "./trends.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

const HEIGHT = 18;
/** A row must stay in sight for so long before its readings are asked for: scrolling past costs nothing. */
const LINGER_MS = 250;
/** A small line moves on every five seconds, not with every reading. */
const STEP_MS = 5000;

/** @param {{device: Entity, name: string, width: number}} props */
export function SmallTrend({ device, name, width }) {
  const trend = trendOf(device, name);
  const point = /** @type {import("../types.d.ts").Point} */ (device.points[name]);
  useEffect(() => {
    const timer = setTimeout(() => wantTrend(trend, device, name), LINGER_MS);
    return () => clearTimeout(timer);
  }, [device.id, name]);
  useEffect(() => { extend(trend, point.observed_at, point.value); }, [point.observed_at]);
  const dots = trend.dots.value;
  const view = `0 0 ${width} ${HEIGHT}`;
  if (dots === null) return html`<svg class="trend" width=${width} height=${HEIGHT} viewBox=${view} aria-hidden="true"></svg>`;
  const to = Math.ceil(now.value / STEP_MS) * STEP_MS;
  const frame = { width, height: HEIGHT, from: to - TREND_MS, to, gapMs: gapLimit(dots, point.stale_after_s), isStep: point.kind === "state" };
  return html`<svg class="trend" width=${width} height=${HEIGHT} viewBox=${view} role="img" aria-label=${t("trend.label", { point: pointName(name), n: dots.length })}><${Line} dots=${dots} frame=${frame} /></svg>`;
}
