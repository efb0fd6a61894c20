// The section People: who may log in and what they may do where, and one's own logins.
import { html, useSignal } from "../../vendor/preact.js";
import { call, user } from "../api.js";
import { moment } from "../format.js";
import { Modal } from "../frame/modal.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { pageZone, siteName, sites } from "../sites.js";
import { canChange, listOf, mayChange, useAsking } from "./asked.js";

/** @typedef {{role: string, site: string}} Grant */
/** @typedef {{name: string, grants: Grant[], disabled: boolean, must_change_password: boolean, second_factor: boolean, last_login_at: number | null, sessions: number}} Person */
/** @typedef {{id: string, created_at: number, seen_at: number, expires_at: number, client: string, this: boolean}} Login */

const asked = listOf("/api/v1/users", (answer) => answer.users);
/** Only administrators may see them: nobody else asks. */
const people = { ...asked, ask: async () => { if (mayChange()) await asked.ask(); } };
const logins = listOf("/api/v1/sessions", (answer) => answer.sessions);
const ROLES = ["requester", "viewer", "dispatcher", "energy_manager", "security_officer", "installer", "administrator"];

/** @param {string} name */
const addressOf = (name) => `/api/v1/users/${encodeURIComponent(name)}`;

/** @param {Grant} grant */
const grantWords = ({ role, site }) => `${word("role", role)} · ${site ? siteName(site) : t("people.all_sites")}`;

/** @param {{grants: Grant[], change: (grants: Grant[]) => void}} props */
function Grants({ grants, change }) {
  const put = (/** @type {number} */ at, /** @type {Partial<Grant>} */ part) => change(grants.map((one, i) => (i === at ? { ...one, ...part } : one)));
  return html`<fieldset class="grants"><legend>${t("people.roles")}</legend>${grants.map((one, i) => html`<div class="grant" key=${i}>
      <select aria-label=${t("people.role_n", { n: i + 1 })} value=${one.role} onChange=${(/** @type {any} */ event) => put(i, { role: event.target.value })}>${ROLES.map((role) => html`<option key=${role} value=${role}>${word("role", role)}</option>`)}</select>
      <select aria-label=${t("people.site_n", { n: i + 1 })} value=${one.site} onChange=${(/** @type {any} */ event) => put(i, { site: event.target.value })}><option value="">${t("people.all_sites")}</option>${sites.value.map((site) => html`<option key=${site.id} value=${site.id}>${siteName(site.id)}</option>`)}</select>
      <button class="btn" type="button" disabled=${grants.length < 2} onClick=${() => change(grants.filter((_, at) => at !== i))}>${t("people.without_role", { n: i + 1 })}</button></div>`)}
    <button class="btn" type="button" onClick=${() => change([...grants, { role: "viewer", site: sites.value[0]?.id ?? "" }])}>${t("people.more_roles")}</button></fieldset>`;
}

/** A password that is shown this once. @param {{name: string, password: string, onDone: () => void}} props */
const Once = ({ name, password, onDone }) => html`<div class="token-made" role="status"><p><b>${t("people.once", { name })}</b></p>
  <input class="mono" readonly aria-label=${t("people.one_time")} value=${password} onFocus=${(/** @type {any} */ event) => event.target.select()} />
  <p class="muted">${t("people.once_how")}</p><button class="btn" type="button" onClick=${onDone}>${t("people.kept")}</button></div>`;

/** @param {{onDone: () => void}} props */
function NewPerson({ onDone }) {
  const name = useSignal("");
  const grants = useSignal(/** @type {Grant[]} */ ([{ role: "viewer", site: "" }]));
  const made = useSignal("");
  const failed = useSignal("");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!name.peek().trim()) { failed.value = t("settings.missing"); return; }
    try {
      made.value = (await call("POST", "/api/v1/users", { name: name.peek().trim(), grants: grants.peek() })).one_time_password;
      failed.value = "";
      await people.ask();
    } catch (failure) { failed.value = failureWords(failure); }
  };
  if (made.value) return html`<${Once} name=${name.value} password=${made.value} onDone=${onDone} />`;
  return html`<form class="person-form" onSubmit=${submit}><span class="field"><label for="person-name">${t("people.login_name")}</label><input id="person-name" maxlength="64" autocomplete="off" autofocus value=${name.value} aria-invalid=${failed.value ? "true" : undefined} aria-describedby="person-wrong" onInput=${(/** @type {any} */ event) => { name.value = event.target.value; }} /></span>
    <${Grants} grants=${grants.value} change=${(/** @type {Grant[]} */ next) => { grants.value = next; }} />
    <p class="failure" id="person-wrong" role="alert">${failed.value}</p><button class="btn pri" type="submit">${t("settings.make")}</button></form>`;
}

/** @param {{person: Person, onDone: () => void}} props */
function ChangePerson({ person, onDone }) {
  const grants = useSignal(person.grants);
  const failed = useSignal("");
  const said = useSignal("");
  const password = useSignal("");
  const run = (/** @type {() => Promise<any>} */ work, /** @type {string} */ told) => async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!canChange()) return;
    try { await work(); failed.value = ""; said.value = told; await people.ask(); } catch (failure) { said.value = ""; failed.value = failureWords(failure); }
  };
  const address = addressOf(person.name);
  const here = /** @type {Person | undefined} */ (people.items.value?.find((one) => one.name === person.name)) ?? person;
  if (password.value) return html`<${Once} name=${person.name} password=${password.value} onDone=${onDone} />`;
  return html`<form class="person-form" onSubmit=${run(() => call("PUT", address, { grants: grants.peek() }), t("settings.saved"))}>
      <${Grants} grants=${grants.value} change=${(/** @type {Grant[]} */ next) => { grants.value = next; }} /><button class="btn pri" type="submit">${t("settings.save")}</button></form>
    <p class="muted">${t("people.ends_logins")}</p>
    <div class="person-deeds">
      <button class="btn" type="button" onClick=${run(() => call("PUT", address, { disabled: !here.disabled }), t("settings.saved"))}>${t(here.disabled ? "people.enable" : "people.disable")}</button>
      <button class="btn" type="button" onClick=${run(async () => { password.value = (await call("POST", `${address}/password`)).one_time_password; }, "")}>${t("people.new_password")}</button>
      <button class="btn" type="button" disabled=${here.sessions === 0} onClick=${run(() => call("DELETE", `${address}/sessions`), t("people.ended"))}>${t("people.end_logins", { n: here.sessions })}</button>
      <button class="btn" type="button" disabled=${!here.second_factor} onClick=${run(() => call("DELETE", `${address}/second-factor`), t("people.second_gone"))}>${t("people.reset_second")}</button></div>
    <p class="failure" role="alert">${failed.value}</p><p role="status">${said.value}</p>`;
}

/** @param {{person: Person, change: () => void}} props */
const Row = ({ person, change }) => html`<tr class=${person.disabled ? "past" : ""}><th scope="row">${person.name}${person.name === user.value?.name && html` <small class="muted">${t("people.you")}</small>`}</th>
  <td>${person.grants.map((one) => html`<div key=${`${one.role} ${one.site}`}>${grantWords(one)}</div>`)}</td>
  <td>${[person.disabled && t("people.is_disabled"), person.must_change_password && t("people.must_change"), person.second_factor && t("people.has_second")].filter(Boolean).join(" · ") || "–"}</td>
  <td class="figure">${person.sessions}</td><td>${person.last_login_at ? moment(person.last_login_at, now.value, pageZone.value) : t("people.never")}</td>
  <td><button class="btn" type="button" aria-label=${t("people.change_of", { name: person.name })} onClick=${change}>${t("people.change")}</button></td></tr>`;

function MyLogins() {
  useAsking(logins);
  const failed = useSignal("");
  const end = (/** @type {string} */ id) => async () => {
    try { await call("DELETE", `/api/v1/sessions/${id}`); failed.value = ""; await logins.ask(); } catch (failure) { failed.value = failureWords(failure); }
  };
  return html`<section class="card list-card" aria-labelledby="my-logins"><div class="h"><h2 id="my-logins">${t("people.my_logins")}</h2><small>${t("people.my_logins_note")}</small></div>
    <p class="failure" role="alert">${failed.value || logins.failure.value}</p>
    <ul class="tokens">${/** @type {Login[]} */ (logins.items.value ?? []).map((one) => html`<li key=${one.id}><span><b class="mono">${one.client}</b><small class="muted">${t("people.since", { time: moment(one.created_at, now.value, pageZone.value) })} · ${t("people.seen", { time: moment(one.seen_at, now.value, pageZone.value) })}</small></span>
      ${one.this ? html`<span class="muted">${t("people.this_login")}</span>` : html`<button class="btn" type="button" aria-label=${t("people.end_of", { client: one.client })} onClick=${end(one.id)}>${t("people.end")}</button>`}</li>`)}</ul></section>`;
}

export function People() {
  useAsking(people);
  const opened = useSignal(/** @type {Person | "new" | null} */ (null));
  const close = () => { opened.value = null; };
  const list = /** @type {Person[]} */ (people.items.value ?? []);
  return html`<div class="people-section">${mayChange() && html`<section class="card list-card" aria-label=${t("settings.people")}>
      <div class="toolbar set-tools"><b>${t("settings.people")}</b><span class="sp"></span><button class="btn pri" type="button" disabled=${!canChange()} onClick=${() => { opened.value = "new"; }}>${t("people.new")}</button></div>
      <p class="failure" role="alert">${people.failure.value}</p>
      <div class="wide-table" tabindex="0" role="group" aria-label=${t("settings.people")}><table class="people"><thead><tr>${["name", "roles", "state", "logins", "last_login"].map((one) => html`<th key=${one} scope="col">${t(`people.${one}`)}</th>`)}<td></td></tr></thead>
        <tbody>${list.map((one) => html`<${Row} key=${one.name} person=${one} change=${() => { opened.value = one; }} />`)}</tbody></table></div></section>`}
    <${MyLogins} />
    ${opened.value === "new" ? html`<${Modal} title=${t("people.new")} onClose=${close}><${NewPerson} onDone=${close} /><//>`
    : opened.value && html`<${Modal} title=${opened.value.name} onClose=${close}><${ChangePerson} person=${opened.value} onDone=${close} /><//>`}</div>`;
}
