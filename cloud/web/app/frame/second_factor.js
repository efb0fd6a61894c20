// The second factor of one's own: a secret for an authenticator app, a first code of it, and recovery codes.
import { html, useSignal } from "../../vendor/preact.js";
import { call, user } from "../api.js";
import { t } from "../i18n.js";
import { Door, Field, Form } from "./login.js";
import { Modal } from "./modal.js";

/** @typedef {{secret: string, address: string, qr: string}} Shown */

/** @param {{shown: Shown}} props */
const Secret = ({ shown }) => html`<p>${t("second.scan")}</p>
  <p><img class="qr" width="180" height="180" alt=${t("second.qr")} src=${`data:image/svg+xml,${encodeURIComponent(shown.qr)}`} /></p>
  <p class="muted">${t("second.type")} <code>${(shown.secret.match(/.{1,4}/g) ?? []).join(" ")}</code></p>`;

/** @param {{codes: string[], onDone: () => void}} props */
const Codes = ({ codes, onDone }) => html`<p>${t("second.codes")}</p><ul class="codes">${codes.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ul>
  <button class="btn pri" onClick=${onDone}>${t("second.kept")}</button>`;

/** Step by step: the password, the secret, a code. @param {{onDone: () => void}} props */
function Steps({ onDone }) {
  const shown = useSignal(/** @type {Shown | null} */ (null));
  const codes = useSignal(/** @type {string[] | null} */ (null));
  const begin = async (/** @type {Record<string, string>} */ values) => {
    shown.value = await call("POST", "/api/v1/second-factor", { password: values["password"] });
  };
  const confirm = async (/** @type {Record<string, string>} */ values) => {
    codes.value = (await call("POST", "/api/v1/second-factor/confirm", { code: values["code"] })).recovery_codes;
  };
  if (codes.value) return html`<${Codes} codes=${codes.value} onDone=${onDone} />`;
  if (!shown.value) return html`<${Form} key="begin" about="second" action=${t("second.next")} run=${begin}>
    <input class="sr" type="text" name="username" autocomplete="username" value=${user.value?.name ?? ""} readonly tabindex="-1" aria-hidden="true" />
    <${Field} id="password" label=${t("login.password")} type="password" autocomplete="current-password" first=${true} /><//>`;
  return html`<${Form} key="confirm" about="second" action=${t("second.confirm")} run=${confirm}><${Secret} shown=${shown.value} />
    <${Field} id="code" label=${t("login.code")} autocomplete="one-time-code" first=${true} /><//>`;
}

/** The role needs a second factor: it is set up before anything else is shown. */
export function SecondFactorSetup() {
  document.title = `${t("second.title")} · 大院 Dayuan`;
  const done = () => { if (user.value) user.value = { ...user.value, needs_second_factor: false }; };
  return html`<${Door}><h1 class="logo"><b>大院</b> Dayuan</h1><p>${t("second.forced")}</p><${Steps} onDone=${done} /><//>`;
}

/** @param {{onDone: () => void}} props */
export const SecondFactorDialog = ({ onDone }) => html`<${Modal} title=${t("second.title")} onClose=${onDone}><${Steps} onDone=${onDone} /><//>`;
