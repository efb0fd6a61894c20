// The page Energy: what was used, what it cost, and how far that can be trusted. Its parts are loaded when they are opened.
import { html, signal, useEffect } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { pastAt } from "../live/link.js";
import { shown } from "../place.js";
import { structure, keepStructure } from "./structure.js";
import { NoStructure } from "./no_structure.js";
import { OpenedAmount } from "./opened.js";
import { PARTS } from "./tabs.js";
import { PeriodBar } from "./period_bar.js";
import { chosen, energySite, openAmount, part, zone } from "./where.js";

/** Views that are there, by part. @type {import("../../vendor/preact.js").Signal<Record<string, any>>} */
const views = signal({});
const failed = signal("");

/** @param {import("./tabs.js").Part} one */
async function bring(one) {
  if (views.peek()[one.id]) return;
  try {
    const View = await one.load();
    views.value = { ...views.peek(), [one.id]: View };
    failed.value = "";
  } catch { failed.value = one.id; }
}

/** @param {{open: import("./tabs.js").Part}} props */
function Tabs({ open }) {
  const to = (/** @type {string} */ id) => { shown.value = ""; part.value = id === "overview" ? "" : id; };
  useEffect(() => {
    const undo = PARTS.slice(0, 9).map((one, i) => onKey(String(i + 1), () => to(one.id)));
    return () => undo.forEach((each) => each());
  }, []);
  return html`<nav class="picks parts" aria-label=${t("energy.parts")}>${PARTS.map((one) => html`<button key=${one.id} class=${`pick${one === open ? " on" : ""}`} aria-current=${one === open ? "page" : undefined} onClick=${() => to(one.id)}>${t(`energy.part_${one.id}`)}</button>`)}</nav>`;
}

export function Energy() {
  const open = PARTS.find((one) => one.id === part.value) ?? /** @type {import("./tabs.js").Part} */ (PARTS[0]);
  const site = energySite.value;
  useEffect(() => { void bring(open); }, [open.id]);
  useEffect(() => keepStructure(site), [site]);
  const View = views.value[open.id];
  const { known, failure, of } = structure.value;
  const ready = known && of === site;
  const withBar = ready && known.structure.meters.length > 0 && !open.timeless && (!open.ownPeriods || chosen.value === "bar");
  return html`<div class=${`energy${openAmount.value ? " with-panel" : ""}`}>
    <h1 class="sr">${t("page.energy")}</h1>
    <div class="energy-bar"><${Tabs} open=${open} />${withBar && html`<${PeriodBar} part=${open} />`}</div>
    ${!site && html`<p class="calm muted">${t("header.no_site")}</p>`}
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${failed.value === open.id && html`<p class="calm warn" role="alert">${t("live.unreachable")} <button class="btn" onClick=${() => void bring(open)}>${t("energy.again")}</button></p>`}
    ${site && !ready && !failure && html`<p class="calm muted" role="status">${t("energy.asking")}</p>`}
    ${ready && (known.structure.meters.length === 0 ? html`<${NoStructure} site=${site} />`
      : html`<div class="energy-part" tabindex="-1">${pastAt.value !== null && html`<p class="calm warn">${t("energy.past")}</p>`}
          ${View ? html`<${View} key=${`${open.id} ${site}`} site=${site} zone=${zone.value} />` : failed.value !== open.id && html`<p class="calm muted" role="status">${t("energy.asking")}</p>`}</div>`)}
    ${ready && openAmount.value && html`<aside class="side"><${OpenedAmount} key=${shown.value} /></aside>`}
  </div>`;
}
