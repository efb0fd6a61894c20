// Search over everything, and filters by kind and by state.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { onKey } from "../keys.js";
import { health, kind, search } from "../place.js";
import { WORST_FIRST } from "./health.js";
import { counts, rows } from "./list.js";

const STATES_OFFERED = ["stale", "bad", "lost", "offline", "fenced", "uncertain", "waiting"];

export function clearFilters() {
  search.value = "";
  kind.value = "";
  health.value = "";
}

/** @param {{on: boolean, n: number, onClick: () => void, children?: any}} props */
const Pick = ({ on, n, onClick, children }) => html`<button class=${`pick${on ? " on" : ""}`} aria-pressed=${on} onClick=${onClick}>${children} <span class="n">${number(n)}</span></button>`;

function Search() {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => onKey("/", (event) => { event.preventDefault(); input.current?.focus(); input.current?.select(); }), []);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const tree = /** @type {HTMLElement | null} */ (document.querySelector(".tree"));
    if (event.key === "Escape") {
      if (search.value) search.value = "";
      else tree?.focus();
      event.stopPropagation();
    } else if ((event.key === "Enter" || event.key === "ArrowDown") && !event.isComposing) tree?.focus();
    else return;
    event.preventDefault();
  };
  return html`<span class="search"><input ref=${input} type="search" value=${search.value} placeholder=${t("search.placeholder")} aria-label=${t("search.label")} autocomplete="off" spellcheck=${false}
    onInput=${(/** @type {any} */ event) => { search.value = event.target.value; }} onKeyDown=${onKeyDown} /><kbd aria-hidden="true">/</kbd></span>`;
}

export function Toolbar() {
  const { byKind, byHealth, devices } = counts.value;
  const kinds = Object.keys(byKind).sort((a, b) => (byKind[b] ?? 0) - (byKind[a] ?? 0) || a.localeCompare(b));
  const offered = WORST_FIRST.filter((one) => STATES_OFFERED.includes(one));
  const amount = (/** @type {string} */ one) => (one === "bad" ? (byHealth["bad"] ?? 0) + (byHealth["failing"] ?? 0) : byHealth[one] ?? 0);
  const states = offered.filter((one) => amount(one) > 0 || health.value === one);
  const pick = (/** @type {typeof kind} */ field, /** @type {string} */ value) => () => { field.value = field.peek() === value ? "" : value; };
  const narrowed = search.value || kind.value || health.value;
  return html`<div class="toolbar">
    <${Search} />
    <span class="picks" role="group" aria-label=${t("filter.kind")}>
      <${Pick} on=${kind.value === ""} n=${devices} onClick=${() => { kind.value = ""; }}>${t("filter.all")}<//>
      ${kinds.map((one) => html`<${Pick} key=${one} on=${kind.value === one} n=${byKind[one] ?? 0} onClick=${pick(kind, one)}>${word("kinds", one)}<//>`)}
    </span>
    ${states.length > 0 && html`<span class="picks states" role="group" aria-label=${t("filter.state")}>
      ${states.map((one) => html`<${Pick} key=${one} on=${health.value === one} n=${amount(one)} onClick=${pick(health, one)}>${word("health_short", one)}<//>`)}
    </span>`}
    <span class="sp"></span>
    ${narrowed ? html`<button class="plain" onClick=${clearFilters}>${t("filter.clear")}</button>` : null}
    <span class="sr" role="status">${narrowed ? t("filter.found", { n: rows.value.filter((row) => row.type === "device").length }) : ""}</span>
  </div>`;
}
