// What stands behind an opened number: readings of a point, a device, a gateway. Esc or a step back closes it.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { entities, roster } from "../live/link.js";
import { shown } from "../place.js";
import { DevicePanel } from "./device_panel.js";
import { GatewayPanel } from "./gateway_panel.js";
import { ReadingPanel } from "./reading_panel.js";

export function closePanel() {
  if (shown.peek() === "") return;
  shown.value = "";
  /** @type {HTMLElement | null} */ (document.querySelector(".tree, .things") ?? document.querySelector(".asks"))?.focus();
}

/** What is opened, as its parts. @param {string} text */
export function parsed(text) {
  const colon = text.indexOf(":");
  const what = text.slice(0, colon), rest = text.slice(colon + 1);
  if (what !== "reading") return { what, id: rest, point: "" };
  const slash = rest.lastIndexOf("/");
  return { what, id: rest.slice(0, slash), point: rest.slice(slash + 1) };
}

/** The box around an opened thing. @param {{title: any, sub?: any, actions?: any, children?: any}} props */
export function PanelBox({ title, sub, actions, children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => { box.current?.focus(); }, [shown.value]);
  return html`<section ref=${box} class="card panel" tabindex="-1" aria-label=${t("panel.title")}>
    <div class="h"><h2 class="panel-title">${title}<small>${sub}</small></h2><span class="sp"></span>${actions}<button class="plain close" aria-label=${t("frame.close")} title="Esc" onClick=${closePanel}>✕</button></div>
    <div class="panel-body" tabindex="0" role="group" aria-label=${t("panel.content")}>${children}</div></section>`;
}

export function Panel() {
  useEffect(() => onKey("Escape", () => closePanel()), []);
  void roster.value;
  const { what, id, point } = parsed(shown.value);
  const entity = entities.get(id)?.value;
  if (!entity) return html`<${PanelBox} title=${id}><p class="calm muted">${t("panel.gone")}</p><//>`;
  if (what === "reading") return html`<${ReadingPanel} key=${shown.value} device=${entity} name=${point} />`;
  if (what === "gateway") return html`<${GatewayPanel} key=${shown.value} gateway=${entity} />`;
  return html`<${DevicePanel} key=${shown.value} device=${entity} />`;
}
