// What is odd at the site, the dearest first, with the alarms of energy that stand.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { dayText, number } from "../format.js";
import { t, word } from "../i18n.js";
import { alarms } from "../live/link.js";
import { addressOf, shown } from "../place.js";
import { moneyText } from "./amounts.js";
import { useKept } from "./asked.js";
import { stateOf } from "./judge.js";
import { meterOf } from "./structure.js";
import { PARTS } from "./tabs.js";
import { episodeAddress, openDetail, part } from "./where.js";

const ASK_AGAIN_MS = 120_000;
const SOON_MS = 3_000;
const AT_ONCE = 7;

/** @param {{one: any, zone: string}} props */
function Finding({ one, zone }) {
  return html`<li><span class=${`tag${one.active ? " p2" : ""}`}>${word("energy.finding", one.kind)}</span>
    <button class="rank-name" title=${t("energy.to_detail")} onClick=${() => openDetail(`meter:${one.meter}`)}>${meterOf(one.meter)?.name ?? one.meter}</button>
    <span class="r">${one.week_amount === null || one.week_amount === undefined ? "—" : t("energy.a_week", { amount: moneyText(one.week_amount, one.currency, 0) })}</span>
    <small class="muted"><button class="num plain-num" title=${t("money.open_number")} onClick=${() => { shown.value = episodeAddress(one); }}>${t("energy.since_day", { day: dayText(one.since, zone) })}</button>${one.week_kwh ? ` · ${t("energy.a_week", { amount: `${number(one.week_kwh, 0)} ${one.unit}` })}` : ""}</small></li>`;
}

/** @param {{site: string, zone: string}} props */
export function Findings({ site, zone }) {
  const every = useSignal(SOON_MS);
  const { answer, failure } = useKept(`/api/v1/analysis/findings?${query({ site })}`, every.value);
  useEffect(() => { every.value = answer?.ready ? ASK_AGAIN_MS : SOON_MS; }, [answer?.ready]);
  const said = /** @type {any[]} */ (answer?.findings ?? []);
  const found = said.filter((one) => stateOf(one) === "open");
  const aside = said.filter((one) => one.state === "shelved" || one.state === "accepted").length;
  const active = found.filter((one) => one.active);
  const standing = alarms.value.filter((one) => one.active && one.kind.startsWith("energy_") && one.source.startsWith(`${site}/`));
  const money = active.reduce((sum, one) => sum + Number(one.week_amount ?? 0), 0);
  const currency = active.find((one) => one.currency)?.currency;
  const all = PARTS.some((one) => one.id === "anomalies");
  return html`<section class="card findings" aria-labelledby="energy-findings"><div class="h"><h2 id="energy-findings">${t("energy.findings")}</h2><small>${answer?.ready ? `${t("energy.findings_n", { n: active.length })}${money > 0 ? ` · ${t("energy.a_week", { amount: moneyText(money, currency, 0) })}` : ""}` : ""}</small><span class="sp"></span>
      ${all && html`<button class="btn small" onClick=${() => { part.value = "anomalies"; }}>${t("energy.all")}</button>`}</div>
    ${standing.length > 0 && html`<p class="calm"><a href=${addressOf("alarms")}>${t("energy.alarms_n", { n: standing.length })}</a></p>`}
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${answer && !answer.ready && html`<p class="calm muted" role="status">${t("energy.finding_now", { done: answer.done, of: answer.of })}</p>`}
    ${answer?.ready && found.length === 0 && html`<p class="calm muted">${t("energy.nothing_odd")}</p>`}
    ${aside > 0 && html`<p class="calm muted">${t("energy.aside_n", { n: aside })}</p>`}
    ${found.length > 0 && html`<ul>${[...active, ...found.filter((one) => !one.active)].slice(0, AT_ONCE).map((one) => html`<${Finding} key=${`${one.meter} ${one.kind}`} one=${one} zone=${zone} />`)}</ul>`}</section>`;
}
