// What a bill says of itself, in the reader's language: the collector's own sentences, by their pattern; one that is not known stays as it is.
import { t } from "../i18n.js";

/** Pattern and text; groups fill the holes. @type {[RegExp, string][]} */
const SAID = [
  [/^(?<share>[\d.]+%) of the period is known; what was used in the rest is in no line$/, "money.said.known"],
  [/^the holidays of (?<year>\d+) were not entered: its days are taken as their weekday says$/, "money.said.holidays"],
  [/^(?<from>[\d-]+) to (?<until>[\d-]+) is not a billing period \(they begin on day (?<day>\d+)\): demand, power factor and fixed amounts are left out$/, "money.said.period"],
  [/^(?<share>[\d.]+%) of the time in this band is known; the rest is not in the amount$/, "money.said.band"],
  [/^only (?<share>[\d.]+%) of the period was measured; a larger maximum may have been$/, "money.said.maximum_share"],
  [/^no maximum is known$/, "money.said.no_maximum"],
  [/^the reactive energy of the period is not known$/, "money.said.no_reactive"],
  [/^nothing was used, so there is no power factor$/, "money.said.nothing_used"],
  [/^only (?<share>[\d.]+%) of the reactive energy is known$/, "money.said.reactive_share"],
  [/^power factor (?<factor>[\d.]+), standard (?<standard>[\d.]+): (?<percent>[+-]?[\d.]+) % of (?<of>[\d.]+) \(energy and demand\)$/, "money.said.power_factor"],
  [/^per billing period$/, "money.said.fixed"],
  [/^as the meter showed it$/, "money.said.as_shown"],
  [/^mean of (?<minutes>\d+) minutes from (?<at>[\d-]+ [\d:]+)$/, "money.said.mean"],
  [/^(?<rate>[\d.]+%) of what stands above$/, "money.said.tax_on_top"],
  [/^(?<rate>[\d.]+%), held by the prices; not added$/, "money.said.tax_held"],
];

/** @param {string} text */
export function billWords(text) {
  for (const [pattern, key] of SAID) {
    const match = pattern.exec(text);
    if (match) return t(key, match.groups ?? {});
  }
  return text;
}
