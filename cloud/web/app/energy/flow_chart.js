// Where energy went: from the topmost meters through those they feed. What no meter measured is grey and says so.
import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { cell } from "../reports/table.js";
import { amountText } from "./amounts.js";
import { ChartCard, hover, tip } from "./chart.js";
import { fitted, fullest } from "./flow_fit.js";
import { meterOf } from "./structure.js";
import { amountAddress, openDetail } from "./where.js";
import { number } from "../format.js";
import { shown } from "../place.js";

/** @typedef {import("./flow_fit.js").Branch} Branch */

/** A line of letters, and the gap that keeps two names apart. */
const ROW_PX = 20, GAP_PX = 13, EDGE_PX = 20;

/** @param {string} id @param {string} kind @param {number} [count] */
const nameOf = (id, kind, count = 0) => (kind === "rest" ? t("energy.not_metered_below") : kind === "others" ? t("energy.other_meters", { n: count }) : id === "" ? t("energy.whole_site") : meterOf(id)?.name ?? id);

/** @param {{flow: {branches: Branch[], unknown: string[], exceeding: Record<string, number>, note: string}, unit: string, since: number, until: number, file: string}} props */
export function FlowChart({ flow, unit, since, until, file }) {
  const { branches, unknown, exceeding } = flow;
  const isWhole = useSignal(false);
  const joined = useSignal(0);
  // With one topmost meter the site itself is that meter.
  const isOne = branches.filter(([source]) => source === "").length === 1;
  const links = useMemo(() => (isOne ? branches.filter(([source]) => source !== "") : branches), [flow]);
  const whole = fullest(links);
  const option = useMemo(() => (/** @type {import("./look.js").Look} */ look, /** @type {number} */ width, /** @type {number} */ height) => {
    const drawn = isWhole.value ? links : fitted(links, Math.max(3, Math.floor((height - EDGE_PX) / ROW_PX)));
    joined.value = links.length - drawn.length;
    const gap = Math.min(GAP_PX, (height - EDGE_PX) * 0.7 / Math.max(1, fullest(drawn) - 1));
    const kinds = new Map(drawn.map(([, target, kind, , count]) => [target, { kind, count }]));
    const names = [...new Set(drawn.flatMap(([source, target]) => [source, target]))];
    const label = (/** @type {string} */ id) => nameOf(id, kinds.get(id)?.kind ?? "meter", kinds.get(id)?.count);
    return {
      tooltip: hover(look, "item", (/** @type {any} */ one) => (one.dataType === "edge" ? tip(`${label(one.data.source)} → ${label(one.data.target)}`, [[t("energy.used"), amountText(one.data.value, unit)]]) : tip(label(one.name), [[t("energy.used"), amountText(one.value, unit)]]))),
      series: [{
        type: "sankey", left: 8, right: Math.min(150, width * 0.24), top: 10, bottom: 10, nodeWidth: 10, nodeGap: gap, draggable: false, nodeAlign: "left", layoutIterations: 48, labelLayout: { hideOverlap: true },
        emphasis: { focus: "trajectory", lineStyle: { opacity: 0.55 } },
        data: names.map((id) => ({ name: id, itemStyle: kinds.get(id)?.kind === "rest" ? { color: look.hatch, borderColor: look.muted, borderWidth: 1, borderType: "dashed" } : { color: look.accent, borderWidth: 0 } })),
        links: drawn.map(([source, target, kind, value]) => ({ source, target, value, lineStyle: { color: kind === "rest" ? look.faint : look.accent, opacity: kind === "rest" ? 0.28 : 0.2, curveness: 0.5 } })),
        label: { color: look.text, fontSize: 11, width: Math.min(138, width * 0.22), overflow: "truncate", formatter: (/** @type {any} */ one) => label(one.name) },
      }],
    };
  }, [links, unit, isWhole.value, t("energy.whole_site")]);
  const figures = () => ({
    columns: [{ key: "from", title: t("energy.fed_by") }, { key: "to", title: t("energy.goes_to") }, { key: "value", title: t("energy.used"), unit }],
    rows: branches.map(([source, target, kind, value, count]) => [cell(nameOf(source, "meter"), nameOf(source, "meter")), cell(nameOf(target, kind, count), nameOf(target, kind, count)),
      { ...cell(number(value, 1), Math.round(value * 1000) / 1000), ...(kind === "meter" ? { onOpen: () => { shown.value = amountAddress(`meter:${target}`, since, until); } } : {}) }]),
  });
  const onPick = (/** @type {any} */ event) => {
    const id = event.dataType === "edge" ? event.data.target : event.name;
    if (meterOf(id)) openDetail(`meter:${id}`);
    else if (joined.peek() > 0 && id.endsWith("+")) isWhole.value = true;
    else if (id.endsWith("-")) shown.value = amountAddress(`meter:${id.slice(0, -1)}`, since, until);
  };
  const tools = (isWhole.value || joined.value > 0) && html`<button class="btn small" aria-pressed=${isWhole.value} onClick=${() => { isWhole.value = !isWhole.value; }}>${t("energy.flow_all")}</button>`;
  const over = Object.entries(exceeding);
  return html`<${ChartCard} id="flow" title=${t("energy.flow")} note=${t("energy.flow_note")} label=${t("energy.flow_label", { n: branches.length })} option=${branches.length > 1 ? option : null} figures=${figures} file=${file} height=${isWhole.value ? "" : "fills"} px=${isWhole.value ? whole * ROW_PX + EDGE_PX : 0} tools=${tools} onPick=${onPick}>
    ${unknown.length > 0 && html`<p class="calm muted">${t("energy.flow_unknown", { n: unknown.length, names: unknown.slice(0, 4).map((id) => meterOf(id)?.name ?? id).join(", ") })}${unknown.length > 4 ? " …" : ""}</p>`}
    ${over.length > 0 && html`<p class="calm warn">${over.slice(0, 3).map(([id, by]) => t("energy.flow_exceeds", { name: meterOf(id)?.name ?? id, by: amountText(by, unit) })).join(" ")}</p>`}<//>`;
}
