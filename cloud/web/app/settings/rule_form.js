// One rule: what it watches, when it says something, and in a sentence what that means.
import { html, useSignal } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { number, moment } from "../format.js";
import { pointHaystack, pointName, stateLabel, t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { pageZone } from "../sites.js";
import { canChange, mayChange } from "./asked.js";
import { Combo } from "./combo.js";
import { deviceHaystack, deviceOf, devices, gatewayName, lastAge, lastValue } from "./devices.js";
import { FormEnd, Panel, Remove, useForm } from "./editor.js";
import { Amount, Box, Choice, idOf, numberOf, slug, Text, Tick, wrongNumber } from "./fields.js";
import { ruleWords } from "./rule_words.js";
import { isTaken, points, removeRule, ruleList, ruleOf, rules, saveRule, tryRule, unitOf } from "./rules.js";
import { close, open } from "./where.js";

/** @typedef {import("./fields.js").Form} Form */
/** @typedef {import("./rules.js").Rule} Rule */
/** @typedef {Record<string, any>} Values */

const CONDITIONS = ["high", "low", "rate", "state", "stale"];
const NAMES = ["name", "device", "point", "condition", "limit", "deadband", "delay_s", "priority", "todo"];
const WEEK_S = 7 * 86_400;
/** A state that is shown as a choice has so many values at most. */
const STATES_MAX = 16;

/** @param {Rule | undefined} rule @returns {Values} */
const valuesOf = (rule) => (rule ? { name: rule.name, device: rule.device, point: rule.point, condition: rule.condition, limit: rule.limit === null ? "" : String(rule.limit), deadband: rule.deadband ? String(rule.deadband) : "", delay_s: String(rule.delay_s), priority: String(rule.priority), todo: rule.todo, enabled: rule.enabled }
  : { name: "", device: "", point: "", condition: "high", limit: "", deadband: "", delay_s: "60", priority: "2", todo: "", enabled: true });

/** What the API takes. @param {Values} values */
export function bodyOf(values) {
  const isStale = values["condition"] === "stale", hasBand = ["high", "low", "rate"].includes(values["condition"]);
  return { name: String(values["name"]).trim(), site: mapSite.value, device: values["device"], point: values["point"], condition: values["condition"], limit: isStale ? null : numberOf(values["limit"]) ?? null,
    deadband: hasBand ? numberOf(values["deadband"]) ?? 0 : 0, delay_s: numberOf(values["delay_s"]) ?? 0, priority: Number(values["priority"]), todo: String(values["todo"]).trim(), enabled: Boolean(values["enabled"]) };
}

/** @param {Values} values @returns {Record<string, string>} */
export function wrongWith(values) {
  const isStale = values["condition"] === "stale";
  return {
    name: String(values["name"]).trim() ? "" : t("settings.missing"), point: values["point"] ? "" : t("settings.missing"),
    limit: isStale ? "" : values["condition"] === "rate" && (numberOf(values["limit"]) ?? 1) <= 0 ? t("settings.above_zero") : wrongNumber(values["limit"], { needed: true }),
    deadband: wrongNumber(values["deadband"], { low: 0 }), delay_s: wrongNumber(values["delay_s"], { low: isStale ? 10 : 0, high: WEEK_S, needed: isStale }),
  };
}

/** An id nobody has yet. @param {string} name */
function freeId(name) {
  const said = slug(name);
  if (said && !isTaken(said)) return said;
  for (let n = said ? 2 : 1; ; n += 1) { const id = `${said.slice(0, 27) || "rule"}-${n}`; if (!isTaken(id)) return id; }
}

/** @param {{form: Form}} props */
function Watched({ form }) {
  const { device, point } = form.values;
  const fits = [...points.value].filter(([, one]) => !device || one.devices.includes(device));
  const pointOptions = fits.map(([name, one]) => ({ value: name, text: pointName(name), haystack: pointHaystack(name), unit: one.unit, n: one.devices.length }));
  const deviceOptions = [{ value: "", text: t("settings.every_device"), haystack: t("settings.every_device").toLowerCase() }, ...devices.value.map((one) => ({ value: one.device ?? "", text: one.name, haystack: deviceHaystack(one) }))];
  const aboutDevice = (/** @type {string} */ id) => { const one = deviceOf(id); return one ? [gatewayName(one.gateway), lastValue(one), lastAge(one)].filter(Boolean).join(" · ") : t("settings.every_device_about"); };
  const aboutPoint = (/** @type {string} */ name) => `${name} · ${points.value.get(name)?.unit || "–"} · ${t("settings.has_devices", { n: points.value.get(name)?.devices.length ?? 0 })}`;
  const hint = point && (device ? (deviceOf(device) ? `${lastValue(/** @type {any} */ (deviceOf(device)))} · ${lastAge(/** @type {any} */ (deviceOf(device)))}` : t("settings.not_announced")) : t("settings.watches_n", { n: points.value.get(point)?.devices.length ?? 0 }));
  return html`<${Box} form=${form} name="device" label=${t("settings.rule_device")}><${Combo} id=${idOf(form, "device")} label=${t("settings.rule_device")} value=${device} options=${deviceOptions} about=${aboutDevice} choose=${(/** @type {string} */ id) => form.set("device", id)} fixed=${form.fixed} /><//>
    <${Box} form=${form} name="point" label=${`${t("settings.rule_point")} *`} hint=${hint}><${Combo} id=${idOf(form, "point")} label=${t("settings.rule_point")} value=${point} options=${pointOptions} about=${aboutPoint} choose=${(/** @type {string} */ name) => form.set("point", name)} fixed=${form.fixed} invalid=${Boolean(form.errors["point"])}
      describedBy=${form.errors["point"] ? `${idOf(form, "point")}-wrong` : hint ? `${idOf(form, "point")}-hint` : undefined} placeholder=${t("settings.choose_point")} /><//>`;
}

/** @param {{form: Form}} props */
function When({ form }) {
  const { condition, point } = form.values;
  const unit = unitOf(point);
  const states = condition === "state" ? Array.from({ length: STATES_MAX }, (_, i) => [String(i), stateLabel(point, i)]).filter(([, text]) => text) : [];
  const limit = condition === "stale" ? null : states.length > 0 ? html`<${Choice} form=${form} name="limit" label=${`${t("settings.limit_state")} *`} options=${[["", "—"], ...states]} />`
    : html`<${Amount} form=${form} name="limit" label=${`${t(`settings.limit_${condition}`)} *`} unit=${condition === "rate" ? `${unit}/${t("unit.min")}` : unit} />`;
  return html`<${Choice} form=${form} name="condition" label=${t("settings.condition")} options=${CONDITIONS.map((one) => [one, t(`settings.condition_${one}`)])} />
    ${limit}
    <${Amount} form=${form} name="delay_s" label=${t(condition === "stale" ? "settings.delay_stale" : "settings.delay")} unit=${t("unit.s")} hint=${condition === "stale" ? "" : t("settings.delay_hint")} />
    ${["high", "low", "rate"].includes(condition) && html`<${Amount} form=${form} name="deadband" label=${t("settings.deadband")} unit=${unit} hint=${t("settings.deadband_hint")} />`}`;
}

/** What it would have done last week, on demand. @param {{form: Form, id: string}} props */
function Tried({ form, id }) {
  const said = useSignal("");
  const isBusy = useSignal(false);
  if (!mayChange()) return null;
  const ask = async () => {
    if (isBusy.peek() || !canChange()) return;
    if (Object.values(wrongWith(form.values)).some(Boolean)) { said.value = t("settings.try_whole"); return; }
    isBusy.value = true;
    said.value = t("settings.trying");
    try {
      const found = await tryRule(id, bodyOf(form.values));
      said.value = `${t("settings.tried", { n: found.raised, days: found.days, series: found.series, readings: number(found.readings) })}${found.whole ? "" : ` ${t("settings.tried_part")}`}`;
    } catch (failure) { said.value = failureWords(failure); }
    isBusy.value = false;
  };
  return html`<button class="btn" type="button" onClick=${ask}>${t("settings.try")}</button><span role="status">${said.value}</span>`;
}

/** @param {{draftKey: string, rule: Rule | undefined}} props */
function Form({ draftKey, rule }) {
  const isNew = rule === undefined;
  const of = useForm({
    key: draftKey, start: valuesOf(rule), rev: rule?.rev ?? 0, names: NAMES, theirs: ruleList.ask, check: wrongWith,
    save: async (values, rev) => {
      const id = rule?.id ?? freeId(String(values["name"]));
      await saveRule(id, { ...bodyOf(values), rev });
      if (isNew) open("rule", id);
    },
  });
  const { form } = of;
  const device = form.values["device"];
  return html`<form ref=${of.box} class="set-form" novalidate onSubmit=${of.submit}>
    <${Text} form=${form} name="name" label=${`${t("settings.name")} *`} max=${100} wide=${true} />
    <${Watched} form=${form} /><${When} form=${form} />
    <${Choice} form=${form} name="priority" label=${t("settings.priority")} options=${["1", "2", "3"].map((one) => [one, t(`settings.priority_${one}`)])} />
    <${Text} form=${form} name="todo" label=${t("settings.todo")} max=${300} wide=${true} hint=${t("settings.todo_hint")} />
    <${Tick} form=${form} name="enabled" label=${t("settings.rule_on")} wide=${true} />
    <p class="says wide" role="status" aria-label=${t("settings.in_words")}>${ruleWords(form.values, unitOf(form.values["point"]), device && (deviceOf(device)?.name ?? device))}</p>
    <div class="tried wide"><${Tried} form=${form} id=${rule?.id ?? "new"} /></div>
    ${rule && html`<p class="muted wide">${t("settings.changed_by", { who: rule.changed_by, time: moment(rule.changed_at, now.value, pageZone.value) })}</p>`}
    <${FormEnd} of=${of} isNew=${isNew}>${rule && html`<${Remove} key=${rule.id} what=${t("settings.remove_rule", { name: rule.name })} remove=${async () => { await removeRule(rule.id); close(); }} />`}<//></form>`;
}

/** @param {{id: string}} props an id, or `+` for a new one */
export function RulePanel({ id }) {
  const isNew = id.startsWith("+");
  const rule = isNew ? undefined : ruleOf(id);
  if (rules.value === null) return html`<${Panel} title=${t("settings.rules")}><p class="calm muted" role="status">${ruleList.failure.value || t("settings.asking")}</p><//>`;
  if (!isNew && !rule) return html`<${Panel} title=${id}><p class="calm muted">${t("settings.gone")}</p><//>`;
  return html`<${Panel} title=${rule?.name ?? t("settings.new_rule")} sub=${rule ? rule.id : t("settings.new_sub")}><${Form} key=${id} draftKey=${`rule:${id}`} rule=${rule} /><//>`;
}
