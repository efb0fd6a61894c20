// The section Things: what the site has, which devices tell about it, and what is bound to nothing.
import { computed, html, useEffect, useRef } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { onKey } from "../keys.js";
import { kind, search } from "../place.js";
import { assetList, assets, astray, bare, keyOf, kindName, loose, ASSET_KINDS } from "./assets.js";
import { canChange, mayChange, useAsking } from "./asked.js";
import { Told } from "./bindings.js";
import { deviceHaystack, deviceOf, gatewayName, lastAge, lastValue } from "./devices.js";
import { List } from "./list.js";
import { open, which } from "./where.js";

/** @typedef {import("./devices.js").Asset} Asset */

/** @param {{on: boolean, n?: number, warn?: boolean, onClick: () => void, children?: any}} props */
export const Pick = ({ on, n, warn = false, onClick, children }) => html`<button class=${`pick${on ? " on" : ""}${warn ? " warn" : ""}`} aria-pressed=${on} onClick=${onClick}>${children}${n === undefined ? "" : html` <span class="n">${number(n)}</span>`}</button>`;

/** @param {{label: string}} props */
export function Search({ label }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => onKey("/", (event) => { event.preventDefault(); input.current?.focus(); input.current?.select(); }), []);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && search.value) search.value = "";
    else if (["Escape", "Enter", "ArrowDown"].includes(event.key) && !event.isComposing) /** @type {HTMLElement | null} */ (document.querySelector(".set-list"))?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<span class="search"><input ref=${input} type="search" value=${search.value} placeholder=${label} aria-label=${label} autocomplete="off" spellcheck=${false} onInput=${(/** @type {any} */ event) => { search.value = event.target.value; }} onKeyDown=${onKeyDown} /><kbd aria-hidden="true">/</kbd></span>`;
}

/** Whether every word that is searched for is in there. @param {string} haystack */
export const isFound = (haystack) => search.value.toLowerCase().split(/\s+/).every((one) => haystack.includes(one));

/** @param {Asset} one */
const haystackOf = (one) => [one.id, one.name, one.unit, one.kind, kindName(one.kind), ...one.bindings.map(({ device }) => device), String(one.facts["plate"] ?? "")].join(" ").toLowerCase();

const listed = computed(() => {
  const from = which.value === "unbound" ? bare.value : which.value === "unknown" ? astray.value : assets.value ?? [];
  return from.filter((one) => (!kind.value || one.kind === kind.value) && isFound(haystackOf(one)));
});
const listedDevices = computed(() => loose.value.filter((one) => (!kind.value || one.kind === kind.value) && isFound(deviceHaystack(one))));

/** @param {{asset: Asset}} props */
const Cells = ({ asset }) => html`<span class="set-kind">${kindName(asset.kind)}</span><span class="set-name">${asset.name} <small class="muted mono">${asset.id}</small></span><span class="set-unit muted">${asset.unit}</span><${Told} asset=${asset} />`;

/** @param {{id: string}} props */
function DeviceCells({ id }) {
  const device = deviceOf(id);
  if (!device) return null;
  return html`<span class="set-kind">${word("kind", device.kind)}</span><span class="set-name">${device.name} <small class="muted mono">${id}</small></span><span class="set-unit muted">${gatewayName(device.gateway)}</span><span class="told">${lastValue(device)} <small class="muted">${lastAge(device) || t("settings.never_heard")}</small></span>`;
}

const newThing = () => open("asset", `+${ASSET_KINDS.includes(kind.peek()) ? kind.peek() : "vehicle"}`);

/** What is bound to nothing, said above the list. */
function Callouts() {
  if (assets.value === null) return null;
  const say = (/** @type {string} */ id, /** @type {number} */ n) => n > 0 && which.value !== id && html`<button key=${id} class="btn" onClick=${() => { which.value = id; kind.value = ""; }}>${t(`settings.call_${id}`, { n })}</button>`;
  const said = [say("devices", loose.value.length), say("unbound", bare.value.length), say("unknown", astray.value.length)].filter(Boolean);
  return said.length > 0 && html`<div class="callouts" role="status">${said}</div>`;
}

function Toolbar() {
  const isDevices = which.value === "devices";
  const present = new Set(isDevices ? loose.value.map((one) => one.kind) : (assets.value ?? []).map((one) => one.kind));
  const kindsShown = isDevices ? [...present].sort() : ASSET_KINDS.filter((one) => present.has(one) || kind.value === one);
  const to = (/** @type {string} */ id) => () => { which.value = id; kind.value = ""; };
  const count = (/** @type {string} */ one) => (isDevices ? loose.value : which.value === "unbound" ? bare.value : which.value === "unknown" ? astray.value : assets.value ?? []).filter((each) => each.kind === one).length;
  return html`<div class="toolbar set-tools"><span class="picks" role="group" aria-label=${t("settings.which")}>
      <${Pick} on=${which.value === ""} n=${assets.value?.length ?? 0} onClick=${to("")}>${t("settings.all_things")}<//>
      ${["unbound", "unknown", "devices"].map((id) => html`<${Pick} key=${id} on=${which.value === id} n=${{ unbound: bare, unknown: astray, devices: loose }[id]?.value.length ?? 0} onClick=${to(id)}>${t(`settings.which_${id}`)}<//>`)}</span>
    <${Search} label=${t("settings.search_things")} />
    <span class="picks states" role="group" aria-label=${t("settings.kinds")}>${kindsShown.map((one) => html`<${Pick} key=${one} on=${kind.value === one} n=${count(one)} onClick=${() => { kind.value = kind.peek() === one ? "" : one; }}>${kindName(one)}<//>`)}</span>
    <span class="sp"></span>${mayChange() && html`<button class="btn pri" disabled=${!canChange()} onClick=${newThing}>${t("settings.new_thing")} <kbd>N</kbd></button>`}</div>`;
}

export function Things() {
  useAsking(assetList);
  const isDevices = which.value === "devices";
  const rows = isDevices ? listedDevices.value.map((one) => ({ key: `device:${one.device}`, cells: html`<${DeviceCells} id=${one.device} />` })) : listed.value.map((one) => ({ key: `asset:${keyOf(one)}`, cells: html`<${Cells} asset=${one} />` }));
  const empty = assets.value === null ? t("settings.asking") : search.value || kind.value ? t("settings.none_found") : t(isDevices ? "settings.no_devices" : which.value ? "settings.none_such" : "settings.no_things");
  return html`<section class="card list-card" aria-label=${t("settings.things")}>
    ${assetList.failure.value && html`<p class="alarm-failure" role="alert">${assetList.failure.value}</p>`}
    <${Toolbar} /><${Callouts} /><${List} label=${t("settings.things")} kind="of-things" rows=${rows} empty=${empty} create=${newThing} />
    <p class="legend"><span><kbd>↑</kbd><kbd>↓</kbd> ${t("keys.move")}</span><span><kbd>Enter</kbd> ${t("settings.open")}</span>${mayChange() && html`<span><kbd>N</kbd> ${t("settings.new")}</span>`}<span class="sr" role="status">${search.value || kind.value ? t("settings.found", { n: rows.length }) : ""}</span></p></section>`;
}
