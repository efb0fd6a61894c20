// Fields of the page's forms: each with its name, what it means, and what is wrong with it beside it.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";

/** @typedef {{values: Record<string, any>, errors: Record<string, string>, set: (name: string, value: any) => void, prefix: string, fixed: boolean}} Form */
/** @typedef {{form: Form, name: string, label: string, hint?: any, wide?: boolean}} Props */

/** @param {Form} form @param {string} name */
export const idOf = (form, name) => `${form.prefix}-${name.replaceAll(".", "-")}`;

/** @param {Form} form @param {string} name @param {boolean} hasHint */
const describedBy = (form, name, hasHint) => [form.errors[name] ? `${idOf(form, name)}-wrong` : "", hasHint ? `${idOf(form, name)}-hint` : ""].filter(Boolean).join(" ") || undefined;

/** @param {Props & {children?: any}} props */
export function Box({ form, name, label, hint, wide, children }) {
  const id = idOf(form, name), wrong = form.errors[name];
  return html`<div class=${`field${wide ? " wide" : ""}`}><label for=${id}>${label}</label>${children}
    ${wrong && html`<small id=${`${id}-wrong`} class="failure" role="alert">${wrong}</small>`}${hint && html`<small id=${`${id}-hint`} class="muted">${hint}</small>`}</div>`;
}

/** @param {Props} props */
export const common = ({ form, name, hint }) => ({
  id: idOf(form, name), name, value: form.values[name] ?? "", disabled: form.fixed, "aria-invalid": form.errors[name] ? "true" : undefined, "aria-describedby": describedBy(form, name, Boolean(hint)),
  onInput: (/** @type {any} */ event) => form.set(name, event.target.value), autocomplete: "off",
});

/** @param {Props & {type?: string, max?: number, placeholder?: string, required?: boolean, inputmode?: string}} props */
export const Text = (props) => html`<${Box} ...${props}><input ...${common(props)} type=${props.type ?? "text"} maxlength=${props.max ?? 200} placeholder=${props.placeholder} aria-required=${props.required} inputmode=${props.inputmode} spellcheck=${false} /><//>`;

/** A number as text, so that what is half written stays. @param {Props & {unit?: string, placeholder?: string}} props */
export const Amount = (props) => html`<${Box} ...${props}><span class="amount"><input ...${common(props)} type="text" inputmode="decimal" maxlength="24" placeholder=${props.placeholder} />${props.unit && html`<span class="u">${props.unit}</span>`}</span><//>`;

/** @param {Props & {options: [string, string][]}} props */
export const Choice = (props) => html`<${Box} ...${props}><select ...${common(props)}>${props.options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select><//>`;

/** Several texts, one a line. @param {Props & {placeholder?: string, rows?: number}} props */
export const Lines = (props) => html`<${Box} ...${props}><textarea ...${common(props)} rows=${props.rows ?? 2} placeholder=${props.placeholder} spellcheck=${false}></textarea><//>`;

/** @param {Props} props */
export const Tick = ({ form, name, label, hint, wide }) => html`<div class=${`field${wide ? " wide" : ""}`}><label class="check"><input id=${idOf(form, name)} type="checkbox" name=${name} disabled=${form.fixed} checked=${Boolean(form.values[name])} aria-describedby=${describedBy(form, name, Boolean(hint))}
  onChange=${(/** @type {any} */ event) => form.set(name, event.target.checked)} /> ${label}</label>${hint && html`<small id=${`${idOf(form, name)}-hint`} class="muted">${hint}</small>`}</div>`;

/** The texts of a field with one a line. @param {unknown} text */
export const linesOf = (text) => String(text ?? "").split("\n").map((line) => line.trim()).filter(Boolean);

/** A number out of a field: undefined when it is empty, NaN when it is none. @param {unknown} text */
export const numberOf = (text) => { const said = String(text ?? "").trim(); return said === "" ? undefined : Number(said.replace(/^([+-]?\d+),(\d+)$/, "$1.$2")); };

/** What is wrong with a number; "" when nothing is. @param {unknown} text @param {{low?: number, high?: number, whole?: boolean, needed?: boolean}} [asks] */
export function wrongNumber(text, { low = -Infinity, high = Infinity, whole = false, needed = false } = {}) {
  const value = numberOf(text);
  if (value === undefined) return needed ? t("settings.missing") : "";
  if (!Number.isFinite(value)) return t("settings.no_number");
  if (whole && !Number.isInteger(value)) return t("settings.no_whole");
  if (value < low || value > high) return Number.isFinite(low + high) ? t("settings.between", { low: String(low), high: String(high) }) : t("settings.at_least", { low: String(low) });
  return "";
}

/** A name as an id may be, or "" when nothing of it can. @param {string} text */
export const slug = (text) => text.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 32).replace(/-+$/, "");

const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** What is wrong with an id; "" when nothing is. @param {string} id */
export const wrongId = (id) => (ID.test(id) ? "" : t("settings.id_rule"));
