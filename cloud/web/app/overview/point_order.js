// Which points of a device people look for first; the others follow as the device gives them.
export const FIRST_POINTS = ["active_power_total", "active_energy_import_total", "speed_kmh", "latitude", "longitude", "door_open", "lock_state",
  "occupancy", "battery_percent"];

/** @param {string[]} names */
export function inOrder(names) {
  const known = new Set(names);
  return [...FIRST_POINTS.filter((name) => known.has(name)), ...names.filter((name) => !FIRST_POINTS.includes(name))];
}
