// A door, opened: who may open it, and opening it from afar with a reason, and what became of that.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { ApiFailure } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { age, moment } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { pageZone } from "../sites.js";
import { ask, control, isNow, mayUnlock, unlock, unlocksOf } from "./asked.js";
import { goTo } from "./where.js";

/** @typedef {Record<string, any>} Rec */

const LOOK_EVERY_MS = 1_500;
const STILL = new Set(["sent"]);

/** @param {{door: string}} props */
export function Unlock({ door }) {
  const reason = useSignal("");
  const wrong = useSignal("");
  const busy = useSignal(false);
  const list = useSignal(/** @type {Rec[]} */ ([]));
  const look = async () => { try { list.value = await unlocksOf(door); } catch (failure) { wrong.value = failureWords(failure); } };
  useEffect(() => {
    void look();
    const timer = setInterval(() => { if (list.peek().some((one) => STILL.has(one["state"]))) void look(); }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [door]);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy.peek() || !isNow()) return;
    if (reason.peek().trim().length < 3) { wrong.value = t("access.unlock_why"); return; }
    busy.value = true;
    wrong.value = "";
    try {
      await unlock(door, reason.peek().trim());
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

/** @param {{door: string}} props */
export function DoorPanel({ door }) {
  const allowed = useSignal(/** @type {Rec[] | null} */ (null));
  const failed = useSignal("");
  const zone = pageZone.value;
  useEffect(() => {
    if (!mapSite.value) return;
    ask(`doors/${encodeURIComponent(door)}/who`).then((answer) => { allowed.value = answer.allowed; failed.value = ""; }, (failure) => { failed.value = failureWords(failure); });
  }, [door, control.value, mapSite.value]);
  const one = control.value?.doors.find((each) => each["door"] === door);
  const unlockable = one?.["remote"];
  return html`${one && html`<p class="calm muted">${t("access.door_at", { gateway: one["gateway"], local: one["local"] })} · ${t(`access.lock_${one["lock"].replace("-", "_")}`)} · ${t(`access.passback_${one["passback"]}`)}</p>`}
    ${unlockable ? html`<${Unlock} door=${door} />` : one && html`<p class="calm muted">${t("access.unlock_not_remote")}</p>`}
    <h3>${t("access.who_may")}<small class="muted">${moment(now.value, now.value, zone)}</small></h3>
    ${failed.value && html`<p class="calm warn" role="alert">${failed.value}</p>`}
    ${allowed.value?.length === 0 && html`<p class="calm muted">${t("access.nobody")}</p>`}
    <ul class="access-list">${(allowed.value ?? []).map((each) => html`<li key=${`${each["holder"]} ${each["permission"]}`}><button class="link" onClick=${() => goTo("holder", "holder", each["holder"])}>${each["name"]}</button>
      <small class=${each["now"] ? "" : "muted"}>${t(each["now"] ? "access.may_now" : "access.not_just_now")}</small> <small class="muted">${each["permission"]} · ${each["schedule"] || t("access.always")}</small></li>`)}</ul>`;
}
