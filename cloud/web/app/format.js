// Numbers by the reader's locale, times by the site's zone. Nothing here knows the browser's own zone.
import { lang, stateLabel, t } from "./i18n.js";

/** Digits after the point, by unit: as many as the instrument means, always the same so that columns stand still. */
/** @type {Record<string, number>} */
const DIGITS = { W: 0, var: 0, VA: 0, kW: 2, kvar: 2, kVA: 2, MW: 3, Mvar: 3, MVA: 3, V: 1, A: 2, Hz: 2, kWh: 1, kvarh: 1, kVAh: 1,
  "%": 0, "km/h": 0, deg: 0, m: 0, km: 1, dBm: 0, "°C": 1, K: 1, s: 1, "": 2 };

/** @type {Map<string, Intl.NumberFormat>} */
const numberFormats = new Map();
/** @type {Map<string, Intl.DateTimeFormat>} */
const dateFormats = new Map();

/** @param {number} value @param {number} least @param {number} [most] */
export function number(value, least = 0, most = least) {
  const key = `${lang.value} ${least} ${most}`;
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(lang.value, { minimumFractionDigits: least, maximumFractionDigits: most });
    numberFormats.set(key, format);
  }
  return format.format(value);
}

/** W, var and VA from 10,000 up are said in thousands. @param {number} value @param {string} unit @returns {[number, string]} */
export function scaled(value, unit) {
  if (unit !== "W" && unit !== "var" && unit !== "VA") return [value, unit];
  const size = Math.abs(value);
  if (size >= 10_000_000) return [value / 1_000_000, `M${unit}`];
  if (size >= 10_000) return [value / 1_000, `k${unit}`];
  return [value, unit];
}

/** As many digits as a register of 32 bits can mean. @param {number} value */
const significant = (value) => value.toLocaleString(lang.value, { maximumSignificantDigits: 8 });

/** @param {string} unit */
const unitSign = (unit) => (unit === "deg" ? "°" : unit);

/** @param {string} name @param {string} unit */
function digits(name, unit) {
  if (name.startsWith("power_factor")) return 3;
  if (name === "latitude" || name === "longitude") return 5;
  if (name === "course_deg") return 0;
  return DIGITS[unit] ?? 2;
}

/**
 * A point's value as people read it: `{text, unit}`; a state is its word. Missing is never a number.
 * @param {string} name @param {{value: number | null, unit: string, kind: string, label?: string | null}} point @param {boolean} [exact]
 */
export function valueText(name, point, exact = false) {
  if (point.value === null || point.value === undefined) return { text: "—", unit: "" };
  if (point.kind === "state") return { text: stateLabel(name, point.value) ?? point.label ?? String(point.value), unit: "" };
  if (exact) return { text: significant(point.value), unit: unitSign(point.unit) };
  const [value, unit] = scaled(point.value, point.unit);
  return { text: number(value, digits(name, unit)), unit: unitSign(unit) };
}

/** `2 s`, `18 min`, `3 h`, `2 d`. Below zero (a clock ahead of ours) is now. @param {number} ms */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} ${t("unit.s")}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${t("unit.min")}`;
  if (s < 86400 * 2) return `${Math.floor(s / 3600)} ${t("unit.h")}`;
  return `${number(Math.floor(s / 86400))} ${t("unit.d")}`;
}

/** A length such as `0.4 s`, `10 s`, `5 min`, from seconds. @param {number} s */
export function seconds(s) {
  const tenths = Math.round(s * 10) / 10;
  if (tenths < 10) return `${number(tenths, 0, 1)} ${t("unit.s")}`;
  if (s < 120) return `${number(Math.round(s))} ${t("unit.s")}`;
  return age(s * 1000);
}

/** @param {number} bytes */
export function bytes(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  while (bytes >= 1024 && step < units.length - 1) { bytes /= 1024; step += 1; }
  return `${number(bytes, step === 0 || bytes >= 100 ? 0 : 1)} ${units[step]}`;
}

/** @param {string} zone @param {string} name @param {Intl.DateTimeFormatOptions} options */
function dateFormat(zone, name, options) {
  const key = `${lang.value} ${zone} ${name}`;
  let format = dateFormats.get(key);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat(lang.value === "en" ? "en-GB" : lang.value, { timeZone: zone, hourCycle: "h23", ...options });
    } catch {
      format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hourCycle: "h23", ...options, timeZoneName: "short" });
    }
    dateFormats.set(key, format);
  }
  return format;
}

/** `14:32:08` in a zone. @param {number} at @param {string} zone */
export const clockTime = (at, zone) => dateFormat(zone, "time", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);

/** `14:32` in a zone. @param {number} at @param {string} zone */
export const hourMinute = (at, zone) => dateFormat(zone, "hm", { hour: "2-digit", minute: "2-digit" }).format(at);

/** `Sat 21 Nov`, `11月21日 周六`. @param {number} at @param {string} zone */
export function dayText(at, zone) {
  const weekday = dateFormat(zone, "weekday", { weekday: "short" }).format(at);
  const date = dateFormat(zone, "date", { day: "numeric", month: "short" }).format(at);
  return lang.value === "en" ? `${weekday} ${date}` : `${date} ${weekday}`;
}

/** The hour alone on the day of `now`, else with the date. @param {number} at @param {number} now @param {string} zone */
export function moment(at, now, zone) {
  const day = dateFormat(zone, "ymd", { year: "numeric", month: "2-digit", day: "2-digit" });
  if (day.format(at) === day.format(now)) return clockTime(at, zone);
  const far = Math.abs(now - at) > 300 * 86_400_000;
  return dateFormat(zone, far ? "far" : "near", { day: "numeric", month: "short", ...(far ? { year: "numeric" } : {}), hour: "2-digit", minute: "2-digit" }).format(at);
}

/** Date, time to the millisecond and the zone, for a title. @param {number} at @param {string} zone */
export function fullTime(at, zone) {
  const text = dateFormat(zone, "full", { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
  return `${text}.${String(((at % 1000) + 1000) % 1000).padStart(3, "0")} ${zone}`;
}
