// The section Kept: for how long people are remembered, what went, and who holds it.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { get, may } from "../api.js";
import { bytes, dayText, moment, number } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { pageZone } from "../sites.js";
import { Holds } from "./holds.js";

/** @typedef {{class: string, days: number | null, last_run_at: number | null, kept_since: number | null, rows: number, total: number, due: number | null}} Kept */
/** @typedef {import("./holds.js").Hold} Hold */

/** @param {{one: Kept}} props */
const Row = ({ one }) => html`<tr><th scope="row">${word("kept", one.class)}<small class="muted">${word("kept.about", one.class)}</small></th>
  <td class="figure">${one.days === null ? t("kept.for_ever") : t("kept.days", { n: one.days })}</td><td>${one.kept_since === null ? "–" : dayText(one.kept_since, pageZone.value)}</td>
  <td>${one.last_run_at === null ? "–" : moment(one.last_run_at, now.value, pageZone.value)}</td><td class="figure">${one.last_run_at === null ? "–" : number(one.rows)}</td><td class="figure">${one.last_run_at === null ? "–" : number(one.total)}</td><td class="figure">${one.due === null ? "–" : number(one.due)}</td></tr>`;

export function KeptOfPeople() {
  const told = useSignal(/** @type {{classes: Kept[], holds: Hold[], next_round_at: number | null, unclean_bytes: number} | null} */ (null));
  const failed = useSignal("");
  const ask = () => get("/api/v1/privacy/retention?due=true").then((answer) => { told.value = answer; failed.value = ""; }, (failure) => { failed.value = failureWords(failure); });
  useEffect(() => { if (may("privacy")) void ask(); }, []);
  if (!may("privacy")) return html`<section class="card list-card"><p class="calm muted">${t("kept.not_allowed")}</p></section>`;
  if (!told.value) return html`<section class="card list-card" aria-label=${t("settings.kept_of")}><p class=${`calm ${failed.value ? "warn" : "muted"}`} role="status">${failed.value || t("settings.asking")}</p></section>`;
  const next = told.value.next_round_at;
  return html`<section class="card list-card kept-of" aria-label=${t("settings.kept_of")}>
    <div class="wide-table" tabindex="0" role="group" aria-label=${t("settings.kept_of")}><table class="people"><thead><tr>${["class", "for", "since", "last_run", "went", "gone", "due"].map((one) => html`<th key=${one} scope="col">${t(`kept.col_${one}`)}</th>`)}</tr></thead>
      <tbody>${told.value.classes.map((one) => html`<${Row} key=${one.class} one=${one} />`)}</tbody></table></div>
    <p class="calm" role="status">${next === null ? t("kept.no_rounds") : t("kept.next_round", { time: moment(next, now.value, pageZone.value) })} ${told.value.unclean_bytes > 0 && t("kept.unclean", { size: bytes(told.value.unclean_bytes) })} <span class="failure">${failed.value}</span></p><p class="calm muted">${t("kept.how")}</p>
    <${Holds} holds=${told.value.holds} again=${ask} /></section>`;
}
