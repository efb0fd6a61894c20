// The queue of requests: the left column of Dispatch. One tab a state of things.
import { html, signal, useEffect } from "../../vendor/preact.js";
import { pane } from "../dispatch/where.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { entities, pastAt } from "../live/link.js";
import { addressOf, shown, wall } from "../place.js";
import { canAct, isDispatcher } from "./act.js";
import { primary } from "./chosen.js";
import { figuresOf } from "./figures.js";
import { RequestList } from "./list.js";
import { NewRequest } from "./new_request.js";
import { counts, rows, toDo } from "./rows.js";
import { chosen, openQueue, queueTab, TABS } from "./where.js";

const narrow = matchMedia("(max-width: 720px)");

/** Whether the form for a new request is open. */
export const isAsking = signal(false);

/** Opens a request beside the map. @param {string} id */
export function openRequest(id) {
  chosen.value = id;
  shown.value = `thing:${id}`;
  if (narrow.matches || pane.peek() !== "") pane.value = "things";
}

/** @param {KeyboardEvent} event */
function onTabKey(event) {
  const at = TABS.indexOf(openQueue.peek());
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  queueTab.value = /** @type {string} */ (TABS[(to + TABS.length) % TABS.length]);
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".queue [role=tab][aria-selected=true]"))?.focus());
}

function Tabs() {
  return html`<div class="tabs" role="tablist" aria-label=${t("requests.title")} onKeyDown=${onTabKey}>
    ${TABS.map((one) => html`<button key=${one} role="tab" id=${`queue-${one}`} aria-selected=${openQueue.value === one} aria-controls="queue-list" tabindex=${openQueue.value === one ? 0 : -1}
      class=${`pick${openQueue.value === one ? " on" : ""}`} onClick=${() => { queueTab.value = one; }}>${t(`requests.tab_${one}`)}${one !== "done" && html` <span class="n">${number(counts.value[one] ?? 0)}</span>`}</button>`)}</div>`;
}

/** What Enter does: sends who is suggested, else opens. @param {string} id */
function enter(id) {
  const run = primary.peek();
  if (run) run();
  else openRequest(id);
}

/** @param {string} id */
function click(id) {
  if (narrow.matches || chosen.peek() === id) openRequest(id);
  else chosen.value = id;
}

const known = (/** @type {string} */ id) => entities.get(id)?.value;

export function Queue() {
  const today = figuresOf("today").value?.headline?.requests?.value;
  const mayFile = isDispatcher() && pastAt.value === null && !wall.value;
  useEffect(() => onKey("n", (event) => { if (isDispatcher() && canAct()) { event.preventDefault(); isAsking.value = true; } }), []);
  return html`<section class="card queue" aria-label=${t("requests.title")}>
    <div class="h"><h2>${t("requests.title")}</h2><small>${t("requests.to_do", { n: toDo.value })}${typeof today === "number" && pastAt.value === null ? ` · ${t("requests.today", { n: today })}` : ""}</small><span class="sp"></span>
      ${mayFile && html`<button class="btn pri new" disabled=${!canAct()} onClick=${() => { isAsking.value = true; }}>${t("requests.new")} <span aria-hidden="true">N</span></button>`}</div>
    <${Tabs} />
    <div id="queue-list" class="things-box" role="tabpanel" aria-labelledby=${`queue-${openQueue.value}`}>
      ${rows.value.length === 0 ? html`<p class="nothing">${t(`requests.none_${openQueue.value}`)}</p>` : html`<${RequestList} key=${openQueue.value} list=${rows.value} label=${t("requests.title")} known=${known} click=${click} enter=${enter} open=${openRequest} />`}</div>
    ${openQueue.value === "done" && pastAt.value === null && !wall.value && html`<a class="older" href=${`${addressOf("requests")}`}>${t("requests.older")}</a>`}
    ${isAsking.value && html`<${NewRequest} onClose=${() => { isAsking.value = false; }} />`}</section>`;
}
