// Signing in, and choosing a password of one's own.
import { html, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { ApiFailure, call, user } from "../api.js";
import { t } from "../i18n.js";
import { Modal } from "./modal.js";
import { Preferences } from "./preferences.js";

const PASSWORD_LEAST = 12;

/** What is wrong before the collector is asked; the message is a text key. */
class Unfit extends Error {}

/** What to tell a person about a failed request. @param {unknown} failure @param {"login" | "password" | "second"} about */
function failureText(failure, about) {
  if (failure instanceof Unfit) return t(failure.message, { n: PASSWORD_LEAST });
  if (!(failure instanceof ApiFailure)) return t("error.unexpected");
  if (failure.status === 0) return t("live.unreachable");
  if (failure.status === 429) return t("login.too_many", { seconds: Math.max(1, failure.retryAfter) });
  if (failure.code === "wrong_code") return t("login.wrong_code");
  if (failure.code === "second_factor_there") return t("second.there");
  if (about === "second" && failure.code === "wrong_password") return t("password.wrong_old");
  if (about === "login" && failure.status === 401) return t("login.wrong");
  if (about === "password" && (failure.status === 401 || failure.status === 403 || failure.code === "wrong_password")) return t("password.wrong_old");
  if (about === "password" && failure.status === 422) return t("password.weak");
  return failure.message || t("error.unexpected");
}

/** @param {{id: string, label: string, type?: string, autocomplete: string, hint?: string, first?: boolean, value?: string, invalid?: boolean}} props */
export function Field({ id, label, type = "text", autocomplete, hint, first, value, invalid }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useLayoutEffect(() => { if (first) input.current?.focus(); }, []);
  return html`<div class="field"><label for=${id}>${label}</label>
    <input ref=${input} id=${id} name=${id} type=${type} autocomplete=${autocomplete} required value=${value} spellcheck=${false} autocapitalize="none"
      aria-invalid=${invalid ? "true" : undefined} aria-describedby=${`${hint ? `${id}-hint ` : ""}failure`} />
    ${hint && html`<small id=${`${id}-hint`} class="muted">${hint}</small>`}</div>`;
}

/** A form that runs one request at a time and says what went wrong.
 * @param {{about: "login" | "password" | "second", action: string, run: (values: Record<string, string>) => Promise<void>, children?: any}} props */
export function Form({ about, action, run, children }) {
  const busy = useSignal(false);
  const failure = useSignal(/** @type {unknown} */ (null));
  const onSubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy.value) return;
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    busy.value = true;
    failure.value = null;
    try {
      await run(/** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form))));
    } catch (error) {
      failure.value = error;
      const wrong = error instanceof Unfit || (error instanceof ApiFailure && error.code === "weak_password") ? "#new" : "input[type=password]";
      /** @type {HTMLInputElement | null} */ (form.querySelector(wrong))?.select();
    } finally {
      busy.value = false;
    }
  };
  const said = failure.value;
  return html`<form onSubmit=${onSubmit}>${children}
    <p id="failure" class="failure" role="alert">${said === null ? "" : failureText(said, about)}</p>
    <button class="btn pri" type="submit" disabled=${busy.value}>${action}</button></form>`;
}

/** @param {{children?: any}} props */
export const Door = ({ children }) => html`<div class="door"><div class="prefs"><${Preferences} /></div><main id="main" class="card">${children}</main></div>`;

export function Login() {
  document.title = `${t("login.title")} · 大院 Dayuan`;
  const needsCode = useSignal(false);
  const run = async (/** @type {Record<string, string>} */ values) => {
    const code = values["code"] ? { code: values["code"] } : {};
    try {
      user.value = (await call("POST", "/api/v1/session", { name: values["name"], password: values["password"], ...code })).user;
    } catch (failure) {
      if (!(failure instanceof ApiFailure) || failure.code !== "code_needed") throw failure;
      needsCode.value = true;
    }
  };
  return html`<${Door}><h1 class="logo"><b>大院</b> Dayuan</h1>
    <${Form} about="login" action=${t("login.sign_in")} run=${run}>
      <${Field} id="name" label=${t("login.name")} autocomplete="username" first=${true} />
      <${Field} id="password" label=${t("login.password")} type="password" autocomplete="current-password" />
      ${needsCode.value && html`<${Field} id="code" label=${t("login.code")} autocomplete="one-time-code" hint=${t("login.code_hint")} first=${true} />`}
    <//><//>`;
}

/** @param {{onDone: () => void}} props */
function PasswordForm({ onDone }) {
  const run = async (/** @type {Record<string, string>} */ values) => {
    const chosen = values["new"] ?? "";
    if ([...chosen].length < PASSWORD_LEAST) throw new Unfit("password.too_short");
    if (chosen !== values["again"]) throw new Unfit("password.differ");
    if (chosen === values["old"]) throw new Unfit("password.same");
    await call("POST", "/api/v1/password", { old: values["old"], new: values["new"] });
    onDone();
  };
  return html`<${Form} about="password" action=${t("password.change")} run=${run}>
    <input class="sr" type="text" name="username" autocomplete="username" value=${user.value?.name ?? ""} readonly tabindex="-1" aria-hidden="true" />
    <${Field} id="old" label=${t("password.old")} type="password" autocomplete="current-password" first=${true} />
    <${Field} id="new" label=${t("password.new")} type="password" autocomplete="new-password" hint=${t("password.rule", { n: PASSWORD_LEAST })} />
    <${Field} id="again" label=${t("password.again")} type="password" autocomplete="new-password" />
  <//>`;
}

/** The one-time password must be replaced before anything else is shown. */
export function PasswordChange() {
  document.title = `${t("password.change")} · 大院 Dayuan`;
  const done = () => { if (user.value) user.value = { ...user.value, must_change_password: false }; };
  return html`<${Door}><h1 class="logo"><b>大院</b> Dayuan</h1><p>${t("password.forced")}</p><${PasswordForm} onDone=${done} /><//>`;
}

/** @param {{onDone: () => void}} props */
export const PasswordDialog = ({ onDone }) => html`<${Modal} title=${t("password.change")} onClose=${onDone}><${PasswordForm} onDone=${onDone} /><//>`;
