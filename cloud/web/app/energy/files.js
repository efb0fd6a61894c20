// Files of energy: exports as CSV and XLSX, the address of one for Excel and Grafana, the tokens for it, and reports that are written by themselves.
import { html, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { t } from "../i18n.js";
import { mayChange } from "../settings/asked.js";
import { Choice } from "../settings/fields.js";
import { ReportsCard } from "./reports_card.js";
import { TokensCard } from "./tokens_card.js";
import { meters, spaces } from "./structure.js";
import { openPeriod } from "./where.js";

const STEPS = ["15m", "1h", "1d", "1mo", "total"];
const WHAT = ["amounts", "bill", "balance", "anomalies"];

/** The parameters of an export, without what is as it is anyway. @param {Record<string, any>} values @param {{first: string, until: string}} period */
export function exportQuery(values, period) {
  const [kind, id] = String(values["of"]).split(/:(.*)/s);
  const when = values["when"] === "period" ? { from: period.first, to: period.until } : { days: Number(values["when"]) };
  return { what: values["what"] === "amounts" ? "" : values["what"], meter: kind === "meter" ? id : "", space: kind === "space" ? id : kind === "spaces" ? "*" : "", ...when, step: values["what"] === "amounts" ? values["step"] : "" };
}

/** @param {{site: string}} props */
function ExportCard({ site }) {
  const values = useSignal(/** @type {Record<string, any>} */ ({ what: "amounts", of: "meters", step: "1d", when: "30" }));
  const form = { values: values.value, errors: {}, set: (/** @type {string} */ name, /** @type {any} */ value) => { const next = { ...values.peek(), [name]: value }; if (name === "what" && value === "bill" && !String(next["of"]).startsWith("meter:")) next["of"] = `meter:${meters()[0]?.id ?? ""}`; values.value = next; }, prefix: "export", fixed: false };
  const what = String(values.value["what"]);
  const params = { site, ...exportQuery(values.value, openPeriod.value) };
  const ofOptions = /** @type {[string, string][]} */ ([...(what === "bill" ? [] : [["meters", t("money.all_meters")]]), ...(what === "amounts" ? [["spaces", t("money.all_spaces")], ...spaces().map((one) => [`space:${one.id}`, one.name])] : []), ...meters().map((one) => [`meter:${one.id}`, one.name])]);
  const address = `${location.origin}/api/v1/energy/export?${query({ ...params, format: "csv", token: "TOKEN" })}`;
  return html`<section class="card export-card" aria-labelledby="export"><div class="h"><h2 id="export">${t("money.export")}</h2><small>${t("money.export_note")}</small></div>
    <form class="set-form" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}><${Choice} form=${form} name="what" label=${t("money.what")} options=${WHAT.map((one) => [one, t(`money.what_${one}`)])} /><${Choice} form=${form} name="of" label=${t("money.of")} options=${ofOptions} />
      <${Choice} form=${form} name="when" label=${t("money.when")} options=${[["period", t("money.when_period", { first: openPeriod.value.first })], ...["7", "30", "90", "365"].map((days) => [days, t("money.when_days", { days })])]} />
      ${what === "amounts" && html`<${Choice} form=${form} name="step" label=${t("money.step")} options=${STEPS.map((one) => [one, t(`money.step_${one}`)])} />`}
      <p class="wide export-links">${["csv", "xlsx"].map((format) => html`<a key=${format} class=${`btn${format === "csv" ? " pri" : ""}`} download href=${`/api/v1/energy/export?${query({ ...params, format, headings: "true", language: t("money.language") })}`}>${t("money.save_as", { format: format.toUpperCase() })}</a> `)}</p>
      <div class="wide"><label for="export-address">${t("money.address")}</label><textarea id="export-address" class="mono" readonly rows="3" value=${address} onFocus=${(/** @type {any} */ event) => event.target.select()}></textarea><p class="muted">${t("money.address_note")}</p></div></form></section>`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyFiles({ site, zone }) {
  return html`<div class="files"><${ExportCard} site=${site} /><${ReportsCard} key=${site} site=${site} zone=${zone} />${mayChange() && html`<${TokensCard} zone=${zone} />`}</div>`;
}
