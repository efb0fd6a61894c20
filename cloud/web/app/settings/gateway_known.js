// A gateway is told about by itself: which one an entry names, whether it was ever heard, and which others there are.
import { html } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { t } from "../i18n.js";
import { entities, roster } from "../live/link.js";
import { codeOf } from "../dispatch/states.js";
import { stateWord } from "../dispatch/words.js";
import { lastAge } from "./devices.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

/** What is heard of a gateway. @param {string} id its id on the wire @returns {Entity | undefined} */
function heard(id) {
  void roster.value;
  const entity = entities.get(`${mapSite.value}/@${id}`)?.value;
  return entity?.observed_at ? entity : undefined;
}

/** Ids of the gateways of the site that were heard. */
function heardIds() {
  void roster.value;
  return [...entities.values()].map((one) => one.peek()).filter((one) => one.kind === "gateway" && one.site === mapSite.value && one.observed_at).map((one) => one.gateway).sort();
}

/** @param {{id: string}} props */
export function GatewayTold({ id }) {
  const entity = heard(id);
  if (!entity) return html`<span class="told warn">${t("settings.gateway_unheard_short")}</span>`;
  return html`<span class="told">${stateWord("gateway", codeOf(entity))} <small class="muted">${lastAge(entity)}</small></span>`;
}

/** In the form of a gateway, where other things have their devices. @param {{id: string}} props its id on the wire, "" while none is known */
export function GatewayKnown({ id }) {
  const entity = heard(id), others = heardIds();
  return html`<fieldset class="bindings wide"><legend>${t("settings.gateway_link")}</legend>
    ${entity ? html`<p role="status">${[entity.name, stateWord("gateway", codeOf(entity)), lastAge(entity)].filter(Boolean).join(" · ")}</p>`
      : html`<p class="warn" role="status">${t("settings.gateway_unheard", { id: id || "—" })} ${others.length > 0 ? t("settings.gateways_heard", { ids: others.join(", ") }) : ""}</p>`}
  </fieldset>`;
}
