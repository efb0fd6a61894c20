// The parts of this page, in the order of its tabs. A new part is one line here: `load` gives its View, which is loaded when it is first opened.
// A View gets `{site, zone}`; what else is looked at stands in `where.js` (period, thing, medium), and an amount opens by `Amount` (amounts.js).

/** @typedef {{id: string, load: () => Promise<(props: {site: string, zone: string}) => any>, period?: boolean, least?: string, timeless?: boolean, ownPeriods?: boolean}} Part `period`: the bar offers day, week, month, year; `least`: a day is too short, it shows this instead; `timeless`: no day is chosen; `ownPeriods`: it has a list of periods, and the bar is there when `chosen` says `bar` */

/** @type {Part[]} */
export const PARTS = [
  { id: "overview", load: async () => (await import("./overview.js")).EnergyOverview },
  { id: "detail", load: async () => (await import("./detail.js")).EnergyDetail, period: true },
  { id: "bill", load: async () => (await import("./bill.js")).EnergyBill, period: true, ownPeriods: true },
  { id: "balance", load: async () => (await import("./balance.js")).EnergyBalance, period: true, least: "week" },
  { id: "anomalies", load: async () => (await import("./anomalies.js")).EnergyAnomalies, timeless: true },
  { id: "data", load: async () => (await import("./quality.js")).EnergyQuality, period: true },
  { id: "correct", load: async () => (await import("./correct.js")).EnergyCorrect, timeless: true },
  { id: "files", load: async () => (await import("./files.js")).EnergyFiles, period: true },
];
