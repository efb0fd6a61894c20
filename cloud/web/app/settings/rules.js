// The section Alarm rules: rules of people, and what is watched without one.
import { computed, html } from "../../vendor/preact.js";
import { call } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { pointName, t } from "../i18n.js";
import { entities, roster } from "../live/link.js";
import { kind, search } from "../place.js";
import { canChange, listOf, mayChange, useAsking } from "./asked.js";
import { deviceOf } from "./devices.js";
import { List } from "./list.js";
import { ruleWords } from "./rule_words.js";
import { isFound, Search } from "./things.js";
import { open, openTheSection } from "./where.js";

/** @typedef {{id: string, name: string, site: string, device: string, point: string, condition: string, limit: number | null, deadband: number, delay_s: number, priority: number, todo: string, enabled: boolean, rev: number, changed_at: number, changed_by: string}} Rule */

export const ruleList = listOf("/api/v1/alarm-rules", (answer) => answer.rules);
/** The rules of the site; null until they were asked for. */
export const rules = computed(() => /** @type {Rule[] | null} */ (ruleList.items.value?.filter((one) => one.site === mapSite.value) ?? null));

/** @param {string} id */
export const ruleOf = (id) => rules.value?.find((one) => one.id === id);
/** Whether an id is taken, also by a rule of another site. @param {string} id */
export const isTaken = (id) => (ruleList.items.value ?? []).some((one) => one.id === id);

/** The points of the site's devices, with their units: what a rule may be about. */
export const points = computed(() => {
  void roster.value;
  /** @type {Map<string, {unit: string, kind: string, devices: string[]}>} */
  const found = new Map();
  for (const each of entities.values()) {
    const entity = each.peek();
    if (!entity.device || entity.site !== mapSite.value) continue;
    for (const [name, point] of Object.entries(entity.points)) {
      const known = found.get(name);
      if (known) known.devices.push(entity.device);
      else found.set(name, { unit: point.unit, kind: point.kind, devices: [entity.device] });
    }
  }
  return found;
});

/** @param {string} id */
const addressOf = (id) => `/api/v1/alarm-rules/${encodeURIComponent(id)}`;

/** @param {string} id @param {Record<string, any>} body */
export async function saveRule(id, body) {
  await call("PUT", addressOf(id), body);
  await ruleList.ask();
}

/** @param {string} id */
export async function removeRule(id) {
  await call("DELETE", addressOf(id));
  await ruleList.ask();
}

/** How often a rule would have raised an alarm. @param {string} id @param {Record<string, any>} body @returns {Promise<{days: number, raised: number, series: number, readings: number, whole: boolean}>} */
export const tryRule = (id, body) => call("POST", `${addressOf(id)}/dry-run`, body);

/** @param {string} point */
export const unitOf = (point) => points.value.get(point)?.unit ?? "";

/** @param {Rule} rule */
const wordsOf = (rule) => ruleWords(rule, unitOf(rule.point), rule.device && (deviceOf(rule.device)?.name ?? rule.device));

/** @param {{rule: Rule}} props */
const Cells = ({ rule }) => html`<span class=${`tag p${rule.priority}`}>P${rule.priority}</span><span class="set-name">${rule.name} <small class="muted mono">${rule.id}</small></span><span class="says muted">${wordsOf(rule)}</span>`;

/** What is watched without a rule, and where its limit is set. @type {[string, string][]} */
const BUILT_IN = [["device", "builtin"], ["gateway", "builtin"], ["backlog", "builtin"], ["clock", "builtin"], ["door_held", "builtin"], ["door_forced", "builtin"], ["denied", "builtin"], ["vehicle", "fleet"], ["request", "dispatch"]];

/** @param {string} to */
function goTo(to) {
  openTheSection(to);
  search.value = "";
  kind.value = "";
}

const BuiltIn = () => html`<details class="built-in"><summary>${t("settings.built_in")}</summary><dl>${BUILT_IN.map(([id, to]) => html`<div key=${id}><dt>${t(`settings.watch_${id}`)}</dt><dd>${t(`settings.watch_${id}_how`)} <button class="num" onClick=${() => goTo(to)}>${t(`settings.${to}`)}</button></dd></div>`)}</dl></details>`;

const newRule = () => open("rule", "+");

export function Rules() {
  useAsking(ruleList);
  const list = (rules.value ?? []).filter((one) => isFound(`${one.id} ${one.name} ${one.point} ${pointName(one.point)} ${one.device} ${deviceOf(one.device)?.name ?? ""} p${one.priority}`.toLowerCase()));
  const rows = list.map((one) => ({ key: `rule:${one.id}`, cells: html`<${Cells} rule=${one} />` }));
  const empty = rules.value === null ? t("settings.asking") : search.value ? t("settings.none_found") : t("settings.no_rules");
  return html`<section class="card list-card" aria-label=${t("settings.rules")}>
    ${ruleList.failure.value && html`<p class="alarm-failure" role="alert">${ruleList.failure.value}</p>`}
    <div class="toolbar set-tools"><${Search} label=${t("settings.search_rules")} /><span class="muted">${t("settings.n_rules", { n: rules.value?.length ?? 0 })}</span><span class="sp"></span>${mayChange() && html`<button class="btn pri" disabled=${!canChange()} onClick=${newRule}>${t("settings.new_rule")} <kbd>N</kbd></button>`}</div>
    <${List} label=${t("settings.rules")} kind="of-rules" rows=${rows} empty=${empty} create=${newRule} /><${BuiltIn} /></section>`;
}
