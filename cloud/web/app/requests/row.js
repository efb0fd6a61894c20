// One request in the queue: how urgent, what, for whom, and the clock that runs.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { tabOfRequest, worstClock } from "./clocks.js";
import { clockWord, hourOrDay, span, statusWord, tierWord, titleOf, wayOf, whoOf } from "./words.js";

/** The running clock as a bar: grey, orange from half of it, red from four fifths. @param {{facts: Record<string, any>, zone: string}} props */
export function ClockBar({ facts, zone }) {
  const at = now.value;
  const running = worstClock(facts, at);
  if (!running) return null;
  const { name, clock, percent, tone } = running;
  const label = clockWord(name, String(facts["kind"]));
  const isShort = clock.due_at - clock.started_at < 3_600_000;
  const due = percent > 100 ? t("requests.late_by", { time: span(at - clock.due_at) })
    : isShort ? `${span(Math.max(0, at - clock.started_at))} / ${span(clock.due_at - clock.started_at)}`
      : t("requests.before", { time: hourOrDay(clock.due_at, at, zone) });
  return html`<span class=${`clock-bar c-${tone}`}><span class="clock-name">${label}</span>
    <span class="clock-track" role="img" aria-label=${t("requests.clock_about", { clock: label, percent: Math.round(percent) })}><i style=${{ width: `${Math.min(100, percent)}%` }}></i></span>
    <span class="clock-due mono">${due}</span></span>`;
}

/** What stands where no clock runs. @param {Record<string, any>} facts @param {string} zone */
function quietLine(facts, zone) {
  const tab = tabOfRequest(facts, now.value);
  const who = facts["assigned"]?.name;
  if (tab === "done") return [statusWord(String(facts["status"])), facts["ended_at"] && hourOrDay(facts["ended_at"], now.value, zone), who].filter(Boolean).join(" · ");
  if (tab === "booked") return [hourOrDay(facts["window"].earliest, now.value, zone), who].filter(Boolean).join(" · ");
  return [statusWord(String(facts["status"])), who].filter(Boolean).join(" · ");
}

/** Of one's own requests it says how it stands, of others' who asked. @param {{id: string, top: number, at: number, count: number, isChosen: boolean, choose: () => void, known: (id: string) => import("../types.d.ts").Entity | undefined, isOwn: boolean, isNumbered: boolean}} props */
export function RequestRow({ id, top, at, count, isChosen, choose, known, isOwn, isNumbered }) {
  const entity = known(id);
  if (!entity) return null;
  const facts = /** @type {Record<string, any>} */ (entity.attributes);
  const zone = zoneOf(entity.site);
  const running = worstClock(facts, now.value);
  const hot = running?.tone === "hot" || facts["emergency"];
  const sent = tabOfRequest(facts, now.value) !== "waiting" ? facts["assigned"]?.name : "";
  const toRate = isOwn && facts["status"] === "done" && !facts["rating"] && (facts["actions"] ?? []).includes("rate") ? t("requests.to_rate") : "";
  const alert = facts["status"] === "awaiting_approval" ? t("requests.needs_approval") : "";
  return html`<div id=${`request-${id}`} class=${`ask${isChosen ? " chosen" : ""}`} role="option" aria-selected=${isChosen} aria-posinset=${at + 1} aria-setsize=${count} style=${{ transform: `translateY(${top}px)` }} onClick=${choose}>
    <span class="ask-head"><span class=${`tier${facts["tier"] === "real_time" ? hot ? " hot" : " soon" : ""}`}>${tierWord(String(facts["tier"]))}</span>
      ${facts["emergency"] && html`<span class="tier hot">${t("requests.emergency_short")}</span>`}<b class="ask-title">${titleOf(facts)}</b>${isNumbered && html`<span class="sp"></span><small class="mono muted">${facts["number"]}</small>`}</span>
    <span class="ask-who">${(!isOwn ? [whoOf(facts), alert || sent] : running ? [statusWord(String(facts["status"])), sent] : [wayOf(facts), toRate]).filter(Boolean).join(" · ")}</span>
    ${running ? html`<${ClockBar} facts=${facts} zone=${zone} />` : html`<span class="clock-bar quiet">${quietLine(facts, zone)}</span>`}</div>`;
}
