// A gateway, opened: its buffer, lanes and buses, what was refused and why, and which batches are stored.
import { html, useSignal } from "../../vendor/preact.js";
import { asObjects, call, may } from "../api.js";
import { age, bytes, fullTime, moment, number, seconds } from "../format.js";
import { said, t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { EventTable, Facts } from "./device_panel.js";
import { Busy } from "./gateway_row.js";
import { failureWords, useAnswer } from "./loading.js";
import { PanelBox } from "./panel.js";
import { SiteFile } from "./site_file.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Report} Report */

const ASK_AGAIN_MS = 10_000;
const RANGES_SHOWN = 12;

/** @param {{gateway: Entity}} props */
function Fence({ gateway }) {
  const failure = useSignal("");
  const busy = useSignal(false);
  const lift = async () => {
    busy.value = true;
    try {
      await call("POST", `/api/v1/gateways/${gateway.site}/${gateway.gateway}/unfence`);
      failure.value = "";
    } catch (error) { failure.value = failureWords(error); } finally { busy.value = false; }
  };
  return html`<div class="fence"><p><b class="warn">${t("fence.title")}</b> ${t("fence.why")}</p>
    ${may("install") ? html`<button class="btn" disabled=${busy.value} onClick=${lift}>${t("fence.lift")}</button>` : html`<p class="muted">${t("fence.ask")}</p>`}
    ${failure.value && html`<p class="warn" role="alert">${failure.value}</p>`}</div>`;
}

/** @param {{report: Report}} props */
function BusTable({ report }) {
  if (report.buses.length === 0) return null;
  return html`<h3>${t("gateway.bus_table")}</h3><table class="readings"><thead><tr>${["name", "state", "busy", "requests", "timeouts", "errors"].map((head, i) => html`<th scope="col" class=${i > 1 ? "r" : ""}>${t(`bus.${head}_head`)}</th>`)}</tr></thead>
    <tbody>${report.buses.map((bus) => html`<tr key=${bus.name} title=${bus.last_error}><td>${bus.name}<br /><span class="muted">${bus.kind}</span></td><td class=${bus.state === "up" ? "" : "warn"}>${word("bus_state", bus.state)}</td>
      <td class="r">${number((bus.busy_share ?? 0) * 100)} %<br /><${Busy} share=${bus.busy_share} /></td><td class="r">${number(bus.requests)}</td><td class="r">${number(bus.timeouts)}</td><td class="r">${number(bus.errors)}</td></tr>
      ${bus.last_error && html`<tr class="under"><td colspan="6" class="muted">${said(bus.last_error)}</td></tr>`}`)}</tbody></table>`;
}

/** @param {{counts: Record<string, number> | undefined}} props */
function Refused({ counts }) {
  const list = Object.entries(counts ?? {}).filter(([, n]) => n > 0);
  if (list.length === 0) return null;
  return html`<h3>${t("gateway.refused_why")}</h3><table class="readings"><tbody>${list.map(([reason, n]) => html`<tr key=${reason}><td>${word("reason", reason)}</td><td class="r warn">${number(n)}</td></tr>`)}</tbody></table>`;
}

/** Readings that were not stored although their batch was. @param {{table: import("../types.d.ts").Table, zone: string}} props */
const RefusedReadings = ({ table, zone }) => html`<table class="readings"><thead><tr><th scope="col">${t("reading.received")}</th><th scope="col">${t("refused.series")}</th><th scope="col">${t("refused.said")}</th><th scope="col">${t("refused.reason")}</th></tr></thead>
  <tbody>${asObjects(table).map((row, i) => html`<tr key=${i}><td title=${fullTime(row["received_at"], zone)}>${moment(row["received_at"], now.peek(), zone)}</td>
    <td>${row["device"]}<br /><span class="muted">${row["point"]}</span></td><td class="wrap mono" title=${`${row["epoch"]} ${row["seq"]}`}>${row["value"]}<br /><span class="muted">${row["at"]}</span></td><td class="wrap">${word("reason", row["reason"])}</td></tr>`)}</tbody></table>`;

/** What the collector keeps of a gateway: refused readings, and which batches are stored, by life of the buffer. @param {{gateway: Entity, zone: string}} props */
function Kept({ gateway, zone }) {
  const path = `/api/v1/gateways/${gateway.site}/${gateway.gateway}`;
  const turn = Math.floor(now.value / ASK_AGAIN_MS);
  const { answer } = useAnswer(`${path}?turn=${turn}`, path);
  const epochs = Object.entries(answer?.ranges ?? {});
  const refused = answer?.refused_readings;
  return html`${refused?.rows.length > 0 && html`<h3>${t("refused.title")}</h3><${RefusedReadings} table=${refused} zone=${zone} />`}
    ${epochs.length > 0 && html`<h3>${t("gateway.epochs")}</h3><table class="readings"><thead><tr><th scope="col">${t("epoch.epoch")}</th><th scope="col">${t("epoch.ranges")}</th></tr></thead>
    <tbody>${epochs.map(([epoch, ranges]) => html`<tr key=${epoch}><td class="mono">${epoch}</td><td class="mono wrap">${rangesText(ranges)}</td></tr>`)}</tbody></table>`}`;
}

/** `1–381, 383–400`; the newest when there are many. @param {[number, number][]} ranges */
const rangesText = (ranges) => (ranges.length > RANGES_SHOWN ? "… " : "") + ranges.slice(-RANGES_SHOWN).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");

/** What the gateway kept of what was acked, and how a resend goes. @param {import("../types").Kept | null | undefined} kept @param {string} zone */
const keptText = (kept, zone) => {
  if (!kept) return "";
  const known = kept.batches ? t("fact.kept_text", { n: kept.batches, since: moment(kept.since ?? 0, now.value, zone) }) : t("fact.kept_none");
  if (kept.waiting) return html`${known} · <b class="warn">${t("fact.kept_going", { sent: kept.sent ?? 0, n: kept.waiting })}</b>`;
  return kept.sent ? `${known} · ${t("fact.resent", { n: kept.sent })}` : known;
};

/** @param {Report} report @param {string} zone @returns {[string, any][]} */
const reportFacts = (report, zone) => [
  ["backlog", `${t("fact.backlog_text", { readings: report.backlog_readings, batches: report.backlog_batches })}${report.oldest_unacked_s ? ` · ${seconds(report.oldest_unacked_s)}` : ""}`],
  ["buffer", `${bytes(report.backlog_bytes)} / ${bytes(report.buffer_max_bytes)}`],
  ["lanes", t("fact.lanes_text", { live: report.live_in_flight, backlog: report.backlog_in_flight })],
  ["acked", `${number(report.acked_batches)} · ${t("fact.resent", { n: report.resent_batches })}`],
  ["kept", keptText(report.kept, zone)],
  ["dropped", number(report.dropped_readings + (report.dropped_events ?? 0))],
  ["quarantined", number(report.quarantined)],
  ["untimed", report.untimed ? number(report.untimed) : ""],
  ["clock", report.clock ? word("clock", report.clock.state) : ""],
  ["disk_full", typeof report.disk_full_s === "number" ? html`<b class="warn">${t("fact.disk_full_text", { since: age(report.disk_full_s * 1000), n: report.in_memory ?? 0 })}</b>` : ""],
  ["link_error", report.link_error ?? ""], ["buffer_error", report.buffer_error ?? ""],
  ["memory", report.rss_bytes ? bytes(report.rss_bytes) : ""], ["uptime", report.uptime_s ? age(report.uptime_s * 1000) : ""],
  ...machineFacts(report.machine),
];

/** The box itself; what it does not tell is left out. @param {Report["machine"]} box @returns {[string, any][]} */
function machineFacts(box) {
  if (!box) return [];
  const power = box.power === "good" && box.low_since_start ? "was_low" : box.power;
  const warned = (/** @type {boolean} */ bad, /** @type {string} */ text) => (bad ? html`<b class="warn">${text}</b>` : text);
  return [
    ["model", box.model ?? ""],
    ["power", power === "good" || power === "low" || power === "was_low" ? warned(power !== "good", t(`power.${power}`)) : ""],
    ["temperature", typeof box.temperature_c === "number" ? `${number(box.temperature_c)} °C` : ""],
    ["disk", box.disk_read_only ? warned(true, t("fact.disk_read_only")) : typeof box.disk_free_bytes === "number" ? t("fact.disk_text", { free: bytes(box.disk_free_bytes), all: bytes(box.disk_bytes ?? 0) }) : ""],
    ["disk_written", typeof box.disk_written_day_bytes === "number" ? t("fact.disk_written_text", { n: bytes(box.disk_written_day_bytes) }) : ""],
  ];
}

/** @param {{gateway: Entity}} props */
export function GatewayPanel({ gateway }) {
  const { attributes } = gateway;
  const report = attributes.report;
  const zone = zoneOf(gateway.site);
  const at = (/** @type {number | null | undefined} */ ms) => (ms ? `${moment(ms, now.value, zone)} (${age(now.value - ms)})` : "—");
  return html`<${PanelBox} title=${html`<span>${gateway.name || gateway.gateway}</span>`} sub=${`${word("kind", "gateway")} · ${gateway.gateway}`}>
    ${attributes.fenced && html`<${Fence} gateway=${gateway} />`}
    <${Facts} facts=${[
      ["status_at", at(gateway.observed_at)], ["last_batch", at(attributes.last_batch_at)],
      ["stored", t("fact.stored_text", { readings: attributes.stored_readings ?? 0, batches: attributes.stored_batches ?? 0 })],
      ["duplicates", number(attributes.duplicates ?? 0)], ["rejected", number(attributes.rejected ?? 0)],
      ["latency", typeof attributes.latency_ms === "number" ? `${number(attributes.latency_ms)} ms` : ""],
      .../** @type {[string, any][]} */ (report ? reportFacts(report, zone) : []),
      ["session", attributes.session ?? ""], ["software", attributes.software], ["config", attributes.config_hash ? html`<span class="mono">${attributes.config_hash.slice(0, 12)}</span>` : ""]]} />
    ${report && html`<${BusTable} report=${report} />`}
    <${Refused} counts=${attributes.refused} />
    ${may("install") && html`<${SiteFile} gateway=${gateway} />`}
    <${Kept} gateway=${gateway} zone=${zone} />
    <${EventTable} device=${gateway} />
  <//>`;
}
