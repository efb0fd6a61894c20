// The figures on top of the overview. Each amount opens; how much of the time is known stands beside it.
import { html } from "../../vendor/preact.js";
import { query } from "../api.js";
import { dayText, hourMinute, number } from "../format.js";
import { t, word } from "../i18n.js";
import { shown } from "../place.js";
import { Amount, Coverage, amountText, figure, moneyText, shareText } from "./amounts.js";
import { useKept } from "./asked.js";
import { monthWords } from "./date_words.js";
import { begun, midnight } from "./local.js";
import { PARTS } from "./tabs.js";
import { amountAddress, part } from "./where.js";

const QUARTER_MS = 900_000;

/** How far above or below what is typical; orange from a tenth above. @param {{change: number | null}} props */
export function Change({ change }) {
  if (change === null) return html`<span class="muted">${t("energy.no_typical")}</span>`;
  const text = `${number(Math.abs(change) * 100, 1)} %`;
  return html`<span class=${change > 0.1 ? "warn" : ""}><span aria-hidden="true">${change >= 0 ? "▲" : "▼"}</span> ${text}</span> ${t(change >= 0 ? "energy.above_typical" : "energy.below_typical")}`;
}

/** @param {{name: string, title?: string, children?: any}} props */
const Headline = ({ name, title, children }) => html`<section class="card headline-figure" aria-label=${name} title=${title}><span class="muted">${name}</span>${children}</section>`;

/** Power at a quarter of an hour, which opens. @param {{at: {kw: number, at: number, source: string} | null, unit: string}} props */
function Power({ at, unit }) {
  if (!at) return html`<p class="big-line"><span class="hatched"><span class="sr">${t("requests.no_data")}</span></span></p>`;
  const [text, power] = figure(at.kw, unit === "kWh" ? "kW" : `${unit}/h`);
  return html`<p class="big-line"><button class="num big" title=${t("number.opens")} onClick=${() => { shown.value = amountAddress("site:", at.at, at.at + QUARTER_MS); }}>${text}</button><span class="u">${power}</span></p>`;
}

/** Power beside what was agreed on; orange where it costs more. @param {{kw: number, agreed: {kw: number, over: number}}} props */
const Agreed = ({ kw, agreed }) => html`<small class=${kw > agreed.over ? "warn" : "muted"}>${t("energy.of_contracted", { kw: amountText(agreed.kw, "kW"), share: shareText(kw / agreed.kw) })}</small>`;

/** How the site's quota of the year stands. @param {{site: string, year: string, medium: string}} props */
function SiteQuota({ site, year, medium }) {
  const { answer } = useKept(`/api/v1/energy/quotas?${query({ site, year })}`, 0);
  const one = answer?.quotas.find((/** @type {any} */ each) => each.of === "site" && each.medium === medium && each.share !== null);
  if (!one) return null;
  const title = [t("energy.quota_of", { limit: amountText(one.limit, one.unit), used: amountText(one.used, one.unit), forecast: one.forecast === null ? "—" : amountText(one.forecast, one.unit) }), one.source].join("\n");
  return html`<small class=${one.state === "within" ? "muted" : "warn"} title=${title}>${t("energy.quota_share", { year, share: shareText(one.share), expected: shareText(one.expected) })}</small>`;
}

/** @param {{day: any, zone: string}} props */
export function Headlines({ day, zone }) {
  const { cost, month } = day;
  const bill = PARTS.some((one) => one.id === "bill");
  const monthFrom = midnight(month.from, zone), until = begun(day);
  return html`<div class="headlines">
    <${Headline} name=${t(day.as_of < day.until ? "energy.so_far" : "energy.used_day")}>
      <p class="big-line"><${Amount} total=${day.total} of="site:" since=${day.from} until=${until} big=${true} /></p><small><${Change} change=${day.change} /></small><${Coverage} share=${day.total.coverage} always=${true} /><//>
    <${Headline} name=${t("energy.cost")} title=${cost.notes.join("\n")}>
      <p class="big-line">${cost.amount === null ? html`<b class="big">—</b>` : bill ? html`<button class="num big" title=${t("number.opens")} onClick=${() => { part.value = "bill"; }}>${moneyText(cost.amount, cost.currency, Number(cost.amount) >= 1000 ? 0 : 2)}</button>` : html`<b class="big">${moneyText(cost.amount, cost.currency, Number(cost.amount) >= 1000 ? 0 : 2)}</b>`}</p>
      <small>${cost.amount === null ? bill ? html`<button class="link" onClick=${() => { part.value = "bill"; }}>${t("energy.no_tariff_do")}</button>` : t("energy.no_tariff") : t("energy.per_unit", { price: moneyText(cost.per_unit, cost.currency, 4), unit: day.unit })}</small><small class="muted" title=${cost.tariffs.map((/** @type {any} */ one) => one.source).join("\n")}>${cost.tariffs.map((/** @type {any} */ one) => one.id).join(", ") || cost.notes[0] || ""}</small><//>
    <${Headline} name=${t("energy.last_quarter")}><${Power} at=${day.now} unit=${day.unit} />
      <small>${day.now ? `${hourMinute(day.now.at, zone)}–${hourMinute(day.now.at + QUARTER_MS, zone)}` : t("requests.no_data")}</small>${day.now && day.contracted ? html`<${Agreed} kw=${day.now.kw} agreed=${day.contracted} />` : day.now && month.highest && html`<small class="muted">${t("energy.of_highest", { share: shareText(day.now.kw / month.highest.kw) })}</small>`}<//>
    <${Headline} name=${t("energy.max_demand")}><${Power} at=${month.highest} unit=${day.unit} />
      <small>${month.highest ? `${dayText(month.highest.at, zone)} ${hourMinute(month.highest.at, zone)}` : t("requests.no_data")}</small>${month.highest && day.contracted ? html`<${Agreed} kw=${month.highest.kw} agreed=${day.contracted} />` : html`<small class="muted">${month.highest ? word("energy.source", month.highest.source) : ""}</small>`}<//>
    <${Headline} name=${t("energy.this_month")}><p class="big-line"><${Amount} total=${month.total} of="site:" since=${monthFrom} until=${until} big=${true} /></p><small>${monthWords(String(month.from))}</small><${Coverage} share=${month.total.coverage} always=${true} /><${SiteQuota} site=${day.site} year=${String(month.from).slice(0, 4)} medium=${day.medium} /><//>
    <${Headline} name=${t("energy.co2_month")} title=${month.co2?.source ?? ""}>${month.co2 ? html`<p class="big-line"><button class="num big" title=${t("number.opens")} onClick=${() => { shown.value = amountAddress("site:", monthFrom, until); }}>${number(month.co2.amount >= 1000 ? month.co2.amount / 1000 : month.co2.amount, 1)}</button><span class="u">${month.co2.amount >= 1000 ? "t" : month.co2.unit}</span></p><small>${t("energy.factor", { factor: number(month.co2.factor, 4), unit: `${month.co2.unit}/${day.unit}` })}</small><small class="muted">${month.co2.region} ${month.co2.year} · ${word("energy.calibre", month.co2.calibre)}</small>` : html`<p class="big-line"><b class="big">—</b></p><small>${t("energy.no_factor")}</small>`}<//>
  </div>`;
}
