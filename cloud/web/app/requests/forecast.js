// While a request is written: when somebody would come if it were filed now, and who would wait longer for it.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { call } from "../api.js";
import { textOf } from "../dispatch/words.js";
import { t } from "../i18n.js";
import { entities, now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { zoneOf } from "../sites.js";
import { canAct } from "./act.js";
import { hourOrDay, minutesText, span, titleOf } from "./words.js";

/** @typedef {Record<string, any>} Facts */

const REST_MS = 600;
/** What would be changes while nobody writes, too. */
const AGAIN_MS = 30_000;
const DELAYS_SHOWN = 3;

/** Others who would be served later or by somebody else, the longest delay first. @param {{found: Facts}} props */
function KnockOn({ found }) {
  /** @type {Facts[]} */
  const all = [...found["knock_on"] ?? []].sort((a, b) => (b["delay_s"] ?? Infinity) - (a["delay_s"] ?? Infinity));
  if (all.length === 0) return null;
  const nameOf = (/** @type {Facts} */ one) => { const facts = entities.get(one["entity"])?.peek().attributes; return facts ? titleOf(facts) : String(one["request"]); };
  const line = (/** @type {Facts} */ one) => (one["after"]?.resource === null ? t("requests.would_wait", { request: nameOf(one) })
    : typeof one["delay_s"] === "number" && one["delay_s"] > 0 ? t("requests.would_be_later", { request: nameOf(one), time: minutesText(one["delay_s"]) }) : t("requests.would_change", { request: nameOf(one) }));
  return html`<ul>${all.slice(0, DELAYS_SHOWN).map((one) => html`<li key=${one["request"]}>${line(one)}</li>`)}${all.length > DELAYS_SHOWN && html`<li>${t("requests.and_more", { n: all.length - DELAYS_SHOWN })}</li>`}</ul>`;
}

/** @param {{found: Facts, site: string}} props */
function Found({ found, site }) {
  if (typeof found["arrival_at"] !== "number") return html`<b>${t("requests.nobody_would_come")}</b> ${textOf(found["suggestion"]?.why)}`;
  const time = hourOrDay(found["arrival_at"], now.value, zoneOf(site));
  const words = found["name"] ? t("requests.would_come_by", { name: String(found["name"]), time }) : t("requests.would_come", { time });
  return html`<b>${words}</b> ${typeof found["eta_s"] === "number" && found["eta_s"] < 5400 ? `(${minutesText(found["eta_s"])})` : ""} ${found["late_s"] >= 60 ? html`<span class="warn">${t("requests.late_by", { time: span(found["late_s"] * 1000) })}</span>` : ""}<${KnockOn} found=${found} />`;
}

/** `body` is what would be filed, or null while it cannot be yet. Never in the way: what fails is said in a line. @param {{body: Facts | null, site: string}} props */
export function Forecast({ body, site }) {
  const found = useSignal(/** @type {Facts | null} */ (null));
  const failure = useSignal(/** @type {unknown} */ (null));
  const asked = body && canAct() ? JSON.stringify({ ...body, started_at: undefined }) : "";
  const turn = Math.floor(now.value / AGAIN_MS);
  useEffect(() => {
    if (!asked) { found.value = null; failure.value = null; return undefined; }
    let gone = false;
    const timer = setTimeout(() => {
      call("POST", "/api/v1/requests/what-if", JSON.parse(asked)).then(
        (answer) => { if (!gone) { found.value = answer; failure.value = null; } },
        (error) => { if (!gone) { found.value = null; failure.value = error; } },
      );
    }, REST_MS);
    return () => { gone = true; clearTimeout(timer); };
  }, [asked, turn]);
  return html`<div class="forecast wide" role="status">${found.value && asked ? html`<${Found} found=${found.value} site=${site} />`
    : failure.value ? html`<span class="muted">${t("requests.no_forecast", { why: failureWords(failure.value) })}</span>`
      : html`<span class="muted">${t(asked ? "requests.forecasting" : "requests.forecast_later")}</span>`}</div>`;
}
