// The second step of a deletion: somebody types what they are about to do.
import { html, useSignal } from "../../vendor/preact.js";
import { call } from "../api.js";
import { t } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { canAsk } from "./person_words.js";

/** @typedef {import("./person_words.js").Plan} Plan */

/** @param {{plan: Plan, words: string[], body: () => Record<string, unknown>, done: (plan: Plan) => void}} props */
export function Deletion({ plan, words, body, done }) {
  const typed = useSignal("");
  const failed = useSignal("");
  const busy = useSignal(false);
  const total = Object.values(plan.goes).reduce((sum, one) => sum + one, 0);
  if (total === 0) return null;
  const wanted = (words[0] ?? "").replace(/^[a-z]+:/, "");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy.peek() || !canAsk()) return;
    if (typed.peek().trim() !== wanted) { failed.value = t("person.type_wrong", { word: wanted }); return; }
    busy.value = true;
    try { done(await call("POST", "/api/v1/privacy/deletions", { ...body(), confirm: plan.confirm })); }
    catch (failure) { failed.value = failureWords(failure); }
    finally { busy.value = false; }
  };
  return html`<section class="card list-card delete-person" aria-labelledby="delete-person"><div class="h"><h2 id="delete-person">${t("person.delete")}</h2></div>
    <form class="person-form" onSubmit=${submit}><p>${t("person.delete_what", { n: total })}</p>
      <span class="field"><label for="type-person">${t("person.type", { word: wanted })}</label><input id="type-person" maxlength="130" autocomplete="off" value=${typed.value} aria-invalid=${failed.value ? "true" : undefined} aria-describedby="type-wrong" onInput=${(/** @type {any} */ event) => { typed.value = event.target.value; failed.value = ""; }} /></span>
      <p class="failure" id="type-wrong" role="alert">${failed.value}</p><button class="btn danger" type="submit" disabled=${busy.value || !canAsk()}>${t("person.delete_now", { n: total })}</button></form></section>`;
}
