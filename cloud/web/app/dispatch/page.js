// The page Dispatch: requests, the map, resources. Three columns; on a phone one, with tabs.
import { html, signal, useEffect } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { state } from "../live/link.js";
import { wall, shown } from "../place.js";
import { Panel } from "../overview/panel.js";
import { RequestDetail } from "../requests/detail.js";
import { Headline } from "../requests/headline.js";
import { Queue } from "../requests/queue.js";
import { Suggestion } from "../requests/suggestion.js";
import { isRequest } from "../requests/where.js";
import { Detail } from "./detail.js";
import { Things } from "./list.js";
import { CompoundMap } from "./map/map.js";
import { PastBar } from "./past_bar.js";
import { openTab, rows } from "./things.js";
import { ResourceTools } from "./toolbar.js";
import { openThing, pane } from "./where.js";

const narrow = matchMedia("(max-width: 720px)");
const isNarrow = signal(narrow.matches);
narrow.addEventListener("change", () => { isNarrow.value = narrow.matches; });

const PANES = ["queue", "map", "things"];
/** What is open is what somebody came for, also by a link from another page. */
const openPane = () => (PANES.includes(pane.value) ? pane.value : shown.value ? "things" : "queue");

/** The thing whose readings are open: Esc goes back to it. */
let cameFrom = "";

function Side() {
  useEffect(() => { if (openThing.value) cameFrom = openThing.value; else if (shown.value === "") cameFrom = ""; }, [shown.value]);
  // Bound after the panel's own, and so before it: from a reading back to its thing, from a thing back to the list.
  useEffect(() => {
    if (shown.value === "") return undefined;
    return onKey("Escape", () => {
      const back = !openThing.peek() && cameFrom ? `thing:${cameFrom}` : "";
      shown.value = back;
      if (back === "") requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".things"))?.focus());
    });
  }, [shown.value]);
  if (isRequest(openThing.value)) return html`<${RequestDetail} />`;
  if (openThing.value) return html`<${Detail} />`;
  if (shown.value) return html`<${Panel} />`;
  return html`<section class="card resources" aria-label=${t("dispatch.resources")}><${ResourceTools} />
    <div id="tab-things" class="things-box" role="tabpanel" aria-labelledby=${`tab-${openTab.value}`}>
      ${rows.value.length === 0 ? html`<p class="nothing">${t("dispatch.nothing")}</p>` : html`<${Things} key=${openTab.value} />`}</div></section>`;
}

function PaneTabs() {
  const choose = (/** @type {string} */ one) => () => { pane.value = one; };
  return html`<nav class="pane-tabs" aria-label=${t("dispatch.panes")}>${PANES.map((one) => html`<button key=${one} class=${`pick${openPane() === one ? " on" : ""}`} aria-pressed=${openPane() === one} onClick=${choose(one)}>${t(`dispatch.pane_${one}`)}</button>`)}</nav>`;
}

export function Dispatch() {
  useEffect(() => onKey("w", () => { wall.value = wall.peek() ? "" : "1"; }), []);
  if (state.value === "connecting") return html`<div class="waiting" role="status"><p class="muted">${t("live.connecting")}</p></div>`;
  const shows = (/** @type {string} */ one) => !isNarrow.value || openPane() === one;
  return html`<div class="dispatch"><h1 class="sr">${t("page.dispatch")}</h1>
    ${isNarrow.value && html`<${PaneTabs} />`}
    ${shows("queue") && html`<div class="col queue-col"><${Queue} /></div>`}
    ${shows("map") && html`<section class="card map-col" aria-label=${t("dispatch.map")}><${CompoundMap} />
      <div class="map-chips"><${Headline} /></div>
      <div class="map-card"><${Suggestion} /></div>
      ${!wall.value && html`<${PastBar} />`}</section>`}
    ${shows("things") && html`<div class="col side things-col"><${Side} /></div>`}
  </div>`;
}
