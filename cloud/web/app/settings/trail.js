// The section Audit trail: who did what when, and whether the records are as they were written.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { get, may, query } from "../api.js";
import { fullTime } from "../format.js";
import { t, word } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { fromField } from "../requests/local_time.js";
import { pageZone, siteName, sites } from "../sites.js";
import { deedOf } from "./deeds.js";

/** @typedef {{number: number, at: number, actor: string, via: string, client: string, action: string, site: string, reason: string, facts: string}} Record_ */

/** In words; as it was asked where there are none, and as the title. @param {{action: string}} props */
function Deed({ action }) {
  const deed = deedOf(action);
  return deed ? html`<span title=${action}>${deed.what}<small class="muted mono">${deed.of}</small></span>` : html`<span title=${action}>${word("deed", action)}</span>`;
}

/** A field's time as the collector is asked for it, in the zone of the page. @param {string} text */
function instant(text) {
  const at = fromField(text, pageZone.peek());
  return at === null ? undefined : new Date(at).toISOString();
}

export function Trail() {
  const records = useSignal(/** @type {Record_[] | null} */ (null));
  const next = useSignal(/** @type {number | null} */ (null));
  const actor = useSignal("");
  const action = useSignal("");
  const site = useSignal("");
  const from = useSignal("");
  const until = useSignal("");
  const failed = useSignal("");
  const verdict = useSignal("");
  const ask = async (/** @type {number | null} */ before) => {
    const said = { actor: actor.peek().trim(), action: action.peek().trim(), site: site.peek(), from: instant(from.peek()), to: instant(until.peek()), before: before ?? undefined };
    try {
      const answer = await get(`/api/v1/audit?${query({ limit: 100, ...said })}`);
      records.value = [...(before ? records.peek() ?? [] : []), ...answer.records];
      next.value = answer.next;
      failed.value = "";
    } catch (failure) { failed.value = failureWords(failure); }
  };
  const verify = async () => {
    verdict.value = t("trail.verifying");
    try {
      const said = await get("/api/v1/audit/verify");
      verdict.value = said.first_bad === null ? t("trail.whole", { n: said.records }) : t("trail.bad", { n: said.first_bad, what: said.what });
    } catch (failure) { verdict.value = failureWords(failure); }
  };
  useEffect(() => { if (may("audit")) void ask(null); }, []);
  if (!may("audit")) return html`<section class="card list-card"><p class="calm muted">${t("trail.not_allowed")}</p></section>`;
  const filter = (/** @type {Event} */ event) => { event.preventDefault(); void ask(null); };
  return html`<section class="card list-card" aria-label=${t("settings.trail")}><form class="toolbar set-tools trail-filter" onSubmit=${filter}>
      <label>${t("trail.actor")} <input maxlength="120" value=${actor.value} onInput=${(/** @type {any} */ event) => { actor.value = event.target.value; }} /></label>
      <label>${t("trail.action")} <input maxlength="120" value=${action.value} onInput=${(/** @type {any} */ event) => { action.value = event.target.value; }} /></label>
      <label>${t("trail.site")} <select value=${site.value} onChange=${(/** @type {any} */ event) => { site.value = event.target.value; }}><option value="">${t("people.all_sites")}</option>${sites.value.map((one) => html`<option key=${one.id} value=${one.id}>${siteName(one.id)}</option>`)}</select></label>
      <label>${t("trail.from")} <input type="datetime-local" value=${from.value} onInput=${(/** @type {any} */ event) => { from.value = event.target.value; }} /></label>
      <label>${t("trail.until")} <input type="datetime-local" value=${until.value} onInput=${(/** @type {any} */ event) => { until.value = event.target.value; }} /></label>
      <button class="btn" type="submit">${t("trail.filter")}</button><span class="sp"></span><button class="btn" type="button" onClick=${verify}>${t("trail.verify")}</button></form>
    <p class="verdict" role="status">${verdict.value}</p><p class="failure" role="alert">${failed.value}</p>
    <div class="wide-table" tabindex="0" role="group" aria-label=${t("settings.trail")}><table class="people"><thead><tr>${["number", "at", "actor", "action", "site", "more"].map((one) => html`<th key=${one} scope="col">${t(`trail.${one}`)}</th>`)}</tr></thead>
      <tbody>${(records.value ?? []).map((one) => html`<tr key=${one.number}><td class="figure">${one.number}</td><td class="mono">${fullTime(one.at, pageZone.value)}</td><th scope="row">${one.actor || "–"}<small class="muted">${word("trail.via", one.via)} ${one.client}</small></th><td><${Deed} action=${one.action} /></td><td>${one.site}</td><td><small class="mono">${one.reason} ${one.facts === "{}" ? "" : one.facts}</small></td></tr>`)}</tbody></table></div>
    ${records.value?.length === 0 && html`<p class="calm muted">${t("settings.none_found")}</p>`}
    ${next.value !== null && html`<button class="plain more" type="button" onClick=${() => ask(next.peek())}>${t("trail.older")}</button>`}</section>`;
}
