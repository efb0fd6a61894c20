// How urgent each built-in kind of alarm is at a site, or that it is off: fields of the thresholds' form.
import { html } from "../../vendor/preact.js";
import { lang, t } from "../i18n.js";
import { idOf } from "./fields.js";

/** @typedef {import("./fields.js").Form} Form */
/** @typedef {{kind: string, title: {en: string, zh: string}, priority: number}} Kind `priority`: as built in */
/** @typedef {Record<string, {priority: number | null, off: boolean}>} Choices */

/** Which group a kind is listed in; the first that fits. @type {[string, RegExp][]} */
const GROUPS = [["door", /^(door|card)_/], ["request", /^request_/], ["vehicle", /_(movement|order_window|area|elsewhere|parking|stop)$|^outside_/], ["place", /^(checkpoint|patrol|visitor)_/], ["energy", /^energy_/], ["other", /^calendar_/], ["gateway", /./]];

/** @param {string} kind */
const groupOf = (kind) => GROUPS.find(([, is]) => is.test(kind))?.[0] ?? "other";

/** @param {string} kind */
export const fieldOf = (kind) => `kinds.${kind}`;

/** The choices as fields have them: "" as built in, a priority, or "off". @param {Kind[]} kinds @param {Choices} choices @returns {Record<string, string>} */
export const kindValues = (kinds, choices) => Object.fromEntries(kinds.map(({ kind }) => [fieldOf(kind), choices[kind]?.off ? "off" : String(choices[kind]?.priority ?? "")]));

/** The choices out of the fields; only what is not as built in. @param {Kind[]} kinds @param {Record<string, any>} values @returns {Choices} */
export function choicesOf(kinds, values) {
  const chosen = kinds.map(({ kind }) => /** @type {const} */ ([kind, values[fieldOf(kind)] ?? ""])).filter(([, value]) => value !== "");
  return Object.fromEntries(chosen.map(([kind, value]) => [kind, value === "off" ? { priority: null, off: true } : { priority: Number(value), off: false }]));
}

/** @param {{form: Form, of: Kind}} props */
function KindField({ form, of }) {
  const name = fieldOf(of.kind), id = idOf(form, name), value = form.values[name] ?? "";
  return html`<div class="kind-choice"><label for=${id}>${lang.value === "en" ? of.title.en : of.title.zh}</label>
    <select id=${id} name=${name} value=${value} disabled=${form.fixed} class=${value ? "changed" : ""} onChange=${(/** @type {any} */ event) => form.set(name, event.target.value)}>
      <option value="">${t("settings.kind_built_in", { n: of.priority })}</option>${[1, 2, 3].map((n) => html`<option key=${n} value=${String(n)}>${t("settings.kind_priority", { n })}</option>`)}<option value="off">${t("settings.kind_off")}</option></select></div>`;
}

/** @param {{form: Form, kinds: Kind[]}} props */
export function KindChoices({ form, kinds }) {
  const order = ["door", "gateway", "request", "vehicle", "place", "energy", "other"];
  const groups = order.map((group) => /** @type {const} */ ([group, kinds.filter(({ kind }) => groupOf(kind) === group)])).filter(([, list]) => list.length > 0);
  return html`<h3 class="wide kinds-title">${t("settings.priorities")}<small class="muted">${t("settings.kinds_note")}</small></h3>
    <div class="kinds-columns wide">${groups.map(([group, list]) => html`<fieldset key=${group} class="group kinds"><legend>${t(`settings.kinds_of_${group}`)}</legend>${list.map((of) => html`<${KindField} key=${of.kind} form=${form} of=${of} />`)}</fieldset>`)}</div>`;
}
