// A form beside a list: keeps what was typed until it is saved, says what is wrong where it is wrong, and tells when somebody else was faster.
import { html, useEffect, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { ApiFailure } from "../api.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { failureWords } from "../overview/loading.js";
import { focusWrong, placed } from "../requests/fields.js";
import { canChange, mayChange } from "./asked.js";
import { draftOf, isSame, keep, laidOver } from "./drafts.js";
import { close } from "./where.js";

/** @typedef {import("./fields.js").Form} Form */
/** @typedef {Record<string, any>} Values */

/**
 * What a form needs to know of what it is about.
 * rev: the collector's revision, 0 for a new one. names: fields as the API names them in errors. check: what is wrong before it is asked. place: where the collector's faults belong.
 * @typedef {{key: string, start: Values, rev: number, names: readonly string[], check: (values: Values) => Record<string, string>, save: (values: Values, rev: number) => Promise<void>,
 *   place?: (failure: ApiFailure) => Record<string, string> | null, theirs: () => Promise<void>}} About
 */

/** The state of a form. @param {About} about */
export function useForm(about) {
  const errors = useSignal(/** @type {Record<string, string>} */ ({}));
  const busy = useSignal(false);
  const said = useSignal("");
  const box = useRef(/** @type {HTMLFormElement | null} */ (null));
  const mine = draftOf(about.key);
  const values = mine?.values ?? about.start;
  const isDirty = mine !== undefined;
  const set = (/** @type {string} */ name, /** @type {any} */ value) => {
    const next = { ...(draftOf(about.key)?.values ?? about.start), [name]: value };
    keep(about.key, isSame(next, about.start) ? null : { values: next, rev: mine?.rev ?? about.rev, start: mine?.start ?? about.start });
    said.value = "";
    if (errors.peek()[name]) { const { [name]: _gone, ...rest } = errors.peek(); errors.value = rest; }
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy.peek() || !canChange()) return;
    errors.value = Object.fromEntries(Object.entries(about.check(values)).filter(([, wrong]) => wrong));
    if (Object.keys(errors.peek()).length > 0) { focusWrong(box.current); return; }
    busy.value = true;
    try {
      await about.save(values, mine?.rev ?? about.rev);
      keep(about.key, null);
      said.value = t("settings.saved");
    } catch (failure) {
      if (failure instanceof ApiFailure && failure.status === 409) { await about.theirs(); errors.value = { "": t("settings.faster") }; }
      else errors.value = failure instanceof ApiFailure && failure.status === 422 ? about.place?.(failure) ?? placed(failure.message, "", about.names, failure.code) : { "": failureWords(failure) };
      focusWrong(box.current);
    } finally {
      busy.value = false;
    }
  };
  const forget = () => { keep(about.key, null); errors.value = {}; said.value = ""; };
  const overwrite = () => { if (mine) keep(about.key, { values: laidOver(mine, about.start), rev: about.rev, start: about.start }); errors.value = {}; };
  /** @type {Form} */
  const form = { values, errors: errors.value, set, prefix: "set", fixed: !mayChange() };
  return { form, box, submit, forget, overwrite, busy: busy.value, said: said.value, isDirty, isOvertaken: mine !== undefined && mine.rev !== about.rev };
}

/** The end of a form: save, forget what was typed; what went wrong, and what somebody else did meanwhile.
 * @param {{of: ReturnType<typeof useForm>, isNew: boolean, children?: any}} props */
export function FormEnd({ of, isNew, children }) {
  if (!mayChange()) return html`<p class="calm muted wide">${t("settings.only_administrators")}</p>`;
  const idle = of.busy || !canChange() || !(of.isDirty || isNew);
  return html`${of.isOvertaken && html`<div class="notice wide" role="alert"><p><b>${t("settings.overtaken")}</b> ${t("settings.overtaken_do")}</p>
      <button type="button" class="btn" onClick=${of.forget}>${t("settings.take_theirs")}</button> <button type="button" class="btn" onClick=${of.overwrite}>${t("settings.keep_mine")}</button></div>`}
    <p class="failure wide" role="alert">${of.form.errors[""] ?? ""}</p>
    <div class="form-end wide"><button class="btn pri" type="submit" aria-disabled=${idle}>${t(isNew ? "settings.make" : "settings.save")}</button>
      ${of.isDirty && html`<button class="btn" type="button" onClick=${of.forget}>${t("settings.forget")}</button>`}${children}
      <span class="muted" role="status">${!canChange() ? t("requests.offline") : of.said || (of.isDirty ? t("settings.kept") : "")}</span></div>`;
}

/** Taking something away, asked twice. `ask`, `yes`: what the buttons say. @param {{what: string, remove: () => Promise<void>, ask?: string, yes?: string}} props */
export function Remove({ what, remove, ask = t("settings.remove"), yes: sure = t("settings.remove_yes") }) {
  const isAsked = useSignal(false);
  const failed = useSignal("");
  if (!mayChange()) return null;
  const yes = async () => {
    if (!canChange()) return;
    try { await remove(); } catch (failure) { failed.value = failureWords(failure); isAsked.value = false; }
  };
  if (!isAsked.value) return html`<button class="btn" type="button" onClick=${() => { isAsked.value = true; failed.value = ""; }}>${ask}</button>${failed.value && html`<span class="failure" role="alert">${failed.value}</span>`}`;
  return html`<${Sure} what=${what} sure=${sure} yes=${yes} no=${() => { isAsked.value = false; }} />`;
}

/** @param {{what: string, sure: string, yes: () => void, no: () => void}} props */
function Sure({ what, sure, yes, no }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useLayoutEffect(() => { button.current?.focus(); }, []);
  return html`<span class="set-sure" role="group" aria-label=${what}><span>${what}</span><button ref=${button} class="btn danger" type="button" onClick=${yes}>${sure}</button>
    <button class="btn" type="button" onClick=${no}>${t("settings.remove_no")}</button></span>`;
}

/** The box around what is open. @param {{title: any, sub?: any, children?: any}} props */
export function Panel({ title, sub, children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const first = /** @type {HTMLElement | null} */ (box.current?.querySelector("[data-first]"));
    (first ?? box.current)?.focus();
    return onKey("Escape", () => close());
  }, []);
  return html`<section ref=${box} class="card panel" tabindex="-1" aria-label=${t("settings.panel")}>
    <div class="h"><h2 class="panel-title">${title}<small>${sub}</small></h2><span class="sp"></span><button class="plain close" aria-label=${t("frame.close")} title="Esc" onClick=${close}>✕</button></div>
    <div class="panel-body">${children}</div></section>`;
}
