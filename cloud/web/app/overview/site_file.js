// The site file of a gateway: what runs, what is wanted, what was before, and an editor that says what is wrong where.
import { html, useSignal } from "../../vendor/preact.js";
import { call, get, query } from "../api.js";
import { age, moment } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { fromField } from "../requests/local_time.js";
import { zoneOf } from "../sites.js";
import { failureWords, useAnswer } from "./loading.js";
import { readerWords } from "./reader_words.js";
import { answerWords, Difference, foundWords } from "./site_file_words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {{revision: number, by: string, why: string, made_at: number, state: string, reason: string, devices: string, detail: string, key: string, line: number, not_before: number, answered_at: number | null}} Revision */
/** @typedef {{ok: boolean, by: string, line: number, key: string, message: string, allowed: string, diff: string}} Checked */

const ASK_AGAIN_MS = 10_000;
const asText = (/** @type {string} */ text) => new Blob([text], { type: "application/toml" });

/** @param {{found: Checked}} props */
const Found = ({ found }) => html`<div role="status">${found.ok
  ? html`<p>${found.by === "collector" ? t("site_file.good") : t("site_file.only_gateway")}</p>`
  : html`<p class="warn">${foundWords(found)}${found.allowed && html`<br /><span class="muted">${t("site_file.allowed")} ${readerWords(found.allowed)}</span>`}</p>`}
  ${found.diff ? html`<${Difference} text=${found.diff} />` : found.ok && html`<p class="muted">${t("site_file.no_change")}</p>`}</div>`;

/** @param {{path: string, start: string, after: number, zone: string, done: () => void}} props */
function Editor({ path, start, after, zone, done }) {
  const text = useSignal(start), reason = useSignal(""), notBefore = useSignal(""), failure = useSignal(""), busy = useSignal(false);
  const found = useSignal(/** @type {Checked | null} */ (null));
  const work = (/** @type {() => Promise<void>} */ deed) => async () => {
    busy.value = true;
    failure.value = "";
    try { await deed(); } catch (error) { failure.value = failureWords(error); } finally { busy.value = false; }
  };
  const check = work(async () => { found.value = await call("POST", `${path}/dry-run`, asText(text.peek())); });
  const publish = work(async () => { await call("POST", `${path}?${query({ reason: reason.peek(), after, not_before: fromField(notBefore.peek(), zone) ?? "" })}`, asText(text.peek())); done(); });
  return html`<div class="site-file-editor"><label for="site-file-text">${t("site_file.text")}</label>
    <textarea id="site-file-text" class="mono" rows="18" spellcheck=${false} value=${text.value} onInput=${(/** @type {any} */ event) => { text.value = event.target.value; found.value = null; }}></textarea>
    ${found.value && html`<${Found} found=${found.value} />`}
    <label for="site-file-reason">${t("site_file.reason")}</label><input id="site-file-reason" maxlength="500" value=${reason.value} onInput=${(/** @type {any} */ event) => { reason.value = event.target.value; }} />
    <label for="site-file-not-before">${t("site_file.not_before")}</label><input id="site-file-not-before" type="datetime-local" value=${notBefore.value} onInput=${(/** @type {any} */ event) => { notBefore.value = event.target.value; }} />
    <p class="muted">${t("site_file.trial_note")}</p>
    ${failure.value && html`<p class="warn" role="alert">${failure.value}</p>`}
    <p class="site-file-deeds"><button class="btn" type="button" disabled=${busy.value} onClick=${check}>${t("site_file.check")}</button>
      <button class="btn" type="button" disabled=${busy.value || !found.value?.ok || !reason.value.trim()} onClick=${publish}>${t("site_file.publish")}</button>
      <button class="btn" type="button" onClick=${done}>${t("site_file.leave")}</button></p></div>`;
}

/** One revision, opened: what it changed, and a way back to it. @param {{path: string, revision: Revision, after: number, done: () => void}} props */
function Opened({ path, revision, after, done }) {
  const { answer, failure } = useAnswer(`${path}/${revision.revision}`, path + revision.revision);
  const reason = useSignal(""), said = useSignal("");
  const revert = async () => {
    try { await call("POST", `${path}?${query({ reason: reason.peek(), revert_to: revision.revision, after })}`); done(); } catch (error) { said.value = failureWords(error); }
  };
  const id = `site-file-revert-${revision.revision}`;
  return html`<div>${failure && html`<p class="warn">${failure}</p>`}${answer?.diff ? html`<${Difference} text=${answer.diff} />` : html`<p class="muted">${t("site_file.no_change")}</p>`}
    <label for=${id}>${t("site_file.reason")}</label><input id=${id} maxlength="500" value=${reason.value} onInput=${(/** @type {any} */ event) => { reason.value = event.target.value; }} />
    ${said.value && html`<p class="warn" role="alert">${said.value}</p>`}
    <p class="site-file-deeds"><button class="btn" type="button" disabled=${!reason.value.trim()} onClick=${revert}>${t("site_file.revert", { n: revision.revision })}</button></p></div>`;
}

/** @param {{gateway: Entity}} props */
export function SiteFile({ gateway }) {
  const path = `/api/v1/gateways/${gateway.site}/${gateway.gateway}/config`;
  const changes = useSignal(0), opened = useSignal(0), editing = useSignal(/** @type {string | null} */ (null));
  const turn = Math.floor(now.value / ASK_AGAIN_MS);
  const { answer } = useAnswer(`${path}?turn=${turn}.${changes.value}`, path);
  if (!answer?.now) return answer ? html`<h3>${t("site_file.title")}</h3><p class="muted">${t("site_file.not_told")}</p>` : null;
  const zone = zoneOf(gateway.site);
  const at = (/** @type {number | null} */ ms) => (ms ? `${moment(ms, now.value, zone)} (${age(now.value - ms)})` : "—");
  /** @type {Revision[]} */
  const revisions = answer.revisions;
  const after = revisions[0]?.revision ?? 0;
  const wanted = revisions.find((one) => one.revision === answer.wanted);
  const running = revisions.find((/** @type {any} */ one) => one.sha256 === answer.now.sha256);
  const done = () => { editing.value = null; opened.value = 0; changes.value += 1; };
  const edit = async () => { editing.value = running ? (await get(`${path}/${running.revision}`)).text : ""; };
  return html`<h3>${t("site_file.title")}</h3>
    <dl class="facts"><div><dt>${t("site_file.runs")}</dt><dd>${running ? t("site_file.number", { n: running.revision }) : "—"} · ${word("site_file.source", answer.now.source)}${answer.now.state === "trying" ? ` · ${t("site_file.state.trying")}` : ""} <small class="muted">${at(answer.now.told_at)}</small></dd></div>
      <div><dt>${t("site_file.wanted")}</dt><dd>${wanted ? html`${t("site_file.number", { n: wanted.revision })} · <span class=${["refused", "rolled_back"].includes(wanted.state) ? "warn" : ""}>${word("site_file.state", wanted.state)}</span> <small class="muted">${at(wanted.answered_at ?? wanted.made_at)}</small>` : "—"}</dd></div></dl>
    ${editing.value === null ? html`<p class="site-file-edit"><button class="btn" type="button" onClick=${edit}>${t("site_file.edit")}</button></p>` : html`<${Editor} path=${path} start=${editing.value} after=${after} zone=${zone} done=${done} />`}
    <table class="readings"><thead><tr>${["revision", "state", "who", "when"].map((head) => html`<th scope="col">${t(`site_file.${head}_head`)}</th>`)}</tr></thead>
      <tbody>${revisions.map((one) => html`<tr key=${one.revision}><td><button class="btn" type="button" aria-expanded=${opened.value === one.revision} onClick=${() => { opened.value = opened.value === one.revision ? 0 : one.revision; }}>${one.revision}</button></td>
        <td class=${["refused", "rolled_back"].includes(one.state) ? "warn wrap" : "wrap"}>${word("site_file.state", one.state)}${one.state === "waiting" && one.not_before ? html`<br /><span class="muted">${t("site_file.not_before_is", { at: moment(one.not_before, now.value, zone) })}</span>` : ""}${answerWords(one) && html`<br /><span class="muted">${answerWords(one)}</span>`}</td><td class="wrap">${one.by}<br /><span class="muted">${one.why}</span></td><td>${moment(one.made_at, now.value, zone)}</td></tr>
        ${opened.value === one.revision && html`<tr class="under"><td colspan="4"><${Opened} path=${path} revision=${one} after=${after} done=${done} /></td></tr>`}`)}</tbody></table>`;
}
