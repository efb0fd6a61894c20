// Nothing is known of what is metered where: what to do, and the file that says it, looked at before it is written.
import { html, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { canChange, mayChange } from "../settings/asked.js";
import { Faults, FileButton, TYPES, formOf, sendFile, typed } from "../settings/file_sent.js";
import { siteName } from "../sites.js";
import { askStructure } from "./structure.js";

/** @typedef {{created: number, changed: number, errors: import("../settings/file_sent.js").Fault[]}} Outcome */

/** @param {{site: string}} props */
function Take({ site }) {
  const file = useSignal(/** @type {File | null} */ (null));
  const said = useSignal(/** @type {Outcome | null} */ (null));
  const failed = useSignal("");
  const isBusy = useSignal(false);
  const bring = async (/** @type {boolean} */ isDry) => {
    const one = file.peek();
    if (!one || isBusy.peek()) return;
    const form = formOf(one);
    said.value = null;
    failed.value = "";
    if (!TYPES[form]) { failed.value = t("energy.file_kinds"); return; }
    isBusy.value = true;
    const { said: answer, faults, failure } = await sendFile(`/api/v1/energy/structure/${encodeURIComponent(site)}/import?${query({ format: form, dry_run: isDry ? "1" : "" })}`, typed(one, form));
    isBusy.value = false;
    failed.value = failure;
    said.value = answer ?? (faults.length > 0 ? { created: 0, changed: 0, errors: faults } : null);
    if (answer && !isDry) { file.value = null; await askStructure(); }
  };
  const found = said.value;
  return html`<div class="take-file"><${FileButton} label=${t("energy.choose_structure")} accept=".toml,.csv,.xlsx" first=${true} take=${(/** @type {File | undefined} */ one) => { file.value = one ?? null; said.value = null; void bring(true); }} />
    ${["csv", "xlsx", "toml"].map((form) => html`<a key=${form} class="btn" download href=${`/api/v1/energy/structure/${encodeURIComponent(site)}/export?format=${form}`}>${t("energy.empty_file", { form: form.toUpperCase() })}</a>`)}
    <p class="failure" role="alert">${failed.value}</p>${isBusy.value && html`<p class="muted" role="status">${t("settings.looking")}</p>`}
    ${found && found.errors.length > 0 && html`<${Faults} faults=${found.errors} />`}
    ${file.value && found && found.errors.length === 0 && html`<p role="status"><b>${file.value.name}</b>: ${t("energy.would_create", { n: number(found.created) })} <button class="btn pri" aria-disabled=${isBusy.value || !canChange()} onClick=${() => void bring(false)}>${t("settings.apply")}</button></p>`}</div>`;
}

/** @param {{site: string}} props */
export function NoStructure({ site }) {
  return html`<section class="card energy-empty"><h2>${t("energy.no_structure", { site: siteName(site) })}</h2>
    <p>${t("energy.no_structure_why")}</p>
    <ol><li>${t("energy.no_structure_1")}</li><li>${t("energy.no_structure_2")}<pre class="mono">PUT /api/v1/energy/structure/${site}?${query({ rev: 0 })}</pre></li><li>${t("energy.no_structure_3")}</li></ol>
    ${mayChange() ? html`<${Take} site=${site} />` : html`<p class="muted">${t("settings.only_administrators")}</p>`}</section>`;
}
