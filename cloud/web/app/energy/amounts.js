// Amounts as people read them: figures with their unit, how much of the time is known, and the mark of where they come from.
import { html } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { shown } from "../place.js";
import { amountAddress } from "./where.js";

/** @typedef {{value: number | null, unit: string, coverage: number, measured: number, source: string, flags: string[]}} Total as the API says one */

/** @type {Record<string, string>} */
const LARGER = { kWh: "MWh", kW: "MW", kg: "t" };

/** A figure and its unit, in thousands from 10,000 up. @param {number} value @param {string} unit @returns {[string, string]} */
export function figure(value, unit) {
  const larger = LARGER[unit];
  if (larger && Math.abs(value) >= 100_000) return [number(value / 1000, 1), larger];
  const size = Math.abs(value);
  return [number(value, size >= 1000 ? 0 : size >= 10 ? 1 : size >= 1 || value === 0 ? 2 : 3), unit];
}

/** `1,984 kWh`; a dash when nothing is known. @param {number | null | undefined} value @param {string} unit */
export const amountText = (value, unit) => (value === null || value === undefined ? "—" : figure(value, unit).join(" "));

/** `¥ 3,871.20`. @param {string | number | null | undefined} value @param {string | null | undefined} currency @param {number} [digits] */
export function moneyText(value, currency, digits = 2) {
  if (value === null || value === undefined || value === "") return "—";
  const sign = currency === "CNY" ? "¥" : currency === "EUR" ? "€" : currency ?? "";
  return `${sign} ${number(Number(value), digits)}`.trim();
}

/** `99.2 %`; never rounded up to all. @param {number} share */
export const shareText = (share) => `${number(Math.floor(share * 1000 + 1e-9) / 10, share >= 1 ? 0 : 1)} %`;

/** Which of the four marks a source of amounts has. @param {string} source */
export const markOf = (source) => (source === "manual" ? "interpolated" : source);

/** Where an amount comes from, as a shape with its word. @param {{source: string, text?: boolean}} props */
export const SourceMark = ({ source, text = false }) => html`<i class=${`q ${markOf(source)}`} role="img" aria-label=${word("energy.source", source)} title=${word("energy.source", source)}></i>${text && html` <span aria-hidden="true">${word("energy.source", source)}</span>`}`;

/** How much of the time is known, beside an amount; quiet where all is. @param {{share: number, always?: boolean}} props */
export const Coverage = ({ share, always = false }) => (share >= 1 && !always ? null : html`<span class=${`coverage${share < 0.9 ? " warn" : ""}`} title=${t("energy.coverage_of", { share: shareText(share) })}>${t("energy.known", { share: shareText(share) })}</span>`);

/**
 * An amount that opens: dotted underline, behind it what made it. `of` is `meter:b3-main`, `space:b3` or `site:`. Missing is hatched.
 * @param {{total: Total, of: string, since: number, until: number, big?: boolean, bare?: boolean}} props
 */
export function Amount({ total, of, since, until, big = false, bare = false }) {
  const open = () => { shown.value = amountAddress(of, since, until); };
  if (total.value === null) return html`<button class="num hatched" title=${t("number.opens")} onClick=${open}><span class="sr">${t("requests.no_data")}</span></button>`;
  const [text, unit] = figure(total.value, total.unit);
  return html`${total.source !== "measured" && html`<${SourceMark} source=${total.source} /> `}<button class=${`num${big ? " big" : ""}`} title=${t("number.opens")} onClick=${open}>${text}</button>${!bare && html`<span class="u">${unit}</span>`}`;
}

/** A figure that was worked out from an amount, and opens it. @param {{of: string, since: number, until: number, quiet?: boolean, children?: any}} props */
export const OpenedBy = ({ of, since, until, quiet = false, children }) => html`<button class=${`num${quiet ? " plain-num muted" : ""}`} title=${t("number.opens")} onClick=${() => { shown.value = amountAddress(of, since, until); }}>${children}</button>`;

/** The four marks in words; stands once on the page. */
export const SourceLegend = () => html`<div class="legend" role="group" aria-label=${t("legend.title")}>${["measured", "interpolated", "estimated", "missing"].map((one) => html`<span key=${one}><i class=${`q ${one}`} aria-hidden="true"></i>${word("energy.source", one)}</span>`)}</div>`;
