// The page Alarms: what stands, what is hidden, what was; and one of them in full.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { pastAt } from "../live/link.js";
import { search } from "../place.js";
import { failure, keepAsking } from "./asked.js";
import { AlarmDetail } from "./detail.js";
import { Figures, FloodBanner } from "./figures.js";
import { AlarmList } from "./list.js";
import { counts, rows, STATES } from "./listed.js";
import { ShelveDialog } from "./shelve.js";
import { only, openAlarm, priority, tab } from "./where.js";

/** @param {{on: boolean, n?: number | undefined, onClick: () => void, children?: any}} props */
const Pick = ({ on, n, onClick, children }) => html`<button class=${`pick${on ? " on" : ""}`} aria-pressed=${on} onClick=${onClick}>${children}${n === undefined ? "" : html` <span class="n">${number(n)}</span>`}</button>`;

function Search() {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => onKey("/", (event) => { event.preventDefault(); input.current?.focus(); input.current?.select(); }), []);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && search.value) search.value = "";
    else if (["Escape", "Enter", "ArrowDown"].includes(event.key) && !event.isComposing) /** @type {HTMLElement | null} */ (document.querySelector(".alarm-list"))?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<span class="search"><input ref=${input} type="search" value=${search.value} placeholder=${t("alarms.search")} aria-label=${t("alarms.search")} autocomplete="off" spellcheck=${false}
    onInput=${(/** @type {any} */ event) => { search.value = event.target.value; }} onKeyDown=${onKeyDown} /><kbd aria-hidden="true">/</kbd></span>`;
}

function Toolbar() {
  const { byPriority, byState, standing, hidden } = counts.value;
  const to = (/** @type {string} */ id) => () => { tab.value = id; only.value = ""; priority.value = ""; };
  const turn = (/** @type {typeof only} */ field, /** @type {string} */ value) => () => { field.value = field.peek() === value ? "" : value; };
  const states = tab.value === "" ? STATES.filter((one) => (byState[one] ?? 0) > 0 || only.value === one) : [];
  return html`<div class="toolbar alarm-tools">
    <span class="picks" role="group" aria-label=${t("alarms.which")}>
      <${Pick} on=${tab.value === ""} n=${standing} onClick=${to("")}>${t("alarms.now")}<//>
      <${Pick} on=${tab.value === "shelved"} n=${hidden} onClick=${to("shelved")}>${t("alarms.hidden")}<//>
      <${Pick} on=${tab.value === "history"} onClick=${to("history")}>${t("alarms.history")}<//>
    </span>
    <${Search} />
    <span class="picks" role="group" aria-label=${t("alarms.priority")}>
      ${[1, 2, 3].map((one) => html`<${Pick} key=${one} on=${priority.value === String(one)} n=${byPriority[one] ?? 0} onClick=${turn(priority, String(one))}>P${one}<//>`)}
    </span>
    ${states.length > 1 || only.value ? html`<span class="picks states" role="group" aria-label=${t("filter.state")}>
      ${states.map((one) => html`<${Pick} key=${one} on=${only.value === one} n=${byState[one] ?? 0} onClick=${turn(only, one)}>${t(`astate.${one}`)}<//>`)}</span>` : null}
    <span class="sr" role="status">${search.value || priority.value || only.value ? t("alarms.found", { n: rows.value.length }) : ""}</span>
  </div>`;
}

export function Alarms() {
  useEffect(keepAsking, []);
  return html`<div class=${`alarms-page${openAlarm.value ? " with-panel" : ""}`}>
    <h1 class="sr">${t("page.alarms")}</h1>
    <section class="card list-card" aria-label=${t("page.alarms")}>
      <${FloodBanner} />
      ${failure.value && html`<p class="alarm-failure" role="alert">${failure.value}</p>`}
      <${Toolbar} /><${AlarmList} />
      <p class="legend">${pastAt.value === null ? html`<span><kbd>↑</kbd><kbd>↓</kbd> ${t("keys.move")}</span><span><kbd>A</kbd> ${t("alarms.acknowledge")}</span><span><kbd>S</kbd> ${t("alarms.shelve")}</span><span><kbd>Enter</kbd> ${t("alarms.details")}</span>` : t("alarms.past")}</p>
    </section>
    <aside class="side">${openAlarm.value ? html`<${AlarmDetail} />` : html`<${Figures} />`}</aside>
    <${ShelveDialog} />
  </div>`;
}
