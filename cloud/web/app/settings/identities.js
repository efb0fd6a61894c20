// The section Identities: which gateways may send, until when, a one-time code for a new box, and taking it all back.
import { html, useSignal } from "../../vendor/preact.js";
import { call, may } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { fullTime, moment } from "../format.js";
import { t } from "../i18n.js";
import { now, pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { zoneOf } from "../sites.js";
import { listOf, useAsking } from "./asked.js";
import { wrongId } from "./fields.js";

/** @typedef {{site: string, gateway: string, state: string, expires_at: number | null, certificates: number, revoked_at: number | null, reason: string, code_until: number | null}} Identity */

const asked = listOf("/api/v1/identities", (answer) => answer.identities);
const list = { failure: asked.failure, ask: async () => { if (may("install")) await asked.ask(); } };
const canDo = () => may("install") && pastAt.value === null && state.value === "live";
const MARK = /** @type {Record<string, string>} */ ({ enrolled: "ok", ending: "p2", expired: "p1", revoked: "p1", invited: "p3" });

/** @param {string} gateway @param {string} rest */
const address = (gateway, rest) => `/api/v1/identities/${mapSite.value}/${encodeURIComponent(gateway)}/${rest}`;

/** The code is shown once: nobody can ask for it again. @param {{gateway: string, made: {code: string, expires_at: number}, forget: () => void}} props */
const Code = ({ gateway, made, forget }) => html`<div class="notice-box" role="status"><p>${t("settings.code_made", { gateway, until: moment(made.expires_at, now.peek(), zoneOf(mapSite.value)) })}</p>
  <pre class="mono command" tabindex="0">dayuan-edge enrol ${location.origin} ${made.code} site.toml</pre>
  <p class="muted">${t("settings.code_once")}</p><button class="btn" onClick=${forget}>${t("settings.code_seen")}</button></div>`;

/** @param {{row: Identity, invite: (gateway: string) => void, failed: (error: unknown) => void}} props */
function Row({ row, invite, failed }) {
  const asks = useSignal(false), reason = useSignal("");
  const zone = zoneOf(row.site);
  const revoke = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await call("POST", address(row.gateway, `revoke?reason=${encodeURIComponent(reason.value.trim())}`));
      asks.value = false;
      await asked.ask();
    } catch (error) { failed(error); }
  };
  const until = row.state === "revoked" ? row.revoked_at : row.expires_at ?? row.code_until;
  return html`<li class="id-row"><span class=${`tag ${MARK[row.state] ?? ""}`}>${t(`settings.identity_${row.state}`)}</span><b>${row.gateway}</b>
    <span class="muted" title=${until ? fullTime(until, zone) : ""}>${until ? t(`settings.until_${row.state}`, { at: moment(until, now.value, zone) }) : ""} ${row.reason}${row.code_until && row.state !== "invited" ? ` · ${t("settings.has_code")}` : ""}</span>
    <span class="set-sure"><button class="btn" disabled=${!canDo()} onClick=${() => invite(row.gateway)}>${t("settings.new_code")}</button>
      ${["enrolled", "ending", "expired"].includes(row.state) && html`<button class="btn danger" disabled=${!canDo()} aria-expanded=${asks.value} onClick=${() => { asks.value = !asks.value; }}>${t("settings.revoke")}</button>`}</span>
    ${asks.value && html`<form class="set-sure id-form" onSubmit=${revoke}><label>${t("settings.revoke_why")} <input required maxlength="200" value=${reason.value} onInput=${(/** @type {any} */ event) => { reason.value = event.target.value; }} /></label>
      <button class="btn danger" disabled=${!reason.value.trim()}>${t("settings.revoke_yes", { gateway: row.gateway })}</button></form>`}</li>`;
}

export function Identities() {
  useAsking(list);
  const made = useSignal(/** @type {{gateway: string, code: string, expires_at: number} | null} */ (null)), name = useSignal(""), wrong = useSignal("");
  if (!may("install")) return html`<section class="card list-card"><p class="calm muted">${t("settings.identities_installers")}</p></section>`;
  const failed = (/** @type {unknown} */ error) => { wrong.value = failureWords(error); };
  const invite = async (/** @type {string} */ gateway) => {
    wrong.value = wrongId(gateway);
    if (wrong.value) return;
    try {
      made.value = { gateway, ...await call("POST", address(gateway, "code")) };
      name.value = "";
      await asked.ask();
    } catch (error) { failed(error); }
  };
  const rows = /** @type {Identity[]} */ (asked.items.value ?? []).filter((row) => row.site === mapSite.value);
  return html`<section class="card list-card" aria-label=${t("settings.identities")}>
    <form class="toolbar set-tools" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void invite(name.value.trim()); }}>
      <label>${t("settings.enrol_gateway")} <input maxlength="32" spellcheck=${false} autocomplete="off" value=${name.value} onInput=${(/** @type {any} */ event) => { name.value = event.target.value; }} /></label>
      <button class="btn pri" disabled=${!canDo()}>${t("settings.make_code")}</button></form>
    ${(wrong.value || list.failure.value) && html`<p class="alarm-failure" role="alert">${wrong.value || list.failure.value}</p>`}
    ${made.value && html`<${Code} gateway=${made.value.gateway} made=${made.value} forget=${() => { made.value = null; }} />`}
    <div class="set-box">${rows.length === 0 ? html`<p class="calm muted">${asked.items.value === null ? t("settings.asking") : t("settings.no_identities")}</p>`
      : html`<ul class="id-list">${rows.map((row) => html`<${Row} key=${row.gateway} row=${row} invite=${invite} failed=${failed} />`)}</ul>`}</div></section>`;
}
