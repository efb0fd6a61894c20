// Opening a door from afar: a reason, one signed command, and what became of it. On the pages Access and Dispatch.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { ApiFailure } from "../api.js";
import { age } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords, useAnswer } from "../overview/loading.js";
import { isNow, mayUnlock, unlock, unlocksOf } from "./asked.js";

/** @typedef {Record<string, any>} Rec */

const LOOK_EVERY_MS = 1_500;
const STILL = new Set(["sent"]);

/** @param {{site: string, door: string}} props */
export function Unlock({ site, door }) {
  const reason = useSignal("");
  const wrong = useSignal("");
  const busy = useSignal(false);
  const list = useSignal(/** @type {Rec[]} */ ([]));
  const look = async () => { try { list.value = await unlocksOf(site, door); } catch (failure) { wrong.value = failureWords(failure); } };
  useEffect(() => {
    void look();
    const timer = setInterval(() => { if (list.peek().some((one) => STILL.has(one["state"]))) void look(); }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [site, door]);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy.peek() || !isNow()) return;
    if (reason.peek().trim().length < 3) { wrong.value = t("access.unlock_why"); return; }
    busy.value = true;
    wrong.value = "";
    try {
      await unlock(site, door, reason.peek().trim());
      reason.value = "";
      await look();
    } catch (failure) {
      wrong.value = failure instanceof ApiFailure && ["offline", "not_remote", "too_often", "not_enrolled"].includes(failure.code) ? t(`access.unlock_${failure.code}`) : failureWords(failure);
    } finally { busy.value = false; }
  };
  return html`<form class="set-form unlock" novalidate onSubmit=${submit}><h3 class="wide">${t("access.unlock_title")}</h3>
      ${mayUnlock() ? html`<div class="field wide"><label for="unlock-reason">${t("access.unlock_reason")}</label><input id="unlock-reason" type="text" maxlength="200" autocomplete="off" value=${reason.value} aria-invalid=${wrong.value ? "true" : undefined} aria-describedby="unlock-wrong" onInput=${(/** @type {any} */ event) => { reason.value = event.target.value; wrong.value = ""; }} /></div>
      <p id="unlock-wrong" class="failure wide" role="alert">${wrong.value}</p>
      <div class="wide"><button class="btn pri" type="submit" aria-disabled=${busy.value || !isNow()}>${t("access.unlock")}</button> <small class="muted">${t("access.unlock_note")}</small></div>` : html`<p class="calm muted wide">${t("access.unlock_not_you")}</p>`}</form>
    ${list.value.length > 0 && html`<ul class="access-list" role="status" aria-label=${t("access.unlocks")}>${list.value.slice(0, 5).map((one) => html`<li key=${one["command"]}><b class=${one["state"] === "done" ? "" : one["state"] === "sent" ? "muted" : "warn"}>${t(`access.unlocked_${one["state"]}`)}</b> ${one["reason"]} <small class="muted">${one["by"]} · ${age(now.value - one["at"])} ${one["detail"]}</small></li>`)}</ul>`}`;
}

/** The part of a door's detail in Dispatch; nothing for a door that no gateway decides for, and for who may not open doors. @param {{site: string, door: string}} props */
export function UnlockHere({ site, door }) {
  return mayUnlock() ? html`<${Asked} site=${site} door=${door} />` : null;
}

/** @param {{site: string, door: string}} props */
function Asked({ site, door }) {
  const { answer, failure } = useAnswer(`/api/v1/access/${encodeURIComponent(site)}/doors`, `doors ${site}`);
  const one = answer?.doors.find((/** @type {Rec} */ each) => each["door"] === door);
  if (failure) return html`<p class="calm warn" role="alert">${failure}</p>`;
  if (!one) return null;
  return one["remote"] ? html`<${Unlock} site=${site} door=${door} />` : html`<p class="calm muted">${t("access.unlock_not_remote")}</p>`;
}
