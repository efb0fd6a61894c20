// WGS-84 to GCJ-02, the shifted grid of public map tiles in mainland China. Everything is stored and computed in WGS-84; this is
// for drawing on such tiles alone. Pure.

const A = 6378245.0;
const EE = 0.00669342162296594323;
const RAD = Math.PI / 180;

/** The grid is shifted within this box only; the box is rough by design, as in every published conversion.
 * @param {number} latitude @param {number} longitude */
export const isShifted = (latitude, longitude) => longitude >= 72.004 && longitude <= 137.8347 && latitude >= 0.8293 && latitude <= 55.8271;

/** @param {number} x */
const waves = (x) => ((20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * 2) / 3;

/** @param {number} x @param {number} y */
function northward(x, y) {
  return -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + waves(x)
    + ((20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * 2) / 3
    + ((160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * 2) / 3;
}

/** @param {number} x @param {number} y */
function eastward(x, y) {
  return 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + waves(x)
    + ((20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * 2) / 3
    + ((150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * 2) / 3;
}

/** @param {number} latitude @param {number} longitude @returns {[number, number]} */
export function toGcj02(latitude, longitude) {
  if (!isShifted(latitude, longitude)) return [latitude, longitude];
  const x = longitude - 105, y = latitude - 35;
  const sine = Math.sin(latitude * RAD);
  const magic = 1 - EE * sine * sine;
  const root = Math.sqrt(magic);
  const north = (northward(x, y) * 180) / (((A * (1 - EE)) / (magic * root)) * Math.PI);
  const east = (eastward(x, y) * 180) / ((A / root) * Math.cos(latitude * RAD) * Math.PI);
  return [latitude + north, longitude + east];
}
