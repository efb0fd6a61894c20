// The compound's headline figures: chips on the map of Dispatch. What nothing was measured for says so, never zero.
import { html } from "../../vendor/preact.js";
import { number } from "../format.js";
import { t } from "../i18n.js";
import { pastAt } from "../live/link.js";
import { figuresOf } from "./figures.js";

/** @typedef {{name: string, period: "today" | "week" | "month", unit: "s" | "%"}} Chip */
/** @type {Chip[]} */
const CHIPS = [{ name: "dispatch_s", period: "week", unit: "s" }, { name: "gate_passage_s", period: "today", unit: "s" }, { name: "room_booking_s", period: "week", unit: "s" }, { name: "on_time_share", period: "month", unit: "%" }];

/** Seconds from so many on are said in minutes. */
const MINUTES_FROM_S = 120;

/** `24 s`, `7.6 s`, `5.2 min`, `97.8 %`. @param {number} value @param {Chip["unit"]} unit @returns {[string, string]} */
function shownValue(value, unit) {
  if (unit === "%") return [number(value * 100, 1), unit];
  return value < MINUTES_FROM_S ? [number(value, value < 10 ? 1 : 0), t("unit.s")] : [number(value / 60, 1), t("unit.min")];
}

export function Headline() {
  if (pastAt.value !== null) return null;
  return html`${CHIPS.map(({ name, period, unit }) => {
    const answer = figuresOf(period).value;
    const figure = answer?.headline?.[name];
    const has = figure && figure.value !== null && figure.n > 0;
    const before = typeof figure?.before === "number" ? t("requests.before_was", { before: shownValue(figure.before, unit).join(" "), compound: shownValue(figure.compound, unit).join(" ") }) : "";
    const [value, said] = has ? shownValue(figure.value, unit) : ["", ""];
    return html`<div key=${name} class=${`card figure${has ? "" : " none"}`} title=${before}><span>${t(`requests.figure_${name}`)}</span>
      <b>${has ? html`${value} <small>${said}</small>` : answer ? t("requests.no_data") : "…"}</b>
      <small>${t(`requests.period_${name}`, { n: figure?.n ?? 0 })}</small></div>`;
  })}`;
}
