// The table of a chart. What nothing is known of is hatched and says so, never zero. Long ones are shown by pages, the copy holds them whole.
import { html, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";

/** @typedef {import("../reports/table.js").Column} Column */
/** @typedef {import("../reports/table.js").Cell & {mark?: string, onOpen?: () => void}} Cell */

const AT_ONCE = 200;

/** @param {{one: Cell}} props */
function Value({ one }) {
  if (one.value === null) return one.onOpen ? html`<button class="num hatched" title=${t("number.opens")} onClick=${one.onOpen}><span class="sr">${t("requests.no_data")}</span></button>` : html`<span class="hatched" title=${t("requests.no_data")}><span class="sr">${t("requests.no_data")}</span></span>`;
  const mark = one.mark ? html`<i class=${`q ${one.mark}`} aria-hidden="true"></i> ` : null;
  return one.onOpen ? html`${mark}<button class="num" title=${t("number.opens")} onClick=${one.onOpen}>${one.text}</button>` : html`${mark}${one.text}`;
}

/** @param {{label: string, columns: Column[], rows: Cell[][], empty?: string}} props */
export function FiguresTable({ label, columns, rows, empty }) {
  const isWhole = useSignal(false);
  if (rows.length === 0) return html`<p class="nothing">${empty ?? t("requests.no_data")}</p>`;
  const shown = isWhole.value ? rows : rows.slice(0, AT_ONCE);
  return html`<div class="figures-box" tabindex="0" role="group" aria-label=${label}><table class="figures">
      <thead><tr>${columns.map((one, i) => html`<th key=${one.key} scope="col" class=${i > 0 ? "r" : ""}>${one.title}${one.unit && html` <small class="muted">${one.unit}</small>`}</th>`)}</tr></thead>
      <tbody>${shown.map((row, at) => html`<tr key=${at}>${row.map((one, i) => (i === 0 ? html`<th key=${i} scope="row">${one.onOpen ? html`<${Value} one=${one} />` : one.text}</th>` : html`<td key=${i} class=${`r${one.value === null ? " none" : ""}${one.warn ? " warn" : ""}`}><${Value} one=${one} /></td>`))}</tr>`)}</tbody></table>
    ${shown.length < rows.length && html`<p class="calm"><button class="btn small" onClick=${() => { isWhole.value = true; }}>${t("energy.all_rows", { n: rows.length })}</button></p>`}</div>`;
}
