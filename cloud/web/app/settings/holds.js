// Legal holds: what nobody may delete, until it is lifted. Made and lifted by administrators.
import { html, useSignal } from "../../vendor/preact.js";
import { call } from "../api.js";
import { dayText } from "../format.js";
import { t, word } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { pageZone, siteName, sites } from "../sites.js";
import { canChange, mayChange } from "./asked.js";
import { Remove } from "./editor.js";
import { KINDS, spelled } from "./person_words.js";

/** @typedef {{id: number, class: string, site: string, person: string, reason: string, made_at: number, made_by: string, lifted_at: number | null}} Hold */

const CLASSES = ["access", "tracks", "visitors", "requests"];
const NEW = { class: "", site: "", kind: "name", person: "", reason: "" };

/** What is held, in words. @param {Hold} one */
const heldWords = (one) => [one.class ? word("kept", one.class) : t("kept.everything"), one.site && siteName(one.site), one.person && spelled(one.person)].filter(Boolean).join(" · ");

/** @param {{one: Hold, again: () => void}} props */
const Row = ({ one, again }) => html`<li class=${one.lifted_at === null ? "" : "past"}><span><b>${heldWords(one)}</b><small class="muted">${one.reason} · ${one.made_by} · ${dayText(one.made_at, pageZone.value)}${one.lifted_at !== null && ` · ${t("kept.lifted", { day: dayText(one.lifted_at, pageZone.value) })}`}</small></span>
  ${one.lifted_at === null && html`<${Remove} ask=${t("kept.lift")} yes=${t("kept.lift_yes")} what=${t("kept.lift_what", { what: heldWords(one) })} remove=${async () => { await call("DELETE", `/api/v1/privacy/holds/${one.id}`); again(); }} />`}</li>`;

/** @param {{again: () => void}} props */
function NewHold({ again }) {
  const form = useSignal(NEW);
  const failed = useSignal("");
  const put = (/** @type {keyof typeof NEW} */ name) => (/** @type {any} */ event) => { form.value = { ...form.peek(), [name]: event.target.value }; failed.value = ""; };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!canChange()) return;
    const { kind, person, reason, ...rest } = form.peek();
    if (!reason.trim()) { failed.value = t("person.no_reason"); return; }
    try {
      await call("POST", "/api/v1/privacy/holds", { ...rest, person: person.trim() ? `${kind}:${person.trim()}` : "", reason: reason.trim() });
      form.value = NEW;
      again();
    } catch (failure) { failed.value = failureWords(failure); }
  };
  return html`<form class="toolbar set-tools trail-filter hold-form" aria-label=${t("kept.new_hold")} onSubmit=${submit}>
    <label>${t("kept.col_class")} <select value=${form.value.class} onChange=${put("class")}><option value="">${t("kept.everything")}</option>${CLASSES.map((one) => html`<option key=${one} value=${one}>${word("kept", one)}</option>`)}</select></label>
    <label>${t("trail.site")} <select value=${form.value.site} onChange=${put("site")}><option value="">${t("people.all_sites")}</option>${sites.value.map((one) => html`<option key=${one.id} value=${one.id}>${siteName(one.id)}</option>`)}</select></label>
    <label>${t("kept.hold_person")} <select aria-label=${t("person.kind")} value=${form.value.kind} onChange=${put("kind")}>${KINDS.map((one) => html`<option key=${one} value=${one}>${word("person.kind", one)}</option>`)}</select><input aria-label=${t("kept.hold_person")} maxlength="120" autocomplete="off" placeholder=${t("kept.everybody")} value=${form.value.person} onInput=${put("person")} /></label>
    <label class="why">${t("person.reason")} <input maxlength="300" value=${form.value.reason} onInput=${put("reason")} /></label>
    <button class="btn" type="submit" disabled=${!canChange()}>${t("kept.hold")}</button><p class="failure" role="alert">${failed.value}</p></form>`;
}

/** @param {{holds: Hold[], again: () => void}} props */
export function Holds({ holds, again }) {
  const standing = holds.filter((one) => one.lifted_at === null), lifted = holds.filter((one) => one.lifted_at !== null);
  return html`<h2 class="kept-holds">${t("kept.holds")}</h2><p class="calm muted">${t("kept.holds_how")}</p>
    ${standing.length === 0 ? html`<p class="calm muted">${t("kept.no_holds")}</p>` : html`<ul class="tokens" aria-label=${t("kept.holds")}>${standing.map((one) => html`<${Row} key=${one.id} one=${one} again=${again} />`)}</ul>`}
    ${mayChange() && html`<${NewHold} again=${again} />`}
    ${lifted.length > 0 && html`<details class="lifted"><summary>${t("kept.lifted_n", { n: lifted.length })}</summary><ul class="tokens">${lifted.map((one) => html`<${Row} key=${one.id} one=${one} again=${again} />`)}</ul></details>`}`;
}
