// Why the collector refused, in the reader's language: by its code, and by what it said where that holds names and numbers.
import { t, word } from "./i18n.js";
import { energyWords } from "./refused_energy.js";

/**
 * Code, what is said with it, and the text for people; the first that fits. Groups fill the holes of the text. A test compares
 * this table with what the collector says. @type {[string, RegExp, string][]}
 */
const SAID = [
  ["bad_request", /^missing$/, "refused.missing"],
  ["bad_request", /^is before window\.earliest$/, "requests.wrong_window"],
  ["bad_request", /^is longer than 14 days$/, "refused.longer_than_14_days"],
  ["bad_request", /^is over already$/, "requests.wrong_over"],
  ["bad_request", /^is not within a day back and 180 days ahead$/, "refused.too_far"],
  ["bad_request", /^(?<n>\d+) characters$/, "refused.too_long"],
  ["bad_request", /^String should have at most (?<most>\d+) characters?$/, "refused.at_most"],
  ["bad_request", /^has characters that cannot be shown$/, "refused.unprintable"],
  ["bad_request", /^Input should be less than or equal to (?<most>\d+)$/, "refused.most"],
  ["bad_request", /^Input should be greater than or equal to (?<least>\d+)$/, "refused.least"],
  ["bad_request", /^is no place on Earth$/, "refused.no_place"],
  ["too_many", /^(?<n>\d+) requests are open$/, "refused.too_many_open"],
  ["not_possible", /was rated already$/, "refused.rated"],
  ["not_possible", /was acknowledged already$/, "refused.acknowledged"],
  ["not_possible", /^the booking has ended already$/, "refused.booking_ended"],
  ["not_possible", /^it is too early$/, "refused.too_early"],
  ["not_possible", /^the pass was cancelled$/, "refused.pass_cancelled"],
  ["not_possible", /^the visitor was not seen arriving$/, "refused.not_arrived"],
  ["not_possible", /^the pass is (?<state>\w+) already$/, "refused.pass_is"],
  ["bad_card", /no card key/, "refused.no_card_key"],
  ["bad_card", /is blocked, or its holder is disabled$/, "refused.card_is_bad"],
  ["bad_gate", /is no door with the fact gate$/, "refused.no_gate"],
  ["room_taken", /^(?<room>.+) is taken by (?<who>.+) from (?<from>[\d-]+ [\d:]+) to (?<until>[\d:]+)$/, "refused.taken"],
  ["bad_period", /^from is not before until/, "requests.wrong_window"],
  ["bad_period", /^longer than 24 h$/, "refused.longer_than_a_day"],
  ["bad_period", /^more than 400 days ahead$/, "refused.too_far"],
  ["bad_period", /^that time is over/, "requests.wrong_over"],
  ["out_of_service", /^(?<room>.+) is out of service: (?<why>.+)$/, "refused.no_service"],
  ["too_small", /^(?<room>.+) has (?<seats>\d+) seats for (?<people>\d+) people$/, "refused.seats"],
  ["closed", /^(?<room>.+) cannot be booked then$/, "refused.shut"],
  ["same_person", /^whoever asked cannot approve/, "refused.same_person"],
  ["expired", /^nobody approved it in time/, "refused.expired"],
  ["decided", /^it is (approved|rejected) already|^somebody was faster$/, "refused.decided"],
  ["person_needed", /^two people stand for such a command/, "refused.person_needed"],
  ["asker_may_not", /may not give commands at/, "refused.asker_may_not"],
  ["not_enrolled", /is not enrolled/, "refused.not_enrolled"],
  ["opens_a_door", /opens the door (?<name>.+)$/, "refused.opens_a_door"],
  ["changed", /^what is held on this person is not what was confirmed/, "refused.person_changed"],
  ["held", /^there is a legal hold on this person: (?<why>.+)$/, "refused.person_held"],
  ["not_feasible", /^(?<name>.+) cannot serve this: (?<why>.+)$/, "refused.cannot_serve"],
];
/** What would be right, where that is more than the text says. @type {[string, RegExp, string][]} */
const HINTS = [
  ["room_taken", /^free then: (?<rooms>.+)$/, "refused.free_then"],
  ["room_taken", /^no other room is free then$/, "refused.none_free"],
  ["closed", /^open: (?<hours>.+)$/, "refused.open_hours"],
  ["not_possible", /^from (?<n>\d+) min before the beginning on$/, "refused.from_minutes"],
  ["not_possible", /^somebody is on the way/, "refused.on_the_way"],
  ["bad_request", /^at most (?<most>\d+)$/, "refused.at_most"],
  ["bad_request", /^(?<low>-?\d+) to (?<high>\d+)$/, "refused.low_to_high"],
];

/** Those whose own words are for the one who looks after the collector. */
const INSIDE = new Set(["unavailable", "internal"]);

/** @param {[string, RegExp, string][]} table @param {string} code @param {string} text */
function fitting(table, code, text) {
  for (const [one, pattern, key] of table) {
    const match = one === code ? pattern.exec(text) : null;
    if (match) return t(key, match.groups ?? {});
  }
  return "";
}

/** The text for people; the collector's own words where there is none. @param {string} code @param {string} message @param {string} hint */
export function refusedWords(code, message, hint) {
  const ofEnergy = energyWords(code, message, hint);
  if (ofEnergy) return ofEnergy;
  const plain = code === "bad_request" || code === "not_feasible" ? message.replace(/^[a-z_.]+: /, "") : message;
  const general = word("refused", code);
  const text = fitting(SAID, code, plain) || (general === code ? "" : general);
  const right = fitting(HINTS, code, hint);
  if (INSIDE.has(code)) return `${text} (${[message, hint].filter(Boolean).join(" · ")})`;
  if (!text) return [plain, right || hint].filter(Boolean).join(" · ");
  return [text, right].filter(Boolean).join(" ");
}
