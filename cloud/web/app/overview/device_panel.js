// A device, opened: what it is, how well it is read, and its last events.
import { html, useMemo } from "../../vendor/preact.js";
import { asObjects, query } from "../api.js";
import { age, fullTime, moment, seconds } from "../format.js";
import { eventName, said, t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { zoneOf } from "../sites.js";
import { Command } from "./command.js";
import { healthWords } from "./device_row.js";
import { deviceHealth } from "./health.js";
import { eventDetails } from "./headline.js";
import { useAnswer } from "./loading.js";
import { PanelBox } from "./panel.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

const DAY_MS = 86_400_000;
const DAYS = 2;
const EVENTS_MOST = 100;
/** The name under which a gateway reports events about itself. */
const GATEWAY_DEVICE = "gateway";

/** Names and what they are; empty ones are left out. @param {{facts: [string, any][]}} props */
export const Facts = ({ facts }) => html`<dl class="facts">${facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => html`<div key=${name}><dt>${t(`fact.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>`;

/** Events of the last day, newest first. @param {{device: Entity}} props */
export function EventTable({ device }) {
  const zone = zoneOf(device.site);
  const name = device.device ?? GATEWAY_DEVICE;
  const about = `${device.id} ${name}`;
  // Asked again when a newer event is known, not with the time.
  const lastAt = device.attributes.last_event?.at ?? 0;
  const path = useMemo(() => {
    const to = Math.max(lastAt, Math.floor(now.peek())) + 60_000;
    return `/api/v1/events?${query({ site: device.site, device: name, from: to - DAYS * DAY_MS, to, limit: EVENTS_MOST, newest_first: "true" })}`;
  }, [lastAt, about]);
  const { answer, failure } = useAnswer(path, about);
  const rows = answer ? asObjects(answer).filter((row) => device.device || row["gateway"] === device.gateway) : [];
  return html`<h3>${t("events.of_device")}</h3>
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${answer && rows.length === 0 && html`<p class="calm muted">${t("events.none_here")}</p>`}
    ${rows.length > 0 && html`<table class="readings"><thead><tr><th scope="col">${t("reading.time")}</th><th scope="col">${t("events.what")}</th><th scope="col">${t("reading.batch")}</th><th scope="col" class="r">${t("reading.received")}</th></tr></thead>
      <tbody>${rows.map((row, i) => html`<tr key=${`${row["at"]} ${row["seq"]} ${i}`}><td title=${fullTime(row["at"], zone)}>${moment(row["at"], now.peek(), zone)}</td>
        <td>${eventName(row["kind"])}<br /><span class="muted">${eventDetails(/** @type {any} */ ({ kind: row["kind"], at: row["at"], data: dataOf(row["data"]), reason: row["reason"] }))}</span></td>
        <td class="mono" title=${row["gateway"]}>${row["epoch"]}<span class="seq"> ${row["seq"]}</span></td>
        <td class="r" title=${fullTime(row["received_at"], zone)}>+${seconds(Math.max(0, (row["received_at"] - row["at"]) / 1000))}</td></tr>`)}</tbody></table>`}`;
}

/** @param {unknown} data */
const dataOf = (data) => (typeof data === "string" ? JSON.parse(data) : data ?? {});

/** @param {{device: Entity}} props */
export function DevicePanel({ device }) {
  const { attributes } = device;
  const zone = zoneOf(device.site);
  const health = deviceHealth(device, now.value, isOutOfReach(device));
  const period = attributes.every_s ? (attributes.achieved_s ? t("period.title", { achieved: seconds(attributes.achieved_s), every: seconds(attributes.every_s) }) : seconds(attributes.every_s)) : "";
  return html`<${PanelBox} title=${html`<span>${device.name || device.device}</span>`} sub=${`${word("kind", device.kind)} · ${device.device}`}>
    <${Facts} facts=${[
      ["state", healthWords(device, health) || word("health", health)],
      ["seen", device.observed_at ? `${moment(device.observed_at, now.value, zone)} (${age(now.value - device.observed_at)})` : "—"],
      ["stale_after", device.stale_after_s ? seconds(device.stale_after_s) : ""],
      ["period", period],
      ["last_error", attributes.last_error ? said(attributes.last_error) : ""],
      ["profile", attributes.profile], ["bus", attributes.bus], ["gateway", device.gateway],
      ["points", Object.keys(device.points).length || ""]]} />
    <${Command} device=${device} />
    <${EventTable} device=${device} />
  <//>`;
}
