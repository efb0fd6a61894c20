// What to show when there is nothing to show, and how to change that.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { clearFilters } from "./toolbar.js";

const COMMANDS = ["check", "read", "run"];

/** No gateway has ever spoken: how to connect one. */
export const NoGateway = () => html`<section class="card empty"><h2>${t("empty.title")}</h2><p>${t("empty.text")}</p>
  <ol>${COMMANDS.map((command) => html`<li key=${command}><code>dayuan-edge ${command} site.toml</code><span class="muted">${t(`empty.${command}`)}</span></li>`)}</ol>
  <p class="muted">${t("empty.site_file")}</p><pre tabindex="0" aria-label=${t("empty.site_file")}>${`[gateway]\nsite = "east-compound"\nid = "b3-plant-room"\n\n[uplink]\nurl = "mqtt://${location.hostname}:1883"`}</pre>
  <p class="muted">${t("empty.wait")}</p></section>`;

export const NothingFound = () => html`<div class="nothing"><p>${t("empty.nothing")}</p><button class="btn" onClick=${clearFilters}>${t("filter.clear")}</button></div>`;
