// The sections of thresholds: of vehicles, dispatch, use, built-in alarms. One form each; what is changed is laid over what holds now.
import { html, signal, useEffect } from "../../vendor/preact.js";
import { call, get } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { t, word } from "../i18n.js";
import { failureWords } from "../overview/loading.js";
import { fromField, toField } from "../requests/local_time.js";
import { zoneOf } from "../sites.js";
import { FormEnd, useForm } from "./editor.js";
import { Amount, Choice, Lines, linesOf, numberOf, Tick, wrongNumber } from "./fields.js";
import { choicesOf, KindChoices, kindValues } from "./kind_choices.js";
import { Approval, Seals, wrongSeals } from "./row_lists.js";
import { at, BUILT_IN, DISPATCH, FLEET, USE, withAt } from "./thresholds.js";

/** @typedef {import("./thresholds.js").Threshold} Threshold */
/** @typedef {import("./fields.js").Form} Form */
/** @typedef {Record<string, any>} Values */
/** @typedef {{id: string, path: () => string, groups: Record<string, Threshold[]>, more: string}} Section `more`: a list of rows beside the thresholds */
/** @typedef {{site: string, rev: number, settings: any, kinds?: import("./kind_choices.js").Kind[]}} Said what the collector answered */

/** @type {Section} */
const OF_FLEET = { id: "fleet", path: () => `/api/v1/fleet-settings/${encodeURIComponent(mapSite.value)}`, groups: FLEET, more: "seals" };
/** @type {Section} */
const OF_DISPATCH = { id: "dispatch", path: () => `/api/v1/dispatch/settings/${encodeURIComponent(mapSite.value)}`, groups: DISPATCH, more: "approval" };
/** @type {Section} */
const OF_USE = { id: "rooms", path: OF_DISPATCH.path, groups: USE, more: "" };
/** @type {Section} */
const OF_BUILT_IN = { id: "builtin", path: () => `/api/v1/alarm-settings/${encodeURIComponent(mapSite.value)}`, groups: BUILT_IN, more: "kinds" };

/** Settings as their fields have them. @param {Section} of @param {Said} said */
function valuesOf(of, said) {
  const { settings } = said;
  /** @type {Values} */
  const values = {};
  for (const one of Object.values(of.groups).flat()) {
    const value = at(settings, one.name);
    if (one.type === "lines") values[one.name] = (value ?? []).join("\n");
    else if (one.type === "tiers") for (const tier of one.options ?? []) values[`${one.name}.${tier}`] = (value ?? []).includes(tier);
    else values[one.name] = one.type === "amount" ? String(Math.round((Number(value) / (one.per ?? 1)) * 1e6) / 1e6) : value;
  }
  if (of.more === "kinds") Object.assign(values, kindValues(said.kinds ?? [], settings.kinds));
  if (of.more === "approval") values["approval"] = settings.approval ?? [];
  if (of.more === "seals") {
    const zone = zoneOf(mapSite.peek());
    values["seals"] = (settings.seals ?? []).map((/** @type {any} */ one) => ({ name: one.name, since: toField(one.since, zone), until: toField(one.until, zone), vehicles: (one.vehicles ?? []).join(", ") }));
  }
  return values;
}

/** What of the form is different from what it began with, laid over the settings as they are. @param {Section} of @param {Values} values @param {Values} start @param {Said} said */
function bodyOf(of, values, start, said) {
  const differs = (/** @type {string} */ name) => JSON.stringify(values[name]) !== JSON.stringify(start[name]);
  let body = said.settings;
  for (const one of Object.values(of.groups).flat()) {
    const parts = one.type === "tiers" ? (one.options ?? []).map((tier) => `${one.name}.${tier}`) : [one.name];
    if (!parts.some(differs)) continue;
    if (one.type === "lines") body = withAt(body, one.name, linesOf(values[one.name]));
    else if (one.type === "tiers") body = withAt(body, one.name, (one.options ?? []).filter((tier) => values[`${one.name}.${tier}`]));
    else body = withAt(body, one.name, one.type === "amount" ? Math.round((numberOf(values[one.name]) ?? 0) * (one.per ?? 1) * 1e6) / 1e6 : values[one.name]);
  }
  if (of.more === "kinds") body = { ...body, kinds: choicesOf(said.kinds ?? [], values) };
  if (of.more === "approval" && differs("approval")) body = { ...body, approval: values["approval"] };
  if (of.more === "seals" && differs("seals")) {
    const zone = zoneOf(mapSite.peek());
    body = { ...body, seals: values["seals"].map((/** @type {any} */ one) => ({ name: one.name.trim(), since: fromField(one.since, zone), until: fromField(one.until, zone), vehicles: one.vehicles.split(/[,，\s]+/).filter(Boolean) })) };
  }
  return body;
}

/** @param {Section} of @param {Values} values @returns {Record<string, string>} */
function wrongWith(of, values) {
  const found = Object.fromEntries(Object.values(of.groups).flat().filter((one) => one.type === "amount").map((one) => [one.name, wrongNumber(values[one.name], { low: one.low ?? 0, high: one.high ?? Infinity, whole: one.whole ?? false, needed: true })]));
  return of.more === "seals" ? { ...found, seals: wrongSeals(values["seals"], zoneOf(mapSite.peek())) } : found;
}

/** Where a fault belongs that names its place (`... at `$.tiers.4h.assign_s``, or `seals: ...`). @param {Section} of @param {string} message */
function placed(of, message) {
  const names = [...Object.values(of.groups).flat().map((one) => one.name), "seals", "approval"];
  const path = /`\$\.([\w.]+)/.exec(message)?.[1] ?? message.split(":")[0] ?? "";
  const name = names.find((one) => one === path) ?? names.find((one) => path.startsWith(one)) ?? "";
  return { [name]: message };
}

/** Words below a group. @type {Record<string, string>} */
const NOTES = { evaluation: "settings.evaluation_note", doors: "settings.builtin_doors_note", gateways: "settings.builtin_clocks_note" };

/** @param {{form: Form, one: Threshold, of: Section}} props */
function Field({ form, one, of }) {
  const label = t(`settings.${of.id}_${one.name.replace(/^tiers\.\w+\./, "step_").replaceAll(".", "_")}`);
  if (one.type === "choice") return html`<${Choice} form=${form} name=${one.name} label=${label} options=${(one.options ?? []).map((option) => [option, t(`settings.${of.id}_${one.name}_${option}`)])} />`;
  if (one.type === "lines") return html`<${Lines} form=${form} name=${one.name} label=${label} hint=${t("settings.schedule_hint")} />`;
  if (one.type === "tiers") return html`<fieldset class="field tiers"><legend>${label}</legend>${(one.options ?? []).map((tier) => html`<${Tick} key=${tier} form=${form} name=${`${one.name}.${tier}`} label=${word("requests.tier", tier)} />`)}</fieldset>`;
  return html`<${Amount} form=${form} name=${one.name} label=${label} unit=${one.unit === "min" || one.unit === "s" || one.unit === "h" ? t(`unit.${one.unit}`) : one.unit} />`;
}

/** @param {{of: Section, said: Said, ask: () => Promise<void>}} props */
function Form({ of, said, ask }) {
  const start = valuesOf(of, said);
  const state = useForm({
    key: `settings:${of.id}`, start, rev: said.rev, names: [], theirs: ask, check: (values) => wrongWith(of, values), place: (failure) => placed(of, failure.message),
    save: async (values, rev) => {
      await call("PUT", `${of.path()}?rev=${rev}`, bodyOf(of, values, start, said));
      await ask();
    },
  });
  return html`<form ref=${state.box} class="set-form thresholds" novalidate onSubmit=${state.submit}>
    ${Object.entries(of.groups).map(([group, list]) => html`<fieldset key=${group} class="group"><legend>${group.startsWith("tier_") ? t("settings.limits_of", { tier: word("requests.tier", group.slice(5)) }) : t(`settings.group_${group}`)}</legend>${list.map((one) => html`<${Field} key=${one.name} form=${state.form} one=${one} of=${of} />`)}
      ${NOTES[group] && html`<p class="muted wide">${t(NOTES[group])}</p>`}</fieldset>`)}
    ${of.more === "kinds" && html`<${KindChoices} form=${state.form} kinds=${said.kinds ?? []} />`}
    ${of.more === "seals" && html`<${Seals} form=${state.form} />`}${of.more === "approval" && html`<${Approval} form=${state.form} />`}
    <${FormEnd} of=${state} isNew=${false} /></form>`;
}

/** @param {Section} of */
function sectionOf(of) {
  const answer = signal(/** @type {Said | null} */ (null));
  const failure = signal("");
  const ask = async () => {
    try {
      const said = await get(of.path());
      answer.value = said;
      failure.value = "";
    } catch (error) { failure.value = failureWords(error); }
  };
  return function Thresholds() {
    useEffect(() => { void ask(); }, [mapSite.value]);
    const said = answer.value?.site === mapSite.value ? answer.value : null;
    return html`<section class="card list-card plain-section" aria-label=${t(`settings.${of.id}`)}><div class="h"><h2>${t(`settings.${of.id}`)}</h2><small>${t(`settings.about_${of.id}`)}</small></div>
      ${failure.value && html`<p class="alarm-failure" role="alert">${failure.value}</p>`}
      <div class="set-box">${said ? html`<${Form} key=${said.site} of=${of} said=${said} ask=${ask} />` : html`<p class="calm muted" role="status">${t("settings.asking")}</p>`}</div></section>`;
  };
}

export const Fleet = sectionOf(OF_FLEET);
export const DispatchSettings = sectionOf(OF_DISPATCH);
export const Use = sectionOf(OF_USE);
export const BuiltInAlarms = sectionOf(OF_BUILT_IN);
