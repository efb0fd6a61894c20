// A table of figures with its copy as CSV. What nothing was measured for is hatched and says so, never zero.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";

/** @typedef {{text: string, value: string | number | null, warn?: boolean}} Cell what is shown, and what a spreadsheet gets */
/** @typedef {{key: string, title: string, unit?: string}} Column */

/** @param {string} text @param {string | number | null} value @param {boolean} [warn] @returns {Cell} */
export const cell = (text, value, warn = false) => ({ text, value, warn });

/** A field of a CSV: quoted where it must be, and never a formula. @param {string | number | null} value */
export function csvField(value) {
  if (value === null) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** With the mark that programs for tables know UTF-8 by. @param {Column[]} columns @param {Cell[][]} rows */
export const csvText = (columns, rows) => `\uFEFF${[columns.map((one) => csvField(one.unit ? `${one.title} (${one.unit})` : one.title)), ...rows.map((row) => row.map((one) => csvField(one.value)))].map((line) => line.join(",")).join("\r\n")}\r\n`;

/** Gives a text as a file. @param {string} name @param {string} text @param {string} [type] */
export function save(name, text, type = "text/csv;charset=utf-8") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param {{id: string, title: string, note?: string, columns: Column[], rows: Cell[][], file: string, empty?: string}} props */
export function FigureTable({ id, title, note, columns, rows, file, empty }) {
  return html`<section class="card report" aria-labelledby=${`report-${id}`}><div class="h"><h2 id=${`report-${id}`}>${title}</h2>${note && html`<small>${note}</small>`}<span class="sp"></span>
      ${rows.length > 0 && html`<button class="btn" aria-label=${t("reports.csv_of", { title })} onClick=${() => save(`${file}-${id}.csv`, csvText(columns, rows))}>CSV</button>`}</div>
    ${rows.length === 0 ? html`<p class="nothing">${empty ?? t("requests.no_data")}</p>` : html`<div class="report-box" tabindex="0" role="group" aria-label=${title}><table><thead><tr>${columns.map((one, i) => html`<th key=${one.key} scope="col" class=${i > 0 ? "r" : ""}>${one.title}${one.unit && html` <small class="muted">${one.unit}</small>`}</th>`)}</tr></thead>
      <tbody>${rows.map((row, at) => html`<tr key=${at}>${row.map((one, i) => (i === 0 ? html`<th key=${i} scope="row">${one.text}</th>` : html`<td key=${i} class=${`r${one.value === null ? " none" : ""}${one.warn ? " warn" : ""}`}>${one.value === null ? html`<span class="hatched" title=${t("requests.no_data")}><span class="sr">${t("requests.no_data")}</span></span>` : one.text}</td>`))}</tr>`)}</tbody></table></div>`}</section>`;
}
