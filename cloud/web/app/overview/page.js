// The page Overview: figures, the list of gateways, devices and points, and what stands beside it.
import { html, useEffect } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { entities, roster, state } from "../live/link.js";
import { shown } from "../place.js";
import { Aside } from "./aside.js";
import { NoGateway, NothingFound } from "./empty.js";
import { rows } from "./list.js";
import { Legend } from "./marks.js";
import { Panel } from "./panel.js";
import { Summary, toggleAttention } from "./summary.js";
import { Toolbar } from "./toolbar.js";
import { Tree } from "./tree.js";

export function Overview() {
  useEffect(() => onKey("a", toggleAttention), []);
  void roster.value;
  if (state.value === "connecting") return html`<div class="waiting" role="status"><p class="muted">${t("live.connecting")}</p></div>`;
  if (entities.size === 0) return html`<${NoGateway} />`;
  return html`<div class=${`overview${shown.value ? " with-panel" : ""}`}><h1 class="sr">${t("page.overview")}</h1>
    <${Summary} />
    <section class="card list-card" aria-label=${t("list.title")}><${Toolbar} />
      <div class="list">${rows.value.length === 0 ? html`<${NothingFound} />` : html`<${Tree} />`}</div>
      <${Legend} /></section>
    <aside class="side" aria-label=${t("aside.title")}>${shown.value ? html`<${Panel} />` : html`<${Aside} />`}</aside>
  </div>`;
}
