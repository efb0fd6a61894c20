// Why energy refused, in the reader's language. What is put together from many parts (a structure, a tariff) keeps the collector's own words beside it.
import { t } from "./i18n.js";

/**
 * What is said, and the text for people; the first that fits. Groups fill the holes of the text. A test compares this table with what
 * the collector says. @type {[RegExp, string][]}
 */
const SAID = [
  [/^a record needs a reason/, "refused.e_reason"],
  [/^this lies in the future/, "refused.e_future"],
  [/^two replacements of the register at the same instant/, "refused.e_two_replaced"],
  [/^a ratio of (?<ct>\S+) x (?<pt>\S+) counts nothing/, "refused.e_ratio_zero"],
  [/^(?<number>\S+) is no number of at most (?<n>\d+) digits/, "refused.e_number"],
  [/^the time \S+ to \S+ is none/, "refused.e_time"],
  [/^a last digit is worth (?<worth>\S+): more than 6 decimals/, "refused.e_digit"],
  [/^a last digit is worth (?<worth>\S+): resolution or multiplier is too large/, "refused.e_digit_large"],
  [/^(?<meter>\S+) has (?<n>\d+) records; more are not kept/, "refused.e_records_full"],
  [/^\S+ has no meter '?(?<meter>[^']+?)'? that is read/, "refused.e_not_read"],
  [/^nothing was worked out for this time yet/, "refused.e_not_yet"],
  [/^\S+ has no meter '?(?<meter>[^']+?)'? that feeds others/, "refused.e_feeds_none"],
  [/^more than (?<n>\d+) intervals/, "refused.e_many_intervals"],
  [/^(?:\S+ has|there is) no meter '?(?<meter>[^']+?)'?$/, "refused.e_no_meter"],
  [/^there is no space '?(?<space>[^']+?)'?$/, "refused.e_no_space"],
  [/^(?<reading>\S+) is no reading of a register/, "refused.e_hand_number"],
  [/^a reading was taken at some time until now/, "refused.e_hand_when"],
  [/^(?<n>\d+) readings wait to be looked at/, "refused.e_hand_wait"],
  [/^\S+ has no reading \d+ that waits/, "refused.e_hand_gone"],
  [/^who entered a reading does not check it/, "refused.e_hand_self"],
  [/^a reading of this instant was entered already/, "refused.e_hand_twice"],
  [/^\S+ has no meter '?(?<meter>[^']+?)'? whose register can be read/, "refused.e_hand_meter"],
  [/^meter (?<meter>\S+) of \S+ is billed by no tariff/, "refused.e_bill_none"],
  [/^meter (?<meter>\S+) is billed by tariff (?<tariff>\S+), which \S+ does not have/, "refused.e_bill_lost"],
  [/a bill is of 1 to (?<n>\d+) days/, "refused.e_bill_days"],
  [/^tariff (?<tariff>[^:]+): no prices for (?<month>\S+);/, "refused.e_no_prices"],
  [/^tariff (?<tariff>[^:]+): no price for the band (?<band>\S+) in (?<month>\S+);/, "refused.e_no_band_price"],
  [/^tariff (?<tariff>[^:]+): no version holds on (?<day>\S+) /, "refused.e_no_version"],
  [/^tariff (?<tariff>[^:]+): no season has month \d+, so (?<day>\S+) has no bands/, "refused.e_no_season"],
  [/^tariff (?<tariff>[^:]+): season '(?<season>.*)' has no bands for a (?<kind>\S+) \((?<day>[^)]+)\)/, "refused.e_no_bands"],
  [/^\d+ meters: 1 to (?<n>\d+) are closed together/, "refused.e_close_many"],
  [/^nothing is known of these meters in this time, or all of it is closed/, "refused.e_close_none"],
  [/^nothing is known of these meters in this time$/, "refused.e_close_nothing"],
  [/^(?<day>[\d-]+) is not over yet/, "refused.e_close_over"],
  [/^(?<meter>\S+) is already closed on (?<n>\d+) of these days/, "refused.e_close_twice"],
  [/^\S+ to \S+: 1 to (?<n>\d+) days; the last is not included/, "refused.e_close_days"],
  [/^the ledger has no entry \d+/, "refused.e_ledger"],
];

/** Codes whose message says more than the code: it is put in words, or stands beside them. */
const CODES = new Set(["energy", "bad_record", "bad_reading", "cannot_check", "cannot_close", "cannot_amend", "no_bill", "bad_structure", "bad_basis", "bad_plan", "bad_tariff", "bad_factors", "bad_temperatures", "bad_token", "bad_import", "bad_judgement", "unknown_finding", "has_alarm"]);

/** The text for people; "" where it is not energy that refused. @param {string} code @param {string} message @param {string} hint */
export function energyWords(code, message, hint) {
  if (!CODES.has(code)) return "";
  for (const [pattern, key] of SAID) {
    const match = pattern.exec(message);
    if (match) return t(key, match.groups ?? {});
  }
  return `${t(`refused.${code}`)} (${[message, hint].filter(Boolean).join(" · ")})`;
}
