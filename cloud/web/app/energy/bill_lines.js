// The lines of a bill; each amount opens to quantity x price, where the price comes from, and on to the intervals.
import { html, useSignal } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { shown } from "../place.js";
import { fromField } from "../requests/local_time.js";
import { Coverage, moneyText, shareText } from "./amounts.js";
import { billWords } from "./bill_words.js";
import { midnight } from "./local.js";
import { amountAddress, zone } from "./where.js";

const QUARTER_MS = 900_000;

/** @typedef {{share: number, seconds: number, valid_s: number, by_source: Record<string, number>}} Known */
/** @typedef {{kind: string, name: string, band: string | null, month: string, quantity: string | null, unit: string, price: string | null, amount: string | null, source: string, how: string, note: string, coverage: Known | null, not_measured: string | null, split: string | null}} Line */
/** @typedef {{site: string, meter: string, tariff: string, from: string, until: string, currency: string, unit: string, energy: string, total: string, per_unit: string | null, complete: boolean, coverage: Known, lines: Line[], warnings: string[]}} Bill */

/** `Peak · 2026-10`, `Basic charge`. @param {Line | undefined} line */
export function lineName(line) {
  if (!line) return "";
  const named = line.kind === "energy" && line.band ? word("money.band", line.band) : line.kind === "demand" ? word("money.demand", line.name) : line.kind === "power_factor" ? `${word("money.kind", line.kind)} ${line.name}` : line.name || word("money.kind", line.kind);
  return line.month ? `${named} · ${line.month}` : named;
}

/** Digits as they were worked out, grouped. @param {string} text */
const exact = (text) => number(Number(text), 0, Math.min(6, text.split(".")[1]?.length ?? 0));

/** What a line was made of. @param {{bill: Bill, line: Line}} props */
function Made({ bill, line }) {
  const at = zone.value;
  // A maximum opens to the quarter of an hour it was in, all else to the whole period.
  const began = line.kind === "demand" ? fromField(/(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})/.exec(line.how)?.slice(1).join("T") ?? "", at) : null;
  const [since, until] = began === null ? [midnight(bill.from, at), midnight(bill.until, at)] : [began, began + QUARTER_MS];
  const open = () => { shown.value = amountAddress(`meter:${bill.meter}`, since, until); };
  const estimated = Number(line.not_measured ?? 0), cut = Number(line.split ?? 0);
  return html`<div class="made">
    ${line.quantity !== null && line.price !== null && !["power_factor", "tax"].includes(line.kind) && html`<p class="mono">${exact(line.quantity)} ${line.unit} × ${line.price} ${bill.currency} = ${moneyText(line.amount, bill.currency)}</p>`}
    <dl class="facts"><dt>${t("money.kind_of_line")}</dt><dd>${word("money.kind", line.kind)}</dd>
      ${line.source && html`<dt>${t("money.price_from")}</dt><dd>${line.source}</dd>`}${line.how && html`<dt>${t("money.how")}</dt><dd>${billWords(line.how)}</dd>`}${line.note && html`<dt>${t("money.note")}</dt><dd class="warn">${billWords(line.note)}</dd>`}
      ${line.coverage && html`<dt>${t("energy.coverage")}</dt><dd>${shareText(line.coverage.share)}${Object.entries(line.coverage.by_source).filter(([, s]) => s > 0).map(([source, s]) => html` <span class="muted">· ${word("energy.source", source)} ${number(s / 3600, 0, 1)} h</span>`)}</dd>`}
      ${line.kind === "energy" && html`<dt>${t("money.not_measured")}</dt><dd>${exact(line.not_measured ?? "0")} ${line.unit}${estimated > 0 ? html` <span class="muted">${t("money.not_measured_why")}</span>` : ""}</dd>`}
      ${cut > 0 && html`<dt>${t("money.split")}</dt><dd>${exact(line.split ?? "0")} ${line.unit} <span class="muted">${t("money.split_why")}</span></dd>`}</dl>
    ${!["fixed", "tax"].includes(line.kind) && html`<p><button class="btn small" onClick=${open}>${t("money.to_intervals")}</button></p>`}</div>`;
}

/** @param {{bill: Bill, label: string}} props */
export function BillLines({ bill, label }) {
  const opened = useSignal(-1);
  return html`<div class="lines-box" tabindex="0" role="group" aria-label=${label}><table class="figures bill-lines"><thead><tr><th scope="col">${t("money.line")}</th><th scope="col" class="r">${t("money.quantity")}</th><th scope="col" class="r">${t("money.price")}</th><th scope="col" class="r">${t("money.amount")} <small>${bill.currency}</small></th></tr></thead>
    <tbody>${bill.lines.map((line, i) => {
      const isOpen = opened.value === i;
      return html`<tr key=${i} class=${isOpen ? "on" : ""}><th scope="row">${lineName(line)}${["surcharge", "fixed", "tax"].includes(line.kind) && line.name && html` <small class="muted">${word("money.kind", line.kind)}</small>`} ${line.coverage && html`<${Coverage} share=${line.coverage.share} />`}${line.amount === null && line.note && html`<small class="warn lacks">${billWords(line.note)}</small>`}</th>
        <td class="r">${line.quantity === null ? "" : html`${number(Number(line.quantity), 0, 2)} <small class="muted">${line.unit}</small>`}</td><td class="r">${line.price ?? ""}</td>
        <td class="r">${line.amount === null ? html`<button class="num hatched" aria-expanded=${isOpen} title=${billWords(line.note)} onClick=${() => { opened.value = isOpen ? -1 : i; }}><span class="sr">${t("requests.no_data")}: ${billWords(line.note)}</span></button>` : html`<button class="num" aria-expanded=${isOpen} title=${t("number.opens")} onClick=${() => { opened.value = isOpen ? -1 : i; }}>${number(Number(line.amount), 2)}</button>`}</td></tr>
        ${isOpen && html`<tr class="made-row"><td colspan="4"><${Made} bill=${bill} line=${line} /></td></tr>`}`;
    })}</tbody>
    <tfoot><tr><th scope="row">${t("money.total")}</th><td class="r">${number(Number(bill.energy), 0, 2)} <small class="muted">${bill.unit}</small></td><td class="r"></td><td class="r"><b>${number(Number(bill.total), 2)}</b></td></tr></tfoot></table></div>`;
}
