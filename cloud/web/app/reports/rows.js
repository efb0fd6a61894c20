// From the collector's answers to the rows of the tables. Pure but for the words.
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { cell } from "./table.js";

/** @typedef {import("./table.js").Cell} Cell */
/** @typedef {import("./table.js").Column} Column */
/** @typedef {Record<string, any>} Facts */

/** `24 s`, `3.2 min`, `1.5 h`; of nothing, nothing. @param {any} s @param {boolean} [warn] */
function time(s, warn = false) {
  if (typeof s !== "number") return cell("", null);
  const text = s < 90 ? `${number(s, s < 10 ? 1 : 0)} ${t("unit.s")}` : s < 5400 ? `${number(s / 60, 1)} ${t("unit.min")}` : `${number(s / 3600, 1)} ${t("unit.h")}`;
  return cell(text, s, warn);
}

/** @param {any} value @param {number} [digits] @param {boolean} [warn] */
const amount = (value, digits = 0, warn = false) => (typeof value === "number" ? cell(number(value, digits), value, warn) : cell("", null));

/** @param {any} value @param {boolean} [warn] */
const share = (value, warn = false) => (typeof value === "number" ? cell(`${number(value * 100, 1)} %`, value, warn) : cell("", null));

/** @param {string} key @param {string} [unit] @returns {Column} */
const column = (key, unit) => ({ key, title: t(`reports.column_${key}`), ...(unit ? { unit } : {}) });

export const HEADLINE = () => [column("figure"), column("now"), column("n"), column("before"), column("compound")];

/** The figures a compound is asked for, beside those of a real one. @param {Facts} headline @returns {Cell[][]} */
export function headlineRows(headline) {
  const name = (/** @type {string} */ key) => cell(t(`reports.figure_${key}`), t(`reports.figure_${key}`));
  const timed = ["dispatch_s", "gate_passage_s", "room_booking_s", "filing_s"].map((key) => [name(key), time(headline[key]?.value), amount(headline[key]?.n), time(headline[key]?.before), time(headline[key]?.compound)]);
  const shared = headline["rooms_shared"] ?? {};
  const sharing = (/** @type {Facts} */ one) => (one?.["rooms"] && one["units"] ? cell(t("reports.rooms_units", { rooms: one["rooms"], units: one["units"] }), `${one["rooms"]} / ${one["units"]}`) : cell("", null));
  const rest = cell("—", "");
  return [
    ...timed,
    [name("on_time_share"), share(headline["on_time_share"]?.value), amount(headline["on_time_share"]?.n), rest, rest],
    [name("rooms_shared"), sharing(shared), amount(shared.n), rest, sharing(shared.compound)],
    [name("rating"), amount(headline["rating"]?.value, 1), amount(headline["rating"]?.n), rest, rest],
    [name("overrides"), amount(headline["overrides"]?.value), amount(headline["overrides"]?.n), rest, rest],
  ];
}

/** @param {string} first @returns {Column[]} */
export const SERVICE = (first) => [{ key: "name", title: first }, column("requests"), ...["acknowledge", "assign", "arrive"].flatMap((step) => [
  { key: `${step}-50`, title: `${t(`requests.clock_${step}`)} p50` }, { key: `${step}-95`, title: "p95" }, { key: `${step}-late`, title: t("reports.column_late") }]), column("on_time")];

/** @param {Facts[]} rows @param {(name: string) => string} named @returns {Cell[][]} */
export const serviceRows = (rows, named) => rows.map((row) => [cell(named(row["name"]), named(row["name"])), amount(row["requests"]),
  ...["acknowledge", "assign", "arrive"].flatMap((step) => [time(row[step]?.p50), time(row[step]?.p95), amount(row[step]?.breaches, 0, row[step]?.breaches > 0)]), share(row["on_time_share"])]);

export const ROOMS = () => [column("room"), column("use"), column("basis"), column("coverage"), column("days"), column("bookings"), column("no_shows"), column("booked_h", "h"), column("used_h", "h"), column("evaluation")];

/** Those that somebody should ask about first. @param {Facts[]} rooms @returns {Cell[][]} */
export const roomRows = (rooms) => [...rooms].sort((a, b) => Number(b["evaluation"]) - Number(a["evaluation"])).map((one) => [cell(one["name"], one["name"]), share(one["share"], one["evaluation"]), cell(word("reports.basis", one["basis"]), one["basis"]), share(one["coverage"]), amount(one["days"]), amount(one["bookings"]),
  amount(one["no_shows"]), amount(one["booked_h"], 1), amount(one["used_h"], 1), cell(one["evaluation"] ? t("reports.look_into") : "—", one["evaluation"] ? t("reports.look_into") : "", one["evaluation"])]);

export const UNITS = () => [column("unit"), column("bookings"), column("no_shows"), column("booked_h", "h"), column("used_h", "h")];

/** @param {Facts[]} units @returns {Cell[][]} */
export const unitRows = (units) => units.map((one) => [cell(one["unit"], one["unit"]), amount(one["bookings"]), amount(one["no_shows"]), amount(one["booked_h"], 1), amount(one["used_h"], 1)]);

export const MODULES = () => [column("module"), column("times"), column("days"), column("workdays"), column("use"), column("evaluation")];

/** @param {Facts[]} modules @returns {Cell[][]} */
export const moduleRows = (modules) => modules.map((one) => [cell(word("reports.module", one["module"]), one["module"]), amount(one["times"]), amount(one["days"]), amount(one["workdays"]), share(one["share"]),
  cell(one["evaluation"] ? t("reports.look_into") : "—", one["evaluation"] ? t("reports.look_into") : "", one["evaluation"])]);
