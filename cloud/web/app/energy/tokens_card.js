// Tokens that read energy and may stand in an address: made by administrators, shown once, taken away at once.
import { html, useSignal } from "../../vendor/preact.js";
import { call } from "../api.js";
import { dayText, moment } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { canChange, listOf, useAsking } from "../settings/asked.js";
import { Remove } from "../settings/editor.js";

/** @typedef {{id: string, name: string, role: string, for: string, created_at: number, expires_at: number | null, last_used_at: number | null, revoked_at: number | null}} Token */

const tokens = listOf("/api/v1/tokens", (answer) => answer.tokens);
const LASTS = ["", "90", "365", "1095"];

/** @param {{zone: string}} props */
export function TokensCard({ zone }) {
  useAsking(tokens);
  const name = useSignal("");
  const lasts = useSignal("365");
  const made = useSignal(/** @type {(Token & {token: string}) | null} */ (null));
  const failed = useSignal("");
  const add = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!canChange()) return;
    if (!name.peek().trim()) { failed.value = t("settings.missing"); return; }
    try {
      made.value = await call("POST", "/api/v1/tokens", { name: name.peek().trim(), ...(lasts.peek() ? { lasts_days: Number(lasts.peek()) } : {}) });
      name.value = "";
      failed.value = "";
      await tokens.ask();
    } catch (failure) { failed.value = failureWords(failure); }
  };
  const all = /** @type {Token[]} */ (tokens.items.value ?? []).filter((one) => one.for === "energy");
  const ended = (/** @type {Token} */ one) => (one.revoked_at ? t("money.token_revoked", { time: moment(one.revoked_at, now.value, zone) }) : one.expires_at && one.expires_at <= now.value ? t("money.token_over") : "");
  return html`<section class="card tokens-card" aria-labelledby="tokens"><div class="h"><h2 id="tokens">${t("money.tokens")}</h2><small>${t("money.tokens_note")}</small></div>
    <form class="token-new" onSubmit=${add}><span class="field"><label for="token-name">${t("money.token_for")}</label><input id="token-name" maxlength="100" placeholder=${t("money.token_example")} value=${name.value} aria-invalid=${failed.value ? "true" : undefined} onInput=${(/** @type {any} */ event) => { name.value = event.target.value; failed.value = ""; }} /></span>
      <span class="field"><label for="token-lasts">${t("money.token_lasts")}</label><select id="token-lasts" value=${lasts.value} onChange=${(/** @type {any} */ event) => { lasts.value = event.target.value; }}>${LASTS.map((one) => html`<option key=${one} value=${one}>${one ? t("money.days_n", { n: Number(one) }) : t("money.for_ever")}</option>`)}</select></span>
      <button class="btn pri" type="submit" aria-disabled=${!canChange()}>${t("money.token_make")}</button></form>
    <p class="failure" role="alert">${failed.value || tokens.failure.value}</p>
    ${made.value && html`<div class="token-made" role="status"><p><b>${t("money.token_once", { name: made.value.name })}</b></p><input class="mono" readonly aria-label=${t("money.token")} value=${made.value.token} onFocus=${(/** @type {any} */ event) => event.target.select()} /><p class="muted">${t("money.token_how")}</p><button class="btn small" onClick=${() => { made.value = null; }}>${t("money.token_kept")}</button></div>`}
    ${tokens.items.value && all.length === 0 && html`<p class="calm muted">${t("money.no_tokens")}</p>`}
    <ul class="tokens">${all.map((one) => html`<li key=${one.id} class=${ended(one) ? "past" : ""}><span><b>${one.name}</b> <small class="mono muted">${one.id}</small><small class="muted">${t("money.token_made", { time: dayText(one.created_at, zone) })} · ${one.last_used_at ? t("money.token_used", { time: moment(one.last_used_at, now.value, zone) }) : t("money.token_unused")}${one.expires_at ? ` · ${t("money.token_until", { time: dayText(one.expires_at, zone) })}` : ""}</small></span>
      ${ended(one) ? html`<span class="muted">${ended(one)}</span>` : html`<${Remove} what=${t("money.token_remove", { name: one.name })} remove=${async () => { await call("DELETE", `/api/v1/tokens/${one.id}`); await tokens.ask(); }} />`}</li>`)}</ul></section>`;
}
