// Corrections: what people record of a meter, with a reason; what it would change is shown before it is made. Nothing is ever overwritten.
import { html, signal, useEffect, useSignal } from "../../vendor/preact.js";
import { call, get, query } from "../api.js";
import { fullTime, moment, number } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { canChange, mayChange } from "../settings/asked.js";
import { amountText } from "./amounts.js";
import { CorrectForm } from "./correct_form.js";
import { spanWords } from "./opened.js";
import { meterOf, meters } from "./structure.js";
import { about, chosen } from "./where.js";

/** @typedef {{id: number, meter: string, what: Record<string, any>, entered_at: number, entered_by: string, why: string, revoked_at: number | null, revoked_by: string, revoked_why: string}} Kept */

/** What was recorded at the site, the newest first. */
const kept = signal(/** @type {{of: string, records: Kept[] | null, failure: string}} */ ({ of: "", records: null, failure: "" }));

/** @param {string} site */
export async function askRecords(site) {
  try {
    kept.value = { of: site, records: (await get(`/api/v1/energy/records/${encodeURIComponent(site)}?${query({ limit: 500 })}`)).records, failure: "" };
  } catch (failure) { kept.value = { ...kept.peek(), of: site, failure: failureWords(failure) }; }
}

const name = (/** @type {string} */ id) => meterOf(id)?.name ?? id;

/** What a record says, in words. @param {Record<string, any>} what @param {string} zone */
export function recordWords(what, zone) {
  const span = what["since"] !== undefined ? spanWords(what["since"], what["until"], zone) : "";
  return t(`money.record.${what["type"]}`, { span, time: what["at"] === undefined ? "" : moment(what["at"], now.peek(), zone), final: what["final"] ?? "", initial: what["initial"] ?? "", ct: what["ct"] ?? "1", pt: what["pt"] ?? "1", reading: what["reading"] ?? "" });
}

/** Takes a record back, with a reason. @param {{site: string, one: Kept}} props */
function Revoke({ site, one }) {
  const isAsked = useSignal(false);
  const why = useSignal("");
  const failed = useSignal("");
  if (!isAsked.value) return html`<button class="btn small" onClick=${() => { isAsked.value = true; }}>${t("money.revoke")}</button>`;
  const yes = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!canChange()) return;
    if (!why.value.trim()) { failed.value = t("money.why_needed"); return; }
    try { await call("DELETE", `/api/v1/energy/records/${encodeURIComponent(site)}/${one.id}?${query({ why: why.value.trim() })}`); await askRecords(site); } catch (failure) { failed.value = failureWords(failure); }
  };
  return html`<form class="revoke" onSubmit=${yes}><label for=${`revoke-${one.id}`}>${t("money.revoke_why")}</label><input id=${`revoke-${one.id}`} maxlength="500" value=${why.value} aria-invalid=${failed.value ? "true" : undefined} onInput=${(/** @type {any} */ event) => { why.value = event.target.value; failed.value = ""; }} />
    <button class="btn small danger" type="submit">${t("money.revoke_yes")}</button> <button class="btn small" type="button" onClick=${() => { isAsked.value = false; }}>${t("settings.remove_no")}</button>${failed.value && html`<small class="failure" role="alert">${failed.value}</small>`}</form>`;
}

/** Who recorded what, when and why; what was taken back stays. @param {{site: string, zone: string, meter: string}} props */
function Audit({ site, zone, meter }) {
  const isAll = useSignal(false);
  const all = kept.value.of === site ? kept.value.records : null;
  const rows = (all ?? []).filter((one) => isAll.value || one.meter === meter);
  return html`<section class="card audit" aria-labelledby="audit"><div class="h"><h2 id="audit">${t("money.history")}</h2><small>${t("money.history_note")}</small><span class="sp"></span>
      <button class="btn small" aria-pressed=${isAll.value} onClick=${() => { isAll.value = !isAll.value; }}>${t("money.all_meters")}</button></div>
    ${kept.value.failure && html`<p class="calm warn" role="alert">${kept.value.failure}</p>`}
    ${all && rows.length === 0 && html`<p class="calm muted">${t(isAll.value ? "money.no_records" : "money.no_records_of", { meter: name(meter) })}</p>`}
    <ol>${rows.map((one) => html`<li key=${one.id} class=${one.revoked_at ? "revoked" : ""}><p><span class="tag">${word("money.type", one.what["type"])}</span> <b>${isAll.value ? `${name(one.meter)} · ` : ""}${recordWords(one.what, zone)}</b></p>
      <p><q>${one.why}</q> <small class="muted" title=${fullTime(one.entered_at, zone)}>${t("money.by_at", { who: one.entered_by, time: moment(one.entered_at, now.value, zone) })} · #${one.id}</small></p>
      ${one.revoked_at ? html`<p class="warn">${t("money.revoked", { who: one.revoked_by, time: moment(one.revoked_at, now.value, zone) })} <q>${one.revoked_why}</q></p>` : mayChange() && html`<${Revoke} site=${site} one=${one} />`}</li>`)}</ol></section>`;
}

/** Advances that are held back: each waits for somebody to say what is true. @param {{site: string, zone: string}} props */
function HeldBack({ site, zone }) {
  const list = useSignal(/** @type {import("./anomalies.js").Finding[] | null} */ (null));
  useEffect(() => { get(`/api/v1/analysis/findings?${query({ site })}`).then((answer) => { list.value = answer.findings.filter((/** @type {any} */ one) => one.kind === "suspect"); }, () => { list.value = []; }); }, [site]);
  const rows = (list.value ?? []).flatMap((one) => one.episodes.map((each) => ({ meter: one.meter, since: each[0], until: each[1] })));
  if (rows.length === 0) return null;
  const take = (/** @type {{meter: string, since: number, until: number}} */ one) => { about.value = `meter:${one.meter}`; chosen.value = `confirmed@${one.since}-${one.until}`; };
  return html`<section class="card held" aria-labelledby="held"><div class="h"><h2 id="held">${t("money.held")}</h2><small>${t("money.held_note")}</small></div>
    <ul>${rows.slice(0, 30).map((one) => html`<li key=${`${one.meter} ${one.since}`}><b>${name(one.meter)}</b> <span>${spanWords(one.since, one.until, zone)}</span> <button class="btn small" onClick=${() => take(one)}>${t("money.judge")}</button></li>`)}</ul></section>`;
}

/** Before and after, day by day. @param {{tried: any, zone: string}} props */
export function Tried({ tried, zone }) {
  const sum = (/** @type {"before" | "after"} */ side) => tried.days.reduce((/** @type {number | null} */ all, /** @type {any} */ day) => (day[side].value === null ? all : (all ?? 0) + day[side].value), null);
  const [before, after] = [sum("before"), sum("after")];
  const one = (/** @type {any} */ side) => (side.value === null ? html`<span class="hatched" title=${t("requests.no_data")}><span class="sr">${t("requests.no_data")}</span></span>` : number(side.value, 2));
  return html`<div class="tried-record" role="status"><h3>${t("money.would_change")}</h3>
    <p class="sum"><b>${amountText(before, tried.unit)}</b> → <b>${amountText(after, tried.unit)}</b>${before !== null && after !== null && html` <span class="muted">${after === before ? t("money.no_change") : `${after > before ? "+" : "−"}${amountText(Math.abs(after - before), tried.unit)}`}</span>`}</p>
    <div class="figures-box" tabindex="0" role="group" aria-label=${t("money.would_change")}><table class="figures"><thead><tr><th scope="col">${t("energy.day")}</th><th scope="col" class="r">${t("money.before")} <small>${tried.unit}</small></th><th scope="col" class="r">${t("money.after")} <small>${tried.unit}</small></th></tr></thead>
      <tbody>${tried.days.map((/** @type {any} */ day) => html`<tr key=${day.from}><th scope="row">${spanWords(day.from, day.until, zone)}</th><td class="r">${one(day.before)}</td><td class=${`r${day.before.value === day.after.value ? "" : " changed"}`}>${one(day.after)}</td></tr>`)}</tbody></table></div>
    ${tried.more && html`<p class="calm muted">${t("money.more_days")}</p>`}</div>`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyCorrect({ site, zone }) {
  useEffect(() => { void askRecords(site); }, [site]);
  const read = meters().filter((one) => one.reads !== "virtual");
  const wanted = about.value.startsWith("meter:") ? about.value.slice(6) : "";
  const meter = read.find((one) => one.id === wanted) ?? read[0];
  if (!meter) return html`<p class="calm muted">${t("energy.no_meters")}</p>`;
  return html`<div class="correct"><div class="correct-left"><section class="card correct-card" aria-labelledby="correct-title"><div class="h"><h2 id="correct-title">${t("money.correct")}</h2><small>${t("money.correct_note")}</small></div>
      <p class="field correct-meter"><label for="correct-meter">${t("money.meter")}</label><select id="correct-meter" value=${meter.id} onChange=${(/** @type {any} */ event) => { about.value = `meter:${event.target.value}`; chosen.value = ""; }}>${read.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select></p>
      ${mayChange() ? html`<${CorrectForm} key=${`${meter.id} ${chosen.value}`} site=${site} zone=${zone} meter=${meter} done=${() => askRecords(site)} />` : html`<p class="calm muted">${t("settings.only_administrators")}</p>`}</section>
      <${HeldBack} site=${site} zone=${zone} /></div>
    <${Audit} site=${site} zone=${zone} meter=${meter.id} /></div>`;
}
