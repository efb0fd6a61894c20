// A request, opened: what was asked, its clocks, what was done to it and why, and what may be done now.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { isRequester, query } from "../api.js";
import { pane, openThing } from "../dispatch/where.js";
import { actorOf } from "../dispatch/words.js";
import { fullTime, moment, number } from "../format.js";
import { t, word } from "../i18n.js";
import { entities, now, pastAt, roster, say } from "../live/link.js";
import { useAnswer } from "../overview/loading.js";
import { PanelBox } from "../overview/panel.js";
import { zoneOf } from "../sites.js";
import { mayChoose } from "./act.js";
import { Actions } from "./actions.js";
import { CLOCKS, percentOf, toneOf } from "./clocks.js";
import { entityOf } from "./entity.js";
import { SuggestionCard } from "./suggestion.js";
import { chosen, idOf, isRequest } from "./where.js";
import { clockWord, hourOrDay, kindWord, minutesText, span, statusWord, tierWord, titleOf, wayOf } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {Record<string, any>} Facts */

const narrow = matchMedia("(max-width: 720px)");

/** @param {Facts} facts @param {string} zone @returns {[string, any][]} */
function linesOf(facts, zone) {
  const { requester, window, demand, approval, assigned, rating } = facts;
  const at = (/** @type {any} */ ms) => (typeof ms === "number" ? moment(ms, now.value, zone) : "");
  const wants = [demand?.seats && t("dispatch.seats", { n: demand.seats }), demand?.class && word("class", demand.class), (demand?.skills ?? []).join(", ")].filter(Boolean).join(" · ");
  const asked = approval?.needed ? [word("requests.approval", approval.state), word("requests.rule", approval.rule), approval.by, at(approval.at), approval.opinion].filter(Boolean).join(" · ") : "";
  const sent = assigned ? [assigned.name, assigned.driver, assigned.phone, assigned.locked && t("requests.now_locked")].filter(Boolean).join(" · ") : "";
  return [
    ["status", [statusWord(facts["status"]), facts["ended_at"] && at(facts["ended_at"])].filter(Boolean).join(" · ")],
    ["approval", asked],
    ["assigned", sent && html`${sent}<br /><small class="muted">${t("requests.chosen_by", { by: actorOf(assigned.by), time: at(assigned.at) })}${assigned.reason ? ` · ${t("requests.because", { reason: assigned.reason })}` : ""}</small>`],
    ["expected", assigned && typeof assigned.eta_s === "number" && !facts["clocks"]?.arrive?.done_at ? `${at(assigned.at + assigned.eta_s * 1000)} (${minutesText(assigned.eta_s)})` : ""],
    ["way", wayOf(facts)],
    ["window", window ? [hourOrDay(window.earliest, now.value, zone), window.latest !== window.earliest && hourOrDay(window.latest, now.value, zone)].filter(Boolean).join(" – ") : ""],
    ["duration", facts["duration_min"] ? `${number(facts["duration_min"])} ${t("unit.min")}` : ""],
    ["requester", [requester?.unit, requester?.name].filter(Boolean).join(" · ")],
    ["phone", requester?.phone],
    ["people", facts["passengers"] > 0 ? number(facts["passengers"]) : ""],
    ["demand", wants],
    ["purpose", facts["purpose"]],
    ["note", facts["note"]],
    ["also", [facts["emergency"] && t("requests.field_emergency"), facts["round_trip"] && t("requests.field_round_trip"), facts["out_of_town"] && t("requests.field_out_of_town")].filter(Boolean).join(" · ")],
    ["priority", facts["priority"] !== 3 ? number(facts["priority"] ?? 3) : ""],
    ["filed", at(facts["created_at"])],
    ["rating", rating ? `${"★".repeat(rating.stars)}${"☆".repeat(5 - rating.stars)} ${rating.text ?? ""}` : ""],
  ];
}

/** @param {{facts: Facts, zone: string}} props */
function Clocks({ facts, zone }) {
  const known = CLOCKS.filter((name) => facts["clocks"]?.[name]);
  if (known.length === 0) return null;
  return html`<h3>${t("requests.clocks")}</h3><ul class="clocks">${known.map((name) => {
    const clock = facts["clocks"][name];
    const until = clock.done_at ?? (facts["ended_at"] || now.value);
    const percent = percentOf(clock, until);
    const late = until > clock.due_at ? t("requests.late_by", { time: span(until - clock.due_at) }) : "";
    const took = clock.done_at ? t("requests.took", { time: span(clock.done_at - clock.started_at) }) : t("requests.due_at", { time: hourOrDay(clock.due_at, now.value, zone) });
    return html`<li key=${name} class=${`clock-bar c-${clock.done_at ? "done" : toneOf(percent)}`}><span class="clock-name">${clockWord(name, String(facts["kind"]))}</span><span class="clock-track"><i style=${{ width: `${Math.min(100, percent)}%` }}></i></span><span class=${late ? "late" : ""} title=${fullTime(clock.due_at, zone)}>${[took, late].filter(Boolean).join(" · ")}</span></li>`;
  })}</ul>`;
}

/** What an entry of the history changed, in words. @param {Facts} line */
function changeOf(line) {
  const { before, after } = line;
  return [after?.status && after.status !== before?.status ? statusWord(after.status) : "", after?.assigned ? after.assigned.name : "", after?.rating ? "★".repeat(after.rating.stars) : ""].filter(Boolean).join(" · ");
}

/** @param {{lines: Facts[], zone: string}} props */
const History = ({ lines, zone }) => html`<h3>${t("requests.history")}</h3><ol class="history">${lines.filter((line) => line["at"] <= now.value + 2000).map((line, i) => html`<li key=${i}>
  <span class="mono" title=${fullTime(line["at"], zone)}>${moment(line["at"], now.value, zone)}</span><span><b>${word("happened", `request_${line["action"]}`)}</b> ${actorOf(line["by"])}${changeOf(line) && html` <span class="muted">→ ${changeOf(line)}</span>`}${line["reason"] && html`<br /><span class="said">${t("requests.because", { reason: actorOf(line["reason"]) })}</span>`}</span></li>`)}</ol>`;

/** @param {{entity: Entity, asked: import("../overview/loading.js").Loading, done: () => void}} props */
function Opened({ entity, asked, done }) {
  const facts = /** @type {Facts} */ (entity.attributes);
  const zone = zoneOf(entity.site);
  const { answer, failure } = asked;
  const owner = String(answer?.request?.created_by ?? "");
  return html`${pastAt.value === null && html`<${Actions} entity=${entity} owner=${owner} done=${done} />`}
    ${narrow.matches && mayChoose() && html`<div class="suggestion in-panel"><${SuggestionCard} entity=${entity} /></div>`}
    <dl class="facts">${linesOf(facts, zone).filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${t(`requests.fact_${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
    <${Clocks} facts=${facts} zone=${zone} />
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${answer && html`<${History} lines=${answer.history} zone=${zone} />`}`;
}

/** Its address, for a message or a note. @param {{id: string}} props */
const Link = ({ id }) => html`<a class="plain link" href=${`#/requests?show=${encodeURIComponent(`thing:${id}`)}`} title=${t("requests.link_about")}>${t("requests.link")}</a>`;

/** A request that is open: as the stream has it; one that ended long ago, as the collector answers. @param {{id: string}} props */
function Request({ id }) {
  void roster.value;
  const turn = useSignal(0);
  const live = entities.get(id)?.value;
  const rev = /** @type {Facts | undefined} */ (live?.attributes)?.["rev"];
  const asked = useAnswer(`/api/v1/requests/${encodeURIComponent(idOf(id))}?${query({ rev, turn: turn.value })}`, `request ${id}`);
  const isNewer = asked.answer && rev !== undefined && asked.answer.request.rev > rev && pastAt.value === null;
  const entity = (isNewer ? undefined : live) ?? (pastAt.value === null && asked.answer ? entityOf(asked.answer.request, now.peek()) : undefined);
  if (!entity) return html`<${PanelBox} title=${idOf(id)}><p class="calm muted" role="status">${asked.isBusy ? t("requests.asking") : pastAt.value === null && asked.failure ? asked.failure : t("requests.not_then")}</p><//>`;
  const facts = /** @type {Facts} */ (entity.attributes);
  return html`<${PanelBox} title=${html`<span>${titleOf(facts)}</span>`} sub=${`${tierWord(String(facts["tier"]))} · ${kindWord(String(facts["kind"]))} · ${facts["number"]}`} actions=${html`<${Link} id=${id} />`}><${Opened} entity=${entity} asked=${asked} done=${() => { turn.value += 1; if (isRequester()) say("retry"); }} /><//>`;
}

/** The request that is open beside the map. */
export function RequestDetail() {
  const id = openThing.value;
  useEffect(() => { if (isRequest(id)) chosen.value = id; }, [id]);
  // On a phone it closes back to the queue it was opened from.
  useEffect(() => () => { if (narrow.matches && openThing.peek() === "" && pane.peek() === "things") pane.value = ""; }, []);
  return html`<${Request} key=${id} id=${id} />`;
}
