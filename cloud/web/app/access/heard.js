// What doors decided, why a card was refused, and cards that are nobody's: one click gives such a card to somebody.
import { html, signal, useEffect, useSignal } from "../../vendor/preact.js";
import { age, fullTime } from "../format.js";
import { t } from "../i18n.js";
import { now, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { List } from "../settings/list.js";
import { pageZone } from "../sites.js";
import { mapSite } from "../dispatch/where.js";
import { gateName } from "../dispatch/words.js";
import { ask, mayWrite } from "./asked.js";
import { RecordForm } from "./record_form.js";
import { reasonWord, rulingWords, tag } from "./words.js";

/** @typedef {Record<string, any>} Rec */

const AGAIN_MS = 3_000;
/** @type {import("../../vendor/preact.js").Signal<Rec[] | null>} */
export const decisions = signal(null);
/** @type {import("../../vendor/preact.js").Signal<Rec[] | null>} */
export const strangers = signal(null);
const failure = signal("");

async function look() {
  if (!mapSite.peek()) return;
  try {
    const [heard, unknown] = await Promise.all([ask("decisions", { limit: 200 }), ask("unknown-cards")]);
    decisions.value = heard.decisions;
    strangers.value = unknown.cards;
    failure.value = "";
  } catch (error) { failure.value = failureWords(error); }
}

/** @param {Rec} one */
const keyOf = (one) => `${one["at"]}.${one["device"]}.${one["card"]}`;

/** @param {{one: Rec}} props */
const Decided = ({ one }) => html`<span class="set-kind" title=${fullTime(one["at"], pageZone.value)}>${age(now.value - one["at"])}</span><span class="set-name">${one["name"] || t("access.card", { tag: tag(one["card"]) })} <small class="muted">${gateName(mapSite.value, one["door"])}</small></span>
  <span class=${`says ${one["granted"] ? "muted" : "warn"}`}>${one["granted"] ? t("access.granted") : reasonWord(one["name"] && one["reason"] === "unknown_card" ? "not_listed" : one["reason"])}</span>`;

/** @param {{one: Rec}} props */
const Stranger = ({ one }) => html`<span class="set-kind">${age(now.value - one["at"])}</span><span class="set-name">${t("access.card", { tag: tag(one["card"]) })} <small class="muted">${gateName(mapSite.value, one["door"])}</small></span><span class="says muted">${t("access.times", { n: one["times"] })} · ${one["device"]}</span>`;

export function Heard() {
  useEffect(() => {
    decisions.value = strangers.value = null;
    void look();
    const timer = setInterval(() => { if (!document.hidden && state.peek() === "live") void look(); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [mapSite.value]);
  const unknown = (strangers.value ?? []).map((one) => ({ key: `stranger:${one["card"]}`, cells: html`<${Stranger} one=${one} />` }));
  const heard = (decisions.value ?? []).map((one) => ({ key: `decision:${keyOf(one)}`, cells: html`<${Decided} one=${one} />` }));
  const wait = decisions.value === null ? t("settings.asking") : "";
  return html`<section class="card list-card" aria-label=${t("access.heard")}>${failure.value && html`<p class="alarm-failure" role="alert">${failure.value}</p>`}
    <h2 class="access-head">${t("access.strangers")}</h2><div class="access-part"><${List} label=${t("access.strangers")} kind="of-access" rows=${unknown} empty=${wait || t("access.no_strangers")} /></div>
    <h2 class="access-head">${t("access.decisions")}</h2><${List} label=${t("access.decisions")} kind="of-access" rows=${heard} empty=${wait || t("access.no_decisions")} />
    <p class="legend"><span><kbd>↑</kbd><kbd>↓</kbd> ${t("keys.move")}</span><span><kbd>Enter</kbd> ${t("settings.open")}</span></p></section>`;
}

/** @param {{id: string}} props a card key that is nobody's */
export const StrangerPanel = ({ id }) => html`<p class="calm muted">${t("access.stranger_about")}</p>${mayWrite() ? html`<${RecordForm} key=${id} kind="credential" id="+" given=${{ id }} done=${() => { void look(); }} />` : html`<p class="calm muted">${t("access.only_officers")}</p>`}`;

/** @param {{id: string}} props */
export function DecisionPanel({ id }) {
  const one = decisions.value?.find((each) => keyOf(each) === id);
  const ruling = useSignal(/** @type {Rec | null} */ (null));
  const today = useSignal(/** @type {Rec | null} */ (null));
  const failed = useSignal("");
  const zone = pageZone.value;
  useEffect(() => {
    if (!one?.["card"]) return;
    const asked = { door: one["door"], card: one["card"] };
    Promise.all([ask("ruling", { ...asked, at: one["at"] }), ask("ruling", asked)]).then(([then, rules]) => { ruling.value = then; today.value = rules; }, (error) => { failed.value = failureWords(error); });
  }, [id, Boolean(one)]);
  if (!one) return html`<p class="calm muted">${decisions.value === null ? t("settings.asking") : t("settings.gone")}</p>`;
  return html`<dl class="facts"><dt>${t("access.when")}</dt><dd>${fullTime(one["at"], zone)}</dd><dt>${t("access.at_door")}</dt><dd>${gateName(mapSite.value, one["door"])} <small class="muted">${one["device"]}</small></dd>
      <dt>${t("access.who")}</dt><dd>${one["name"] || t("access.nobody_known")} <small class="muted mono">${one["card"]}</small></dd>
      <dt>${t("access.door_said")}</dt><dd class=${one["granted"] ? "" : "warn"}>${one["granted"] ? t("access.granted") : reasonWord(one["name"] && one["reason"] === "unknown_card" ? "not_listed" : one["reason"])}</dd>
      ${ruling.value && html`<dt>${t("access.rules_then")}</dt><dd>${rulingWords(ruling.value, now.value, zone)}</dd>`}${today.value && html`<dt>${t("access.rules_now")}</dt><dd>${rulingWords(today.value, now.value, zone)}</dd>`}</dl>
    ${failed.value && html`<p class="calm warn" role="alert">${failed.value}</p>`}<p class="calm muted">${t("access.rules_note")}</p>`;
}
