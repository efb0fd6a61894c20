// Choosing a person out of thousands: a search at the collector above the choice of what it found.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { Choice } from "../settings/fields.js";
import { ask, names, recordsOf, totalOf } from "./asked.js";

/** @typedef {Record<string, any>} Rec */
/** @typedef {[string, string]} Option */

/** More than so many are searched for. */
const PLAIN_MAX = 100, FOUND_MAX = 50, TYPED_MS = 200;

/** @param {Rec} one @returns {Option} */
const optionOf = (one) => [one["id"], one["unit"] ? `${one["name"]} · ${one["unit"]}` : one["name"]];

/** @param {{form: any, name: string, label: string}} props */
export function HolderChoice({ form, name, label }) {
  const words = useSignal("");
  const found = useSignal(/** @type {{words: string, options: Option[], total: number} | null} */ (null));
  const isMany = totalOf("holder") > PLAIN_MAX, value = String(form.values[name] ?? "");
  useEffect(() => {
    if (!isMany) return;
    const asked = words.value.trim();
    const timer = setTimeout(() => void ask("records/holder", { search: asked || undefined, limit: FOUND_MAX }).then((answer) => { found.value = { words: asked, options: answer.records.map(optionOf), total: answer.total }; }, () => { found.value = null; }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [isMany, words.value]);
  const listed = isMany ? found.value?.options ?? [] : (recordsOf("holder") ?? []).map(optionOf);
  const chosen = /** @type {Option[]} */ (value && !listed.some(([id]) => id === value) ? [[value, names.value.get(value) ?? value]] : []);
  const options = /** @type {Option[]} */ ([["", "—"], ...chosen, ...listed]);
  const id = `${form.prefix}-${name}-search`;
  return html`${isMany && !form.fixed && html`<div class="field"><label for=${id}>${t("access.find_holder")}</label><input id=${id} type="search" autocomplete="off" value=${words.value} onInput=${(/** @type {any} */ event) => { words.value = event.target.value; }} /><small class="muted" role="status">${found.value ? t("access.found_of", { n: found.value.options.length, total: found.value.total }) : ""}</small></div>`}
    <${Choice} form=${form} name=${name} label=${label} options=${options} />`;
}
