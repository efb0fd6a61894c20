// What went into each part of the network against what was measured there: the gap, what meters may err by, and who explains it.
import { html, useMemo } from "../../vendor/preact.js";
import { query } from "../api.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { useAnswer } from "../overview/loading.js";
import { Amount, amountText, shareText } from "./amounts.js";
import { BalanceChart } from "./balance_chart.js";
import { useSides } from "./balance_sides.js";
import { Files } from "./bill.js";
import { spanWords } from "./opened.js";
import { meterOf } from "./structure.js";
import { about, chosen, openPeriod, part, periodOf, openDay, span } from "./where.js";

/** @typedef {{meter: string, fault: string, slope: number, factor: number | null, explains: number, certain: boolean}} Suspect */
/** @typedef {{meter: string, unit: string, children: string[], fed: number, used: number, gap: number, gap_share: number | null, uncertainty: number, significant: boolean, coverage: number, verdict: string, suspects: Suspect[]}} Balance */

const name = (/** @type {string} */ id) => meterOf(id)?.name ?? id;

/** `+94 kWh · 1.9 %`. @param {Balance} one */
export const gapText = (one) => `${one.gap < 0 ? "−" : "+"}${amountText(Math.abs(one.gap), one.unit)}${one.gap_share === null ? "" : ` · ${number(Math.abs(one.gap_share) * 100, 1)} %`}`;

/** The gap on a scale of what meters may err by: inside the bar it says nothing. @param {{one: Balance}} props */
export function GapScale({ one }) {
  const two = 2 * one.uncertainty;
  const reach = Math.max(Math.abs(one.gap), two) * 1.25 || 1;
  const at = (/** @type {number} */ value) => 100 * (value + reach) / (2 * reach);
  const label = t("money.gap_label", { gap: gapText(one), two: amountText(two, one.unit) });
  return html`<svg class=${`gap-scale ${one.verdict}`} viewBox="0 0 200 26" role="img" aria-label=${label} preserveAspectRatio="none"><line class="axis" x1="0" y1="13" x2="200" y2="13" />
    <rect class="within" x=${2 * at(-two)} y="6" width=${2 * (at(two) - at(-two))} height="14" rx="2" /><line class="zero" x1="100" y1="2" x2="100" y2="24" />
    ${one.verdict !== "too_little_known" && html`<line class="gap" x1=${Math.max(5, Math.min(195, 2 * at(one.gap)))} x2=${Math.max(5, Math.min(195, 2 * at(one.gap)))} y1="13" y2="13.01" />`}</svg>`;
}

/** What a suspect means, and what to do about it, in words. @param {Suspect} one */
export function suspectWords(one) {
  const factor = one.factor === null ? "" : number(one.factor, 0, 3);
  return { says: t(`money.suspect.${one.fault}`, { meter: name(one.meter), factor, slope: number(one.slope, 2) }), todo: t(`money.todo.${one.fault}`, { meter: name(one.meter), factor }) };
}

/** @param {{one: Suspect, isFirst: boolean}} props */
function SuspectCard({ one, isFirst }) {
  const { says, todo } = suspectWords(one);
  const correct = () => { about.value = `meter:${one.meter}`; chosen.value = one.fault === "multiplier" || one.fault === "reversed" ? "ratio" : ""; part.value = "correct"; };
  return html`<li class=${isFirst ? "first" : ""}><p><b>${name(one.meter)}</b> <span class="tag">${word("money.fault", one.fault)}</span> <small class="muted">${t("money.explains", { share: shareText(one.explains) })}${one.certain ? "" : ` · ${t("money.not_certain")}`}</small></p>
    <p>${says}</p><p class="todo"><span class="muted">${t("money.todo")}</span> ${todo}</p>
    ${["multiplier", "reversed", "double_counted"].includes(one.fault) && html`<p><button class="btn small" onClick=${correct}>${t("money.to_correct")}</button></p>`}</li>`;
}

/** A meter's own amount, its share of what was fed in, and how far it is known. @param {{meter: string, side: import("./balance_sides.js").Side | undefined, fed: number | null, since: number, end: number, isChild: boolean}} props */
function SideRow({ meter, side, fed, since, end, isChild }) {
  const value = side?.total.value ?? null;
  return html`<tr><th scope="row" class=${isChild ? "child" : ""}>${isChild && html`<span class="muted">−</span> `}${name(meter)}</th>
    <td class="r">${side ? html`<${Amount} total=${side.total} of=${`meter:${meter}`} since=${since} until=${end} />` : "…"}</td>
    <td class="r">${value === null || !fed ? "" : `${number(value / fed * 100, 1)} %`}</td><td class=${`r${side && side.total.coverage < 0.9 ? " warn" : " muted"}`}>${side ? shareText(side.total.coverage) : ""}</td></tr>`;
}

/** @param {{site: string, one: Balance, sides: import("./balance_sides.js").Sides, since: number, end: number}} props */
function Detail({ site, one, sides, since, end }) {
  const fed = sides.of?.[one.meter]?.total.value ?? null;
  return html`<section class="card balance-detail" aria-labelledby="balance-title"><div class="h"><h2 id="balance-title">${name(one.meter)}</h2><small>${t("money.against", { n: one.children.length })}</small><span class="sp"></span><${Files} what="balance" params=${{ site, meter: one.meter, from: since, to: end }} /></div>
    ${sides.failure && html`<p class="calm warn" role="alert">${sides.failure}</p>`}
    <table class="figures sums"><thead><tr><th scope="col">${t("money.each_meter")}</th><th scope="col" class="r">${t("energy.used")}</th><th scope="col" class="r">${t("money.share_of_fed")}</th><th scope="col" class="r">${t("energy.coverage")}</th></tr></thead><tbody>
      <${SideRow} meter=${one.meter} side=${sides.of?.[one.meter]} fed=${fed} since=${since} end=${end} isChild=${false} />
      ${one.children.map((child) => html`<${SideRow} key=${child} meter=${child} side=${sides.of?.[child]} fed=${fed} since=${since} end=${end} isChild=${true} />`)}</tbody>
      <tbody class="together"><tr><th scope="rowgroup" colspan="4">${t("money.together", { share: shareText(one.coverage) })}</th></tr>
      <tr><th scope="row">${t("money.fed")}</th><td class="r">${amountText(one.fed, one.unit)}</td><td></td><td></td></tr>
      <tr><th scope="row">${t("money.used")}</th><td class="r">${amountText(one.used, one.unit)}</td><td class="r">${one.fed ? `${number(one.used / one.fed * 100, 1)} %` : ""}</td><td></td></tr>
      <tr class="total"><th scope="row">${t("money.gap")}</th><td class="r"><b>${one.gap < 0 ? "−" : "+"}${amountText(Math.abs(one.gap), one.unit)}</b></td><td class="r"><b>${one.gap_share === null ? "" : `${one.gap < 0 ? "−" : ""}${number(Math.abs(one.gap_share) * 100, 1)} %`}</b></td><td></td></tr>
      <tr><th scope="row">${t("money.two_u")}</th><td class="r">± ${amountText(2 * one.uncertainty, one.unit)}</td><td class="r">${one.fed ? `± ${number(200 * one.uncertainty / one.fed, 1)} %` : ""}</td><td></td></tr></tbody></table>
    <p class=${`verdict ${one.verdict}`}><b>${word("money.verdict", one.verdict)}</b> ${t(`money.verdict_why.${one.verdict}`)}</p>
    ${one.suspects.length > 0 && html`<h3>${t("money.suspects")}</h3><ul class="suspects">${one.suspects.map((each, i) => html`<${SuspectCard} key=${`${each.meter} ${each.fault}`} one=${each} isFirst=${i === 0} />`)}</ul>`}
    ${one.significant && one.verdict !== "too_little_known" && one.suspects.length === 0 && html`<p class="calm muted">${t("money.no_suspect")}</p>`}</section>`;
}

/** @param {{site: string, zone: string, one: Balance, since: number, end: number}} props */
function One({ site, zone, one, since, end }) {
  const sides = useSides(site, [one.meter, ...one.children], since, end);
  return html`<${Detail} site=${site} one=${one} sides=${sides} since=${since} end=${end} /><${BalanceChart} zone=${zone} one=${one} sides=${sides} />`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyBalance({ site, zone }) {
  const { since, end } = span.value ? openPeriod.value : periodOf("week", openDay.value, zone);
  const { answer, failure, isBusy } = useAnswer(`/api/v1/energy/balances?${query({ site, from: since, to: end })}`, site);
  const all = /** @type {Balance[]} */ (answer?.balances ?? []);
  const ordered = useMemo(() => [...all].sort((a, b) => Number(b.significant) - Number(a.significant) || Math.abs(b.gap) - Math.abs(a.gap)), [answer]);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  if (ordered.length === 0) return html`<section class="card energy-empty"><h2>${t("money.no_balance")}</h2><p>${t("money.no_balance_why")}</p></section>`;
  const wanted = about.value.startsWith("meter:") ? about.value.slice(6) : "";
  const one = /** @type {Balance} */ (ordered.find((each) => each.meter === wanted) ?? ordered[0]);
  return html`${failure && html`<p class="calm warn" role="alert">${failure}</p>`}<div class=${`balance${isBusy ? " asking" : ""}`}>
    <section class="card balance-list" aria-labelledby="balances"><div class="h"><h2 id="balances">${t("money.balances")}</h2><small>${spanWords(since, end, zone)}</small></div>
      <ul>${ordered.map((each) => html`<li key=${each.meter}><button class=${each === one ? "on" : ""} aria-current=${each === one ? "true" : undefined} onClick=${() => { about.value = `meter:${each.meter}`; }}>
        <b>${name(each.meter)}</b><span class=${`gap-figure${each.significant ? " warn" : ""}`}>${each.verdict === "too_little_known" ? "—" : gapText(each)}</span><${GapScale} one=${each} /><small class=${each.verdict === "balanced" ? "muted" : "warn"}>${word("money.verdict", each.verdict)}</small></button></li>`)}</ul>
      <p class="calm muted">${t("money.scale_note")}</p>
      ${Object.entries(answer.failed).map(([meter, why]) => html`<p key=${meter} class="calm warn">${name(meter)}: ${why}</p>`)}</section>
    <${One} key=${`${one.meter} ${since} ${end}`} site=${site} zone=${zone} one=${one} since=${since} end=${end} /></div>`;
}
