// The form of a record: its fields by kind, what is wrong beside each, and what somebody else changed meanwhile.
import { html, useEffect, useRef, useSignal } from "../../vendor/preact.js";
import { ApiFailure } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { t } from "../i18n.js";
import { entities, roster } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { Choice, Lines, linesOf, slug, Text, Tick } from "../settings/fields.js";
import { close } from "../settings/where.js";
import { dayStart, fromField, toField } from "../requests/local_time.js";
import { zoneOf } from "../sites.js";
import { isNow, mayWrite, recordOf, recordsOf, remove, save } from "./asked.js";
import { HolderChoice } from "./holder_choice.js";
import { open } from "./where.js";

/** @typedef {Record<string, any>} Rec */
/** @typedef {[name: string, type: string]} Field */

const DAY_MS = 86_400_000;
/** @type {Record<string, Field[]>} */
const FIELDS = {
  holder: [["name", "name"], ["unit", "text"], ["until_at", "last"], ["disabled", "tick"]],
  credential: [["holder", "holder!"], ["kind", "card_kind"], ["level", "level"], ["label", "text"], ["from_at", "first"], ["until_at", "last"], ["blocked", "text"], ["exempt", "tick"], ["lasting", "tick"]],
  group: [["name", "name"], ["members", "lines"]],
  permission: [["holder", "holder"], ["group", "group"], ["door", "door"], ["door_group", "door_group"], ["schedule", "schedule"], ["from_at", "first"], ["until_at", "last"]],
  schedule: [["name", "name"], ["parts", "lines"], ["dates", "dates"]],
  door_group: [["name", "name"], ["doors", "lines"]],
};
const CARD = /^[0-9a-f]{32}$/;

/** @param {number | null | undefined} at @param {string} zone @param {boolean} last */
const dayField = (at, zone, last) => (at ? toField(last ? at - 1 : at, zone).slice(0, 10) : "");

/** The instant a day begins, or the one after a last day. @param {string} text @param {string} zone @param {boolean} last */
function instantOf(text, zone, last) {
  if (!text) return null;
  const start = fromField(`${text}T00:00`, zone);
  return start === null || !last ? start : dayStart(start + DAY_MS + DAY_MS / 2, zone);
}

/** @param {string} kind @param {Rec | undefined} one @param {Rec} given @param {string} zone @returns {Rec} */
function valuesOf(kind, one, given, zone) {
  /** @type {Rec} */
  const values = { id: one?.["id"] ?? given["id"] ?? "" };
  for (const [name, type] of FIELDS[kind] ?? []) {
    const value = one?.[name] ?? given[name];
    if (type === "lines") values[name] = (value ?? []).join("\n");
    else if (type === "dates") values[name] = Object.entries(value ?? {}).map(([day, hours]) => `${day} ${hours.join(", ")}`.trim()).join("\n");
    else if (type === "first" || type === "last") values[name] = dayField(value, zone, type === "last");
    else if (type === "card_kind") values[name] = value ?? "card";
    else values[name] = type === "level" ? String(value ?? 1) : value ?? (type === "tick" ? false : "");
  }
  return values;
}

/** What the API takes. @param {string} kind @param {Rec} values @param {string} zone @returns {Rec} */
export function bodyOf(kind, values, zone) {
  /** @type {Rec} */
  const body = {};
  for (const [name, type] of FIELDS[kind] ?? []) {
    const value = values[name];
    if (type === "lines") body[name] = linesOf(value);
    else if (type === "dates") body[name] = Object.fromEntries(linesOf(value).map((line) => { const [day = "", ...rest] = line.split(/[\s,;]+/); return [day, rest]; }));
    else if (type === "first" || type === "last") body[name] = instantOf(value, zone, type === "last");
    else body[name] = type === "level" ? Number(value) : typeof value === "string" ? value.trim() : value;
  }
  return body;
}

/** What may be chosen, and what is chosen already, known or not. @param {string} type @param {string} value @returns {[string, string][]} */
function optionsWith(type, value) {
  const options = optionsOf(type);
  return value && !options.some(([one]) => one === value) ? [...options, [value, value]] : options;
}

/** @param {string} type @returns {[string, string][]} */
function optionsOf(type) {
  const empty = /** @type {[string, string]} */ (["", type === "schedule" ? t("access.always") : "—"]);
  const listed = (/** @type {string} */ kind) => [empty, ...(recordsOf(kind) ?? []).map((one) => /** @type {[string, string]} */ ([one["id"], one["name"]]))];
  if (type === "card_kind") return ["card", "phone", "tag", "plate"].map((one) => [one, t(`access.kind_${one}`)]);
  if (type === "level") return ["1", "2", "3"].map((one) => [one, t(`access.level_${one}`)]);
  if (type !== "door") return listed(type.replace("!", ""));
  void roster.value;
  const mark = `${mapSite.value}/door:`;
  return [empty, ...[...entities.values()].map((one) => one.value).filter((one) => one.id.startsWith(mark)).map((one) => /** @type {[string, string]} */ ([one.id.slice(mark.length), one.name || one.id.slice(mark.length)]))];
}

/** @param {{form: any, kind: string, field: Field}} props */
function FieldOf({ form, kind, field: [name, type] }) {
  const label = t(`access.field_${name}`), wide = ["lines", "dates", "name"].includes(type);
  const hint = type === "lines" || type === "dates" ? t(`access.hint_${name}`) : name === "blocked" ? t("access.hint_blocked") : "";
  if (type === "lines" || type === "dates") return html`<${Lines} form=${form} name=${name} label=${label} wide=${true} rows=${4} hint=${hint} />`;
  if (type === "tick") return html`<${Tick} form=${form} name=${name} label=${label} wide=${true} />`;
  if (type === "name" || type === "text") return html`<${Text} form=${form} name=${name} label=${`${label}${type === "name" ? " *" : ""}`} max=${100} wide=${wide} hint=${hint} />`;
  if (type === "first" || type === "last") return html`<${Text} form=${form} name=${name} label=${label} type="date" />`;
  if (type.replace("!", "") === "holder") return html`<${HolderChoice} form=${form} name=${name} label=${`${label}${kind === "credential" ? " *" : ""}`} />`;
  return html`<${Choice} form=${form} name=${name} label=${`${label}${kind === "credential" && name === "holder" ? " *" : ""}`} options=${optionsWith(type, String(form.values[name] ?? ""))} />`;
}

/** @param {{kind: string, id: string, given?: Rec, done?: () => void}} props an id, or `+` for a new one; `given`: what a new one begins with */
export function RecordForm({ kind, id, given = {}, done }) {
  const one = recordOf(kind, id), isNew = one === undefined, zone = zoneOf(mapSite.value);
  const start = valuesOf(kind, one, given, zone);
  const values = useSignal(/** @type {Rec | null} */ (null));
  const rev = useSignal(one?.["rev"] ?? 0);
  const errors = useSignal(/** @type {Record<string, string>} */ ({}));
  const said = useSignal("");
  const busy = useSignal(false);
  const sure = useSignal(false);
  const box = useRef(/** @type {HTMLFormElement | null} */ (null));
  // What nobody is typing into follows what others write.
  useEffect(() => { if (values.peek() === null) rev.value = one?.["rev"] ?? 0; }, [one?.["rev"]]);
  const now = values.value ?? start;
  const form = { values: now, errors: errors.value, prefix: `access-${kind}`, fixed: !mayWrite(), set: (/** @type {string} */ name, /** @type {any} */ value) => { values.value = { ...now, [name]: value }; errors.value = {}; said.value = ""; } };
  const doing = async (/** @type {() => Promise<void>} */ work) => {
    if (busy.peek() || !isNow()) return;
    busy.value = true;
    try { await work(); } catch (failure) {
      const isOver = failure instanceof ApiFailure && failure.status === 409;
      const faults = failure instanceof ApiFailure ? failure.faults : [];
      errors.value = isOver ? { "": t("access.overtaken") } : faults.length > 0 ? Object.fromEntries(faults.map((each) => [each.key, each.message])) : { "": failureWords(failure) };
    } finally { busy.value = false; }
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = isNew ? String(now["id"] || slug(String(now["name"] ?? "")) || (kind === "permission" ? slug(`${now["holder"] || now["group"]}-${now["door"] || now["door_group"]}`) : "")).trim() : id;
    if (kind === "credential" ? !CARD.test(name) : !name) { errors.value = { id: t(kind === "credential" ? "access.no_card_key" : "settings.id_rule") }; return; }
    void doing(async () => {
      const made = await save(kind, name, bodyOf(kind, now, zone), rev.peek());
      values.value = null;
      rev.value = made["rev"];
      said.value = t("settings.saved");
      if (done) done();
      else if (isNew) open(kind, name);
    });
  };
  const away = () => doing(async () => { await remove(kind, id, rev.peek()); close(); });
  return html`<form ref=${box} class="set-form" novalidate onSubmit=${submit}>
    ${isNew && html`<${Text} form=${form} name="id" label=${kind === "credential" ? `${t("access.field_key")} *` : t("access.field_id")} max=${kind === "credential" ? 32 : 32} wide=${true} hint=${t(kind === "credential" ? "access.hint_key" : "access.hint_id")} />`}
    ${(FIELDS[kind] ?? []).map((field) => html`<${FieldOf} key=${field[0]} form=${form} kind=${kind} field=${field} />`)}
    <p class="failure wide" role="alert">${errors.value[""] ?? ""}</p>
    ${mayWrite() ? html`<div class="form-end wide"><button class="btn pri" type="submit" aria-disabled=${busy.value || !isNow()}>${t(isNew ? "settings.make" : "settings.save")}</button>
      ${!isNew && (sure.value ? html`<span class="set-sure" role="group" aria-label=${t("access.sure")}><span>${t("access.sure")}</span><button class="btn danger" type="button" onClick=${away}>${t("settings.remove_yes")}</button><button class="btn" type="button" onClick=${() => { sure.value = false; }}>${t("settings.remove_no")}</button></span>`
        : html`<button class="btn" type="button" onClick=${() => { sure.value = true; }}>${t("settings.remove")}</button>`)}
      <span class="muted" role="status">${!isNow() ? t("requests.offline") : said.value}</span></div>` : html`<p class="calm muted wide">${t("access.only_officers")}</p>`}</form>`;
}
