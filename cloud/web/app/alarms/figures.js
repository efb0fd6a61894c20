// Alarms from afar: how many an hour, floods, what comes most often.
import { html } from "../../vendor/preact.js";
import { moment, number } from "../format.js";
import { lang, t } from "../i18n.js";
import { now, pastAt } from "../live/link.js";
import { pageZone } from "../sites.js";
import { figures } from "./asked.js";
import { sourceName } from "./source.js";

/** More alarms than a person can take in: said across the page. */
export function FloodBanner() {
  const flood = figures.value?.flood;
  if (!flood?.since || pastAt.value !== null) return null;
  return html`<div class="flood" role="alert"><b>${t("alarms.flood", { n: flood.alarms, time: moment(flood.since, now.value, pageZone.value) })}</b><span>${t("alarms.flood_do")}</span></div>`;
}

/** Alarms of each hour of the week before, as bars. @param {{of: any}} props */
function Hours({ of }) {
  const hours = /** @type {[number, number][]} */ (of.hours);
  const most = Math.max(1, ...hours.map(([, n]) => n));
  const x = (/** @type {number} */ at) => ((at - of.from) / (of.to - of.from)) * 100;
  return html`<svg class="alarm-hours" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label=${t("alarms.per_hour_bars", { n: most })}>
    ${hours.map(([at, n]) => html`<rect key=${at} x=${x(at)} width="0.5" y=${30 - (n / most) * 30} height=${(n / most) * 30} />`)}</svg>`;
}

export function Figures() {
  const of = figures.value;
  if (!of) return html`<section class="card"><p class="calm muted">${t("alarms.loading")}</p></section>`;
  /** @type {[string, string][]} */
  const facts = [
    ["alarms.open", number(of.now.unacknowledged)],
    ["alarms.standing", number(of.now.standing_24h)],
    ["alarms.hidden_now", number(of.now.shelved + of.now.out_of_service + of.now.suppressed)],
    ["alarms.week", `${number(of.total)} · ${t("alarms.an_hour", { n: number(of.per_hour, 1) })}`],
    ["alarms.floods", of.floods.length === 0 ? "0" : t("alarms.in_floods", { floods: of.floods.length, n: of.in_floods })],
  ];
  return html`<section class="card alarm-figures"><h2 class="h">${t("alarms.figures")}</h2>
    <dl class="facts">${facts.map(([key, value]) => html`<div key=${key}><dt>${t(key)}</dt><dd>${value}</dd></div>`)}</dl>
    <${Hours} of=${of} />
    <h3>${t("alarms.frequent")}</h3>
    <ul class="frequent">${of.frequent.slice(0, 8).map((/** @type {any} */ one) => html`<li key=${one.kind + one.source}><span>${sourceName(one.source)} <small class="muted">${lang.value === "en" ? one.title.en : one.title.zh}</small></span><b>${number(one.times)}</b><small class="muted">${number(one.share * 100)} %</small></li>`)}</ul>
  </section>`;
}
