// Fields of forms: each with its name, and what is wrong with it beside it.
import { html } from "../../vendor/preact.js";
import { refusedWords } from "../refused.js";

/** @typedef {Record<string, any>} Values */
/** @typedef {{values: Values, errors: Record<string, string>, set: (name: string, value: any) => void, prefix: string}} Form */

/** @param {Form} form @param {string} name */
const idOf = (form, name) => `${form.prefix}-${name.replace(".", "-")}`;

/** @param {{form: Form, name: string, label: string, children: any, wide?: boolean | "two", beside?: any}} props */
function Box({ form, name, label, children, wide = false, beside = null }) {
  const id = idOf(form, name), wrong = form.errors[name];
  return html`<div class=${`field${wide === true ? " wide" : wide ? " two" : ""}`}>${beside ? html`<span class="label-row"><label for=${id}>${label}</label>${beside}</span>` : html`<label for=${id}>${label}</label>`}${children}${wrong && html`<small id=${`${id}-wrong`} class="failure" role="alert">${wrong}</small>`}</div>`;
}

/** @param {Form} form @param {string} name */
const common = (form, name) => ({
  id: idOf(form, name), name, value: form.values[name] ?? "", "aria-invalid": form.errors[name] ? "true" : undefined,
  "aria-describedby": form.errors[name] ? `${idOf(form, name)}-wrong` : undefined,
  onInput: (/** @type {any} */ event) => form.set(name, event.target.value),
});

/** @param {{form: Form, name: string, label: string, type?: string, list?: string, wide?: boolean | "two", max?: number, placeholder?: string, required?: boolean, inputmode?: string, beside?: any}} props */
export const Text = ({ form, name, label, type = "text", list, wide, max = 100, placeholder, required = false, inputmode, beside }) => html`<${Box} form=${form} name=${name} label=${label} wide=${wide} beside=${beside}>
  <input ...${common(form, name)} type=${type} list=${list} maxlength=${max} placeholder=${placeholder} required=${required} inputmode=${inputmode} autocomplete="off" /><//>`;

/** @param {{form: Form, name: string, label: string, max: number, min?: number}} props */
export const Whole = ({ form, name, label, max, min = 0 }) => html`<${Box} form=${form} name=${name} label=${label}>
  <input ...${common(form, name)} type="number" min=${min} max=${max} step="1" /><//>`;

/** @param {{form: Form, name: string, label: string, options: [string, string][], wide?: boolean}} props */
export const Choice = ({ form, name, label, options, wide }) => html`<${Box} form=${form} name=${name} label=${label} wide=${wide}>
  <select ...${common(form, name)}>${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select><//>`;

/** @param {{form: Form, name: string, label: string}} props */
export const Tick = ({ form, name, label }) => html`<label class="check"><input type="checkbox" name=${name} checked=${Boolean(form.values[name])} onChange=${(/** @type {any} */ event) => form.set(name, event.target.checked)} /> ${label}</label>`;

/** Puts what the collector said beside the field it names (`window.latest: is before ...`); "" is for the form as a whole.
 * @param {string} message @param {string} hint @param {readonly string[]} names @param {string} [code] @returns {Record<string, string>} */
export function placed(message, hint, names, code = "bad_request") {
  const colon = message.indexOf(":");
  const path = colon > 0 ? message.slice(0, colon) : "";
  const name = names.find((one) => one === path) ?? names.find((one) => path.startsWith(`${one}.`)) ?? names.find((one) => one.startsWith(`${path}.`) && path !== "");
  return { [name ?? ""]: refusedWords(code, name ? message.slice(colon + 1).trim() : message, hint) };
}

/** The field that is wrong has the focus. @param {HTMLElement | null} form */
export const focusWrong = (form) => requestAnimationFrame(() => /** @type {HTMLElement | null} */ (form?.querySelector("[aria-invalid=true]"))?.focus());
