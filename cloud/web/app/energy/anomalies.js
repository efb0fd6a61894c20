// What is odd: each fault once, the dearest first, with what it takes a week, why it was noticed, and the days that show it.
import { html, signal, useEffect, useRef } from "../../vendor/preact.js";
import { get, query } from "../api.js";
import { moment, number } from "../format.js";
import { t, word } from "../i18n.js";
import { onKey } from "../keys.js";
import { alarms, now } from "../live/link.js";
import { addressOf, shown } from "../place.js";
import { failureWords } from "../overview/loading.js";
import { OpenedBy, amountText, moneyText } from "./amounts.js";
import { AnomalyChart } from "./anomaly_chart.js";
import { Files } from "./bill.js";
import { spanWords } from "./opened.js";
import { Judge, STATES, stateOf } from "./judge.js";
import { meterOf } from "./structure.js";
import { about, chosen, episodeAddress, judgedAs, openDetail, part, span, zone } from "./where.js";

/** @typedef {[number, number, number, string | null]} Episode */
/** @typedef {{meter: string, kind: string, active: boolean, since: number, until: number, times: number, unit: string, kwh: number, amount: string | null, currency: string | null, week_kwh: number, week_amount: string | null, note: string, facts: Record<string, any>, episodes: Episode[], state: import("./judge.js").State, judged: import("./judge.js").Judged | null, alarm: string | null}} Finding */
/** @typedef {{site: string, ready: boolean, done: number, of: number, as_of: number, from: number, until: number, left_out: Record<string, string>, findings: Finding[]}} Answer */

const SOON_MS = 2_000, LATER_MS = 300_000;
const found = signal(/** @type {{of: string, answer: Answer | null, failure: string}} */ ({ of: "", answer: null, failure: "" }));

/** Asks again at once. */
let askNow = () => {};

/** Asks while somebody looks: soon again while it is worked out. @param {string} site */
function keepFindings(site) {
  let timer = 0, isGone = false;
  const ask = async () => {
    clearTimeout(timer);
    try {
      const answer = await get(`/api/v1/analysis/findings?${query({ site })}`);
      if (!isGone) found.value = { of: site, answer, failure: "" };
    } catch (failure) {
      if (!isGone) found.value = { ...found.peek(), of: site, failure: failureWords(failure) };
    }
    if (!isGone) timer = setTimeout(() => void ask(), found.peek().answer?.ready === false ? SOON_MS : LATER_MS);
  };
  if (found.peek().of !== site) found.value = { of: site, answer: null, failure: "" };
  askNow = () => void ask();
  void ask();
  return () => { isGone = true; askNow = () => {}; clearTimeout(timer); };
}

/** A finding as it is after somebody judged it. @param {Finding} one */
function changed(one) {
  const { answer } = found.peek();
  chosen.value = keyOf(one);
  if (answer) found.value = { ...found.peek(), answer: { ...answer, findings: answer.findings.map((each) => (keyOf(each) === keyOf(one) ? one : each)) } };
}

const name = (/** @type {string} */ id) => meterOf(id)?.name ?? id;
export const keyOf = (/** @type {Finding} */ one) => `${one.kind}:${one.meter}`;

/** A figure of the facts, in its unit. @param {string} key @param {any} value @param {string} unit */
function fact(key, value, unit) {
  if (typeof value !== "number") return key === "suspect" ? name(String(value)) : key === "fault" ? word("money.fault", String(value)) : key === "verdict" ? word("money.verdict", String(value)) : String(value);
  if (key.endsWith("_kw") || key === "kw") return `${number(value, 1)} kW`;
  if (key.startsWith("share") || key.endsWith("_share")) return `${number(value * 100, 0, 1)} %`;
  if (key === "hours") return `${number(value, 0, 1)} h`;
  return key.includes("kwh") || ["gap", "two_u", "old", "new"].includes(key) ? `${number(value, 0, 2)} ${unit}` : number(value, 0, 2);
}

/** Why it was noticed, in a sentence. @param {Finding} one */
export function because(one) {
  const args = Object.fromEntries(Object.entries(one.facts).filter(([, value]) => value !== null).map(([key, value]) => [key, fact(key, value, one.unit)]));
  return t(`money.because.${one.kind}`, { ...args, times: one.times, meter: name(one.meter) });
}

/** What it takes a week, in money where that is known. @param {{one: Finding}} props */
const Weekly = ({ one }) => html`<span class="weekly">${one.kind === "meter_change" ? moment(one.until, now.value, zone.value) : one.week_amount === null ? (one.week_kwh ? `${amountText(one.week_kwh, one.unit)}${t("money.a_week")}` : "—") : `${moneyText(one.week_amount, one.currency, 0)}${t("money.a_week")}`}</span>`;

/** Kinds that raise an alarm of the same meter, too. @type {Record<string, string>} */
const ALARM_OF = { suspect: "energy_suspect", frozen: "energy_frozen", balance_gap: "energy_balance_gap" };

/** The address of the alarm that stands for it: there it is acknowledged or shelved, with a reason. @param {Finding} one @param {string} site */
function alarmAddress(one, site) {
  const found = alarms.value.find((each) => each.active && each.kind === ALARM_OF[one.kind] && each.source === `${site}/meter:${one.meter}`);
  const to = addressOf("alarms");
  const id = one.alarm ?? found?.id;
  return id ? `${to}${to.includes("?") ? "&" : "?"}show=${encodeURIComponent(`alarm:${id}`)}` : "";
}

/** @param {{one: Finding, site: string, zone: string}} props */
function Detail({ one, site, zone }) {
  const correct = () => { about.value = `meter:${one.meter}`; chosen.value = one.kind === "suspect" ? `confirmed@${one.since}-${one.until}` : `struck@${one.since}-${one.until}`; part.value = "correct"; };
  const itsAlarm = alarmAddress(one, site);
  const isChange = one.kind === "meter_change";
  const balance = () => { about.value = `meter:${one.meter}`; span.value = ""; part.value = "balance"; };
  return html`<section class="card anomaly-detail" aria-labelledby="anomaly-title"><div class="h"><h2 id="anomaly-title">${name(one.meter)}</h2><small>${word("money.anomaly", one.kind)}</small><span class="sp"></span>
      <button class="btn small" onClick=${() => { shown.value = episodeAddress(one); }}>${t(isChange ? "money.open_register" : "money.open_number")}</button>
      ${one.kind === "balance_gap" ? html`<button class="btn small" onClick=${balance}>${t("energy.part_balance")}</button>` : html`<button class="btn small" onClick=${() => openDetail(`meter:${one.meter}`)}>${t("energy.to_detail")}</button>`}
      ${["suspect", "frozen", "spike"].includes(one.kind) && html`<button class="btn small" onClick=${correct}>${t("money.to_correct")}</button>`}${isChange && html`<button class="btn small" onClick=${() => { about.value = `meter:${one.meter}`; chosen.value = ""; part.value = "correct"; }}>${t("money.its_record")}</button>`}</div>
    ${itsAlarm && html`<p><a href=${itsAlarm}>${t("money.its_alarm")}</a></p>`}
    <p class="because">${because(one)}</p><p class="todo"><span class="muted">${t("money.todo")}</span> ${t(`money.anomaly_todo.${one.kind}`)}</p>
    ${isChange ? html`<dl class="facts"><dt>${t("money.at")}</dt><dd>${moment(one.since, now.value, zone)}</dd></dl>` : html`<dl class="facts"><dt>${t("money.since")}</dt><dd>${moment(one.since, now.value, zone)}</dd><dt>${t("money.until")}</dt><dd>${one.active ? t("money.goes_on") : moment(one.until, now.value, zone)}</dd>
      <dt>${t("money.in_all")}</dt><dd>${one.kwh ? html`<${OpenedBy} of=${`meter:${one.meter}`} since=${one.since} until=${one.until}>${amountText(one.kwh, one.unit)}<//>` : "—"}${one.amount === null ? "" : ` · ${moneyText(one.amount, one.currency)}`}${one.note ? html` <small class="muted">${one.note}</small>` : ""}</dd>
      <dt>${t("money.times")}</dt><dd>${number(one.times)}</dd></dl>`}
    ${one.state && html`<${Judge} key=${keyOf(one)} site=${site} zone=${zone} one=${one} changed=${changed} again=${() => askNow()} />`}
    <${AnomalyChart} key=${keyOf(one)} site=${site} zone=${zone} one=${one} />
    ${one.episodes.length > 1 && html`<h3>${t("money.episodes")}</h3><div class="figures-box" tabindex="0" role="group" aria-label=${t("money.episodes")}><table class="figures"><thead><tr><th scope="col">${t("energy.between")}</th><th scope="col" class="r">${one.unit}</th><th scope="col" class="r">${t("money.amount")}</th></tr></thead>
      <tbody>${one.episodes.map((each, place) => ({ each, place })).reverse().map(({ each: [since, until, kwh, amount], place }) => html`<tr key=${since}><th scope="row">${spanWords(since, until, zone)}</th><td class="r"><button class="num" title=${t("money.open_number")} onClick=${() => { shown.value = episodeAddress(one, place); }}>${kwh ? number(kwh, 1) : "—"}</button></td><td class="r">${moneyText(amount, one.currency)}</td></tr>`)}</tbody></table></div>`}</section>`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyAnomalies({ site, zone }) {
  useEffect(() => keepFindings(site), [site]);
  const { answer, failure, of } = found.value;
  const all = of === site ? answer?.findings ?? [] : [];
  const only = /** @type {import("./judge.js").State} */ (STATES.find((each) => each === judgedAs.value) ?? "open");
  const rows = all.filter((each) => stateOf(each) === only);
  // What was just judged stays opened, though its line stands elsewhere now.
  const one = all.find((each) => keyOf(each) === chosen.value) ?? rows[0];
  const listed = useRef(rows);
  listed.current = rows;
  useEffect(() => {
    const go = (/** @type {number} */ by) => { const list = listed.current; const at = list.findIndex((each) => keyOf(each) === chosen.peek()); const to = list[Math.max(0, Math.min(list.length - 1, Math.max(0, at) + by))]; if (to) chosen.value = keyOf(to); };
    const undo = [onKey("j", () => go(1)), onKey("k", () => go(-1))];
    return () => undo.forEach((each) => each());
  }, []);
  if (!answer || of !== site) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  const active = all.filter((each) => each.active && stateOf(each) === "open");
  const money = active.reduce((sum, each) => sum + Number(each.week_amount ?? 0), 0);
  const currency = active.find((each) => each.currency)?.currency ?? null;
  return html`${failure && html`<p class="calm warn" role="alert">${failure}</p>`}<div class="anomalies">
    <section class="card anomaly-list" aria-labelledby="anomalies"><div class="h"><h2 id="anomalies">${t("money.anomalies")}</h2><small>${answer.ready ? `${t("money.open_n", { n: active.length })}${currency ? ` · ${moneyText(money, currency, 0)}${t("money.a_week")}` : ""}` : t("money.looking", { done: answer.done, of: answer.of })}</small><span class="sp"></span><${Files} what="anomalies" params=${{ site, from: answer.from, to: answer.until }} /></div>
      <div class="picks judged-as" role="group" aria-label=${t("money.judged_as")}>${STATES.map((each) => html`<button key=${each} class=${`pick${each === only ? " on" : ""}`} aria-pressed=${each === only} onClick=${() => { chosen.value = ""; judgedAs.value = each === "open" ? "" : each; }}>${t(`money.state_${each}`)} <span class="n">${number(all.filter((any) => stateOf(any) === each).length)}</span></button>`)}</div>
      ${answer.ready && rows.length === 0 && html`<p class="calm muted">${only === "open" ? t("money.nothing_odd", { days: 42 }) : t("money.none_judged")}</p>`}
      <ul>${rows.map((each) => html`<li key=${keyOf(each)} class=${each.active || each.state === "noted" ? "" : "past"}><button class=${each === one ? "on" : ""} aria-current=${each === one ? "true" : undefined} onClick=${() => { chosen.value = keyOf(each); }}>
        <span class=${`tag${each === active[0] ? " warn" : ""}`}>${word("money.anomaly", each.kind)}</span><b>${name(each.meter)}</b><${Weekly} one=${each} /><small class="muted">${because(each)}</small></button></li>`)}</ul>
      <p class="calm muted">${t("money.as_of", { time: moment(answer.as_of, now.value, zone), from: spanWords(answer.from, answer.until, zone) })}</p>
      ${Object.entries(answer.left_out).map(([meter, why]) => html`<p key=${meter} class="calm warn">${name(meter)}: ${why}</p>`)}</section>
    ${one && html`<${Detail} key=${keyOf(one)} one=${one} site=${site} zone=${zone} />`}</div>`;
}
