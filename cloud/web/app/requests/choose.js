// Choosing somebody else for a request: any candidate, or one that is left out, with a reason.
import { html, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { textOf } from "../dispatch/words.js";
import { Modal } from "../frame/modal.js";
import { t } from "../i18n.js";
import { canAct } from "./act.js";
import { Notice } from "./notice.js";
import { minutesText, statusWord } from "./words.js";

/** Reasons that nobody can override. */
const HARD = new Set(["wrong_site", "non_operational"]);

/** @typedef {ReturnType<typeof import("./doing.js").useDoing>} Doing */

/** @param {{one: Record<string, any>, name: string, note: string, picked: string, pick: (id: string) => void, isOff?: boolean}} props */
const Line = ({ one, name, note, picked, pick, isOff = false }) => html`<label class=${`choice${isOff ? " out" : ""}`}><input type="radio" name=${name} value=${one["resource"]} checked=${picked === one["resource"]} disabled=${isOff && HARD.has(one["code"])}
  onChange=${() => pick(one["resource"])} /><b>${one["name"]}</b><span class="muted">${note}</span></label>`;

/** @param {{entity: import("../types.d.ts").Entity, found: any, action: string, doing: Doing, onClose: () => void}} props */
export function ChooseDialog({ entity, found, action, doing, onClose }) {
  const facts = /** @type {Record<string, any>} */ (entity.attributes);
  const firstOther = found.candidates.find((/** @type {any} */ one) => one.resource !== found.suggested && one.resource !== facts["assigned"]?.resource);
  const picked = useSignal(/** @type {string} */ (firstOther?.resource ?? found.candidates[0]?.resource ?? ""));
  const reason = useSignal("");
  const lock = useSignal(false);
  const lacks = useSignal("");
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const possible = /** @type {string[]} */ (facts["actions"] ?? []).includes(action);
  const isFirst = action === "assign" && picked.value !== "" && picked.value === found.suggested;
  useLayoutEffect(() => { /** @type {HTMLElement | null} */ (document.querySelector(".choose input:checked"))?.focus(); }, []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!possible) return;
    if (action === "assign" && !picked.value) { lacks.value = t("requests.pick_one"); return; }
    if (!isFirst && !reason.value.trim()) { lacks.value = t("requests.reason_needed"); box.current?.focus(); return; }
    lacks.value = "";
    void doing.run(action, { resource: picked.value, reason: reason.value.trim(), lock: lock.value });
  };
  const pick = (/** @type {string} */ id) => { picked.value = id; };
  return html`<${Modal} title=${t(action === "assign" ? "requests.choose" : "requests.reassign")} onClose=${onClose}>
    <form class="choose" onSubmit=${submit} novalidate>
      <fieldset><legend class="sr">${t("requests.candidates")}</legend>
        ${found.candidates.map((/** @type {any} */ one, /** @type {number} */ i) => html`<${Line} key=${one.resource} one=${one} name="resource" picked=${picked.value} pick=${pick} note=${[minutesText(one.eta_s), i === 0 && one.resource === found.suggested && t("requests.the_suggested")].filter(Boolean).join(" · ")} />`)}
        ${found.excluded.map((/** @type {any} */ one) => html`<${Line} key=${one.resource} one=${one} name="resource" picked=${picked.value} pick=${pick} note=${textOf(one.text)} isOff=${true} />`)}
        ${action === "reassign" && html`<label class="choice"><input type="radio" name="resource" value="" checked=${picked.value === ""} onChange=${() => pick("")} /><b>${t("requests.back_to_queue")}</b></label>`}</fieldset>
      <div class="field"><label for="choose-reason">${t(isFirst ? "requests.reason_optional" : "requests.reason")}</label>
        <textarea ref=${box} id="choose-reason" rows="2" maxlength="500" value=${reason.value} aria-invalid=${lacks.value ? "true" : undefined} aria-describedby="choose-lacks" onInput=${(/** @type {any} */ event) => { reason.value = event.target.value; lacks.value = ""; }}
          onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event); }}></textarea></div>
      <p id="choose-lacks" class="failure" role="alert">${lacks.value}</p>
      <label class="check"><input type="checkbox" checked=${lock.value} onChange=${(/** @type {any} */ event) => { lock.value = event.target.checked; }} /> ${t("requests.lock_too")}</label>
      ${!possible && html`<p class="failure" role="alert">${t("requests.not_any_more", { action: t(`requests.act_${action}`), status: statusWord(String(facts["status"])) })}</p>`}
      ${doing.failed && html`<${Notice} failure=${doing.failed.failure} before=${doing.failed.before} action=${doing.failed.action} again=${doing.again} />`}
      <div class="form-end"><button class="btn pri" type="submit" disabled=${!possible || !canAct() || Boolean(doing.busy)}>${t(action === "assign" ? "requests.act_assign" : "requests.reassign")}</button><button class="btn" type="button" onClick=${onClose}>${t("requests.leave")}</button></div>
    </form><//>`;
}
