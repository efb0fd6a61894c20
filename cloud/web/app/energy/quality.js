// How far amounts can be trusted: what is known of each meter on each day, and every gap with what stands in it.
import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { age, number } from "../format.js";
import { t, word } from "../i18n.js";
import { Amount, SourceLegend, SourceMark, shareText } from "./amounts.js";
import { useKept } from "./asked.js";
import { CompletenessChart } from "./completeness_chart.js";
import { daysWords } from "./date_words.js";
import { daysBetween, addDays } from "./local.js";
import { spanWords } from "./opened.js";
import { meterOf } from "./structure.js";
import { openDetail, openPeriod } from "./where.js";

const DAYS_MAX = 92;
const AT_ONCE = 100;
const KINDS = ["missing", "estimated", "interpolated", "manual"];

/** @param {{answer: any, zone: string}} props */
function Gaps({ answer, zone }) {
  const only = useSignal("");
  const isWhole = useSignal(false);
  const all = /** @type {any[][]} */ (answer.gaps);
  const rows = all.filter((row) => !only.value || row[3] === only.value);
  const list = isWhole.value ? rows : rows.slice(0, AT_ONCE);
  return html`<section class="card gaps" aria-labelledby="energy-gaps"><div class="h"><h2 id="energy-gaps">${t("energy.gaps")}</h2><small>${t("energy.gaps_n", { n: rows.length })}${answer.more ? ` · ${t("energy.more_gaps")}` : ""}</small><span class="sp"></span>
      <span class="picks" role="group" aria-label=${t("energy.source")}>${KINDS.map((one) => html`<button key=${one} class=${`pick${only.value === one ? " on" : ""}`} aria-pressed=${only.value === one} onClick=${() => { only.value = only.value === one ? "" : one; }}><i class=${`q ${one === "manual" ? "interpolated" : one}`} aria-hidden="true"></i> ${word("energy.source", one)} <span class="n">${number(all.filter((row) => row[3] === one).length)}</span></button>`)}</span></div>
    ${rows.length === 0 ? html`<p class="calm muted">${t("energy.no_gaps")}</p>` : html`<div class="figures-box gap-box" tabindex="0" role="group" aria-label=${t("energy.gaps")}><table class="figures"><thead><tr><th scope="col">${t("energy.meter")}</th><th scope="col">${t("energy.when")}</th><th scope="col" class="r">${t("energy.length")}</th><th scope="col">${t("energy.stands")}</th><th scope="col" class="r">${t("energy.used")}</th><th scope="col">${t("energy.done")}</th></tr></thead>
      <tbody>${list.map(([meter, since, until, source, value, unit, known, flags]) => html`<tr key=${`${meter} ${since}`}><th scope="row"><button class="rank-name" title=${t("energy.to_detail")} onClick=${() => openDetail(`meter:${meter}`)}>${meterOf(meter)?.name ?? meter}</button></th>
        <td>${spanWords(since, until, zone)}</td><td class="r">${age(until - since)}</td><td><${SourceMark} source=${source} text=${true} />${source === "missing" && known > 0 ? html` <small class="muted">${t("energy.known", { share: shareText(known) })}</small>` : null}</td>
        <td class="r"><${Amount} total=${{ value, unit, source: "measured", coverage: 1, measured: 0, flags: [] }} of=${`meter:${meter}`} since=${since} until=${until} /></td><td class="wrap"><small>${t(`energy.done_${source}`)}${flags.length > 0 ? ` ${flags.map((/** @type {string} */ one) => word("energy.flag", one)).join(", ")}.` : ""}</small></td></tr>`)}</tbody></table></div>
      ${list.length < rows.length && html`<p class="calm"><button class="btn small" onClick=${() => { isWhole.value = true; }}>${t("energy.all_rows", { n: rows.length })}</button></p>`}`}</section>`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyQuality({ site, zone }) {
  const period = openPeriod.value;
  // A day alone says little: its last four weeks do. A year is too much for one drawing: its last three months.
  const first = period.kind === "day" ? addDays(period.until, -28) : daysBetween(period.first, period.until) > DAYS_MAX ? addDays(period.until, -DAYS_MAX) : period.first;
  const { answer, failure } = useKept(`/api/v1/energy/quality?${query({ site, from: first, until: period.until })}`, 0);
  const whole = useMemo(() => (answer?.meters ?? []).filter((/** @type {any} */ one) => one.coverage.every((/** @type {number | null} */ share) => share === null || share >= 1)).length, [answer]);
  return html`<div class="energy-quality">
    <div class="overview-head"><p>${answer && html`<b class="big">${answer.coverage === null ? "—" : shareText(answer.coverage)}</b> <span class="muted">${t("energy.known_of", { n: answer.meters.length, whole })} · ${daysWords(first, period.until, zone)}</span>`}</p><${SourceLegend} /></div>
    ${!answer ? html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>` : html`<${CompletenessChart} answer=${answer} zone=${zone} site=${site} /><${Gaps} answer=${answer} zone=${zone} />`}</div>`;
}
