// The section Tokens: everything that lets a program in, a tracker send, or a calendar be read; ended here.
import { html } from "../../vendor/preact.js";
import { call } from "../api.js";
import { dayText, moment } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { pageZone } from "../sites.js";
import { listOf, mayChange, useAsking } from "./asked.js";
import { Remove } from "./editor.js";

/** @typedef {{id: string, name: string, role: string, for: string, created_at: number, expires_at: number | null, last_used_at: number | null, revoked_at: number | null}} Token */

const asked = listOf("/api/v1/tokens", (answer) => answer.tokens);
const tokens = { ...asked, ask: async () => { if (mayChange()) await asked.ask(); } };

/** What it is for: `tracker:east/phone-1` is a tracker of that device. @param {Token} token */
function forWords(token) {
  const [kind, ...about] = token.for.split(":");
  return [word("keys_out", kind || "all"), about.join(":")].filter(Boolean).join(" · ");
}

/** @param {Token} token */
const ended = (token) => (token.revoked_at ? t("money.token_revoked", { time: moment(token.revoked_at, now.value, pageZone.value) }) : token.expires_at && token.expires_at <= now.value ? t("money.token_over") : "");

/** @param {{token: Token}} props */
const Row = ({ token }) => html`<tr class=${ended(token) ? "past" : ""}><th scope="row">${token.name}<small class="mono muted">${token.id}</small></th><td>${forWords(token)}</td><td>${token.for ? "–" : word("role", token.role)}</td>
  <td>${dayText(token.created_at, pageZone.value)}</td><td>${token.last_used_at ? moment(token.last_used_at, now.value, pageZone.value) : t("money.token_unused")}</td><td>${token.expires_at ? dayText(token.expires_at, pageZone.value) : t("money.for_ever")}</td>
  <td>${ended(token) || html`<${Remove} what=${t("money.token_remove", { name: token.name })} remove=${async () => { await call("DELETE", `/api/v1/tokens/${token.id}`); await tokens.ask(); }} />`}</td></tr>`;

export function Tokens() {
  useAsking(tokens);
  if (!mayChange()) return html`<section class="card list-card"><p class="calm muted">${t("settings.only_administrators")}</p></section>`;
  const list = /** @type {Token[]} */ (tokens.items.value ?? []);
  return html`<section class="card list-card" aria-label=${t("settings.tokens")}><p class="calm muted">${t("keys_out.how")}</p><p class="failure" role="alert">${tokens.failure.value}</p>
    <div class="wide-table" tabindex="0" role="group" aria-label=${t("settings.tokens")}><table class="people"><thead><tr>${["name", "for", "role", "made", "used", "until"].map((one) => html`<th key=${one} scope="col">${t(`keys_out.col_${one}`)}</th>`)}<td></td></tr></thead>
      <tbody>${list.map((one) => html`<${Row} key=${one.id} token=${one} />`)}</tbody></table></div>
    ${tokens.items.value && list.length === 0 && html`<p class="calm muted">${t("money.no_tokens")}</p>`}</section>`;
}
