// The footer: the two worst alarms in words, and whether the chain below is whole.
import { computed, html } from "../../vendor/preact.js";
import { alarmText } from "../access/carriers.js";
import { moment, number, seconds } from "../format.js";
import { t } from "../i18n.js";
import { alarms, entities, now, roster } from "../live/link.js";
import { site } from "../place.js";
import { pageZone } from "../sites.js";
import { backlogOf, clockOf, isOnline } from "../overview/health.js";

const chain = computed(() => {
  void roster.value;
  let gateways = 0, online = 0, backlog = 0, oldest = 0, synced = 0;
  for (const entity of entities.values()) {
    if (entity.peek().kind !== "gateway") continue;
    const gateway = entity.value;
    if (site.value && gateway.site !== site.value) continue;
    gateways += 1;
    // Of one that is away nobody knows whether its clock is right.
    if (isOnline(gateway)) { online += 1; if (clockOf(gateway) === "synced") synced += 1; }
    const waiting = backlogOf(gateway.attributes.report);
    backlog += waiting.readings;
    oldest = Math.max(oldest, waiting.oldest);
  }
  return { gateways, online, backlog, oldest, synced };
});

/** @param {{alarm: import("../types.d.ts").Alarm}} props */
export function AlarmWords({ alarm }) {
  return html`<span class=${`tag p${alarm.priority}`}>P${alarm.priority}</span><span class="words">${alarmText(alarm)}</span>`;
}

/** @param {{frozen: boolean}} props */
export function Footer({ frozen }) {
  const { gateways, online, backlog, oldest, synced } = chain.value;
  const worst = alarms.value.slice(0, 2);
  const more = alarms.value.length - worst.length;
  return html`<footer class=${frozen ? "frozen" : ""}>
    <span class="worst" role="status">
      ${worst.length === 0 && html`<span>${t("alarms.none")}</span>`}
      ${worst.map((alarm) => html`<span class="one" key=${alarm.id}><${AlarmWords} alarm=${alarm} /><span class="age">${moment(alarm.since, now.value, pageZone.value)}</span></span>`)}
      ${more > 0 && html`<span>${t("alarms.more", { n: more })}</span>`}
    </span>
    <span class="sp"></span>
    <span class="chain">
      <span>${t("footer.gateways", { online, gateways })}</span>
      <span>${t("footer.backlog", { n: number(backlog) })}${backlog > 0 ? ` (${seconds(oldest)})` : ""}</span>
      <span>${online === 0 ? "" : synced === online ? t("footer.clock_synced") : t("footer.clock_off", { n: online - synced })}</span>
    </span>
  </footer>`;
}
