// The section Import and export: a whole site from a file, looked at before it is written; and the present state as a file.
import { html, signal, useSignal } from "../../vendor/preact.js";
import { getText, query } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { save } from "../reports/table.js";
import { siteName } from "../sites.js";
import { assetList, kindName } from "./assets.js";
import { canChange, mayChange, useAsking } from "./asked.js";
import { Encoding, Faults, FileButton, formOf, sendFile, typed } from "./file_sent.js";

/** @typedef {{site: string, created: number, changed: number, unchanged: number, removed: number, missing: number, written: boolean, names: string[], gone: string[], encoding?: string, errors: import("./file_sent.js").Fault[]}} Outcome */
/** @typedef {{site: string, name: string, form: "toml" | "csv", text: Blob, remove: boolean}} Chosen */

/** The file that was chosen, and what it would do; kept while other sections are looked at. */
const chosen = signal(/** @type {Chosen | null} */ (null));
const outcome = signal(/** @type {Outcome | null} */ (null));
const failure = signal("");
const isBusy = signal(false);
const NAMES_SHOWN = 200;

/** Brings the chosen file in, or says what that would do. @param {boolean} isDry */
async function bringIn(isDry) {
  const file = chosen.peek();
  if (!file || isBusy.peek()) return;
  isBusy.value = true;
  failure.value = "";
  const path = `/api/v1/assets/import?${query({ site: file.site, format: file.form, dry_run: isDry ? 1 : 0, remove: file.remove ? 1 : 0 })}`;
  const { said, faults, failure: why } = await sendFile(path, file.text);
  isBusy.value = false;
  if (chosen.peek() !== file) return;
  failure.value = why;
  outcome.value = said ?? (faults.length > 0 ? { site: file.site, created: 0, changed: 0, unchanged: 0, removed: 0, missing: 0, written: false, names: [], gone: [], errors: faults } : null);
  if (said && !isDry) { chosen.value = null; await assetList.ask(); }
}

/** @param {File | undefined} file */
function choose(file) {
  outcome.value = null;
  failure.value = "";
  const form = file && formOf(file) === "csv" ? "csv" : "toml";
  chosen.value = file ? { site: mapSite.peek(), name: file.name, form, text: typed(file, form), remove: false } : null;
  if (file) void bringIn(true);
}

/** @param {Partial<Chosen>} to */
function change(to) {
  if (!chosen.peek()) return;
  chosen.value = { .../** @type {Chosen} */ (chosen.peek()), ...to };
  void bringIn(true);
}

/** @param {string} name `kind:id`, or a part of the site */
function nameWords(name) {
  const [kind = "", id] = name.split(":");
  return id === undefined ? t(`settings.part_${name}`) : `${kindName(kind)} ${id}`;
}

/** @param {{title: string, names: string[], tone?: string}} props */
const Names = ({ title, names, tone = "" }) => (names.length === 0 ? null : html`<details class="names" open=${names.length <= 12}><summary class=${tone}>${title} <b>${number(names.length)}</b></summary>
  <ul>${names.slice(0, NAMES_SHOWN).map((one) => html`<li key=${one}>${nameWords(one)}</li>`)}${names.length > NAMES_SHOWN && html`<li class="muted">${t("settings.more_found", { n: names.length - NAMES_SHOWN })}</li>`}</ul></details>`);

/** @param {{said: Outcome}} props */
function Outcome({ said }) {
  if (said.errors.length > 0) {
    return html`<${Faults} faults=${said.errors} />`;
  }
  const isRemoving = said.removed > 0;
  const counts = [["created", said.created], ["changed", said.changed], ["unchanged", said.unchanged], [isRemoving ? "removed" : "untouched", isRemoving ? said.removed : said.missing]];
  return html`<div class="outcome" role="status"><p><b>${said.written ? t("settings.written") : said.created + said.changed + said.removed === 0 ? t("settings.nothing_changes") : t("settings.would_change")}</b></p>
    <dl class="counts">${counts.map(([name, n]) => html`<div key=${name}><dt>${t(`settings.count_${name}`)}</dt><dd>${number(Number(n))}</dd></div>`)}</dl>
    <${Encoding} said=${said} />
    <${Names} title=${t("settings.count_created")} names=${said.names.slice(0, said.created)} /><${Names} title=${t("settings.count_changed")} names=${said.names.slice(said.created)} />
    <${Names} title=${t(isRemoving ? "settings.count_removed" : "settings.count_untouched")} names=${said.gone} tone=${isRemoving ? "warn" : ""} /></div>`;
}

function Take() {
  const file = chosen.value, said = outcome.value;
  const isOther = file && file.site !== mapSite.value;
  const changes = said && !said.written && said.errors.length === 0 && said.created + said.changed + said.removed > 0;
  return html`<div class="import-take"><h3>${t("settings.take_file")}</h3><p class="muted">${t("settings.take_note")}</p>
    <${FileButton} label=${t("settings.choose_file")} accept=".toml,.csv,text/csv,application/toml" take=${choose} />
    ${file && html`<div class="chosen-file"><b>${file.name}</b> <span class="muted">${t("settings.file_for", { form: file.form.toUpperCase(), site: siteName(file.site) })}</span><button class="plain" aria-label=${t("settings.drop_file")} onClick=${() => choose(undefined)}>✕</button>
      <label class="check"><input type="checkbox" checked=${file.remove} onChange=${(/** @type {any} */ event) => change({ remove: event.target.checked })} /> ${t("settings.remove_missing")}</label></div>`}
    <p class="failure" role="alert">${failure.value || (isOther ? t("settings.other_site", { site: siteName(file.site) }) : "")}</p>
    ${isBusy.value && html`<p class="muted" role="status">${t("settings.looking")}</p>`}
    ${said && html`<${Outcome} said=${said} />`}
    ${file && changes && html`<div class="form-end"><button class="btn pri" disabled=${isBusy.value || !canChange() || Boolean(isOther)} onClick=${() => bringIn(false)}>${t("settings.apply")}</button>${said.removed > 0 && html`<span class="warn">${t("settings.apply_removes", { n: said.removed })}</span>`}</div>`}</div>`;
}

function Give() {
  const failed = useSignal("");
  const give = async (/** @type {"toml" | "csv"} */ form) => {
    failed.value = "";
    try {
      const text = await getText(`/api/v1/assets/export?${query({ site: mapSite.value, format: form })}`);
      // Programs for tables know UTF-8 by its mark.
      if (form === "csv") save(`${mapSite.value}.csv`, `\uFEFF${text}`);
      else save(`${mapSite.value}.toml`, text, "application/toml;charset=utf-8");
    } catch (error) { failed.value = failureWords(error); }
  };
  return html`<div class="import-give"><h3>${t("settings.give_file")}</h3><p class="muted">${t("settings.give_note")}</p>
    <div class="bind-new"><button class="btn" onClick=${() => give("toml")}>${t("settings.give_toml")}</button><button class="btn" onClick=${() => give("csv")}>${t("settings.give_csv")}</button></div><p class="failure" role="alert">${failed.value}</p></div>`;
}

export function Import() {
  useAsking(assetList);
  return html`<section class="card list-card plain-section" aria-label=${t("settings.import")}><div class="h"><h2>${t("settings.import")}</h2></div>
    <div class="set-box two-parts">${mayChange() ? html`<${Take} /><${Give} />` : html`<p class="calm muted">${t("settings.only_administrators")}</p>`}</div></section>`;
}
