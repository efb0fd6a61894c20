// One webhook: where to, which alarms, a test with the receiver's answer, and what was sent.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { fullTime, moment } from "../format.js";
import { t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { placed } from "../requests/fields.js";
import { pageZone, siteName, sites } from "../sites.js";
import { canChange, mayChange } from "./asked.js";
import { FormEnd, Panel, Remove, useForm } from "./editor.js";
import { Choice, Lines, linesOf, slug, Text, Tick } from "./fields.js";
import { deliveriesOf, removeWebhook, saveWebhook, testWebhook, webhookList, webhookOf, webhooks } from "./webhooks.js";
import { close, open } from "./where.js";

/** @typedef {import("./webhooks.js").Webhook} Webhook */
/** @typedef {import("./webhooks.js").Delivery} Delivery */
/** @typedef {Record<string, any>} Values */

const NAMES = ["name", "url", "secret", "format", "min_priority", "site", "kinds", "language", "ca_file"];
const ASK_AGAIN_MS = 10_000;

/** @param {Webhook | undefined} hook @returns {Values} */
const valuesOf = (hook) => ({ name: hook?.name ?? "", url: "", secret: "", no_secret: false, format: hook?.format ?? "json", min_priority: String(hook?.min_priority ?? 2), site: hook?.site ?? "", kinds: (hook?.kinds ?? []).join("\n"), language: hook?.language ?? "zh", returned: hook?.returned ?? true, ca_file: hook?.ca_file ?? "", enabled: hook?.enabled ?? true });

/** What the API takes. An address or a secret nobody typed anew is not named: it stays. @param {Values} values @returns {Values} */
export function bodyOf(values) {
  const url = String(values["url"]).trim(), secret = String(values["secret"]).trim();
  return { name: String(values["name"]).trim(), format: values["format"], min_priority: Number(values["min_priority"]), site: values["site"], kinds: linesOf(values["kinds"]), language: values["language"], returned: Boolean(values["returned"]),
    ca_file: String(values["ca_file"]).trim(), enabled: Boolean(values["enabled"]), ...(url ? { url } : {}), ...(values["format"] === "wecom" || values["no_secret"] ? { secret: "" } : secret ? { secret } : {}) };
}

/** @param {Values} values @param {boolean} isNew @returns {Record<string, string>} */
export const wrongWith = (values, isNew) => ({
  name: String(values["name"]).trim() ? "" : t("settings.missing"),
  url: String(values["url"]).trim() === "" ? (isNew ? t("settings.missing") : "") : /^https?:\/\/[^\s/]+/.test(String(values["url"]).trim()) ? "" : t("settings.no_address"),
});

/** @param {string} name */
function freeId(name) {
  const said = slug(name);
  if (said && !webhookOf(said)) return said;
  for (let n = said ? 2 : 1; ; n += 1) { const id = `${said.slice(0, 27) || "webhook"}-${n}`; if (!webhookOf(id)) return id; }
}

/** What came of a message. @param {{delivery: Delivery}} props */
function Outcome({ delivery }) {
  const isBad = delivery.state === "failed" || (delivery.state === "waiting" && delivery.tries > 0);
  return html`<span class=${isBad ? "warn" : ""}>${word("settings.delivery", delivery.state)}</span>${delivery.tries > 1 ? html` <small class="muted">${t("settings.tries", { n: delivery.tries })}</small>` : null}`;
}

/** Why a receiver could not be reached, or what it answered. @param {string} answer */
const answerWords = (answer) => word("settings.reached", answer);

/** @param {{id: string}} props */
function Deliveries({ id }) {
  const list = useSignal(/** @type {Delivery[] | null} */ (null));
  const tested = useSignal(/** @type {Delivery | null} */ (null));
  const failed = useSignal("");
  const isBusy = useSignal(false);
  const ask = async () => { try { list.value = await deliveriesOf(id); } catch (failure) { failed.value = failureWords(failure); } };
  useEffect(() => {
    void ask();
    const timer = setInterval(() => { if (!document.hidden) void ask(); }, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [id]);
  const test = async () => {
    if (isBusy.peek() || !canChange()) return;
    isBusy.value = true;
    failed.value = "";
    tested.value = null;
    try { tested.value = await testWebhook(id); } catch (failure) { failed.value = failureWords(failure); }
    isBusy.value = false;
    await ask();
  };
  const zone = pageZone.value;
  return html`<div class="deliveries"><h3>${t("settings.deliveries")} <span class="sp"></span><button class="btn" type="button" aria-disabled=${isBusy.value || !canChange()} onClick=${test}>${t("settings.test")}</button></h3>
    <p class="failure" role="alert">${failed.value}</p>
    <div role="status">${isBusy.value ? html`<p class="muted">${t("settings.testing")}</p>` : tested.value && html`<p class="tested"><b class=${tested.value.state === "sent" ? "" : "warn"}>${t(tested.value.state === "sent" ? "settings.test_taken" : "settings.test_failed")}</b> <code>${answerWords(tested.value.answer) || t("settings.no_answer")}</code></p>`}</div>
    ${list.value?.length === 0 && html`<p class="muted">${t("settings.no_deliveries")}</p>`}
    <ul>${(list.value ?? []).map((one) => html`<li key=${one.id}><span class="mono" title=${fullTime(one.made_at, zone)}>${moment(one.made_at, now.value, zone)}</span><span><b>${word("settings.event", one.event)}</b> ${one.event === "test" ? "" : html`<a class="num" href=${`#/alarms?show=alarm:${one.alarm}`}>${one.alarm}</a>`} <${Outcome} delivery=${one} />
      <small class="muted">${answerWords(one.answer)}${one.state === "waiting" && one.tries > 0 ? ` · ${t("settings.again_at", { time: moment(one.next_at, now.value, zone) })}` : ""}</small></span></li>`)}</ul></div>`;
}

/** @param {{form: import("./fields.js").Form, hook: Webhook | undefined}} props */
function Where({ form, hook }) {
  const format = form.values["format"];
  const secretHint = hook?.secret ? t("settings.secret_kept") : t(format === "dingtalk" ? "settings.secret_dingtalk" : "settings.secret_json");
  return html`<${Choice} form=${form} name="format" label=${t("settings.format")} options=${["json", "dingtalk", "wecom"].map((one) => [one, t(`settings.format_${one}`)])} />
    <${Choice} form=${form} name="language" label=${t("settings.language")} options=${[["zh", "中文"], ["en", "English"]]} />
    <${Text} form=${form} name="url" label=${`${t("settings.url")}${hook ? "" : " *"}`} max=${1000} wide=${true} placeholder=${hook?.url ?? ""} hint=${hook ? t("settings.url_kept") : t(`settings.url_${format}`)} />
    ${format !== "wecom" && html`<${Text} form=${form} name="secret" label=${t("settings.secret")} type="password" wide=${true} placeholder=${hook?.secret ? "••••••••" : ""} hint=${secretHint} />`}
    ${format !== "wecom" && hook?.secret && html`<${Tick} form=${form} name="no_secret" label=${t("settings.no_secret")} wide=${true} />`}`;
}

/** @param {{draftKey: string, hook: Webhook | undefined}} props */
function Form({ draftKey, hook }) {
  const isNew = hook === undefined;
  const of = useForm({
    key: draftKey, start: valuesOf(hook), rev: hook?.rev ?? 0, names: NAMES, theirs: webhookList.ask, check: (values) => wrongWith(values, isNew),
    save: async (values, rev) => {
      const id = hook?.id ?? freeId(String(values["name"]));
      await saveWebhook(id, { ...bodyOf(values), rev });
      if (isNew) open("webhook", id);
    },
    place: (failure) => (failure.code === "bad_url" ? { url: failure.message.replace(/^url /, "") } : placed(failure.message, failure.hint, NAMES, failure.code)),
  });
  const { form } = of;
  return html`<form ref=${of.box} class="set-form" novalidate onSubmit=${of.submit}>
    <${Text} form=${form} name="name" label=${`${t("settings.name")} *`} max=${100} wide=${true} /><${Where} form=${form} hook=${hook} />
    <${Choice} form=${form} name="min_priority" label=${t("settings.sends")} options=${["1", "2", "3"].map((one) => [one, t(`settings.sends_${one}`)])} />
    <${Choice} form=${form} name="site" label=${t("header.site")} options=${[["", t("settings.sends_everywhere")], ...sites.value.map((one) => [one.id, siteName(one.id)])]} />
    <${Lines} form=${form} name="kinds" label=${t("settings.kinds_of_alarms")} hint=${t("settings.kinds_hint")} wide=${true} />
    <${Tick} form=${form} name="returned" label=${t("settings.returned")} wide=${true} /><${Tick} form=${form} name="enabled" label=${t("settings.hook_on")} wide=${true} />
    <${Text} form=${form} name="ca_file" label=${t("settings.ca_file")} max=${300} wide=${true} hint=${t("settings.ca_hint")} />
    ${hook && html`<p class="muted wide">${t("settings.changed_by", { who: hook.changed_by, time: moment(hook.changed_at, now.value, pageZone.value) })}</p>`}
    <${FormEnd} of=${of} isNew=${isNew}>${hook && html`<${Remove} key=${hook.id} what=${t("settings.remove_webhook", { name: hook.name })} remove=${async () => { await removeWebhook(hook.id); close(); }} />`}<//></form>
    ${hook && html`<${Deliveries} key=${hook.id} id=${hook.id} />`}`;
}

/** @param {{id: string}} props an id, or `+` for a new one */
export function WebhookPanel({ id }) {
  const isNew = id.startsWith("+");
  const hook = isNew ? undefined : webhookOf(id);
  if (!mayChange()) return null;
  if (webhooks.value === null) return html`<${Panel} title=${t("settings.webhooks")}><p class="calm muted" role="status">${webhookList.failure.value || t("settings.asking")}</p><//>`;
  if (!isNew && !hook) return html`<${Panel} title=${id}><p class="calm muted">${t("settings.gone")}</p><//>`;
  return html`<${Panel} title=${hook?.name ?? t("settings.new_webhook")} sub=${hook ? `${hook.id} · ${hook.url}` : t("settings.new_sub")}><${Form} key=${id} draftKey=${`webhook:${id}`} hook=${hook} /><//>`;
}
