// Lists inside of thresholds: periods in which vehicles stay in, and what needs approval.
import { html } from "../../vendor/preact.js";
import { t, word } from "../i18n.js";
import { fromField } from "../requests/local_time.js";

/** @typedef {import("./fields.js").Form} Form */
/** @typedef {{name: string, since: string, until: string, vehicles: string}} Seal as its fields have it */

/** @param {{form: Form, name: string, title: string, note: string, empty: Record<string, string>, row: (one: any, set: (to: Record<string, string>) => void, i: number) => any}} props */
function Rows({ form, name, title, note, empty, row }) {
  const list = /** @type {any[]} */ (form.values[name] ?? []);
  const change = (/** @type {number} */ at) => (/** @type {Record<string, string>} */ to) => form.set(name, list.map((one, i) => (i === at ? { ...one, ...to } : one)));
  return html`<fieldset class="group rows"><legend>${title}</legend><p class="muted wide">${note}</p>
    ${list.map((one, i) => html`<div key=${i} class="row-of wide">${row(one, change(i), i + 1)}${!form.fixed && html`<button type="button" class="plain" aria-label=${t("settings.drop_row", { n: i + 1 })} onClick=${() => form.set(name, list.filter((_, at) => at !== i))}>✕</button>`}</div>`)}
    ${form.errors[name] && html`<small class="failure wide" role="alert" aria-invalid="true" tabindex="-1">${form.errors[name]}</small>`}
    ${!form.fixed && html`<button type="button" class="btn" onClick=${() => form.set(name, [...list, { ...empty }])}>${t("settings.add_row")}</button>`}</fieldset>`;
}

/** @param {{label: string, value: string, set: (value: string) => void, fixed: boolean, type?: string}} props */
const Cell = ({ label, value, set, fixed, type = "text" }) => html`<input aria-label=${label} title=${label} placeholder=${label} type=${type} value=${value} disabled=${fixed} autocomplete="off" onInput=${(/** @type {any} */ event) => set(event.target.value)} />`;

/** @param {{label: string, value: string, set: (value: string) => void, fixed: boolean, options: [string, string][]}} props */
const Pull = ({ label, value, set, fixed, options }) => html`<select aria-label=${label} value=${value} disabled=${fixed} onChange=${(/** @type {any} */ event) => set(event.target.value)}>${options.map(([one, text]) => html`<option key=${one} value=${one}>${text}</option>`)}</select>`;

/** @param {{form: Form}} props */
export const Seals = ({ form }) => html`<${Rows} form=${form} name="seals" title=${t("settings.seals")} note=${t("settings.seals_note")} empty=${{ name: "", since: "", until: "", vehicles: "" }} row=${(/** @type {Seal} */ one, /** @type {any} */ set, /** @type {number} */ n) => html`
  <${Cell} label=${t("settings.seal_name", { n })} value=${one.name} fixed=${form.fixed} set=${(/** @type {string} */ name) => set({ name })} /><${Cell} label=${t("settings.seal_since", { n })} type="datetime-local" value=${one.since} fixed=${form.fixed} set=${(/** @type {string} */ since) => set({ since })} />
  <${Cell} label=${t("settings.seal_until", { n })} type="datetime-local" value=${one.until} fixed=${form.fixed} set=${(/** @type {string} */ until) => set({ until })} /><${Cell} label=${t("settings.seal_vehicles", { n })} value=${one.vehicles} fixed=${form.fixed} set=${(/** @type {string} */ vehicles) => set({ vehicles })} />`} />`;

/** What is wrong with the periods; "" when nothing is. @param {Seal[]} list @param {string} zone */
export function wrongSeals(list, zone) {
  for (const [i, one] of list.entries()) {
    const since = fromField(one.since, zone), until = fromField(one.until, zone);
    if (!one.name.trim() || since === null || until === null) return t("settings.seal_whole", { n: i + 1 });
    if (since >= until) return t("settings.seal_order", { n: i + 1 });
  }
  return "";
}

const WHEN = ["always", "out_of_town", "after_hours"];
const KINDS = ["", "vehicle", "repair", "room", "guard", "visitor"];

/** @param {{form: Form}} props */
export const Approval = ({ form }) => html`<${Rows} form=${form} name="approval" title=${t("settings.approval")} note=${t("settings.approval_note")} empty=${{ when: "always", kind: "" }} row=${(/** @type {{when: string, kind: string}} */ one, /** @type {any} */ set, /** @type {number} */ n) => html`
  <${Pull} label=${t("settings.approval_kind", { n })} value=${one.kind} fixed=${form.fixed} options=${KINDS.map((kind) => [kind, kind ? word("requests.kind", kind) : t("settings.any_request")])} set=${(/** @type {string} */ kind) => set({ kind })} />
  <${Pull} label=${t("settings.approval_when", { n })} value=${one.when} fixed=${form.fixed} options=${WHEN.map((when) => [when, t(`settings.when_${when}`)])} set=${(/** @type {string} */ when) => set({ when })} />`} />`;
