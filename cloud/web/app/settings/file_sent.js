// A file that is looked at before it is written: chosen, sent, and what is wrong with it, line by line. Of a site, and of what is metered there.
import { html } from "../../vendor/preact.js";
import { ApiFailure, call } from "../api.js";
import { t } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { canChange } from "./asked.js";

/** @typedef {{line: number, key: string, message: string}} Fault */
/** @typedef {{said: any, faults: Fault[], failure: string}} Sent `said`: the answer; null where the file is wrong or nobody could look at it */

/** @type {Record<string, string>} */
export const TYPES = { toml: "application/toml", csv: "text/csv", xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };
const FAULTS_SHOWN = 200;

/** `csv` of `Site.CSV`. @param {File} file */
export const formOf = (file) => file.name.toLowerCase().split(".").at(-1) ?? "";

/** The file with the type that its form has, whatever the machine calls it. @param {File} file @param {string} form */
export const typed = (file, form) => file.slice(0, file.size, TYPES[form]);

/** Sends a file; what is wrong with it is listed, anything else is said. @param {string} path @param {Blob} file @returns {Promise<Sent>} */
export async function sendFile(path, file) {
  try {
    return { said: await call("POST", path, file), faults: [], failure: "" };
  } catch (error) {
    const faults = error instanceof ApiFailure ? /** @type {any} */ (error.faults) : [];
    return { said: null, faults, failure: faults.length > 0 ? "" : failureWords(error) };
  }
}

/** Chooses a file; the same one can be chosen again. @param {{label: string, accept: string, take: (file: File | undefined) => void, first?: boolean, can?: boolean}} props */
export const FileButton = ({ label, accept, take, first = false, can = canChange() }) => html`<label class=${`btn file-button${first ? " pri" : ""}`}>${label}<input class="sr" type="file" accept=${accept} disabled=${!can} onChange=${(/** @type {any} */ event) => { const file = event.target.files?.[0]; event.target.value = ""; take(file); }} /></label>`;

/** That a file is not of the encoding it should be, though it could be read. @param {{said: {encoding?: string}}} props */
export const Encoding = ({ said }) => (!said.encoding || said.encoding === "UTF-8" ? null : html`<p class="warn">${t("settings.read_as", { encoding: said.encoding })}</p>`);

/** What is wrong with a file, with its lines. @param {{faults: Fault[]}} props */
export const Faults = ({ faults }) => html`<div class="outcome" role="alert"><p class="failure"><b>${t("settings.file_faults", { n: faults.length })}</b></p><div class="report-box" tabindex="0" role="group" aria-label=${t("settings.faults")}><table><thead><tr><th scope="col" class="r">${t("settings.line")}</th><th scope="col">${t("settings.where")}</th><th scope="col">${t("settings.fault")}</th></tr></thead>
  <tbody>${faults.slice(0, FAULTS_SHOWN).map((one, i) => html`<tr key=${i}><td class="r mono">${one.line || "–"}</td><td class="mono">${one.key}</td><td>${one.message}</td></tr>`)}</tbody></table></div></div>`;
