// The page Reports: how well requests were served, beside what a compound reported before; how rooms were used.
import { computed, html } from "../../vendor/preact.js";
import { query } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { dayText, number } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { useAnswer } from "../overview/loading.js";
import { sinceOf } from "../requests/figures.js";
import { siteName, zoneOf } from "../sites.js";
import { headlineRows, roomRows, serviceRows, SERVICE, HEADLINE, ROOMS, UNITS, unitRows, moduleRows, MODULES } from "./rows.js";
import { FigureTable } from "./table.js";
import { period } from "./where.js";

const PERIODS = ["today", "week", "month"];
const ASK_AGAIN_MS = 60_000;

const openPeriod = computed(() => /** @type {"today" | "week" | "month"} */ (PERIODS.includes(period.value) ? period.value : "week"));
/** The end of the period: the minute that has begun. Moves on by minutes, so that the tables stand still. */
const until = computed(() => Math.ceil(now.value / ASK_AGAIN_MS) * ASK_AGAIN_MS);

/** @param {{name: string, tables: any, file: string}} props */
function Service({ name, tables, file }) {
  const rows = serviceRows(tables[name] ?? [], (one) => (name === "tier" ? word("requests.tier", one) : name === "kind" ? word("requests.kind", one) : name === "hour" ? `${one}:00` : one || t("reports.no_unit")));
  return html`<${FigureTable} id=${name} title=${t(`reports.by_${name}`)} note=${t("reports.service_note")} columns=${SERVICE(t(`reports.column_${name}`))} rows=${rows} file=${file} empty=${t("reports.no_requests")} />`;
}

/** @param {{site: string}} props */
function Tables({ site }) {
  const zone = zoneOf(site);
  const from = sinceOf(openPeriod.value, zone, until.value);
  const asked = query({ site, from, to: until.value });
  const about = `${site} ${openPeriod.value}`;
  const service = useAnswer(`/api/v1/dispatch/figures?${asked}`, `figures ${about}`);
  const rooms = useAnswer(`/api/v1/rooms/use?${asked}`, `rooms ${about}`);
  const file = `${site}-${openPeriod.value}`;
  const { answer } = service;
  return html`<p class="muted reports-span">${t("reports.span", { from: dayText(from, zone), to: dayText(until.value, zone) })}</p>
    ${[service, rooms].map(({ failure }, i) => failure && html`<p key=${i} class="calm warn" role="alert">${failure}</p>`)}
    ${!answer && !service.failure && html`<p class="calm muted" role="status">${t("reports.asking")}</p>`}
    ${answer && html`${answer.capped && html`<p class="calm warn">${t("reports.capped")}</p>`}
      <${FigureTable} id="headline" title=${t("reports.headline")} note=${t("reports.headline_note")} columns=${HEADLINE()} rows=${headlineRows(answer.headline)} file=${file} />
      ${["tier", "unit", "hour", "kind"].map((name) => html`<${Service} key=${name} name=${name} tables=${answer.tables} file=${file} />`)}`}
    ${rooms.answer && html`<${FigureTable} id="rooms" title=${t("reports.rooms")} note=${t("reports.rooms_note", { share: `${number(rooms.answer.under * 100)} %` })} columns=${ROOMS()} rows=${roomRows(rooms.answer.rooms)} file=${file} />
      <${FigureTable} id="room-units" title=${t("reports.room_units")} columns=${UNITS()} rows=${unitRows(rooms.answer.units)} file=${file} />
      <${FigureTable} id="modules" title=${t("reports.modules")} note=${t("reports.modules_note")} columns=${MODULES()} rows=${moduleRows(rooms.answer.modules)} file=${file} />`}`;
}

export function Reports() {
  const site = mapSite.value;
  return html`<div class="reports"><div class="reports-head"><h1>${t("page.reports")}</h1>${site && html`<small class="muted">${siteName(site)}</small>`}<span class="sp"></span>
      <span class="picks" role="group" aria-label=${t("reports.period")}>${PERIODS.map((one) => html`<button key=${one} class=${`pick${openPeriod.value === one ? " on" : ""}`} aria-pressed=${openPeriod.value === one} onClick=${() => { period.value = one === "week" ? "" : one; }}>${t(`reports.${one}`)}</button>`)}</span></div>
    ${site ? html`<${Tables} key=${site} site=${site} />` : html`<p class="calm muted">${t("header.no_site")}</p>`}</div>`;
}
