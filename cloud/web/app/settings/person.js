// The section One person: who is meant, what is held on them, a copy of it, and its deletion in two steps.
import { html, useSignal } from "../../vendor/preact.js";
import { call, may } from "../api.js";
import { dayText, number } from "../format.js";
import { t, word } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { pageZone, siteName } from "../sites.js";
import { Deletion } from "./person_deletion.js";
import { KINDS, canAsk, spelled } from "./person_words.js";

/** @typedef {{words: string[], of: string, site: string, at: number | null}} Known */
/** @typedef {import("./person_words.js").Plan} Plan */

const FILE_NAME = "personal-data.zip";

/** @param {{text: string}} props */
const Failure = ({ text }) => html`<p class="failure" role="alert">${text}</p>`;

/** Gives what was answered as a file. @param {Response} answer */
async function saved(answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = FILE_NAME;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Finds who is meant. @param {{chosen: string[], take: (words: string[]) => void}} props */
function Search({ chosen, take }) {
  const text = useSignal("");
  const found = useSignal(/** @type {Known[] | null} */ (null));
  const failed = useSignal("");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!text.peek().trim() || !canAsk()) return;
    try {
      found.value = (await call("POST", "/api/v1/privacy/searches", { text: text.peek().trim() })).people;
      failed.value = "";
    } catch (failure) { failed.value = failureWords(failure); }
  };
  const isTaken = (/** @type {Known} */ one) => one.words.every((said) => chosen.includes(said));
  return html`<form class="toolbar set-tools trail-filter" onSubmit=${submit}><label>${t("person.search")} <input maxlength="120" autocomplete="off" value=${text.value} onInput=${(/** @type {any} */ event) => { text.value = event.target.value; }} /></label>
      <button class="btn" type="submit" disabled=${!canAsk()}>${t("trail.filter")}</button><small class="muted">${t("person.search_how")}</small></form>
    <${Failure} text=${failed.value} />
    ${found.value && (found.value.length === 0 ? html`<p class="calm muted" role="status">${t("person.nobody")}</p>` : html`<ul class="tokens known" aria-label=${t("person.found")}>${found.value.map((one) => html`<li key=${`${one.of} ${one.site} ${one.words.join(" ")}`}>
      <span><b>${one.words.map(spelled).join(" · ")}</b><small class="muted">${[word("source", one.of), one.site && siteName(one.site), one.at !== null && dayText(one.at, pageZone.value)].filter(Boolean).join(" · ")}</small></span>
      <button class="btn" type="button" disabled=${isTaken(one)} aria-label=${t("person.take_of", { who: one.words.map(spelled).join(", ") })} onClick=${() => take(one.words)}>${t(isTaken(one) ? "person.taken" : "person.take")}</button></li>`)}</ul>`)}`;
}

/** A word that no search found. @param {{take: (words: string[]) => void}} props */
function ByHand({ take }) {
  const kind = useSignal("name");
  const text = useSignal("");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!text.peek().trim()) return;
    take([`${kind.peek()}:${text.peek().trim()}`]);
    text.value = "";
  };
  return html`<form class="toolbar set-tools trail-filter" onSubmit=${submit}><label>${t("person.also")} <select aria-label=${t("person.kind")} value=${kind.value} onChange=${(/** @type {any} */ event) => { kind.value = event.target.value; }}>${KINDS.map((one) => html`<option key=${one} value=${one}>${word("person.kind", one)}</option>`)}</select></label>
    <input aria-label=${t("person.word")} maxlength="120" autocomplete="off" value=${text.value} onInput=${(/** @type {any} */ event) => { text.value = event.target.value; }} /><button class="btn" type="submit">${t("person.take")}</button></form>`;
}

/** What is held, source by source. @param {{plan: Plan}} props */
function PlanTable({ plan }) {
  const rows = Object.entries(plan.goes).map(([name, goes]) => ({ name, goes, why: Object.entries(plan.stays[name] ?? {}) })).filter((one) => one.goes > 0 || one.why.length > 0);
  if (rows.length === 0) return html`<p class="calm muted" role="status">${t("person.nothing")}</p>`;
  return html`<div class="wide-table" tabindex="0" role="group" aria-label=${t("person.plan")}><table class="people plan"><thead><tr>${["source", "goes", "stays"].map((one) => html`<th key=${one} scope="col">${t(`person.col_${one}`)}</th>`)}</tr></thead>
    <tbody>${rows.map((one) => html`<tr key=${one.name}><th scope="row">${word("source", one.name)}</th><td class="figure">${number(one.goes)}</td><td>${one.why.length === 0 ? "–" : one.why.map(([why, n]) => html`<div key=${why}>${number(n)} · ${word("stays", why)}</div>`)}</td></tr>`)}</tbody></table></div>`;
}

export function OnePerson() {
  const chosen = useSignal(/** @type {string[]} */ ([]));
  const reason = useSignal("");
  const plan = useSignal(/** @type {Plan | null} */ (null));
  const busy = useSignal(false);
  const said = useSignal("");
  const failed = useSignal("");
  if (!may("privacy")) return html`<section class="card list-card"><p class="calm muted">${t("kept.not_allowed")}</p></section>`;
  const change = (/** @type {string[]} */ words) => { chosen.value = words; plan.value = null; said.value = ""; failed.value = ""; };
  const take = (/** @type {string[]} */ words) => change([...new Set([...chosen.peek(), ...words])]);
  const body = () => ({ person: chosen.peek(), reason: reason.peek().trim() });
  const run = (/** @type {() => Promise<void>} */ work) => async () => {
    if (busy.peek() || !canAsk()) return;
    failed.value = said.value = "";
    if (!reason.peek().trim()) { failed.value = t("person.no_reason"); return; }
    busy.value = true;
    try { await work(); } catch (failure) { failed.value = failureWords(failure); } finally { busy.value = false; }
  };
  const look = run(async () => { plan.value = await call("POST", "/api/v1/privacy/deletions", body()); });
  const copy = run(async () => { await call("POST", "/api/v1/privacy/exports", body(), {}, saved); said.value = t("person.saved", { file: FILE_NAME }); });
  const idle = busy.value || chosen.value.length === 0 || !canAsk();
  return html`<div class="people-section"><section class="card list-card" aria-label=${t("settings.person")}><p class="calm muted">${t("person.how")}</p>
      <${Search} chosen=${chosen.value} take=${take} /><${ByHand} take=${take} />
      <div class="chosen-words"><b id="chosen-words">${t("person.chosen")}</b>${chosen.value.length === 0 ? html` <span class="muted">${t("person.none_chosen")}</span>` : html`<ul aria-labelledby="chosen-words">${chosen.value.map((one) => html`<li key=${one}>${spelled(one)} <button class="plain" type="button" aria-label=${t("person.without", { word: spelled(one) })} onClick=${() => change(chosen.peek().filter((other) => other !== one))}>✕</button></li>`)}</ul>`}</div>
      <div class="toolbar set-tools trail-filter person-deeds"><label class="why">${t("person.reason")} <input maxlength="300" value=${reason.value} onInput=${(/** @type {any} */ event) => { reason.value = event.target.value; }} /></label>
        <button class="btn pri" type="button" disabled=${idle} onClick=${look}>${t("person.look")}</button><button class="btn" type="button" disabled=${idle} onClick=${copy}>${t("person.copy")}</button></div>
      <${Failure} text=${failed.value} /><p class="verdict" role="status">${busy.value ? t("settings.asking") : said.value}</p>
      ${plan.value && html`<${PlanTable} plan=${plan.value} />`}</section>
    ${plan.value && !plan.value.deleted && html`<${Deletion} key=${plan.value.confirm} plan=${plan.value} body=${body} words=${chosen.value} done=${(/** @type {Plan} */ next) => { plan.value = next; said.value = t("person.deleted"); }} />`}</div>`;
}
