// How a person is told: by what they are known by. And whether one may be asked for now.
import { may } from "../api.js";
import { word } from "../i18n.js";
import { pastAt, state } from "../live/link.js";

/** @typedef {{goes: Record<string, number>, stays: Record<string, Record<string, number>>, confirm: string, deleted: boolean, asks: Ask[]}} Plan */
/** @typedef {{id: string, source: string, at: number, facts: Record<string, unknown>}} Ask */

export const KINDS = ["name", "user", "phone", "card", "plate"];

/** Whether anything may be asked just now: the collector answers, and now is shown. */
export const canAsk = () => may("privacy") && pastAt.value === null && state.value === "live";

/** `name:Li Wei` as people read it. @param {string} said */
export function spelled(said) {
  const [kind, ...rest] = said.split(":");
  return `${word("person.kind", /** @type {string} */ (kind))} ${rest.join(":")}`;
}
