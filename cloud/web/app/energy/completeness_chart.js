// Meter by day: how much of each day is known, and how much of that was measured. The worst meters stand first.
import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { dayText } from "../format.js";
import { t } from "../i18n.js";
import { shown } from "../place.js";
import { cell } from "../reports/table.js";
import { shareText } from "./amounts.js";
import { ChartCard, axis, hover, tip } from "./chart.js";
import { addDays, midnight } from "./local.js";
import { amountAddress } from "./where.js";

/** @typedef {{id: string, name: string, coverage: (number | null)[], measured: (number | null)[], fault: string}} Meter */

const FEW = 40;
const ROW_PX = 17;

/** How much is lacking of what was to be known. @param {Meter} one */
const lacking = (one) => one.coverage.reduce((/** @type {number} */ sum, share, i) => sum + (share === null ? 0 : 2 - share - (one.measured[i] ?? 0)), one.fault ? 1000 : 0);

/** @param {{answer: any, zone: string, site: string}} props */
export function CompletenessChart({ answer, zone, site }) {
  const isWhole = useSignal(false);
  const sorted = useMemo(() => [.../** @type {Meter[]} */ (answer.meters)].sort((a, b) => lacking(b) - lacking(a) || a.name.localeCompare(b.name)), [answer]);
  const rows = isWhole.value ? sorted : sorted.slice(0, FEW);
  const days = /** @type {string[]} */ (answer.days);
  const option = useMemo(() => (/** @type {import("./look.js").Look} */ look, /** @type {number} */ width) => ({
    grid: { left: Math.min(190, width * 0.28), right: 10, top: 6, bottom: 22 },
    xAxis: axis(look, { type: "category", data: days, splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, formatter: (/** @type {string} */ day) => (day.endsWith("-01") ? day.slice(5) : String(Number(day.slice(8)))) } }),
    yAxis: axis(look, { type: "category", inverse: true, data: rows.map((one) => one.id), splitLine: { show: false }, axisLabel: { color: look.text, fontSize: 11, width: Math.min(178, width * 0.26), overflow: "truncate", interval: 0, formatter: (/** @type {string} */ id) => rows.find((one) => one.id === id)?.name ?? id } }),
    tooltip: hover(look, "item", (point) => {
      const [x, y] = point.value;
      const one = rows[y], share = one?.coverage[x] ?? null;
      return tip(`${one?.name} · ${dayText(midnight(days[x] ?? "", zone), zone)}`, [[t("energy.coverage"), share === null ? t("energy.nothing_yet") : shareText(share)], [t("energy.source.measured"), share === null ? "—" : shareText(one?.measured[x] ?? 0)], ...(one?.fault ? [/** @type {[string, string]} */ ([t("energy.fault"), one.fault])] : [])]);
    }),
    series: [{
      type: "custom", encode: { x: 0, y: 1 }, data: rows.flatMap((one, y) => one.coverage.map((share, x) => [x, y, share ?? -1, one.measured[x] ?? -1])),
      renderItem: (/** @type {any} */ _, /** @type {any} */ api) => {
        const [x, y] = api.coord([api.value(0), api.value(1)]);
        const [wide, high] = api.size([1, 1]);
        const share = api.value(2), measured = Math.max(0, Math.min(api.value(3), share));
        if (share < 0) return { type: "rect", shape: { x: x - wide / 2 + 1, y: y - 0.5, width: wide - 2, height: 1 }, style: { fill: look.line } };
        const box = { x: x - wide / 2 + 0.5, y: y - high / 2 + 1, width: Math.max(1, wide - 1), height: high - 2 };
        // From left to right: what was measured, what stands for the rest, what is missing.
        const part = (/** @type {number} */ from, /** @type {number} */ to, /** @type {object} */ style) => (to - from < 1e-6 ? [] : [{ type: "rect", shape: { x: box.x + box.width * from, y: box.y, width: Math.max(1, box.width * (to - from)), height: box.height }, style }]);
        return { type: "group", children: [...part(0, measured, { fill: look.accent, opacity: 0.55 }), ...part(measured, share, { fill: look.stripes }), ...part(share, 1, { fill: look.hatch, stroke: look.faint, lineWidth: 1 })] };
      },
    }],
  }), [answer, rows.length, zone]);
  const figures = () => ({
    columns: [{ key: "meter", title: t("energy.meter") }, ...days.map((day) => ({ key: day, title: day.slice(5) }))],
    rows: sorted.map((one) => [cell(one.name, one.name), ...one.coverage.map((share, i) => (share === null ? cell("", "") : { ...cell(shareText(share), share, share < 0.9), onOpen: () => { shown.value = amountAddress(`meter:${one.id}`, midnight(days[i] ?? "", zone), midnight(addDays(days[i] ?? "", 1), zone)); } }))]),
  });
  const onPick = (/** @type {any} */ event) => {
    const [x, y] = event.value ?? [];
    const one = rows[y], day = days[x];
    if (one && day && (one.coverage[x] ?? null) !== null) shown.value = amountAddress(`meter:${one.id}`, midnight(day, zone), midnight(addDays(day, 1), zone));
  };
  const tools = sorted.length > FEW && html`<button class="btn small" aria-pressed=${isWhole.value} onClick=${() => { isWhole.value = !isWhole.value; }}>${t("energy.all_meters", { n: sorted.length })}</button>`;
  return html`<${ChartCard} id="completeness" title=${t("energy.completeness")} note=${t("energy.completeness_note")} label=${t("energy.completeness_label", { n: sorted.length, days: days.length })} option=${rows.length > 0 ? option : null} figures=${figures} file=${`${site}-${days[0]}-completeness`} px=${rows.length * ROW_PX + 30} onPick=${onPick} tools=${tools} />`;
}
