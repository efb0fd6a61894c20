// Times as people write them into forms, in the site's zone. Nothing here knows the browser's own zone.

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** Date and time of an instant in a zone, as numbers. @param {number} at @param {string} zone */
function partsOf(at, zone) {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

/** `2026-11-21T14:30`, as fields for date and time hold it. @param {number} at @param {string} zone */
export function toField(at, zone) {
  const { year, month, day, hour, minute } = partsOf(at, zone);
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** The instant that a field means, ms; null when it is empty. An hour that a zone skips is the one after it.
 * @param {string} text @param {string} zone @returns {number | null} */
export function fromField(text, zone) {
  const wanted = Date.parse(`${text}Z`);
  if (!Number.isFinite(wanted)) return null;
  let at = wanted;
  // Twice: the second time with the offset that holds there.
  for (let i = 0; i < 2; i += 1) at += wanted - Date.parse(`${toField(at, zone)}Z`);
  return at;
}

/** When the day of an instant began. @param {number} at @param {string} zone */
export const dayStart = (at, zone) => /** @type {number} */ (fromField(`${toField(at, zone).slice(0, 10)}T00:00`, zone));
