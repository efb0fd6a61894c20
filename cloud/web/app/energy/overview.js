// The overview of a site's energy on a day: what was used beside what such a day is like, cost, load, buildings, flow, what is odd.
import { html } from "../../vendor/preact.js";
import { query } from "../api.js";
import { t } from "../i18n.js";
import { SourceLegend } from "./amounts.js";
import { useKept } from "./asked.js";
import { Buildings } from "./buildings.js";
import { Findings } from "./findings.js";
import { monthWords } from "./date_words.js";
import { FlowChart } from "./flow_chart.js";
import { Headlines } from "./headlines.js";
import { HeatChart } from "./heat_chart.js";
import { begun } from "./local.js";
import { LoadChart } from "./load_chart.js";
import { meters } from "./structure.js";
import { medium, openDay, openMedium, today } from "./where.js";

const ASK_AGAIN_MS = 60_000;

/** Which of the media the site meters. */
function Media() {
  const known = ["electricity", "water", "gas", "heat"].filter((one) => meters().some((meter) => meter.medium === one));
  if (known.length < 2) return null;
  return html`<span class="picks" role="group" aria-label=${t("energy.medium_of")}>${known.map((one) => html`<button key=${one} class=${`pick${openMedium.value === one ? " on" : ""}`} aria-pressed=${openMedium.value === one} onClick=${() => { medium.value = one === "electricity" ? "" : one; }}>${t(`energy.medium.${one}`)}</button>`)}</span>`;
}

/** @param {{site: string, zone: string}} props */
export function EnergyOverview({ site, zone }) {
  const isToday = openDay.value === today.value;
  const { answer, failure } = useKept(`/api/v1/energy/overview?${query({ site, day: openDay.value, medium: openMedium.value })}`, isToday ? ASK_AGAIN_MS : 0);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  const month = answer.month;
  return html`<div class="energy-overview">
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    <div class="overview-head"><${Media} /><${SourceLegend} /></div>
    <${Headlines} day=${answer} zone=${zone} />
    <${Buildings} day=${answer} isToday=${isToday} />
    <${LoadChart} site=${site} zone=${zone} of="site:" day=${answer} />
    <${Findings} site=${site} zone=${zone} />
    <${HeatChart} id="month" title=${t("energy.month_heat", { month: monthWords(String(month.from)) })} heat=${month.heat} zone=${zone} of="site:" unit=${answer.unit} now=${answer.as_of} file=${`${site}-${String(month.from).slice(0, 7)}-hours`} />
    <${FlowChart} flow=${answer.flow} unit=${answer.unit} since=${answer.from} until=${begun(answer)} file=${`${site}-${answer.day}-flow`} />
  </div>`;
}
