// A meter beside the sum of those it feeds, and the gap between them, hour by hour or day by day. Where one of them is not known there is no gap.
import { html, useMemo } from "../../vendor/preact.js";
import { dayText, hourMinute, number } from "../format.js";
import { t } from "../i18n.js";
import { shown } from "../place.js";
import { ChartCard, axis, tip } from "./chart.js";
import { spanWords } from "./opened.js";
import { meterOf } from "./structure.js";
import { amountAddress } from "./where.js";

/** @typedef {{at: number, until: number, fed: number | null, used: number | null}} Step */

/** Rows of several meters as steps: nothing is added up of which a part is missing. @param {any[][]} parent @param {any[][][]} children @returns {Step[]} */
export function steps(parent, children) {
  const whole = (/** @type {any[] | undefined} */ row) => (row && row[2] !== null && row[3] >= 0.9999 ? Number(row[2]) : null);
  const of = children.map((rows) => new Map(rows.map((row) => [row[0], row])));
  return parent.map((row) => {
    const parts = of.map((rows) => whole(rows.get(row[0])));
    return { at: row[0], until: row[1], fed: whole(row), used: parts.includes(null) ? null : parts.reduce((sum, one) => /** @type {number} */ (sum) + /** @type {number} */ (one), 0) };
  });
}

/** @param {Step} one */
const gapOf = (one) => (one.fed === null || one.used === null ? null : one.fed - one.used);

/** @param {{zone: string, one: import("./balance.js").Balance, sides: import("./balance_sides.js").Sides}} props */
export function BalanceChart({ zone, one, sides }) {
  const { step } = sides;
  const all = useMemo(() => sides.of && steps(sides.of[one.meter]?.rows ?? [], one.children.map((child) => sides.of?.[child]?.rows ?? [])), [sides.of]);
  const label = (/** @type {Step} */ each) => spanWords(each.at, each.until, zone);
  const option = useMemo(() => all && ((/** @type {import("./look.js").Look} */ look) => ({
    grid: [{ left: 8, right: 12, top: 26, bottom: "38%", containLabel: true }, { left: 8, right: 12, top: "68%", bottom: 4, containLabel: true }],
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    xAxis: [0, 1].map((at) => ({ type: "category", gridIndex: at, data: all.map((each) => each.at), ...axis(look), axisLabel: { show: at === 1, color: look.muted, fontSize: 11, hideOverlap: true, ...(step === "1h" ? { interval: (/** @type {number} */ n) => hourMinute(Number(all[n]?.at), zone) === "00:00" } : {}), formatter: (/** @type {string} */ value) => (step === "1h" && hourMinute(Number(value), zone) !== "00:00" ? hourMinute(Number(value), zone) : dayText(Number(value), zone)) } })),
    yAxis: [0, 1].map((at) => ({ type: "value", gridIndex: at, splitNumber: at ? 2 : 4, ...axis(look), name: at ? t("money.gap") : one.unit, nameGap: at ? 6 : 12, nameTextStyle: { color: look.muted, fontSize: 11, align: "left" } })),
    tooltip: { trigger: "axis", formatter: (/** @type {any[]} */ items) => { const each = /** @type {Step} */ (all[items[0].dataIndex]); return tip(label(each), [[t("money.fed"), say(each.fed)], [t("money.used"), say(each.used)], [t("money.gap"), say(gapOf(each))]]); } },
    series: [
      { name: t("money.fed"), type: "line", step: "middle", symbol: "none", lineStyle: { color: look.accent, width: 2 }, itemStyle: { color: look.accent }, data: all.map((each) => each.fed), connectNulls: false },
      { name: t("money.used"), type: "line", step: "middle", symbol: "none", lineStyle: { color: look.muted, width: 1.5, type: "dashed" }, itemStyle: { color: look.muted }, data: all.map((each) => each.used), connectNulls: false },
      { name: t("money.gap"), type: "bar", xAxisIndex: 1, yAxisIndex: 1, itemStyle: { color: one.significant ? look.warn : look.faint }, data: all.map(gapOf) },
    ],
  })), [all, t("money.fed"), zone]);
  const say = (/** @type {number | null} */ value) => (value === null ? t("requests.no_data") : `${number(value, 1)} ${one.unit}`);
  const cell = (/** @type {number | null} */ value) => ({ text: value === null ? "" : number(value, 2), value });
  if (!all) return html`<section class="card"><p class=${`calm ${sides.failure ? "warn" : "muted"}`} role="status">${sides.failure || t("energy.asking")}</p></section>`;
  return html`<${ChartCard} id="balance" title=${t("money.balance_chart", { meter: meterOf(one.meter)?.name ?? one.meter })} note=${`${t(step === "1h" ? "money.by_hour" : "money.by_day")} · ${t("money.balance_legend")}`} label=${t("money.balance_chart_label")} option=${option} height="fills" file=${`balance-${one.meter}`}
    figures=${() => ({ columns: [{ key: "at", title: t("energy.from_time") }, { key: "fed", title: t("money.fed"), unit: one.unit }, { key: "used", title: t("money.used"), unit: one.unit }, { key: "gap", title: t("money.gap"), unit: one.unit }], rows: all.map((each) => [{ text: label(each), value: new Date(each.at).toISOString() }, { ...cell(each.fed), onOpen: () => { shown.value = amountAddress(`meter:${one.meter}`, each.at, each.until); } }, cell(each.used), cell(gapOf(each))]) })} />`;
}
