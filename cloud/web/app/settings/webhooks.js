// The section Webhooks: where alarms are sent.
import { computed, html } from "../../vendor/preact.js";
import { call, get } from "../api.js";
import { t } from "../i18n.js";
import { search } from "../place.js";
import { siteName } from "../sites.js";
import { canChange, listOf, mayChange, useAsking } from "./asked.js";
import { List } from "./list.js";
import { isFound, Search } from "./things.js";
import { open } from "./where.js";

/** @typedef {{id: string, name: string, format: string, min_priority: number, site: string, kinds: string[], language: string, returned: boolean, ca_file: string, enabled: boolean, url: string, secret: boolean, rev: number, changed_at: number, changed_by: string}} Webhook */
/** @typedef {{id: number, alarm: string, event: string, made_at: number, state: string, tries: number, next_at: number, last_at: number | null, answer: string}} Delivery */

const asked = listOf("/api/v1/webhooks", (answer) => answer.webhooks);
/** Only administrators may see them: nobody else asks. */
export const webhookList = { failure: asked.failure, ask: async () => { if (mayChange()) await asked.ask(); } };
export const webhooks = computed(() => /** @type {Webhook[] | null} */ (asked.items.value));

/** @param {string} id */
export const webhookOf = (id) => webhooks.value?.find((one) => one.id === id);

/** @param {string} id */
const addressOf = (id) => `/api/v1/webhooks/${encodeURIComponent(id)}`;

/** @param {string} id @param {Record<string, any>} body */
export async function saveWebhook(id, body) {
  await call("PUT", addressOf(id), body);
  await asked.ask();
}

/** @param {string} id */
export async function removeWebhook(id) {
  await call("DELETE", addressOf(id));
  await asked.ask();
}

/** @param {string} id @returns {Promise<Delivery>} */
export const testWebhook = async (id) => (await call("POST", `${addressOf(id)}/test`)).delivery;

/** @param {string} id @returns {Promise<Delivery[]>} */
export const deliveriesOf = async (id) => (await get(`${addressOf(id)}/deliveries?limit=30`)).deliveries;

/** Which alarms go there, in words. @param {{min_priority: number | string, site: string, kinds: string[]}} of */
export const sendsWords = ({ min_priority, site, kinds }) => [t(`settings.sends_${min_priority}`), site ? siteName(site) : t("settings.sends_everywhere"), kinds.length > 0 ? kinds.join(", ") : ""].filter(Boolean).join(" · ");

/** @param {{hook: Webhook}} props */
const Cells = ({ hook }) => html`<span class="set-kind">${t(`settings.format_${hook.format}`)}</span><span class="set-name">${hook.name} <small class="muted mono">${hook.id}</small></span><span class="says muted">${hook.enabled ? sendsWords(hook) : t("settings.hook_off")} <small class="mono">${hook.url}</small></span>`;

const newWebhook = () => open("webhook", "+");

export function Webhooks() {
  useAsking(webhookList);
  if (!mayChange()) return html`<section class="card list-card"><p class="calm muted">${t("settings.webhooks_secret")}</p></section>`;
  const list = (webhooks.value ?? []).filter((one) => isFound(`${one.id} ${one.name} ${one.format} ${one.url}`.toLowerCase()));
  const rows = list.map((one) => ({ key: `webhook:${one.id}`, cells: html`<${Cells} hook=${one} />` }));
  const empty = webhooks.value === null ? t("settings.asking") : search.value ? t("settings.none_found") : t("settings.no_webhooks");
  return html`<section class="card list-card" aria-label=${t("settings.webhooks")}>
    ${webhookList.failure.value && html`<p class="alarm-failure" role="alert">${webhookList.failure.value}</p>`}
    <div class="toolbar set-tools"><${Search} label=${t("settings.search_webhooks")} /><span class="sp"></span><button class="btn pri" disabled=${!canChange()} onClick=${newWebhook}>${t("settings.new_webhook")} <kbd>N</kbd></button></div>
    <${List} label=${t("settings.webhooks")} kind="of-webhooks" rows=${rows} empty=${empty} create=${newWebhook} /></section>`;
}
