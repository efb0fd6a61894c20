// A form over the page: keeps what was written until it is sent, sends it once, and says what is wrong where it is wrong.
import { html, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { ApiFailure } from "../api.js";
import { Modal } from "../frame/modal.js";
import { t } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { canAct, newKey, post } from "./act.js";
import { focusWrong, placed } from "./fields.js";

/** @typedef {import("./fields.js").Form} Form */
/** @typedef {Record<string, any>} Values */

/** What was written and not sent, by form. @type {Map<string, Values>} */
const kept = new Map();

/**
 * @param {{name: string, title: string, action: string, path: string, start: () => Values, check: (values: Values) => Record<string, string>,
 *   body: (values: Values) => unknown, fields: (form: Form) => any, names: readonly string[], done: (answer: any) => void, onClose: () => void}} props
 */
export function FormDialog({ name, title, action, path, start, check, body, fields, names, done, onClose }) {
  const values = useSignal(/** @type {Values} */ (kept.get(name) ?? start()));
  const errors = useSignal(/** @type {Record<string, string>} */ ({}));
  const busy = useSignal(false);
  const box = useRef(/** @type {HTMLFormElement | null} */ (null));
  const key = useRef({ said: "", value: "" });
  useLayoutEffect(() => { /** @type {HTMLElement | null} */ (box.current?.querySelector("select, input, textarea"))?.focus(); }, []);
  const set = (/** @type {string} */ field, /** @type {any} */ value) => {
    values.value = { ...values.peek(), [field]: value };
    kept.set(name, values.peek());
    if (errors.peek()[field]) { const { [field]: _gone, ...rest } = errors.peek(); errors.value = rest; }
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy.peek()) return;
    errors.value = check(values.peek());
    if (Object.keys(errors.peek()).length > 0) { focusWrong(box.current); return; }
    const said = body(values.peek()), text = JSON.stringify(said);
    // Sent again after the line broke it is the same one.
    if (!key.current || key.current.said !== text) key.current = { said: text, value: newKey() };
    busy.value = true;
    try {
      const answer = await post(path, said, /** @type {{value: string}} */ (key.current).value);
      kept.delete(name);
      done(answer);
    } catch (failure) {
      errors.value = failure instanceof ApiFailure && failure.status === 422 ? placed(failure.message, failure.hint, names, failure.code) : { "": failureWords(failure) };
      focusWrong(box.current);
    } finally {
      busy.value = false;
    }
  };
  const clear = () => { kept.delete(name); values.value = start(); errors.value = {}; };
  /** @type {Form} */
  const form = { values: values.value, errors: errors.value, set, prefix: name };
  return html`<${Modal} title=${title} onClose=${onClose}><form ref=${box} class="ask-form" novalidate onSubmit=${submit}>
    ${fields(form)}
    <p class="failure wide" role="alert">${errors.value[""] ?? ""}</p>
    <div class="form-end wide"><button class="btn pri" type="submit" disabled=${busy.value || !canAct()}>${action}</button><button class="btn" type="button" onClick=${clear}>${t("requests.clear")}</button><span class="muted">${canAct() ? t("requests.kept") : t("requests.offline")}</span></div></form><//>`;
}
