// The suggestion for the chosen request: a card on the map of Dispatch. Who would go, what it costs, who cannot and why.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { textOf } from "../dispatch/words.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { onKey } from "../keys.js";
import { now, pastAt } from "../live/link.js";
import { useAnswer } from "../overview/loading.js";
import { wall } from "../place.js";
import { zoneOf } from "../sites.js";
import { canAct, isDispatcher } from "./act.js";
import { ChooseDialog } from "./choose.js";
import { chosenRequest, primary } from "./chosen.js";
import { ENDED } from "./clocks.js";
import { useDoing } from "./doing.js";
import { Notice } from "./notice.js";
import { openRequest } from "./queue.js";
import { chosen, idOf } from "./where.js";
import { hourOrDay, kilometres, minutesText, statusWord, titleOf } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {Record<string, any>} Facts */

const ASK_AGAIN_MS = 10_000;

/** @param {any} value */
const signed = (value) => (typeof value === "number" ? (value > 0 ? "+" : "") + number(value, 0, 1) : "—");

/** Who would be sent, the cheapest first, then who cannot. @param {{found: Facts, wanted: string}} props */
export function Candidates({ found, wanted }) {
  /** @type {Facts[]} */
  const candidates = found["candidates"] ?? [], excluded = found["excluded"] ?? [];
  return html`<table class="candidates"><thead><tr><th scope="col">${t("requests.candidate")}</th>${["arrival", "deadhead", "fairness", "total"].map((name) => html`<th key=${name} scope="col" class="r" title=${t(`requests.${name}_about`)}>${t(`requests.${name}`)}</th>`)}</tr></thead>
    <tbody>${candidates.map((/** @type {Facts} */ one) => html`<tr key=${one["resource"]} class=${one["resource"] === wanted ? "first" : ""}><th scope="row">${one["name"]}${one["taken_by"] && html` <small class="muted">${t("requests.taken_by", { request: String(one["taken_by"]) })}</small>`}</th>
      <td class="r">${minutesText(one["eta_s"])}</td><td class="r">${kilometres(one["distance_m"])}</td><td class="r">${signed(one["terms"]?.fair)}</td><td class="r">${typeof one["cost"] === "number" ? number(one["cost"], 1) : "—"}</td></tr>`)}
    ${excluded.map((/** @type {Facts} */ one) => html`<tr key=${one["resource"]} class="out"><th scope="row">${one["name"]}</th><td class="r" colspan="4">${textOf(one["text"])}</td></tr>`)}</tbody></table>`;
}

/** What was known then: the past has no suggestions to press. @param {{entity: Entity}} props */
function Then({ entity }) {
  const facts = /** @type {Facts} */ (entity.attributes);
  const sent = facts["assigned"], wanted = facts["suggested"];
  return html`<p class="calm">${sent ? t("requests.sent_then", { name: String(sent.name), by: String(sent.by || "—") }) : wanted ? t("requests.suggested_then", { name: String(wanted.name) }) : t("requests.nobody_then")}
    ${sent?.reason && html` <span class="muted">${sent.reason}</span>`}</p>`;
}

/** @param {{entity: Entity, isOpen: import("../../vendor/preact.js").Signal<boolean>}} props */
function Live({ entity, isOpen }) {
  const facts = /** @type {Facts} */ (entity.attributes);
  const turn = Math.floor(now.value / ASK_AGAIN_MS);
  const { answer, failure } = useAnswer(`/api/v1/requests/${encodeURIComponent(idOf(entity.id))}/suggestion?${query({ rev: facts["rev"], turn })}`, `suggestion ${entity.id}`);
  const doing = useDoing(entity, () => { isOpen.value = false; });
  /** @type {string[]} */
  const actions = facts["actions"] ?? [];
  const may = isDispatcher() && !wall.value;
  const wanted = answer?.suggested ?? null;
  const first = (answer?.candidates ?? []).find((/** @type {Facts} */ one) => one["resource"] === wanted);
  const canAssign = may && actions.includes("assign") && first && canAct() && !doing.busy;
  const assign = () => { if (canAssign) void doing.run("assign", { resource: wanted }); };
  useEffect(() => { primary.value = canAssign ? assign : null; return () => { primary.value = null; }; }, [canAssign, wanted, facts["rev"]]);
  const sent = facts["assigned"];
  const head = sent ? t("requests.sent", { name: String(sent.name) }) : first ? t("requests.suggested", { name: String(first.name) }) : answer ? t("requests.nobody") : t("requests.asking");
  const act = actions.includes("assign") || !sent ? "assign" : "reassign";
  const isVehicle = facts["kind"] === "vehicle";
  return html`<div class="h"><b class="card-name">${head}</b><small class="card-about">${titleOf(facts)}</small><span class="sp"></span>
      ${may && (actions.includes("assign") || actions.includes("reassign")) && answer && html`<button class="btn" disabled=${!canAct()} onClick=${() => { doing.forget(); isOpen.value = true; }}>${t(act === "assign" ? isVehicle ? "requests.another_vehicle" : "requests.another" : "requests.reassign")}</button>`}
      ${may && (actions.includes("lock") || actions.includes("unlock")) && html`<button class="btn" disabled=${!canAct() || Boolean(doing.busy)} onClick=${() => void doing.run(actions.includes("lock") ? "lock" : "unlock")}>${t(actions.includes("lock") ? "requests.act_lock" : "requests.act_unlock")}</button>`}
      ${may && actions.includes("assign") && first && html`<button class="btn pri" disabled=${!canAssign} onClick=${assign}>${t(isVehicle ? "requests.assign_vehicle" : "requests.assign_person")} <span aria-hidden="true">⏎</span></button>`}</div>
    ${!isOpen.value && doing.failed && html`<${Notice} failure=${doing.failed.failure} before=${doing.failed.before} action=${doing.failed.action} again=${doing.again} />`}
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${sent && html`<p class="calm">${[statusWord(String(facts["status"])), sent.driver, sent.phone, typeof sent.eta_s === "number" && facts["status"] !== "arrived" ? t("requests.expected", { time: hourOrDay(sent.at + sent.eta_s * 1000, now.value, zoneOf(entity.site)) }) : "", sent.locked && t("requests.now_locked")].filter(Boolean).join(" · ")}${sent.reason && html`<br /><span class="muted">${t("requests.because", { reason: String(sent.reason) })}</span>`}</p>`}
    ${answer && html`<div class="candidates-box" tabindex="0" role="group" aria-label=${t("requests.candidates")}>
      ${answer.candidates.length + answer.excluded.length > 0 && html`<${Candidates} found=${answer} wanted=${wanted} />`}</div>
      <p class="why"><b>${t("requests.why")}</b> ${textOf(answer.why) || "—"}${answer.eta_source?.n > 0 ? html` <span class="muted">· ${t("requests.eta_source", { source: word("requests.eta", String(answer.eta_source.source)), n: answer.eta_source.n })}</span>` : null}</p>`}
    ${isOpen.value && html`<${ChooseDialog} entity=${entity} found=${answer} action=${act} doing=${doing} onClose=${() => { isOpen.value = false; doing.forget(); }} />`}`;
}

/** The card itself, wherever it stands. While somebody is being chosen it stays, whatever becomes of the request. @param {{entity: Entity}} props */
export function SuggestionCard({ entity }) {
  const choosing = useSignal(false);
  const facts = /** @type {Facts} */ (entity.attributes);
  if (choosing.value && pastAt.value === null) return html`<${Live} key=${entity.id} entity=${entity} isOpen=${choosing} />`;
  if (ENDED.has(facts["status"])) return html`<div class="h"><b>${statusWord(String(facts["status"]))}</b><small class="card-about">${titleOf(facts)}</small></div>`;
  if (pastAt.value !== null) return html`<div class="h"><b>${titleOf(facts)}</b></div><${Then} entity=${entity} />`;
  if (facts["status"] === "awaiting_approval") return html`<div class="h"><b>${t("requests.needs_approval")}</b><small class="card-about">${titleOf(facts)}</small><span class="sp"></span>
    <button class="btn" onClick=${() => openRequest(entity.id)}>${t("requests.open")}</button></div><p class="calm muted">${word("requests.rule", String(facts["approval"]?.rule ?? ""))}</p>`;
  return html`<${Live} key=${entity.id} entity=${entity} isOpen=${choosing} />`;
}

export function Suggestion() {
  const entity = chosenRequest.value;
  useEffect(() => (chosen.value ? onKey("Escape", () => { chosen.value = ""; }) : undefined), [chosen.value]);
  if (!entity || wall.value) return null;
  return html`<section class="card suggestion" aria-label=${t("requests.suggestion")}><${SuggestionCard} key=${entity.id} entity=${entity} /></section>`;
}
