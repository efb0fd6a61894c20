// What stands behind an amount: the meters it is the sum of, the periods of a meter, its quarters of an hour; and of one quarter what made it (opened_quarter.js).
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { dayText, hourMinute, number } from "../format.js";
import { t, word } from "../i18n.js";
import { onKey } from "../keys.js";
import { PanelBox, closePanel } from "../overview/panel.js";
import { useAnswer } from "../overview/loading.js";
import { Amount, Coverage, SourceMark, amountText, shareText } from "./amounts.js";
import { dateAt } from "./local.js";
import { OpenedQuarter } from "./opened_quarter.js";
import { meterOf, structure, thingName, UNITS } from "./structure.js";
import { energySite, openAmount, openDetail, openMedium, zone } from "./where.js";

/** @typedef {import("./amounts.js").Total} Total */

const DAY_MS = 86_400_000, QUARTER_MS = 900_000;
const QUARTERS_MS = 2.2 * DAY_MS;

/** `Sat 21 Nov`, `Sat 21 Nov 09:00–12:00`, `1 Nov – 30 Nov`. @param {number} since @param {number} until @param {string} at */
export function spanWords(since, until, at) {
  const [first, last] = [dateAt(since, at), dateAt(until - 1, at)];
  const whole = hourMinute(since, at) === "00:00" && hourMinute(until, at) === "00:00";
  if (whole) return first === last ? dayText(since, at) : `${dayText(since, at)} – ${dayText(until - 1, at)}`;
  if (first === last) return `${dayText(since, at)} ${hourMinute(since, at)}–${hourMinute(until, at)}`;
  return `${dayText(since, at)} ${hourMinute(since, at)} – ${dayText(until - 1, at)} ${hourMinute(until, at)}`;
}

/** @param {{total: Total, known?: string}} props */
const Sum = ({ total }) => html`<p class="sum"><b>${amountText(total.value, total.unit)}</b> <${SourceMark} source=${total.source} text=${true} /> <span class="muted">${t("energy.known", { share: shareText(total.coverage) })}</span>
  ${total.value !== null && total.measured < total.value - 1e-6 && html`<small class="muted">${t("energy.measured_part", { amount: amountText(total.measured, total.unit) })}</small>`}</p>`;

/** The meters that a space, a unit, or the site, is the sum of. @param {{kind: string, id: string, since: number, until: number}} props */
function Meters({ kind, id, since, until }) {
  const site = energySite.value;
  const { answer, failure } = useAnswer(`/api/v1/energy/totals?${query({ site, from: since, to: until, medium: openMedium.value, space: kind === "space" ? id : "", unit: kind === "unit" ? id : "" })}`, `${kind} ${id} ${since} ${until}`);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  const rows = Object.entries(answer.meters);
  return html`<${Sum} total=${answer.total} /><h3>${t("energy.sum_of", { n: rows.length })}</h3>
    <table class="figures"><tbody>${rows.map(([meter, total]) => html`<tr key=${meter}><th scope="row">${meterOf(meter)?.name ?? meter}</th><td class="r"><${Amount} total=${total} of=${`meter:${meter}`} since=${since} until=${until} /></td><td class="r"><${Coverage} share=${total.coverage} always=${true} /></td></tr>`)}</tbody></table>
    ${rows.length === 0 && html`<p class="calm muted">${t("energy.no_meters")}</p>`}`;
}

/** A virtual meter is what others are. @param {{expression: string, since: number, until: number}} props */
function Parts({ expression, since, until }) {
  const site = energySite.value;
  const names = [...new Set([...expression.matchAll(/\[([^\]]+)\]/g)].map((found) => String(found[1])))];
  return html`<h3>${t("energy.made_of")}</h3><p class="calm mono">${expression}</p>
    <table class="figures"><tbody>${names.map((meter) => html`<${Part} key=${meter} site=${site} meter=${meter} since=${since} until=${until} />`)}</tbody></table>`;
}

/** @param {{site: string, meter: string, since: number, until: number}} props */
function Part({ site, meter, since, until }) {
  const { answer } = useAnswer(`/api/v1/energy/intervals?${query({ site, meter, from: since, to: until, step: "1mo" })}`, `${meter} ${since}`);
  return html`<tr><th scope="row">${meterOf(meter)?.name ?? meter}</th><td class="r">${answer ? html`<${Amount} total=${answer.total} of=${`meter:${meter}`} since=${since} until=${until} />` : "…"}</td></tr>`;
}

/** What a meter used, by quarters of an hour, days or months. @param {{meter: string, since: number, until: number}} props */
function Periods({ meter, since, until }) {
  const site = energySite.value;
  const at = zone.value;
  // A quarter of an hour alone is opened as far as it goes.
  const quarter = useSignal(until - since === QUARTER_MS ? since : 0);
  const known = meterOf(meter);
  const step = until - since <= QUARTERS_MS ? "15m" : until - since <= 93 * DAY_MS ? "1d" : "1mo";
  const { answer, failure } = useAnswer(`/api/v1/energy/intervals?${query({ site, meter, from: since, to: until, step })}`, `${meter} ${since} ${until}`);
  useEffect(() => onKey("Escape", () => { if (quarter.peek()) quarter.value = 0; else closePanel(); }), []);
  if (!answer) return html`<p class=${`calm ${failure ? "warn" : "muted"}`} role="status">${failure || t("energy.asking")}</p>`;
  const fault = structure.value.known?.faults[meter];
  if (quarter.value) return html`<${OpenedQuarter} meter=${meter} at=${quarter.value} onBack=${() => { quarter.value = 0; }} />`;
  const clock = (/** @type {number} */ from, /** @type {number} */ to) => (step === "15m" ? html`${until - since > DAY_MS * 1.1 && html`<span class="muted">${dayText(from, at)} </span>`}${hourMinute(from, at)}` : spanWords(from, to, at));
  return html`<${Sum} total=${answer.total} />${fault && html`<p class="calm warn">${fault}</p>`}
    ${known?.reads === "virtual" && html`<${Parts} expression=${known.expression} since=${since} until=${until} />`}
    <h3>${t(`energy.by_${step}`)}</h3>
    <table class="figures quarters"><thead><tr><th scope="col">${t("energy.from_time")}</th><th scope="col" class="r">${answer.unit}</th><th scope="col">${t("energy.source")}</th><th scope="col" class="r">${t("energy.coverage")}</th></tr></thead>
    <tbody>${answer.rows.map((/** @type {any[]} */ [from, to, value, coverage, , source, flags]) => html`<tr key=${from}><th scope="row">${clock(from, to)}</th>
      <td class="r">${value === null ? html`<button class="num hatched" title=${t("number.opens")} onClick=${() => { quarter.value = from; }}><span class="sr">${t("requests.no_data")}</span></button>` : step === "15m" ? html`<button class="num" title=${t("number.opens")} onClick=${() => { quarter.value = from; }}>${number(value, 3)}</button>` : html`<${Amount} total=${{ value, unit: answer.unit, source: "measured" }} of=${`meter:${meter}`} since=${Math.max(from, since)} until=${Math.min(to, until)} bare=${true} />`}</td>
      <td><${SourceMark} source=${source} text=${true} />${flags.length > 0 && html` <small class="muted">${flags.map((/** @type {string} */ flag) => word("energy.flag", flag)).join(", ")}</small>`}</td><td class="r muted">${coverage < 1 ? shareText(coverage) : ""}</td></tr>`)}</tbody></table>`;
}

export function OpenedAmount() {
  const open = openAmount.value;
  // Of a meter `Periods` has the key: back from a quarter first.
  useEffect(() => (open?.kind === "meter" ? undefined : onKey("Escape", () => closePanel())), [open?.kind]);
  if (!open) return null;
  const { kind, id, since, until } = open;
  const sub = `${spanWords(since, until, zone.value)} · ${zone.value}`;
  const detail = kind !== "site" && html`<button class="btn small" onClick=${() => openDetail(`${kind}:${id}`)}>${t("energy.to_detail")}</button>`;
  return html`<${PanelBox} title=${thingName(kind, id, energySite.value)} sub=${sub} actions=${detail}>
    ${kind === "meter" ? html`<${Periods} key=${`${id} ${since} ${until}`} meter=${id} since=${since} until=${until} />` : html`<${Meters} kind=${kind} id=${id} since=${since} until=${until} />`}
    <p class="calm muted">${t("energy.opened_note", { unit: meterOf(id) ? UNITS[meterOf(id)?.medium ?? ""] ?? "" : UNITS[openMedium.value] ?? "" })}</p><//>`;
}
