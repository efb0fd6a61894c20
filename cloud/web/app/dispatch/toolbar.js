// Above the list of resources: tabs with counts, search, states, order.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { wall } from "../place.js";
import { TabAction } from "../requests/place_forms.js";
import { statesOf } from "./states.js";
import { openTab, rows, stateCounts, tabCounts, TABS } from "./things.js";
import { find, only, order, pane, tab } from "./where.js";
import { stateWord } from "./words.js";

/** @param {string} name */
function choose(name) {
  tab.value = name;
  only.value = "";
}

/** @param {KeyboardEvent} event */
function onTabKey(event) {
  const names = Object.keys(TABS), at = names.indexOf(openTab.peek());
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  choose(/** @type {string} */ (names[(to + names.length) % names.length]));
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".resources [role=tab][aria-selected=true]"))?.focus());
}

function Tabs() {
  const counts = tabCounts.value;
  return html`<div class="tabs" role="tablist" aria-label=${t("dispatch.resources")} onKeyDown=${onTabKey}>
    ${Object.keys(TABS).map((name) => html`<button key=${name} role="tab" id=${`tab-${name}`} aria-selected=${openTab.value === name} aria-controls="tab-things" tabindex=${openTab.value === name ? 0 : -1}
      class=${`pick${openTab.value === name ? " on" : ""}`} onClick=${() => choose(name)}>${t(`dispatch.tab_${name}`)} <span class="n">${number(counts[name] ?? 0)}</span></button>`)}</div>`;
}

function Search() {
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => onKey("/", (event) => { event.preventDefault(); if (pane.peek() !== "") pane.value = "things"; box.current?.focus(); box.current?.select(); }), []);
  const toList = () => /** @type {HTMLElement | null} */ (document.querySelector(".things"))?.focus();
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") { if (find.peek() !== "") find.value = ""; else toList(); }
    else if (event.key === "ArrowDown" || event.key === "Enter") toList();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<span class="search"><input ref=${box} type="search" value=${find.value} placeholder=${t("dispatch.search")} aria-label=${t("dispatch.search")} autocomplete="off" spellcheck=${false}
    onInput=${(/** @type {any} */ event) => { find.value = event.target.value; }} onKeyDown=${onKeyDown} /><kbd aria-hidden="true">/</kbd></span>`;
}

function States() {
  const counts = stateCounts.value;
  const kinds = TABS[openTab.value] ?? [];
  const codes = ["warning", ...statesOf(kinds)].filter((code) => (counts[code] ?? 0) > 0 || only.value === code);
  const words = (/** @type {string} */ code) => (code === "warning" ? t("dispatch.warned") : kinds.map((kind) => stateWord(kind, code)).find((one) => one !== code) ?? code);
  return html`<span class="picks" role="group" aria-label=${t("filter.state")}>
    ${codes.map((code) => html`<button key=${code} class=${`pick${only.value === code ? " on" : ""}`} aria-pressed=${only.value === code} onClick=${() => { only.value = only.peek() === code ? "" : code; }}>${words(code)} <span class="n">${number(counts[code] ?? 0)}</span></button>`)}</span>`;
}

function Order() {
  return html`<select class="plain order" aria-label=${t("dispatch.order")} value=${order.value} onChange=${(/** @type {any} */ event) => { order.value = event.target.value; }}>
    <option value="">${t("dispatch.order_state")}</option><option value="name">${t("dispatch.order_name")}</option><option value="age">${t("dispatch.order_age")}</option></select>`;
}

export function ResourceTools() {
  if (wall.value) return html`<${Tabs} />`;
  return html`<${Tabs} />
    <div class="thing-tools"><${Search} /><${Order} /><${TabAction} /></div>
    <div class="thing-states"><${States} /></div>
    <span class="sr" role="status">${find.value || only.value ? t("filter.found", { n: rows.value.length }) : ""}</span>`;
}
