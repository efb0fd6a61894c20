// The second step of a deletion: somebody types what they are about to do.
import { html, useSignal } from "../../vendor/preact.js";
import { call } from "../api.js";
import { dayText } from "../format.js";
import { t, word } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { pageZone } from "../sites.js";
import { canAsk } from "./person_words.js";

/** @typedef {import("./person_words.js").Plan} Plan */
/** @typedef {import("./person_words.js").Ask} Ask */

/** Which words they are, beside the text itself. */
const ABOUT = ["table", "action", "kind", "site", "gateway", "device", "source", "number", "scope", "role"];
/** Where the text stands. */
const TEXTS = ["name", "text", "note", "reason", "why", "opinion", "purpose", "subject", "body", "facts", "args", "back", "revoked_why"];

/** @param {Ask} one */
const textOf = (one) => TEXTS.map((name) => one.facts[name]).find((text) => typeof text === "string" && text) ?? "";

/** @param {Ask} one */
const aboutOf = (one) => ABOUT.map((name) => one.facts[name]).filter((text) => text !== undefined && text !== "").join(" · ");

/** What may be about the person: somebody reads it and chooses. @param {{asks: Ask[], chosen: string[], change: (ids: string[]) => void}} props */
const Asked = ({ asks, chosen, change }) => html`<fieldset class="grants asked"><legend>${t("person.asks")}</legend><p class="muted">${t("person.asks_how")}</p>
  <ul>${asks.map((one) => html`<li key=${one.id}><label><input type="checkbox" checked=${chosen.includes(one.id)} onChange=${(/** @type {any} */ event) => change(event.target.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))} />
    <span>${textOf(one)}<small class="muted">${word("source", one.source)} · ${dayText(one.at, pageZone.value)} · ${aboutOf(one)}</small></span></label></li>`)}</ul></fieldset>`;

/** @param {{plan: Plan, words: string[], body: () => Record<string, unknown>, done: (plan: Plan) => void}} props */
export function Deletion({ plan, words, body, done }) {
  const typed = useSignal("");
  const failed = useSignal("");
  const busy = useSignal(false);
  const also = useSignal(/** @type {string[]} */ ([]));
  const sure = Object.values(plan.goes).reduce((sum, one) => sum + one, 0);
  if (sure === 0 && plan.asks.length === 0) return null;
  const total = sure + also.value.length;
  const wanted = (words[0] ?? "").replace(/^[a-z]+:/, "");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy.peek() || !canAsk()) return;
    if (typed.peek().trim() !== wanted) { failed.value = t("person.type_wrong", { word: wanted }); return; }
    busy.value = true;
    try { done(await call("POST", "/api/v1/privacy/deletions", { ...body(), confirm: plan.confirm, also: also.peek() })); }
    catch (failure) { failed.value = failureWords(failure); }
    finally { busy.value = false; }
  };
  return html`<section class="card list-card delete-person" aria-labelledby="delete-person"><div class="h"><h2 id="delete-person">${t("person.delete")}</h2></div>
    <form class="person-form" onSubmit=${submit}>${plan.asks.length > 0 && html`<${Asked} asks=${plan.asks} chosen=${also.value} change=${(/** @type {string[]} */ ids) => { also.value = ids; }} />`}<p>${t("person.delete_what", { n: total })}</p>
      <span class="field"><label for="type-person">${t("person.type", { word: wanted })}</label><input id="type-person" maxlength="130" autocomplete="off" value=${typed.value} aria-invalid=${failed.value ? "true" : undefined} aria-describedby="type-wrong" onInput=${(/** @type {any} */ event) => { typed.value = event.target.value; failed.value = ""; }} /></span>
      <p class="failure" id="type-wrong" role="alert">${failed.value}</p><button class="btn danger" type="submit" disabled=${busy.value || total === 0 || !canAsk()}>${t("person.delete_now", { n: total })}</button></form></section>`;
}
