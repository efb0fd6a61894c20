// What people say of a finding: it is shelved for a time, or accepted as normal here, with a reason; it is taken back; and who said what before.
import { html, useSignal } from "../../vendor/preact.js";
import { ApiFailure, call } from "../api.js";
import { fullTime, moment, number } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords, useAnswer } from "../overview/loading.js";
import { canChange, mayChange } from "../settings/asked.js";

/** @typedef {"open" | "shelved" | "accepted" | "noted"} State */
/** @typedef {{rev: number, state: State, until: number | null, reason: string, by: string, at: number, week_kwh: number | null, back: string}} Judged */

/** In this order they can be looked at. @type {State[]} */
export const STATES = ["open", "shelved", "accepted", "noted"];
/** How a finding is judged. @param {{state?: State}} one */
export const stateOf = (one) => one.state ?? "open";
const DAY_MS = 86_400_000;
/** For how many days something is shelved. @type {[string, number][]} */
const SPANS = [["day", 1], ["week", 7], ["month", 30]];

/** @param {string} site @param {{meter: string, kind: string}} one */
const path = (site, one) => `/api/v1/analysis/findings/${[site, one.meter, one.kind].map(encodeURIComponent).join("/")}`;

/** What was said, and until when. @param {Judged} one @param {string} unit @param {string} zone */
function deedWords(one, unit, zone) {
  const week = one.week_kwh === null ? "—" : `${number(one.week_kwh, 0, 1)} ${unit}`;
  if (one.back === "worse") return t("money.judged_worse", { week });
  return one.state === "shelved" ? t("money.judged_shelved", { until: moment(one.until ?? one.at, now.value, zone) }) : t(`money.judged_${one.state}`);
}

/** Who, when and why. @param {{one: Judged, unit: string, zone: string}} props */
const Deed = ({ one, unit, zone }) => html`<b>${deedWords(one, unit, zone)}</b>${one.reason && html` <q>${one.reason}</q>`} <small class="muted" title=${fullTime(one.at, zone)}>${one.by ? t("money.by_at", { who: one.by, time: moment(one.at, now.value, zone) }) : t("money.by_itself_at", { time: moment(one.at, now.value, zone) })}</small>`;

/** @param {{site: string, zone: string, one: {meter: string, kind: string, unit: string, state: State, judged: Judged | null}}} props */
function History({ site, zone, one }) {
  const { answer, failure } = useAnswer(path(site, one), `${one.kind} ${one.meter} ${one.judged?.rev}`);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  // One alone is what stands above.
  if (answer.history.length < 2 && one.state !== "open") return null;
  return html`<h3>${t("money.judged_before")}</h3><ol class="judged-list">${answer.history.map((/** @type {Judged} */ each) => html`<li key=${each.rev}><${Deed} one=${each} unit=${one.unit} zone=${zone} /></li>`)}</ol>`;
}

/**
 * `changed` is told the finding as it is now; `again` asks for all of them.
 * @param {{site: string, zone: string, one: import("./anomalies.js").Finding, changed: (one: import("./anomalies.js").Finding) => void, again: () => void}} props
 */
export function Judge({ site, zone, one, changed, again }) {
  const why = useSignal("");
  const failed = useSignal("");
  const isBusy = useSignal(false);
  const { judged } = one;
  const isAside = judged !== null && (one.state === "shelved" || one.state === "accepted");
  /** @param {{state: State, until?: number}} what */
  const say = async (what) => {
    if (isBusy.peek() || !canChange()) return;
    const reason = why.peek().trim();
    if (what.state !== "open" && !reason) { failed.value = t("money.why_needed"); document.getElementById("judge-why")?.focus(); return; }
    isBusy.value = true;
    failed.value = "";
    try {
      const { finding } = await call("POST", path(site, one), { ...what, reason, rev: judged?.rev ?? 0 });
      why.value = "";
      changed(finding);
    } catch (failure) {
      const isOld = failure instanceof ApiFailure && failure.status === 409 && failure.code !== "has_alarm";
      failed.value = isOld ? t("alarms.conflict") : failureWords(failure);
      if (isOld) again();
    } finally { isBusy.value = false; }
  };
  const button = (/** @type {string} */ label, /** @type {{state: State, until?: number}} */ what) => html`<button class="btn small" type="button" aria-disabled=${isBusy.value || !canChange()} onClick=${() => void say(what)}>${label}</button> `;
  return html`<div class="judge">
    ${judged && isAside && html`<p class="judged"><${Deed} one=${judged} unit=${one.unit} zone=${zone} /> ${mayChange() && button(t("money.judge_back"), { state: "open" })}</p>`}
    ${judged && !isAside && judged.back === "over" && html`<p class="calm warn">${t("money.back_over", { until: moment(judged.until ?? judged.at, now.value, zone) })}</p>`}
    ${judged && !isAside && judged.back === "worse" && html`<p class="calm warn">${deedWords(judged, one.unit, zone)}</p>`}
    ${!isAside && !one.alarm && mayChange() && html`<div class="judge-new"><label for="judge-why">${t("money.judge_why")}</label><input id="judge-why" maxlength="500" value=${why.value} placeholder=${t("money.judge_example")} aria-invalid=${failed.value ? "true" : undefined} onInput=${(/** @type {any} */ event) => { why.value = event.target.value; failed.value = ""; }} />
      <span role="group" aria-label=${t("money.judge")}>${one.state === "noted" ? button(t("money.judge_seen"), { state: "accepted" }) : html`${SPANS.map(([name, days]) => button(t(`money.shelve_${name}`), { state: "shelved", until: Math.round(now.peek()) + days * DAY_MS }))}${button(t("money.judge_accept"), { state: "accepted" })}`}</span></div>`}
    <p class="failure" role="alert">${failed.value}</p>
    ${judged && html`<${History} key=${judged.rev} site=${site} zone=${zone} one=${one} />`}</div>`;
}
