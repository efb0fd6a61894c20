// One row a gateway: is the chain from the wires to the store whole, and if not, where not.
import { html } from "../../vendor/preact.js";
import { age, bytes, moment, number, seconds } from "../format.js";
import { t, word } from "../i18n.js";
import { entities, now } from "../live/link.js";
import { site } from "../place.js";
import { siteName, sites, zoneOf } from "../sites.js";
import { backlogOf, clockOf, gatewayHealth, isStale } from "./health.js";
import { HealthMark } from "./marks.js";
import { Opens } from "./number.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Report} Report */
/** @typedef {import("../types.d.ts").BusReport} BusReport */

const BUSES_SHOWN = 4;

/**
 * The achieved period of each bus: the worst of its devices, beside what was wanted.
 * @param {Report} report @param {Iterable<Entity>} devices @param {string} gateway @param {string} site
 */
export function busPeriods(report, devices, gateway, site) {
  /** @type {Map<string, {achieved: number, every: number, ratio: number}>} */
  const worst = new Map();
  for (const { gateway: at, site: where, attributes } of devices) {
    const { bus, achieved_s: achieved, every_s: every } = attributes;
    if (at !== gateway || where !== site || !bus || !achieved || !every) continue;
    const ratio = achieved / every;
    if (ratio > (worst.get(bus)?.ratio ?? 0)) worst.set(bus, { achieved, every, ratio });
  }
  return report.buses.map((bus) => ({ bus, period: worst.get(bus.name) }));
}

/** @param {{share: number | null}} props */
export function Busy({ share }) {
  if (share === null || share === undefined) return null;
  const width = Math.min(1, Math.max(0, share));
  return html`<span class="busy" title=${t("bus.busy", { share: `${number(share * 100)} %` })}><i class=${width > 0.9 ? "x" : width > 0.75 ? "w" : ""} style=${{ width: `${width * 100}%` }}></i></span>`;
}

/** @param {{gateway: Entity, report: Report}} props */
function Buses({ gateway, report }) {
  function* devices() { for (const entity of entities.values()) yield entity.peek(); }
  const all = busPeriods(report, devices(), gateway.gateway, gateway.site);
  return html`<span class="buses">${all.slice(0, BUSES_SHOWN).map(({ bus, period }) => {
    const slow = period && period.ratio > 1.5 && period.achieved - period.every > 0.5;
    const ill = bus.state !== "up";
    return html`<span class="bus" key=${bus.name} title=${[bus.kind, word("bus_state", bus.state), bus.last_error].filter(Boolean).join(" · ")}><span class="bus-name">${bus.name}</span>
      ${ill ? html`<b class="warn">${word("bus_state", bus.state)}</b>` : period ? html`<b class=${slow ? "warn" : ""}>${slow ? `${seconds(period.achieved)} / ${seconds(period.every)}` : seconds(period.achieved)}</b>` : html`<span>${word("bus_state", bus.state)}</span>`}
      <${Busy} share=${bus.busy_share} /></span>`;
  })}${all.length > BUSES_SHOWN && html`<span class="muted">+${all.length - BUSES_SHOWN}</span>`}</span>`;
}

/** @param {{name: string, text: any, warn?: boolean, sub?: any, title?: string, class?: string}} props */
const Cell = ({ name, text, warn, sub, title, class: extra = "" }) => html`<span role="gridcell" class=${`g-${name} ${extra}`} title=${title}><small>${t(`gateway.${name}`)}</small><span class=${warn ? "warn" : ""}>${text}${sub && html`<span class="u">${sub}</span>`}</span></span>`;

/** @param {Record<string, number> | undefined} refused */
export const refusedTotal = (refused) => Object.values(refused ?? {}).reduce((sum, n) => sum + n, 0);

/** The link in words. @param {Entity} gateway */
function linkWords(gateway) {
  const { online, fenced, announced } = gateway.attributes;
  if (fenced) return { text: t("link.fenced"), warn: true };
  if (announced === false) return { text: t("link.unannounced"), warn: false };
  if (online && isStale(gateway.observed_at, gateway.stale_after_s, now.value)) {
    return { text: t("link.silent_since", { time: moment(gateway.observed_at ?? 0, now.value, zoneOf(gateway.site)) }), warn: true };
  }
  if (online) return { text: t("link.online"), warn: false };
  if (online === false) return { text: t("link.offline_since", { time: gateway.observed_at ? moment(gateway.observed_at, now.value, zoneOf(gateway.site)) : "—" }), warn: true };
  return { text: t("link.unknown"), warn: false };
}

/** @param {{row: import("./rows.js").Row}} props */
export function GatewayRow({ row }) {
  const gateway = entities.get(row.id)?.value;
  const { group } = row;
  const fold = html`<span class="fold" aria-hidden="true">${row.isOpen ? "▾" : "▸"}</span>`;
  if (!gateway) {
    return html`<span role="gridcell" class="g-name">${fold}<span class="g-title"><b class="name">${group.name}</b><small>${t("gateway.unannounced", { n: group.total })}</small></span></span>`;
  }
  const { attributes } = gateway;
  const report = attributes.report;
  const link = linkWords(gateway);
  const backlog = backlogOf(report);
  const to = `gateway:${gateway.id}`;
  const open = (/** @type {any} */ text) => html`<${Opens} inList=${true} to=${to} title=${t("gateway.details")}>${text}<//>`;
  const where = sites.value.length > 1 && !site.value ? `${siteName(gateway.site)} · ` : "";
  const clock = clockOf(gateway);
  const refused = refusedTotal(attributes.refused) + (attributes.rejected ?? 0);
  return html`
    <span role="gridcell" class="g-name">${fold}<${HealthMark} health=${gatewayHealth(gateway, now.value)} /><span class="g-title"><b class="name">${gateway.name || gateway.gateway}</b><small>${where}${t("gateway.devices", { n: group.total })} · ${gateway.gateway}</small></span></span>
    <${Cell} name="link" text=${link.text} warn=${link.warn} sub=${!link.warn && attributes.online && gateway.observed_at ? age(now.value - gateway.observed_at) : null} />
    <${Cell} name="lanes" title=${t("gateway.lanes_title")} text=${report ? open(`${number(report.live_in_flight)} / ${number(report.backlog_in_flight)}`) : "—"} />
    <${Cell} name="backlog" text=${report ? open(number(backlog.readings)) : "—"} warn=${row.health === "backlog"} sub=${backlog.readings > 0 ? bytes(backlog.bytes) : null} />
    <span role="gridcell" class="g-buses"><small>${t("gateway.buses")}</small>${report ? html`<${Buses} gateway=${gateway} report=${report} />` : html`<span>—</span>`}</span>
    <${Cell} name="dropped" text=${report ? open(number(report.dropped_readings)) : "—"} />
    <${Cell} name="clock" text=${clock ? word("clock", clock) : "—"} warn=${clock === "unsynced"} />
    <${Cell} name="refused" text=${open(`${number(refused)} / ${number(attributes.duplicates ?? 0)}`)} />`;
}
