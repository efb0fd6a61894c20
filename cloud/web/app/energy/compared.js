// What a period is held against: a baseline with its honest label, and another period aligned by kind of day.
import { html } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { OpenedBy, amountText, shareText } from "./amounts.js";
import { daysWords } from "./date_words.js";
import { midnight } from "./local.js";

const share = (/** @type {number | null} */ value) => (value === null || value === undefined ? "—" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value) * 100, 1)} %`);

/** @param {{baseline: any, unit: string}} props */
export function Baseline({ baseline, unit }) {
  const { expected, compared, verdict, cv_rmse, nmbe, r2, n, days, coverage } = baseline;
  const change = expected ? compared / expected - 1 : null;
  const statistics = t("energy.statistics", { n, days, coverage: shareText(coverage), r2: r2 === null ? "—" : number(r2, 2), cv: cv_rmse === null ? "—" : `${number(cv_rmse * 100, 1)} %`, nmbe: nmbe === null ? "—" : share(nmbe) });
  return html`<section class="card headline-figure" aria-label=${t("energy.baseline")} title=${`${statistics}\n${t(`energy.verdict_${verdict}`)}`}><span class="muted">${t("energy.baseline")} · ${t("energy.like_days")}</span>
    <p class="big-line"><b class="big">${change === null ? "—" : share(change)}</b>${expected !== null && html`<span class="u">${t("energy.of_expected", { amount: amountText(expected, unit) })}</span>`}</p>
    ${expected === null && html`<small>${t("energy.no_baseline")}</small>`}
    <small><span class=${`tag${verdict === "passes" ? "" : " p3"}`}>${word("energy.verdict", verdict)}</span> ${t(verdict === "passes" ? "energy.difference_tested" : "energy.difference_only")}</small>
    <small class="muted">CV(RMSE) ${cv_rmse === null ? "—" : `${number(cv_rmse * 100, 1)} %`} · NMBE ${share(nmbe)} · R² ${r2 === null ? "—" : number(r2, 2)}</small></section>`;
}

/** @param {{comparison: any, of: string, unit: string, zone: string}} props */
export function Compared({ comparison, of, unit, zone }) {
  if (!comparison) return html`<section class="card headline-figure"><span class="muted">${t("energy.comparison")}</span><p class="big-line"><b class="big">—</b></p><small>${t("energy.choose_against")}</small></section>`;
  const { aligned_change, change, aligned, reference, reference_coverage, comparable, kinds, from, until } = comparison;
  const kindWords = kinds.map((/** @type {any} */ one) => `${word("energy.kind", one.kind)}: ${one.days} / ${one.reference_days} ${t("energy.days")}, ${one.mean === null ? "—" : amountText(one.mean, unit)} / ${one.reference_mean === null ? "—" : amountText(one.reference_mean, unit)}`).join("\n");
  const span = daysWords(from, until, zone);
  return html`<section class="card headline-figure" aria-label=${t("energy.comparison")} title=${kindWords}><span class="muted">${t("energy.comparison")} · ${span}</span>
    <p class="big-line"><b class="big">${share(aligned_change)}</b><span class="u">${t("energy.by_kind_of_day", { amount: aligned === null ? "—" : amountText(aligned, unit) })}</span></p>
    <small>${t("energy.as_it_stands", { change: share(change) })} <${OpenedBy} of=${of} since=${midnight(from, zone)} until=${midnight(until, zone)}>${amountText(reference, unit)}<//> · ${t("energy.known", { share: shareText(reference_coverage) })}</small>
    <small class=${comparable ? "muted" : "warn"}>${comparable ? t("energy.comparable") : t("energy.not_comparable")}</small></section>`;
}
