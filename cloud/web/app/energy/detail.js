// One space, circuit or meter over a period: how it went, what it is like, what it is held against, and how well a baseline tells it.
import { html, useMemo } from "../../vendor/preact.js";
import { query } from "../api.js";
import { dayText, hourMinute, number } from "../format.js";
import { t, word } from "../i18n.js";
import { Amount, Coverage, SourceLegend } from "./amounts.js";
import { useKept } from "./asked.js";
import { Baseline, Compared } from "./compared.js";
import { HeatChart } from "./heat_chart.js";
import { daysBetween } from "./local.js";
import { ProfileChart } from "./profile_chart.js";
import { DurationChart, KindsChart } from "./shape_charts.js";
import { meterOf, meters, spaceOf, spaces, structure, unitOf, units } from "./structure.js";
import { about, against, amountAddress, openAbout, openMedium, openPeriod, step } from "./where.js";
import { shown } from "../place.js";

/** Up to how many days each step goes. @type {Record<string, number>} */
const MOST_DAYS = { "15m": 35, "1h": 100, "1d": 400, "1mo": 400 };
const QUARTER_MS = 900_000;

/** Everything that can be looked at, spaces as the tree they are. @param {{site: string}} props */
function What({ site }) {
  /** @param {string} parent @param {number} depth @param {{id: string, name: string, parent: string}[]} [all] @param {string} [kind] @returns {any[]} */
  const below = (parent, depth, all = spaces(), kind = "space") => all.filter((one) => one.parent === parent).flatMap((one) => [html`<option key=${one.id} value=${`${kind}:${one.id}`}>${"\u2003".repeat(depth)}${one.name}</option>`, ...below(one.id, depth + 1, all, kind)]);
  const all = [...meters()].sort((a, b) => a.name.localeCompare(b.name));
  return html`<label class="what"><span class="sr">${t("energy.what")}</span><select value=${about.value} onChange=${(/** @type {any} */ event) => { shown.value = ""; about.value = event.target.value; }}>
    <option value="">${t("energy.whole_site")} · ${site}</option>
    <optgroup label=${t("energy.spaces")}>${below("", 0)}</optgroup>
    ${units().length > 0 && html`<optgroup label=${t("energy.units")}>${below("", 0, units(), "unit")}</optgroup>`}
    <optgroup label=${t("energy.meters")}>${all.map((one) => html`<option key=${one.id} value=${`meter:${one.id}`}>${one.name}</option>`)}</optgroup></select></label>`;
}

/** @param {{days: number, used: string}} props */
function Steps({ days, used }) {
  return html`<span class="picks" role="group" aria-label=${t("energy.step")}>${Object.entries(MOST_DAYS).map(([one, most]) => html`<button key=${one} class=${`pick${used === one ? " on" : ""}`} aria-pressed=${used === one} disabled=${days > most || (one === "1mo" && days < 28)} onClick=${() => { step.value = one; }}>${t(`energy.step_${one}`)}</button>`)}</span>`;
}

function Against() {
  const kind = /^\d{4}-/.test(against.value) ? "free" : against.value;
  const { first, until } = openPeriod.value;
  const choose = (/** @type {string} */ to) => { against.value = to === "free" ? `${Number(first.slice(0, 4)) - 1}${first.slice(4)}` : to; };
  return html`<label class="what"><span class="muted">${t("energy.against")}</span> <select value=${kind} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
    ${["", "year", "before", "free"].map((one) => html`<option key=${one} value=${one}>${t(`energy.against_${one || "none"}`)}</option>`)}</select></label>
    ${kind === "free" && html`<input class="date" type="date" aria-label=${t("energy.against_from", { n: daysBetween(first, until) })} value=${against.value} onChange=${(/** @type {any} */ event) => { if (event.target.value) against.value = event.target.value; }} />`}`;
}

/** Who the thing is: where it hangs, what it is read from. @param {{kind: string, id: string}} props */
function Facts({ kind, id }) {
  const meter = kind === "meter" ? meterOf(id) : undefined;
  const space = kind === "space" ? spaceOf(id) : kind === "unit" ? unitOf(id) : undefined;
  const inSpace = meter ? spaceOf(meter.space)?.name : (kind === "unit" ? unitOf : spaceOf)(space?.parent ?? "")?.name;
  const fault = structure.value.known?.faults[id];
  if (!meter && !space) return null;
  const facts = meter ? [word("energy.role", meter.role), inSpace, meter.parent && t("energy.fed_from", { name: meterOf(meter.parent)?.name ?? meter.parent }), meter.item, meter.reads === "virtual" ? meter.expression : `${meter.device} ${meter.point}`, t("energy.class", { accuracy: meter.accuracy })]
    : [kind === "unit" ? t("energy.unit") : word("energy.space", spaceOf(id)?.kind ?? ""), inSpace, space?.area_m2 ? `${number(Number(space.area_m2))} m²` : t("energy.no_area"), space?.people ? t("energy.people", { n: space.people }) : t("energy.no_people")];
  return html`<p class="muted thing-facts">${facts.filter(Boolean).join(" · ")}</p>${fault && html`<p class="calm warn" role="alert">${fault}</p>`}`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyDetail({ site, zone }) {
  const { first, until, since, end } = openPeriod.value;
  const { kind, id } = openAbout.value;
  const days = daysBetween(first, until);
  const chosen = step.value && days <= (MOST_DAYS[step.value] ?? 0) ? step.value : "";
  const of = kind === "site" ? "site:" : `${kind}:${id}`;
  const { answer, failure } = useKept(`/api/v1/energy/detail?${query({ site, of: about.value, from: first, until, step: chosen, against: against.value, medium: openMedium.value })}`, 0);
  const figures = useMemo(() => answer && rowsOf(answer), [answer]);
  return html`<div class="energy-detail">
    <div class="overview-head"><${What} site=${site} /><${Steps} days=${days} used=${answer?.step ?? chosen} /><${Against} /><${SourceLegend} /></div>
    <${Facts} kind=${kind} id=${id} />
    ${!answer ? html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>` : html`
      ${answer.meters.length === 0 && html`<p class="calm warn">${t("energy.no_meters")}</p>`}
      <div class="headlines four">
        <section class="card headline-figure" aria-label=${t("energy.used")}><span class="muted">${t("energy.used")}</span><p class="big-line"><${Amount} total=${answer.total} of=${of} since=${since} until=${Math.min(end, Math.max(answer.as_of, since + QUARTER_MS))} big=${true} /></p><${Coverage} share=${answer.total.coverage} always=${true} /></section>
        <section class="card headline-figure" aria-label=${t("energy.highest")}><span class="muted">${t("energy.highest")}</span><p class="big-line">${answer.highest ? html`<button class="num big" title=${t("number.opens")} onClick=${() => { shown.value = amountAddress(of, answer.highest.at, answer.highest.at + QUARTER_MS); }}>${number(answer.highest.kw, 1)}</button><span class="u">${answer.unit === "kWh" ? "kW" : `${answer.unit}/h`}</span>` : html`<b class="big">—</b>`}</p><small>${answer.highest ? `${dayText(answer.highest.at, zone)} ${hourMinute(answer.highest.at, zone)} · ${word("energy.source", answer.highest.source)}` : t("requests.no_data")}</small></section>
        <${Baseline} baseline=${answer.baseline} unit=${answer.unit} />
        <${Compared} comparison=${answer.comparison} of=${of} unit=${answer.unit} zone=${zone} />
      </div>
      <${ProfileChart} site=${site} zone=${zone} of=${of} answer=${answer} rows=${figures} since=${since} end=${end} />
      ${answer.heat.days.length > 1 && html`<${HeatChart} id="detail-heat" title=${t("energy.hours_by_day")} heat=${answer.heat} zone=${zone} of=${of} unit=${answer.unit} now=${answer.as_of} file=${`${site}-${id || "site"}-${first}-hours`} />`}
      <${KindsChart} profiles=${answer.profiles} unit=${answer.unit} file=${`${site}-${id || "site"}-${first}-kinds`} />
      <${DurationChart} points=${answer.duration} unit=${answer.unit} file=${`${site}-${id || "site"}-${first}-duration`} />`}</div>`;
}

/** The rows of an answer as objects. @param {any} answer @returns {import("./profile_chart.js").Row[]} */
const rowsOf = (answer) => answer.rows.map((/** @type {any[]} */ row) => Object.fromEntries(answer.columns.map((/** @type {string} */ name, /** @type {number} */ i) => [name, row[i]])));
