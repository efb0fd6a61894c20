// The line of figures on top: is it well, and how much flows.
import { computed, html } from "../../vendor/preact.js";
import { number, seconds } from "../format.js";
import { t, word } from "../i18n.js";
import { entities, now, roster } from "../live/link.js";
import { health, kind, search, site } from "../place.js";
import { counts } from "./list.js";
import { backlogOf, needsAttention, WORST_FIRST } from "./health.js";
import { refusedTotal } from "./gateway_row.js";

/** How far back the rate of stored readings looks. */
const RATE_MS = 15_000;
/** @type {{at: number, stored: number, key: string}[]} */
let samples = [];

const flow = computed(() => {
  void roster.value;
  let stored = 0, duplicates = 0, refused = 0, backlog = 0, oldest = 0, dropped = 0, known = 0;
  /** @type {number[]} */
  const latencies = [];
  for (const entity of entities.values()) {
    if (entity.peek().kind !== "gateway") continue;
    const { site: at, attributes } = entity.value;
    if (site.value && at !== site.value) continue;
    known += 1;
    stored += attributes.stored_readings ?? 0;
    duplicates += attributes.duplicates ?? 0;
    refused += (attributes.rejected ?? 0) + refusedTotal(attributes.refused);
    const waiting = backlogOf(attributes.report);
    backlog += waiting.readings;
    oldest = Math.max(oldest, waiting.oldest);
    dropped += attributes.report?.dropped_readings ?? 0;
    if (typeof attributes.latency_ms === "number") latencies.push(attributes.latency_ms);
  }
  return { stored, duplicates, refused, backlog, oldest, dropped, latency: latencies.length ? Math.max(...latencies) : null, key: `${site.value} ${known}` };
});

/** Readings stored a second, over the last seconds; null until it is known. @param {{stored: number, key: string}} total @param {number} at */
function rate({ stored, key }, at) {
  samples = samples.filter((sample) => sample.key === key && sample.at <= at && sample.stored <= stored && at - sample.at < RATE_MS);
  if (samples.at(-1)?.at !== at) samples.push({ at, stored, key });
  const first = samples[0];
  return first && at - first.at >= 2000 ? ((stored - first.stored) * 1000) / (at - first.at) : null;
}

/** @param {{name: string, children?: any, sub?: any}} props */
const Figure = ({ name, children, sub }) => html`<section class="card figure"><h2>${t(`figure.${name}`)}</h2><b>${children}</b><span class="d">${sub}</span></section>`;

function attentionWords() {
  const said = WORST_FIRST.filter((one) => needsAttention(one) && (counts.value.byHealth[one] ?? 0) > 0)
    .map((one) => `${word("health_short", one)} ${counts.value.byHealth[one]}`);
  return said.length > 0 ? said.slice(0, 3).join(" · ") : t("figure.attention_none");
}

/** Shows only what needs attention, or everything again. */
export function toggleAttention() {
  health.value = health.peek() === "attention" ? "" : "attention";
  kind.value = "";
  search.value = "";
}

export function Summary() {
  const { devices, attention, gateways, online, byHealth } = counts.value;
  const total = flow.value;
  const perSecond = rate(total, now.value);
  const fresh = devices - (byHealth["stale"] ?? 0) - (byHealth["lost"] ?? 0) - (byHealth["waiting"] ?? 0);
  return html`<div class="figures">
    <${Figure} name="gateways" sub=${total.latency === null ? "" : t("figure.gateways_sub", { time: seconds(total.latency / 1000) })}><span class=${online < gateways ? "warn" : ""}>${number(online)}</span><span class="u"> / ${number(gateways)}</span><//>
    <${Figure} name="devices" sub=${t("figure.devices_sub")}>${number(Math.max(0, fresh))}<span class="u"> / ${number(devices)}</span><//>
    <${Figure} name="attention" sub=${attentionWords()}><button class=${`num${attention > 0 ? " warn" : ""}`} aria-pressed=${health.value === "attention"} title=${t("figure.attention_title")} onClick=${toggleAttention}>${number(attention)}</button><//>
    <${Figure} name="backlog" sub=${total.backlog > 0 ? t("figure.backlog_oldest", { time: seconds(total.oldest) }) : t("figure.backlog_none")}>${number(total.backlog)}<//>
    <${Figure} name="stored" sub=${perSecond === null ? t("figure.stored_sub") : t("figure.stored_rate", { rate: number(perSecond, perSecond < 10 ? 1 : 0) })}>${number(total.stored)}<//>
    <${Figure} name="refused" sub=${t("figure.refused_sub", { duplicates: number(total.duplicates), dropped: number(total.dropped) })}>${number(total.refused)}<//>
  </div>`;
}
