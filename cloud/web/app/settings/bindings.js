// Which devices tell about a thing: a role and a device each, chosen from those that announced themselves.
import { computed, html } from "../../vendor/preact.js";
import { t, word } from "../i18n.js";
import { bound, keyOf } from "./assets.js";
import { Combo } from "./combo.js";
import { deviceHaystack, deviceOf, devices, gatewayName, lastAge, lastValue, likelyRole, rolesOf, unlikely } from "./devices.js";
import { wrongId } from "./fields.js";
import { GatewayTold } from "./gateway_known.js";

/** @typedef {import("./devices.js").Asset} Asset */
/** @typedef {import("./fields.js").Form} Form */

/** What a device tells about beside the thing that is looked at, in words; "" for nothing. @param {string} device @param {string} except */
function elsewhere(device, except) {
  const others = (bound.value.get(device) ?? []).filter(({ asset }) => keyOf(asset) !== except);
  return others.length === 0 ? "" : t("settings.bound_to", { names: others.map(({ asset, role }) => `${asset.name} (${word("settings.role", role)})`).join(", ") });
}

const known = computed(() => devices.value.map((device) => ({ device, option: optionOf(device) })));

/** @param {import("../types.d.ts").Entity} one @returns {import("./combo.js").Option} */
const optionOf = (one) => ({ value: one.device ?? "", text: one.name === one.device ? one.name : `${one.name} (${one.device})`, haystack: deviceHaystack(one) });

/** Devices to choose from: those that usually tell about such a thing first, bound ones after free ones. @param {string} kind @param {string} except */
const optionsFor = (kind, except) => known.value.map(({ device, option }) => ({ option, rank: unlikely(kind, device, elsewhere(device.device ?? "", except) !== "") })).sort((a, b) => a.rank - b.rank).map(({ option }) => option);

/** What stands below a device that may be chosen. @param {string} device @param {string} except */
function choiceOf(device, except) {
  const one = deviceOf(device);
  if (!one) return t("settings.not_announced_yet");
  const taken = elsewhere(device, except);
  return html`<span>${[word("kind", one.kind), gatewayName(one.gateway), lastValue(one), lastAge(one) || t("settings.never_heard")].filter(Boolean).join(" · ")}</span>${taken && html`<span class="warn">${taken}</span>`}`;
}

/** What a chosen device is and said last; it goes on living. @param {{device: string, except: string, id: string}} props */
function About({ device, except, id }) {
  if (!device) return null;
  const entity = deviceOf(device), taken = elsewhere(device, except);
  if (!entity) return html`<small id=${id} class="about warn">${t("settings.not_announced")}</small>`;
  return html`<small id=${id} class="about"><span>${word("kind", entity.kind)} · ${gatewayName(entity.gateway)}</span><span class="muted">${lastValue(entity)} ${lastAge(entity) || t("settings.never_heard")}</span>${taken && html`<span class="warn">${taken}</span>`}</small>`;
}

/** @param {string} said @returns {import("./combo.js").Option | null} */
const asId = (said) => (wrongId(said) || deviceOf(said) ? null : { value: said, text: said, haystack: said });

/** @param {{form: Form, kind: string, except: string}} props `except`: the thing's own key */
export function Bindings({ form, kind, except }) {
  const list = /** @type {{role: string, device: string}[]} */ (form.values["bindings"]);
  const change = (/** @type {number} */ at, /** @type {Partial<{role: string, device: string}>} */ to) => form.set("bindings", list.map((one, i) => (i === at ? { ...one, ...to } : one)));
  const choose = (/** @type {number} */ at) => (/** @type {string} */ device) => {
    const role = list[at]?.device ? list[at]?.role ?? "" : likelyRole(kind, deviceOf(device));
    change(at, { device, role });
  };
  const wrong = form.errors["bindings"], options = optionsFor(kind, except);
  return html`<fieldset class="bindings wide"><legend>${t("settings.devices")}</legend>
    ${list.length === 0 && html`<p class="muted">${t("settings.no_device")}</p>`}
    ${list.map((one, i) => html`<div key=${i} class="binding">
      <select aria-label=${t("settings.role_of", { n: i + 1 })} value=${one.role} disabled=${form.fixed} onChange=${(/** @type {any} */ event) => change(i, { role: event.target.value })}>${rolesOf(kind).map((role) => html`<option key=${role} value=${role}>${word("settings.role", role)}</option>`)}</select>
      <${Combo} id=${`set-device-${i}`} label=${t("settings.device_n", { n: i + 1 })} value=${one.device} options=${options} about=${(/** @type {string} */ device) => choiceOf(device, except)} choose=${choose(i)} fixed=${form.fixed} invalid=${Boolean(wrong)} describedBy=${one.device ? `set-device-${i}-about` : undefined} placeholder=${t("settings.choose_device")} free=${asId} />
      ${!form.fixed && html`<button type="button" class="plain" aria-label=${t("settings.unbind", { name: one.device || t("settings.device_n", { n: i + 1 }) })} title=${t("settings.unbind", { name: one.device })} onClick=${() => form.set("bindings", list.filter((_, at) => at !== i))}>✕</button>`}
      <${About} device=${one.device} except=${except} id=${`set-device-${i}-about`} /></div>`)}
    ${wrong && html`<small class="failure" role="alert">${wrong}</small>`}
    ${!form.fixed && html`<button type="button" class="btn" onClick=${() => { form.set("bindings", [...list, { role: rolesOf(kind)[0], device: "" }]); requestAnimationFrame(() => document.getElementById(`set-device-${list.length}`)?.focus()); }}>${t("settings.add_device")}</button>`}
  </fieldset>`;
}

/** What tells about a thing, in a line of the list. @param {{asset: Asset}} props */
export function Told({ asset }) {
  if (asset.kind === "gateway") return html`<${GatewayTold} id=${String(asset.facts["gateway"] || asset.id)} />`;
  if (asset.bindings.length === 0) return html`<span class="told muted">${t("settings.no_device_short")}</span>`;
  return html`<span class="told">${asset.bindings.map(({ role, device }) => {
    const entity = deviceOf(device);
    return html`<span key=${role + device}>${entity ? entity.name : html`<span class="warn">${device}: ${t("settings.not_announced_short")}</span>`} <small class="muted">${word("settings.role", role)}${entity ? ` · ${lastAge(entity) || t("settings.never_heard")}` : ""}</small></span>`;
  })}</span>`;
}

