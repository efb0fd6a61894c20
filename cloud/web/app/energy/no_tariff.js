// A site without a tariff: what a bill needs, tariffs to start from, and the file brought in with the meters it bills.
import { html, useSignal } from "../../vendor/preact.js";
import { call, query } from "../api.js";
import { t } from "../i18n.js";
import { failureWords, useAnswer } from "../overview/loading.js";
import { save } from "../reports/table.js";
import { canChange, mayChange } from "../settings/asked.js";
import { meters } from "./structure.js";

/** @param {{site: string, done: () => void}} props */
function Take({ site, done }) {
  const counted = meters().filter((one) => one.medium === "electricity" && one.reads !== "virtual");
  const meter = useSignal(counted.find((one) => one.role === "gateway")?.id ?? counted.find((one) => !one.parent)?.id ?? "");
  const failed = useSignal("");
  const isBusy = useSignal(false);
  const { answer } = useAnswer("/api/v1/tariff-samples", "samples");
  const bring = async (/** @type {File | undefined} */ file) => {
    if (!file || isBusy.peek()) return;
    isBusy.value = true;
    failed.value = "";
    try {
      const id = /^id\s*=\s*"([^"]+)"/m.exec(await file.text())?.[1];
      if (!id) { failed.value = t("money.tariff_no_id"); return; }
      const path = encodeURIComponent(site);
      await call("PUT", `/api/v1/tariffs/${path}/${encodeURIComponent(id)}?${query({ why: file.name })}`, file.slice(0, file.size, "application/toml"));
      if (meter.peek()) await call("PUT", `/api/v1/tariff-uses/${path}`, { uses: [{ meter: meter.peek(), tariff: id }] });
      done();
    } catch (failure) { failed.value = failureWords(failure); } finally { isBusy.value = false; }
  };
  return html`<div class="take-file"><label class="what">${t("money.tariff_bills")} <select value=${meter.value} onChange=${(/** @type {any} */ event) => { meter.value = event.target.value; }}>${counted.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select></label>
    <label class="btn pri file-button">${t("money.choose_tariff")}<input class="sr" type="file" accept=".toml" disabled=${!canChange()} onChange=${(/** @type {any} */ event) => { void bring(event.target.files?.[0]); event.target.value = ""; }} /></label>
    ${Object.entries(answer?.samples ?? {}).map(([name, text]) => html`<button key=${name} class="btn" onClick=${() => save(`${name}.toml`, String(text), "application/toml;charset=utf-8")}>${t("money.sample_tariff", { name })}</button>`)}
    <p class="failure" role="alert">${failed.value}</p></div>`;
}

/** @param {{site: string, done: () => void}} props */
export function NoTariff({ site, done }) {
  return html`<section class="card energy-empty"><h2>${t("money.no_tariff")}</h2><p>${t("money.no_tariff_why")}</p>
    <ol><li>${t("money.no_tariff_1")}</li><li>${t("money.no_tariff_2")}<pre class="mono">PUT /api/v1/tariffs/${site}/two-part</pre></li><li>${t("money.no_tariff_3")}</li></ol>
    ${mayChange() ? html`<${Take} site=${site} done=${done} />` : html`<p class="muted">${t("settings.only_administrators")}</p>`}</section>`;
}
