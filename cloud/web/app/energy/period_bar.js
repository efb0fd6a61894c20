// The bar of a part: which day or period, one back and one on.
import { html, useEffect } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { day, openDay, openPeriod, periodOf, span, stepPeriod, today, zone } from "./where.js";
import { daysWords, monthWords } from "./date_words.js";

const KINDS = ["day", "week", "month", "year"];

/** `Sat 21 Nov 2026`, `November 2026`. */
function periodWords(/** @type {import("./where.js").Period} */ { kind, first, until }) {
  if (kind === "year") return first.slice(0, 4);
  return kind === "month" ? monthWords(first) : daysWords(first, until, zone.value);
}

/** @param {{part: import("./tabs.js").Part}} props */
export function PeriodBar({ part }) {
  useEffect(() => {
    const undo = [onKey(",", () => stepPeriod(-1, part.least)), onKey(".", () => stepPeriod(1, part.least))];
    return () => undo.forEach((each) => each());
  }, [part.id]);
  const shown = part.least && openPeriod.value.kind === "day" ? periodOf(part.least, openDay.value, zone.value) : openPeriod.value;
  const { until, kind } = shown;
  const isLast = until > today.value;
  const choose = (/** @type {string} */ one) => { span.value = one === "day" ? "" : one; };
  return html`<span class="period" role="group" aria-label=${t("energy.period")}>
    ${part.period && html`<span class="picks">${KINDS.filter((one) => one !== "day" || !part.least).map((one) => html`<button key=${one} class=${`pick${kind === one ? " on" : ""}`} aria-pressed=${kind === one} onClick=${() => choose(one)}>${t(`energy.span_${one}`)}</button>`)}</span>`}
    <span class="pager"><button class="btn small" aria-label=${t("energy.back_one")} title="," onClick=${() => stepPeriod(-1, part.least)}>‹</button>
    <input type="date" aria-label=${t("energy.day")} max=${today.value} value=${openDay.value} onChange=${(/** @type {any} */ event) => { if (event.target.value) { day.value = event.target.value >= today.peek() ? "" : event.target.value; if (kind === "free") span.value = ""; } }} />
    <button class="btn small" aria-label=${t("energy.on_one")} title="." aria-disabled=${isLast} onClick=${() => { if (!isLast) stepPeriod(1, part.least); }}>›</button></span>
    <b class="period-words">${periodWords(shown)}</b></span>`;
}
