// Beside the list: what needs somebody, and what happened last. An opened number takes its place.
import { computed, html } from "../../vendor/preact.js";
import { age, moment } from "../format.js";
import { eventName, lang, t } from "../i18n.js";
import { alarms, entities, now, roster } from "../live/link.js";
import { shown, site } from "../place.js";
import { pageZone, zoneOf } from "../sites.js";
import { eventDetails } from "./headline.js";

const EVENTS_SHOWN = 30;

/** The last event of each device and gateway, newest first. */
const lastEvents = computed(() => {
  void roster.value;
  void now.value;
  const found = [];
  for (const signal of entities.values()) {
    const entity = signal.peek();
    const event = entity.attributes.last_event;
    if (event && (!site.value || entity.site === site.value)) found.push({ entity, event });
  }
  return found.sort((a, b) => b.event.at - a.event.at).slice(0, EVENTS_SHOWN);
});

function Alarms() {
  const list = alarms.value;
  return html`<section class="card alarms"><h2 class="h">${t("alarms.title")}<small>${list.length > 0 ? t("alarms.active", { n: list.length }) : ""}</small></h2>
    ${list.length === 0 && html`<p class="calm muted">${t("alarms.none")}</p>`}
    <ul>${list.map((alarm) => html`<li key=${alarm.id}><span class=${`tag p${alarm.priority}`}>P${alarm.priority}</span><span class="words">${lang.value === "en" ? alarm.text.en : alarm.text.zh}</span>
      <span class="age">${t("alarms.since", { time: moment(alarm.since, now.value, pageZone.value), age: age(now.value - alarm.since) })}</span></li>`)}</ul>
  </section>`;
}

function Events() {
  const list = lastEvents.value;
  return html`<section class="card events"><h2 class="h">${t("events.title")}<small>${t("events.sub")}</small></h2>
    ${list.length === 0 && html`<p class="calm muted">${t("events.none")}</p>`}
    <ul tabindex=${list.length > 0 ? 0 : undefined} aria-label=${t("events.title")}>${list.map(({ entity, event }) => html`<li key=${entity.id}>
      <button class="num" onClick=${() => { shown.value = `${entity.kind === "gateway" ? "gateway" : "device"}:${entity.id}`; }}>${entity.name || entity.device}</button>
      <span class="age" title=${moment(event.at, now.value, zoneOf(entity.site))}>${age(now.value - event.at)}</span>
      <span class="s">${[eventName(event.kind), eventDetails(event)].filter(Boolean).join(" · ")}</span></li>`)}</ul>
  </section>`;
}

export const Aside = () => html`<${Alarms} /><${Events} />`;
