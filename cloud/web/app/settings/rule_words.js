// What a rule does, in a sentence.
import { lang, pointName, stateLabel, t } from "../i18n.js";
import { number } from "../format.js";
import { numberOf } from "./fields.js";

/** Units of time by their seconds, the longest first. @type {[number, string][]} */
const UNITS = [[86_400, "unit.d"], [3600, "unit.h"], [60, "unit.min"]];

/** A length in the longest unit it is a whole number of. @param {number} s */
export function lengthWords(s) {
  const [size, unit] = UNITS.find(([one]) => s > 0 && s % one === 0) ?? [1, "unit.s"];
  return `${number(s / size, 0, 1)} ${t(unit)}`;
}

/** @param {unknown} said */
const amount = (said) => { const value = numberOf(said); return value === undefined || !Number.isFinite(value) ? "…" : number(value, 0, 6); };

/**
 * @param {Record<string, any>} values of the rule's form, or the rule itself @param {string} unit @param {string} of the device's name; "" for every device
 */
export function ruleWords(values, unit, of) {
  const point = values["point"] ? pointName(values["point"]) : "…";
  const delay = numberOf(values["delay_s"]) ?? 0, back = numberOf(values["deadband"]) ?? 0;
  const limit = values["condition"] === "state" && values["point"] ? stateLabel(values["point"], numberOf(values["limit"]) ?? NaN) ?? amount(values["limit"]) : `${amount(values["limit"])}${unit ? ` ${unit}` : ""}`;
  const args = { priority: `P${values["priority"]}`, point, of: of || t("settings.any_device"), limit, delay: Number.isFinite(delay) ? lengthWords(delay) : "…", back: `${amount(back)}${unit ? ` ${unit}` : ""}` };
  const what = t(`settings.says_${values["condition"]}`, args);
  const said = [values["condition"] === "stale" ? t("settings.says_only", { what }) : t("settings.says_whole", { what, how: delay > 0 ? t("settings.says_for", args) : t("settings.says_at_once") })];
  if (back > 0 && ["high", "low", "rate"].includes(values["condition"])) said.push(t("settings.says_back", args));
  if (values["enabled"] === false) said.push(t("settings.says_off"));
  return said.join(lang.value === "en" ? " " : "");
}
