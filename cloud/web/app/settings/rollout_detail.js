// One roll-out: how far it is, what may be done with it, and every gateway with what becomes of its file.
import { html, useSignal } from "../../vendor/preact.js";
import { call, get, query } from "../api.js";
import { age, moment } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords, useAnswer } from "../overview/loading.js";
import { answerWords, Difference, foundWords } from "../overview/site_file_words.js";
import { readerWords } from "../overview/reader_words.js";
import { zoneOf } from "../sites.js";

/** @typedef {{id: number, site: string, by: string, why: string, made_at: number, changes: string[], stages: string[], soak_s: number, patience_s: number, stop_after: number, not_before: number, state: string, halted: string, stage: number, stage_over_at: number | null, many: number}} Rollout */
/** @typedef {{site: string, gateway: string, stage: number, state: string, line: number, key: string, message: string, allowed: string, revision: number | null, sent_at: number | null, answered_at: number | null, reason: string, devices: string, detail: string}} Part */

const ASK_AGAIN_MS = 5_000;
/** In the order they are shown, and their colours. */
const ORDER = ["applied", "trying", "waiting", "late", "rolled_back", "refused", "wrong", "changed", "replaced", "returned", "withdrawn", "same", "unchecked", "ready", "planned"];
export const MARK = /** @type {Record<string, string>} */ ({
  applied: "ok", done: "ok", trying: "p3", waiting: "p3", running: "p3", late: "p2", paused: "p2", replaced: "p2", changed: "p2", rolled_back: "p1", refused: "p1", wrong: "p1", stopped: "p1",
});
const DEEDS = /** @type {Record<string, string[]>} */ ({ draft: ["start", "abort"], running: ["pause", "abort"], paused: ["continue", "abort"], stopped: ["continue", "abort"] });

/** The share of each state, as one bar. @param {{counts: Record<string, number>, many: number}} props */
const Bar = ({ counts, many }) => html`<div class="ro-bar" aria-hidden="true">${ORDER.filter((state) => counts[state]).map((state) => html`<i key=${state} class=${MARK[state] ?? ""} style=${{ flexGrow: /** @type {number} */ (counts[state]) / many }}></i>`)}</div>
  <p class="ro-counts">${ORDER.filter((state) => counts[state]).map((state) => html`<span key=${state} class=${`tag ${MARK[state] ?? ""}`}>${counts[state]} ${word("rollout.of", state)}</span> `)}</p>`;

/** @param {Part} part */
const saidOf = (part) => (part.message ? `${foundWords(part)}${part.allowed ? ` · ${t("site_file.allowed")} ${readerWords(part.allowed)}` : ""}` : answerWords({ ...part, key: "", line: 0 }));

/** @param {{id: number, part: Part}} props */
function Row({ id, part }) {
  const diff = useSignal(/** @type {string | null} */ (null));
  const look = async () => {
    if (diff.value !== null) diff.value = null;
    else {
      try { diff.value = (await get(`/api/v1/rollouts/${id}/difference?${query({ of_site: part.site, gateway: part.gateway })}`)).diff; } catch (error) { diff.value = failureWords(error); }
    }
  };
  const at = part.answered_at ?? part.sent_at;
  return html`<li class="ro-row"><span class=${`tag ${MARK[part.state] ?? ""}`}>${word("rollout.of", part.state)}</span><b>${part.site}/${part.gateway}</b>
    <span class="muted">${t("rollout.stage", { n: part.stage + 1 })}${part.revision ? ` · ${t("site_file.number", { n: part.revision })}` : ""}${at ? ` · ${age(now.value - at)}` : ""}</span>
    <button class="btn" aria-expanded=${diff.value !== null} onClick=${look}>${t("rollout.difference")}</button>
    ${saidOf(part) && html`<p class="warn ro-said">${saidOf(part)}</p>`}
    ${diff.value !== null && html`<div class="ro-said">${diff.value ? html`<${Difference} text=${diff.value} />` : html`<p class="muted">${t("site_file.no_change")}</p>`}</div>`}</li>`;
}

/** @param {{id: number, canDo: boolean, changed: () => Promise<void>}} props */
export function RolloutDetail({ id, canDo, changed }) {
  const changes = useSignal(0), failure = useSignal(""), asks = useSignal(""), withoutWrong = useSignal(false), back = useSignal(false);
  const path = `/api/v1/rollouts/${id}`;
  const turn = Math.floor(now.value / ASK_AGAIN_MS);
  const { answer, failure: unanswered } = useAnswer(`${path}?turn=${turn}.${changes.value}`, path);
  if (!answer) return html`<p class="calm muted">${unanswered || t("settings.asking")}</p>`;
  const one = /** @type {Rollout & {counts: Record<string, number>, gateways: Part[]}} */ (answer);
  const zone = zoneOf(one.site || (one.gateways[0]?.site ?? ""));
  const deed = (/** @type {string} */ name) => async () => {
    failure.value = "";
    if (name === "abort" && asks.value !== name) { asks.value = name; return; }
    const options = /** @type {Record<string, string>} */ (name === "abort" ? { back: String(back.value) } : name === "start" ? { without_wrong: String(withoutWrong.value) } : {});
    try { await call("POST", `${path}/${name}?${query(options)}`); asks.value = ""; changes.value += 1; await changed(); } catch (error) { failure.value = failureWords(error); }
  };
  const soaks = one.state === "running" && one.stage_over_at ? Math.max(0, one.stage_over_at + one.soak_s * 1000 - now.value) : null;
  const check = (/** @type {import("../../vendor/preact.js").Signal<boolean>} */ signal, /** @type {string} */ text) => html`<label class="ro-check"><input type="checkbox" checked=${signal.value} onChange=${(/** @type {any} */ event) => { signal.value = event.target.checked; }} /> ${text}</label>`;
  return html`<div class="ro-detail"><${Bar} counts=${one.counts} many=${Math.max(1, one.many)} />
    ${one.halted && html`<p class="warn">${word("rollout.halted", one.halted)}</p>`}
    <dl class="facts"><div><dt>${t("rollout.change")}</dt><dd>${one.changes.length ? one.changes.map((line) => html`<code key=${line}>${line}</code><br />`) : t("rollout.whole_files")}</dd></div>
      <div><dt>${t("rollout.stages")}</dt><dd>${one.stages.map((stage, i) => html`<span key=${i}>${i ? " → " : ""}${stage}</span>`)}</dd></div>
      <div><dt>${t("rollout.rules")}</dt><dd>${t("rollout.rules_are", { soak: one.soak_s / 60, patience: one.patience_s / 60, k: one.stop_after })}${one.not_before ? html`<br />${t("rollout.not_before_is", { at: moment(one.not_before, now.value, zone) })}` : ""}</dd></div>
      ${soaks !== null && html`<div><dt>${t("rollout.now")}</dt><dd>${t("rollout.soaks", { n: one.stage + 1, min: Math.ceil(soaks / 60_000) })}</dd></div>`}</dl>
    ${failure.value && html`<p class="warn" role="alert">${failure.value}</p>`}
    ${one.state === "draft" && one.counts.wrong ? check(withoutWrong, t("rollout.without_wrong", { n: one.counts.wrong })) : ""}
    ${asks.value === "abort" && html`<p>${t("rollout.abort_means")}</p>${one.state !== "draft" && check(back, t("rollout.back"))}`}
    <p class="set-sure">${(DEEDS[one.state] ?? []).map((name) => html`<button key=${name} class=${`btn ${name === "abort" ? "danger" : name === "pause" ? "" : "pri"}`} disabled=${!canDo || (name === "start" && Boolean(one.counts.unchecked))} onClick=${deed(name)}>${t(name === "abort" && asks.value ? "rollout.abort_yes" : `rollout.${name}`)}</button>`)}</p>
    <ul class="id-list">${one.gateways.map((part) => html`<${Row} key=${`${part.site}/${part.gateway}`} id=${id} part=${part} />`)}</ul></div>`;
}
