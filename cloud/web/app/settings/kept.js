// The section Kept: for how long people are remembered, what went, and who holds it.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { get, may } from "../api.js";
import { dayText, moment, number } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { pageZone } from "../sites.js";

/** @typedef {{class: string, days: number | null, last_run_at: number | null, kept_since: number | null, total: number, due: number | null}} Kept */
/** @typedef {{id: number, class: string, site: string, person: string, reason: string, made_at: number, made_by: string, lifted_at: number | null}} Hold */

/** @param {{one: Kept}} props */
const Row = ({ one }) => html`<tr><th scope="row">${word("kept", one.class)}<small class="muted">${word("kept.about", one.class)}</small></th>
  <td class="figure">${one.days === null ? t("kept.for_ever") : t("kept.days", { n: one.days })}</td><td>${one.kept_since === null ? "–" : dayText(one.kept_since, pageZone.value)}</td>
  <td>${one.last_run_at === null ? "–" : moment(one.last_run_at, now.value, pageZone.value)}</td><td class="figure">${one.last_run_at === null ? "–" : number(one.total)}</td><td class="figure">${one.due === null ? "–" : number(one.due)}</td></tr>`;

export function KeptOfPeople() {
  const told = useSignal(/** @type {{classes: Kept[], holds: Hold[]} | null} */ (null));
  const failed = useSignal("");
  useEffect(() => { if (may("privacy")) get("/api/v1/privacy/retention?due=true").then((answer) => { told.value = answer; }, (failure) => { failed.value = failureWords(failure); }); }, []);
  if (!may("privacy")) return html`<section class="card list-card"><p class="calm muted">${t("kept.not_allowed")}</p></section>`;
  if (!told.value) return html`<section class="card list-card" aria-label=${t("settings.kept_of")}><p class=${`calm ${failed.value ? "warn" : "muted"}`} role="status">${failed.value || t("settings.asking")}</p></section>`;
  const holds = told.value.holds.filter((one) => one.lifted_at === null);
  return html`<section class="card list-card" aria-label=${t("settings.kept_of")}>
    <div class="wide-table" tabindex="0" role="group" aria-label=${t("settings.kept_of")}><table class="people"><thead><tr>${["class", "for", "since", "last_run", "gone", "due"].map((one) => html`<th key=${one} scope="col">${t(`kept.col_${one}`)}</th>`)}</tr></thead>
      <tbody>${told.value.classes.map((one) => html`<${Row} key=${one.class} one=${one} />`)}</tbody></table></div>
    <h2 class="kept-holds">${t("kept.holds")}</h2>${holds.length === 0 ? html`<p class="calm muted">${t("kept.no_holds")}</p>` : html`<ul class="tokens">${holds.map((one) => html`<li key=${one.id}><span><b>${one.class ? word("kept", one.class) : t("kept.everything")} ${one.site} ${one.person}</b><small class="muted">${one.reason} · ${one.made_by} · ${dayText(one.made_at, pageZone.value)}</small></span></li>`)}</ul>`}
    <p class="calm muted">${t("kept.how")}</p></section>`;
}
