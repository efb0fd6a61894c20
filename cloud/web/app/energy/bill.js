// The bill of a meter: what it comes to, line by line; each line opens to what it was made of. Another tariff can be tried.
import { html, useEffect, useMemo, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { useAnswer } from "../overview/loading.js";
import { Amount, Coverage, moneyText } from "./amounts.js";
import { BillLines, lineName } from "./bill_lines.js";
import { billWords } from "./bill_words.js";
import { ChartCard, axis, tip } from "./chart.js";
import { daysWords } from "./date_words.js";
import { addDays, addMonths, midnight } from "./local.js";
import { NoTariff } from "./no_tariff.js";
import { meterOf, meters } from "./structure.js";
import { about, against, chosen, openPeriod, today } from "./where.js";

/** @typedef {import("./bill_lines.js").Bill} Bill */
/** @typedef {{id: string, name: string}} Tariff */

const BACK_MONTHS = 14;
const DAYS = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/;

/** Meters that a tariff bills first, then all others. @param {{meter: string, tariff: string}[]} uses */
const choices = (uses) => {
  const billed = new Set(uses.map((one) => one.meter));
  const counted = meters().filter((one) => one.medium === "electricity");
  return [...counted.filter((one) => billed.has(one.id)), ...counted.filter((one) => !billed.has(one.id))];
};

/** @param {{bill: Bill, zone: string}} props */
function Headline({ bill, zone }) {
  const since = midnight(bill.from, zone), end = midnight(bill.until, zone);
  const total = { value: bill.coverage.valid_s ? Number(bill.energy) : null, unit: bill.unit, coverage: bill.coverage.share, measured: Number(bill.energy), source: "measured", flags: [] };
  return html`<div class="bill-head">
    <div class="kpi"><span class="muted">${t("money.total")}</span><b class="bill-figure">${moneyText(bill.total, bill.currency)}</b><small class=${bill.complete ? "muted" : "warn"}>${bill.complete ? t("money.complete") : t("money.incomplete")}</small></div>
    <div class="kpi"><span class="muted">${t("money.energy")}</span><span class="bill-figure"><${Amount} total=${total} of=${`meter:${bill.meter}`} since=${since} until=${end} big=${true} /></span><${Coverage} share=${bill.coverage.share} always=${true} /></div>
    <div class="kpi"><span class="muted">${t("money.per_unit")}</span><b class="bill-figure">${bill.per_unit === null ? "—" : moneyText(bill.per_unit, bill.currency, 4)}</b><small class="muted">${t("money.a_unit", { unit: bill.unit })}</small></div>
    <div class="kpi"><span class="muted">${t("money.tariff")}</span><b>${bill.tariff}</b><small class="muted">${daysWords(bill.from, bill.until, zone)}</small></div></div>
    ${bill.warnings.length > 0 && html`<ul class="warnings">${bill.warnings.map((one) => html`<li key=${one}>${billWords(one)}</li>`)}</ul>`}`;
}

/** What each part of the bill comes to. @param {{bill: Bill}} props */
function Parts({ bill }) {
  const lines = useMemo(() => bill.lines.filter((one) => one.amount !== null), [bill]);
  const option = useMemo(() => (/** @type {import("./look.js").Look} */ look, /** @type {number} */ width) => ({
    grid: { left: 8, right: 84, top: 6, bottom: 4, containLabel: true },
    xAxis: { type: "value", ...axis(look), splitNumber: width < 480 ? 2 : 3, axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, formatter: (/** @type {number} */ value) => number(value) } },
    yAxis: { type: "category", inverse: true, data: lines.map(lineName), ...axis(look) },
    tooltip: { trigger: "item", formatter: (/** @type {any} */ one) => tip(lineName(lines[one.dataIndex]), [[t("money.amount"), moneyText(lines[one.dataIndex]?.amount, bill.currency)]]) },
    series: [{ type: "bar", barMaxWidth: 18, itemStyle: { color: look.accent }, data: lines.map((one) => Number(one.amount)), label: { show: true, position: "right", color: look.muted, fontSize: 11, formatter: (/** @type {any} */ one) => moneyText(one.value, bill.currency) } }],
  }), [bill, lines, t("money.amount")]);
  const figures = () => ({
    columns: [{ key: "line", title: t("money.line") }, { key: "quantity", title: t("money.quantity") }, { key: "price", title: t("money.price") }, { key: "amount", title: t("money.amount"), unit: bill.currency }],
    rows: bill.lines.map((one) => [{ text: lineName(one), value: lineName(one) }, { text: one.quantity === null ? "—" : `${number(Number(one.quantity), 0, 3)} ${one.unit}`, value: one.quantity }, { text: one.price ?? "—", value: one.price }, { text: moneyText(one.amount, bill.currency), value: one.amount }]),
  });
  return html`<${ChartCard} id="bill" title=${t("money.by_part")} label=${t("money.by_part_label", { total: moneyText(bill.total, bill.currency) })} option=${option} figures=${figures} height=${lines.length > 7 ? "tall" : ""} file=${`bill-${bill.meter}-${bill.from}`} />`;
}

/** The same period by another tariff, beside this bill. @param {{bill: Bill, other: Bill}} props */
function Tried({ bill, other }) {
  const change = Number(other.total) - Number(bill.total);
  return html`<div class="tried-bill" role="status"><p><b>${moneyText(other.total, other.currency)}</b> ${t("money.by_tariff", { tariff: other.tariff })}
    <span class=${change > 0 ? "warn" : ""}>${change > 0 ? "+" : "−"}${moneyText(Math.abs(change), other.currency)}${Number(bill.total) ? ` · ${change > 0 ? "+" : "−"}${number(Math.abs(change / Number(bill.total)) * 100, 1)} %` : ""}</span>
    <small class="muted">${t("money.nothing_stored")}</small></p><${BillLines} bill=${other} label=${t("money.lines_by", { tariff: other.tariff })} /></div>`;
}

/** @param {{site: string, zone: string, meter: string, first: string, until: string, uses: {meter: string, tariff: string}[], tariffs: Tariff[]}} props */
function OneBill({ site, zone, meter, first, until, uses, tariffs }) {
  const own = uses.find((one) => one.meter === meter)?.tariff ?? "";
  const by = own || against.value || tariffs[0]?.id || "";
  const asked = { site, meter, from: first, until, tariff: own ? "" : by };
  const { answer, failure, isBusy } = useAnswer(`/api/v1/bill?${query(asked)}`, `${site} ${meter}`);
  const other = own && against.value && against.value !== own ? against.value : "";
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  const picks = tariffs.filter((one) => one.id !== own);
  return html`${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    <section class=${`card bill-card${isBusy ? " asking" : ""}`} aria-labelledby="bill-title"><div class="h"><h2 id="bill-title">${t("money.bill_of", { meter: meterOf(meter)?.name ?? meter })}</h2><small>${daysWords(answer.from, answer.until, zone)}</small><span class="sp"></span>
        <${Files} what="bill" params=${{ site, meter, from: first, to: until }} /></div>
      <${Headline} bill=${answer} zone=${zone} /><${BillLines} bill=${answer} label=${t("money.lines")} />
      <p class="calm muted rounding">${t("money.rounding")}</p></section>
    <div class="bill-side"><${Parts} bill=${answer} />
      <section class="card try-card" aria-labelledby="bill-try"><div class="h"><h2 id="bill-try">${t("money.try")}</h2><small>${t("money.try_note")}</small></div>
        <p class="try-row"><label for="try-tariff">${t("money.other_tariff")}</label><select id="try-tariff" value=${against.value} onChange=${(/** @type {any} */ event) => { against.value = event.target.value; }}>
          <option value="">${t("money.none")}</option>${picks.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select></p>
        ${picks.length === 0 && html`<p class="calm muted">${t("money.no_other")}</p>`}
        ${other && html`<${OtherBill} key=${other} asked=${{ ...asked, tariff: other }} bill=${answer} />`}</section></div>`;
}

/** @param {{asked: Record<string, string>, bill: Bill}} props */
function OtherBill({ asked, bill }) {
  const { answer, failure } = useAnswer(`/api/v1/bill?${query(asked)}`, `${asked["tariff"]} ${asked["meter"]}`);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  return html`<${Tried} bill=${bill} other=${answer} />`;
}

/** A table as files. @param {{what: string, params: Record<string, string | number>}} props */
export const Files = ({ what, params }) => html`${["csv", "xlsx"].map((format) => html`<a key=${format} class="btn small" download href=${`/api/v1/energy/export?${query({ what, ...params, format, headings: "true", language: t("money.language") })}`} aria-label=${t("money.file_as", { format: format.toUpperCase() })}>${format.toUpperCase()}</a>`)}`;

/** @param {{site: string, zone: string}} props */
export function EnergyBill({ site, zone }) {
  const asked = useSignal(0);
  const used = useAnswer(`/api/v1/tariff-uses/${encodeURIComponent(site)}`, `${site} ${asked.value}`);
  const known = useAnswer(`/api/v1/tariffs?${query({ site })}`, `${site} ${asked.value}`);
  const uses = used.answer?.uses ?? [];
  const tariffs = /** @type {Tariff[]} */ ((known.answer?.tariffs ?? []).map((/** @type {any} */ one) => one.tariff ?? one));
  const picks = choices(uses);
  const wanted = about.value.startsWith("meter:") ? about.value.slice(6) : "";
  const meter = picks.find((one) => one.id === wanted)?.id ?? picks[0]?.id ?? "";
  const own = uses.find((/** @type {any} */ one) => one.meter === meter)?.tariff ?? tariffs[0]?.id ?? "";
  const billed = useAnswer(own ? `/api/v1/billing-periods?${query({ site, tariff: own, from: addMonths(`${today.value.slice(0, 7)}-01`, -BACK_MONTHS), until: addDays(today.value, 1) })}` : `/api/v1/tariff-uses/${encodeURIComponent(site)}`, `${site} ${own}`);
  const periods = /** @type {{from: string, until: string}[]} */ ([...(billed.answer?.periods ?? [])].reverse());
  const isReady = used.answer && known.answer && (!own || billed.answer);
  useEffect(() => () => { against.value = ""; }, []);
  useEffect(() => { if (isReady && own && periods.length === 0) chosen.value = "bar"; }, [isReady, periods.length]);
  const failure = used.failure || known.failure || billed.failure;
  if (!isReady) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  if (tariffs.length === 0) return html`<${NoTariff} site=${site} done=${() => { asked.value += 1; }} />`;
  const free = DAYS.exec(chosen.value);
  const bar = openPeriod.value;
  const latest = periods.find((one) => one.until <= today.value) ?? periods[0];
  const [first, until] = chosen.value === "bar" ? [bar.first, bar.until] : free ? [String(free[1]), String(free[2])] : latest ? [latest.from, latest.until] : [bar.first, bar.until];
  const value = chosen.value === "bar" || !latest ? "bar" : `${first}..${until}`;
  return html`<div class="bill-bar"><span class="field"><label for="bill-meter">${t("money.meter")}</label><select id="bill-meter" value=${meter} onChange=${(/** @type {any} */ event) => { about.value = `meter:${event.target.value}`; }}>
      ${picks.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}${uses.some((/** @type {any} */ use) => use.meter === one.id) ? "" : ` · ${t("money.not_billed")}`}</option>`)}</select></span>
    <span class="field"><label for="bill-period">${t("money.billing_period")}</label><select id="bill-period" value=${value} onChange=${(/** @type {any} */ event) => { chosen.value = event.target.value; }}>
      ${periods.map((one) => html`<option key=${one.from} value=${`${one.from}..${one.until}`}>${daysWords(one.from, one.until, zone)}${one.until > today.value ? ` · ${t("money.running")}` : ""}</option>`)}
      <option value="bar">${t("money.as_above", { days: daysWords(bar.first, bar.until, zone) })}</option></select></span></div>
    ${meter ? html`<div class="bill"><${OneBill} key=${meter} site=${site} zone=${zone} meter=${meter} first=${first} until=${until} uses=${uses} tariffs=${tariffs} /></div>` : html`<p class="calm muted">${t("energy.no_meters")}</p>`}`;
}

