// People, cards and rules from a file: looked at first, with a line for each fault, and brought in when that is wanted.
import { html, signal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { Encoding, Faults, FileButton, formOf, sendFile, typed } from "../settings/file_sent.js";
import { siteName } from "../sites.js";
import { askAll, isNow } from "./asked.js";

/** @typedef {{created: number, changed: number, unchanged: number, written: boolean, names: string[], encoding?: string, errors: import("../settings/file_sent.js").Fault[]}} Outcome */
/** @typedef {{site: string, name: string, form: "toml" | "csv", text: Blob}} Chosen */

const NAMES_SHOWN = 200;
const chosen = signal(/** @type {Chosen | null} */ (null));
const outcome = signal(/** @type {Outcome | null} */ (null));
const failure = signal("");
const isBusy = signal(false);

/** Brings the chosen file in, or says what that would do. @param {boolean} isDry */
async function bringIn(isDry) {
  const file = chosen.peek();
  if (!file || isBusy.peek()) return;
  isBusy.value = true;
  failure.value = "";
  const { said, faults, failure: why } = await sendFile(`/api/v1/access/${encodeURIComponent(file.site)}/import?${query({ format: file.form, dry_run: isDry ? 1 : 0 })}`, file.text);
  isBusy.value = false;
  if (chosen.peek() !== file) return;
  failure.value = faults.length > 0 ? "" : why;
  outcome.value = said ?? (faults.length > 0 ? { created: 0, changed: 0, unchanged: 0, written: false, names: [], errors: faults } : null);
  if (said && !isDry && said.errors.length === 0) { chosen.value = null; await askAll(); }
}

/** @param {File | undefined} file */
function choose(file) {
  outcome.value = null;
  failure.value = "";
  const form = file && formOf(file) === "csv" ? "csv" : "toml";
  chosen.value = file ? { site: mapSite.peek(), name: file.name, form, text: typed(file, form) } : null;
  if (file) void bringIn(true);
}

/** @param {string} name `kind:id` */
function nameWords(name) {
  const [kind = "", id = ""] = name.split(":");
  return `${t(`access.${kind}`)} ${id}`;
}

/** @param {{title: string, names: string[]}} props */
const Names = ({ title, names }) => (names.length === 0 ? null : html`<details class="names" open=${names.length <= 12}><summary>${title} <b>${number(names.length)}</b></summary>
  <ul>${names.slice(0, NAMES_SHOWN).map((one) => html`<li key=${one}>${nameWords(one)}</li>`)}${names.length > NAMES_SHOWN && html`<li class="muted">${t("settings.more_found", { n: names.length - NAMES_SHOWN })}</li>`}</ul></details>`);

/** @param {{said: Outcome}} props */
function Told({ said }) {
  if (said.errors.length > 0) return html`<${Faults} faults=${said.errors} />`;
  return html`<div class="outcome" role="status"><p><b>${said.written ? t("settings.written") : said.created + said.changed === 0 ? t("settings.nothing_changes") : t("settings.would_change")}</b></p>
    <dl class="counts">${(/** @type {const} */ (["created", "changed", "unchanged"])).map((name) => html`<div key=${name}><dt>${t(`settings.count_${name}`)}</dt><dd>${number(said[name])}</dd></div>`)}</dl>
    <${Encoding} said=${said} />
    <${Names} title=${t("settings.count_created")} names=${said.names.slice(0, said.created)} /><${Names} title=${t("settings.count_changed")} names=${said.names.slice(said.created)} /></div>`;
}

export function ImportPeople() {
  const file = chosen.value, said = outcome.value;
  const isOther = file !== null && file.site !== mapSite.value;
  const changes = said && !said.written && said.errors.length === 0 && said.created + said.changed > 0;
  return html`<section class="card list-card plain-section" aria-label=${t("access.import")}><div class="h"><h2>${t("access.import")}</h2></div>
    <div class="set-box"><div class="import-take"><p class="muted">${t("access.import_note")}</p><p class="mono import-columns">id,name,unit,until,card,level,groups</p>
      <${FileButton} label=${t("settings.choose_file")} accept=".csv,.toml,text/csv,application/toml" take=${choose} can=${isNow()} />
      ${file && html`<div class="chosen-file"><b>${file.name}</b> <span class="muted">${t("settings.file_for", { form: file.form.toUpperCase(), site: siteName(file.site) })}</span><button class="plain" aria-label=${t("settings.drop_file")} onClick=${() => choose(undefined)}>✕</button></div>`}
      <p class="failure" role="alert">${failure.value || (isOther ? t("settings.other_site", { site: siteName(file.site) }) : "")}</p>
      ${isBusy.value && html`<p class="muted" role="status">${t("settings.looking")}</p>`}
      ${said && html`<${Told} said=${said} />`}
      ${file && changes && html`<div class="form-end"><button class="btn pri" disabled=${isBusy.value || !isNow() || isOther} onClick=${() => bringIn(false)}>${t("settings.apply")}</button></div>`}</div></div></section>`;
}
