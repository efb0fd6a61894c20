// One quarter of an hour of a meter: what was worked out, the segments of the register it lies in, what happened to the register, and the raw readings.
import { html } from "../../vendor/preact.js";
import { query } from "../api.js";
import { clockTime, dayText, fullTime, hourMinute, moment, number } from "../format.js";
import { t, word } from "../i18n.js";
import { reasonWords } from "../overview/marks.js";
import { useAnswer } from "../overview/loading.js";
import { SourceMark } from "./amounts.js";
import { meterOf, UNITS } from "./structure.js";
import { energySite, zone } from "./where.js";

const QUARTER_MS = 900_000;
/** A reading that came so much later than it was taken was kept by its gateway meanwhile. */
const LATE_MS = 600_000;

/** @param {{readings: any[], where: string}} props */
function Late({ readings, where }) {
  const late = readings.filter((one) => one.received_at - one.at > LATE_MS);
  if (late.length === 0) return null;
  const last = late.reduce((a, b) => (a.received_at > b.received_at ? a : b));
  return html`<p class="calm">${t("energy.late", { n: late.length, gateway: last.gateway, time: `${dayText(last.received_at, where)} ${hourMinute(last.received_at, where)}` })}</p>`;
}

/** @param {{answer: any, where: string, unit: string}} props */
function Made({ answer, where, unit }) {
  const { interval, segments, events, agrees } = answer;
  const readings = answer.readings.rows.map((/** @type {any[]} */ row) => Object.fromEntries(answer.readings.columns.map((/** @type {string} */ name, /** @type {number} */ i) => [name, row[i]])));
  const amount = (/** @type {number | null} */ value) => (value === null ? html`<span class="hatched"><span class="sr">${t("requests.no_data")}</span></span>` : number(value, 3));
  return html`<p class="sum"><b>${interval.value === null ? t("requests.no_data") : `${number(interval.value, 3)} ${unit}`}</b> <${SourceMark} source=${interval.source} text=${true} /></p>
    ${interval.flags.length > 0 && html`<p class="calm">${interval.flags.map((/** @type {string} */ one) => word("energy.flag", one)).join(", ")}</p>`}
    ${!agrees && html`<p class="calm warn" role="alert">${t("energy.disagrees")}</p>`}
    ${events.length > 0 && html`<h3>${t("energy.events")}</h3><ul class="register-events">${events.map((/** @type {any} */ one, /** @type {number} */ i) => html`<li key=${i}><b>${word("energy.event", one.kind)}</b> <span class="mono">${moment(one.since, one.at, where)} → ${moment(one.at, one.at, where)}</span>
      <small class="muted">${t("energy.register_moved", { before: one.before ?? "—", after: one.after ?? "—" })} · ${t(one.kind === "suspect" ? "energy.held_back" : "energy.counted", { amount: `${number(one.value, 3)} ${unit}` })}</small><small>${word("energy.about_event", one.kind)}</small></li>`)}</ul>`}
    <h3>${t("energy.segments", { n: segments.length })}</h3>
    ${segments.length === 0 ? html`<p class="calm muted">${t("energy.no_segments")}</p>` : html`<table class="figures"><thead><tr><th scope="col">${t("energy.between")}</th><th scope="col" class="r">${unit}</th><th scope="col" class="r">${t("energy.of_it_here")}</th></tr></thead>
      <tbody>${segments.slice(0, 120).map((/** @type {any} */ one) => html`<tr key=${one.from}><th scope="row" class="mono">${clockTime(one.from, where)}–${clockTime(one.until, where)}</th><td class="r">${amount(one.value)}</td><td class="r">${amount(one.share)}${one.manual && html` <small class="muted">${word("energy.source", "manual")}</small>`}</td></tr>`)}</tbody></table>`}
    <h3>${t("energy.raw", { n: readings.length })}${answer.readings.more && html` <small class="warn">${t("energy.more_raw")}</small>`}</h3>
    <${Late} readings=${readings} where=${where} />
    ${readings.length === 0 ? html`<p class="calm muted">${t("energy.no_raw")}</p>` : html`<table class="figures raw"><thead><tr><th scope="col">${t("energy.read_at")}</th><th scope="col" class="r">${t("energy.register")}</th><th scope="col">${t("energy.gateway")}</th><th scope="col">${t("energy.received")}</th></tr></thead>
      <tbody>${readings.slice(0, 240).map((/** @type {any} */ one, /** @type {number} */ i) => html`<tr key=${i} title=${`${fullTime(one.at, where)} · ${one.epoch} ${one.seq}`}><th scope="row" class="mono">${clockTime(one.at, where)}</th>
        <td class="r mono">${one.value === null ? "—" : String(one.value)} ${one.quality !== "good" && html`<i class=${`q ${one.quality}`} role="img" aria-label=${`${word("mark", one.quality)} ${reasonWords(one.reason)}`} title=${reasonWords(one.reason) || word("mark", one.quality)}></i>`}</td><td>${one.gateway} <small class="muted">${one.seq}</small></td><td class="mono">${moment(one.received_at, one.at, where)}</td></tr>`)}</tbody></table>`}`;
}

/** @param {{meter: string, at: number, onBack: () => void}} props */
export function OpenedQuarter({ meter, at, onBack }) {
  const where = zone.value;
  const unit = UNITS[meterOf(meter)?.medium ?? "electricity"] ?? "";
  const { answer, failure } = useAnswer(`/api/v1/energy/opening?${query({ site: energySite.value, meter, at })}`, `${meter} ${at}`);
  return html`<p class="calm quarter-head"><button class="btn small" onClick=${onBack}>‹ ${t("energy.all_quarters")}</button> <b>${dayText(at, where)} ${hourMinute(at, where)}–${hourMinute(at + QUARTER_MS, where)}</b></p>
    ${answer ? html`<${Made} answer=${answer} where=${where} unit=${unit} />` : html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`}`;
}
