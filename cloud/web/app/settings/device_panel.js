// A device that tells about nothing: what it is, and of what it shall tell.
import { html } from "../../vendor/preact.js";
import { t, word } from "../i18n.js";
import { assets, assetOf, bound, keyOf, kindName, valuesOf } from "./assets.js";
import { canChange, mayChange } from "./asked.js";
import { Combo } from "./combo.js";
import { deviceOf, gatewayName, kindsFor, lastAge, lastValue, likelyRole } from "./devices.js";
import { draftOf, keep } from "./drafts.js";
import { Panel } from "./editor.js";
import { open } from "./where.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

/** Opens a thing with the device chosen for it, to be looked through and saved. @param {Entity} device @param {string} id `kind/id`, or `+kind` */
function bind(device, id) {
  const asset = assetOf(id), kind = asset?.kind ?? id.slice(1), key = `asset:${id}`;
  const before = draftOf(key);
  const start = before?.start ?? valuesOf(asset, kind);
  const values = before?.values ?? start;
  const binding = { role: likelyRole(kind, device), device: device.device ?? "" };
  const name = values["name"] || (device.name === device.device ? "" : device.name);
  keep(key, { values: { ...values, name, bindings: [...values["bindings"].filter((/** @type {any} */ one) => one.device && one.device !== binding.device), binding] }, rev: before?.rev ?? asset?.rev ?? 0, start });
  open("asset", id);
}

/** @param {{id: string}} props */
export function DevicePanel({ id }) {
  const device = deviceOf(id);
  if (!device) return html`<${Panel} title=${id}><p class="calm muted">${t("settings.gone")}</p><//>`;
  const told = bound.value.get(id) ?? [];
  const options = (assets.value ?? []).map((one) => ({ value: keyOf(one), text: one.name, haystack: `${one.name} ${one.id} ${one.kind} ${kindName(one.kind)} ${one.unit}`.toLowerCase() }));
  const about = (/** @type {string} */ key) => { const one = assetOf(key); return one && `${kindName(one.kind)} · ${one.bindings.length === 0 ? t("settings.no_device_short") : t("settings.has_devices", { n: one.bindings.length })}`; };
  return html`<${Panel} title=${device.name} sub=${`${word("kind", device.kind)} · ${device.device}`}>
    <dl class="facts"><div><dt>${t("settings.gateway")}</dt><dd>${gatewayName(device.gateway)}</dd></div><div><dt>${t("settings.said_last")}</dt><dd>${lastValue(device)} <small class="muted">${lastAge(device) || t("settings.never_heard")}</small></dd></div>
      <div><dt>${t("settings.tells_about")}</dt><dd>${told.length === 0 ? t("settings.nothing") : told.map(({ asset, role }) => `${asset.name} (${word("settings.role", role)})`).join(", ")}</dd></div></dl>
    ${mayChange() && html`<div class="bind-to"><h3>${t("settings.bind_to")}</h3>
      <${Combo} id="set-thing" label=${t("settings.bind_existing")} value="" options=${options} about=${about} choose=${(/** @type {string} */ key) => bind(device, key)} fixed=${!canChange()} placeholder=${t("settings.bind_existing")} />
      <div class="bind-new">${kindsFor(device).map((kind) => html`<button key=${kind} class="btn" type="button" disabled=${!canChange()} onClick=${() => bind(device, `+${kind}`)}>${t("settings.as_new", { kind: kindName(kind) })}</button>`)}</div>
      <p class="muted">${t("settings.bind_note")}</p></div>`}<//>`;
}
