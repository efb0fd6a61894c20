// What may be done to a request now by the one who looks: buttons, and the words some of them need.
import { html, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { user } from "../api.js";
import { t } from "../i18n.js";
import { canAct, isDispatcher } from "./act.js";
import { useDoing } from "./doing.js";
import { Notice } from "./notice.js";
import { statusWord } from "./words.js";

/** @typedef {Record<string, any>} Facts */
/** @template T @typedef {import("../../vendor/preact.js").Signal<T>} Signal */

/** In the order in which a request lives. Choosing somebody stands in the suggestion. */
const ORDER = ["acknowledge", "approve", "refuse", "start", "arrive", "finish", "lock", "unlock", "rate", "cancel"];
/** Those that say why: the name of the word the API takes, and whether it must be there. @type {Record<string, [string, boolean]>} */
const SAYS = { approve: ["opinion", false], refuse: ["opinion", true], cancel: ["reason", true], rate: ["text", false] };
const FIRST = ["acknowledge", "approve", "start", "arrive", "finish", "rate"];

/** @param {Facts} facts @param {string} owner who filed it; "" while that is not known */
export function allowed(facts, owner) {
  const isOwn = owner !== "" && owner === user.value?.name;
  /** @type {string[]} */
  const possible = facts["actions"] ?? [];
  return ORDER.filter((action) => {
    if (!possible.includes(action)) return false;
    if (action === "rate") return isOwn && !facts["rating"];
    if (action === "acknowledge" && facts["clocks"]?.acknowledge?.done_at) return false;
    if (isDispatcher()) return true;
    return action === "cancel" && isOwn && facts["status"] !== "under_way" && facts["status"] !== "arrived";
  });
}

/** @param {{stars: number, pick: (stars: number) => void}} props */
const Stars = ({ stars, pick }) => html`<fieldset class="stars"><legend>${t("requests.stars")}</legend>${[1, 2, 3, 4, 5].map((one) => html`<label key=${one}><input class="sr" type="radio" name="stars" value=${one} checked=${stars === one} onChange=${() => pick(one)} /><span aria-hidden="true">${one <= stars ? "★" : "☆"}</span><span class="sr">${t("requests.n_stars", { n: one })}</span></label>`)}</fieldset>`;

/** The words an action needs. `can` is whether the request still takes it: what was written stays either way.
 * @param {{action: string, busy: boolean, can: boolean, status: string, text: Signal<string>, stars: Signal<number>, send: (more: Facts) => void, onClose: () => void}} props */
function Saying({ action, busy, can, status, text, stars, send, onClose }) {
  const [name, must] = /** @type {[string, boolean]} */ (SAYS[action]);
  const lacks = useSignal(false);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  // Before the next key can come: an Enter that was meant for this form must not press the button that opened it.
  useLayoutEffect(() => { box.current?.focus(); }, []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!can || busy) return;
    if (must && !text.value.trim()) { lacks.value = true; box.current?.focus(); return; }
    send({ ...(text.value.trim() ? { [name]: text.value.trim() } : {}), ...(action === "rate" ? { stars: stars.value } : {}) });
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") { event.stopPropagation(); event.preventDefault(); onClose(); }
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === box.current) submit(event);
  };
  return html`<form class="saying" onSubmit=${submit} onKeyDown=${onKeyDown}>
    ${action === "rate" && html`<${Stars} stars=${stars.value} pick=${(/** @type {number} */ one) => { stars.value = one; }} />`}
    <div class="field"><label for="saying">${t(must ? `requests.${name}` : `requests.${name}_optional`)}</label>
      <textarea ref=${box} id="saying" rows="2" maxlength="500" value=${text.value} aria-invalid=${lacks.value ? "true" : undefined} onInput=${(/** @type {any} */ event) => { text.value = event.target.value; lacks.value = false; }}></textarea></div>
    ${lacks.value && html`<p class="failure" role="alert">${t("requests.reason_needed")}</p>`}
    ${!can && html`<p class="failure" role="alert">${t("requests.not_any_more", { action: t(`requests.act_${action}`), status })}</p>`}
    <div class="form-end"><button class="btn pri" type="submit" disabled=${busy || !can || !canAct()}>${t(`requests.act_${action}`)}</button><button class="btn" type="button" onClick=${onClose}>${t("requests.leave")}</button></div></form>`;
}

/** @param {{entity: import("../types.d.ts").Entity, owner: string, done?: () => void}} props */
export function Actions({ entity, owner, done }) {
  const facts = /** @type {Facts} */ (entity.attributes);
  const saying = useSignal("");
  const text = useSignal("");
  const stars = useSignal(5);
  const close = () => { saying.value = ""; text.value = ""; };
  const doing = useDoing(entity, () => { close(); done?.(); });
  const list = allowed(facts, owner);
  const press = (/** @type {string} */ action) => () => {
    doing.forget();
    if (!(action in SAYS)) { saying.value = ""; void doing.run(action); }
    else if (saying.peek() === action) document.getElementById("saying")?.focus();
    else saying.value = action;
  };
  if (list.length === 0 && !saying.value && !doing.failed) return null;
  // What was settled without sending anybody may be finished, but that is not the usual way.
  const first = FIRST.find((one) => list.includes(one) && (one !== "finish" || facts["assigned"]));
  return html`<div class="actions">${list.map((action) => html`<button key=${action} class=${`btn${action === first ? " pri" : ""}`} disabled=${!canAct() || Boolean(doing.busy)} aria-expanded=${action in SAYS ? saying.value === action : undefined} onClick=${press(action)}>${t(`requests.act_${action}`)}</button>`)}</div>
    ${saying.value && html`<${Saying} key=${saying.value} action=${saying.value} busy=${Boolean(doing.busy)} can=${list.includes(saying.value)} status=${statusWord(String(facts["status"]))} text=${text} stars=${stars} send=${(/** @type {Facts} */ more) => void doing.run(saying.value, more)} onClose=${close} />`}
    ${doing.failed && html`<${Notice} failure=${doing.failed.failure} before=${doing.failed.before} action=${doing.failed.action} again=${doing.again} />`}`;
}
