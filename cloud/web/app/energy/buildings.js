// Buildings, or units of the organisation, in order of what they used: as a whole, in money, for each square metre, for each head.
// Where nobody entered by what to divide, a dash says so.
import { html, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { Amount, Coverage, OpenedBy, moneyText } from "./amounts.js";
import { useKept } from "./asked.js";
import { begun } from "./local.js";
import { meters } from "./structure.js";
import { openDetail } from "./where.js";

const MEASURES = ["total", "cost", "per_area", "per_head"];
const ASK_AGAIN_MS = 60_000;

/** What a part is ranked by; null where it cannot be told. @param {any} one @param {string} measure @returns {number | null} */
const valueOf = (one, measure) => (measure === "total" ? one.total.value : measure !== "cost" ? one[measure].value : one.cost.amount === null ? null : Number(one.cost.amount));
/** The same of what is typical. @param {any} one @param {string} measure */
function typicalOf(one, measure) {
  if (one.typical === null || one.total.value === null || measure === "cost") return null;
  const by = measure === "per_area" ? one.area_m2 : measure === "per_head" ? one.people : 1;
  return by ? one.typical / by : null;
}

/** Why there is no figure. @param {any} one @param {string} measure */
const lacking = (one, measure) => (one.total.value === null ? t("requests.no_data") : measure === "cost" ? word("energy.no_cost", one.cost.note) : measure === "per_area" && !one.area_m2 ? t("energy.no_area") : measure === "per_head" && !one.people ? t("energy.no_people") : t("energy.too_little_known"));

/** Parts of parts stand below them. @param {any[]} parts @param {(a: any, b: any) => number} order @returns {[any, number][]} */
function asTree(parts, order) {
  const known = new Set(parts.map((one) => one.id));
  /** @param {string} parent @param {number} depth @returns {[any, number][]} */
  const below = (parent, depth) => parts.filter((one) => (depth === 0 ? !known.has(one.parent) : one.parent === parent)).sort(order).flatMap((one) => [[one, depth], ...below(one.id, depth + 1)]);
  return below("", 0);
}

/** @param {{parts: any[], kind: string, day: any}} props */
function Ranked({ parts, kind, day }) {
  const measure = useSignal("total");
  const by = measure.value;
  const rows = asTree(parts, (a, b) => (valueOf(b, by) ?? -1) - (valueOf(a, by) ?? -1));
  const most = Math.max(...parts.map((one) => Math.max(valueOf(one, by) ?? 0, typicalOf(one, by) ?? 0)), 0) || 1;
  const currency = parts.find((one) => one.cost.currency)?.cost.currency;
  return html`<div class="picks measures" role="group" aria-label=${t("energy.ranked_by")}>${MEASURES.map((one) => html`<button key=${one} class=${`pick${by === one ? " on" : ""}`} aria-pressed=${by === one} onClick=${() => { measure.value = one; }}>${t(`energy.by_${one}`)}</button>`)}</div>
    ${rows.length === 0 ? html`<p class="calm muted">${t(kind === "unit" ? "energy.no_units" : "energy.no_buildings")}</p>` : html`<ol class="rank">${rows.map(([one, depth]) => {
      const value = valueOf(one, by), typical = typicalOf(one, by), of = `${kind}:${one.id}`;
      return html`<li key=${one.id} style=${depth ? { paddingLeft: `${depth * 14}px` } : {}}><button class="rank-name" title=${t("energy.to_detail")} onClick=${() => openDetail(of)}>${one.name}</button>
        <span class="r">${by === "total" ? html`<${Amount} total=${one.total} of=${of} since=${day.from} until=${begun(day)} bare=${true} />` : value === null ? html`<span title=${lacking(one, by)}>—<span class="sr"> ${lacking(one, by)}</span></span>` : html`<${OpenedBy} of=${of} since=${day.from} until=${begun(day)}>${by === "cost" ? moneyText(one.cost.amount, currency, value >= 1000 ? 0 : 2) : number(value, value < 10 ? 3 : 1)}<//>`}</span>
        ${value === null ? html`<span class="rank-bar none"></span>` : html`<span class="rank-bar" aria-hidden="true"><i style=${{ width: `${(value / most) * 100}%` }}></i>${typical !== null && html`<u style=${{ left: `${Math.min(99, (typical / most) * 100)}%` }}></u>`}</span>`}
        <span class="rank-more"><${Coverage} share=${one.total.coverage} always=${true} />${by === "cost" ? html`<${Amount} total=${one.total} of=${of} since=${day.from} until=${begun(day)} />` : one.cost.amount === null ? html`<span class="muted" title=${lacking(one, "cost")}>—</span>` : html`<${OpenedBy} of=${of} since=${day.from} until=${begun(day)} quiet=${true}>${moneyText(one.cost.amount, one.cost.currency, Number(one.cost.amount) >= 1000 ? 0 : 2)}<//>`}</span></li>`;
    })}</ol>`}`;
}

/** @param {{day: any, isToday: boolean}} props */
function Units({ day, isToday }) {
  const { answer, failure } = useKept(`/api/v1/energy/parts?${query({ site: day.site, day: day.day, medium: day.medium, by: "unit" })}`, isToday ? ASK_AGAIN_MS : 0);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  return html`<${Ranked} parts=${answer.parts} kind="unit" day=${day} />`;
}

/** @param {{day: any, isToday: boolean}} props */
export function Buildings({ day, isToday }) {
  const kind = useSignal("space");
  const hasUnits = meters().some((one) => one.unit);
  const isUnits = hasUnits && kind.value === "unit";
  return html`<section class="card buildings" aria-labelledby="energy-buildings"><div class="h"><h2 id="energy-buildings">${t(isUnits ? "energy.units" : "energy.buildings")}</h2><small>${day.unit} · ${t("energy.typical_mark")}</small><span class="sp"></span>
      ${hasUnits && html`<span class="picks" role="group" aria-label=${t("energy.tree_of")}>${["space", "unit"].map((one) => html`<button key=${one} class=${`pick${kind.value === one ? " on" : ""}`} aria-pressed=${kind.value === one} onClick=${() => { kind.value = one; }}>${t(`energy.tree_${one}`)}</button>`)}</span>`}</div>
    ${isUnits ? html`<${Units} key=${day.day} day=${day} isToday=${isToday} />` : html`<${Ranked} parts=${day.buildings} kind="space" day=${day} />`}</section>`;
}
