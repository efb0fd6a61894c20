// One record: what happened, when, with which readings, and why. It is tried first, then made.
import { html, useRef, useSignal } from "../../vendor/preact.js";
import { ApiFailure, call, query } from "../api.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { focusWrong } from "../requests/fields.js";
import { fromField, toField } from "../requests/local_time.js";
import { canChange } from "../settings/asked.js";
import { Amount, Choice, Text, wrongNumber } from "../settings/fields.js";
import { Tried } from "./correct.js";
import { chosen } from "./where.js";

/** @typedef {Record<string, any>} Values */

const TYPES = ["replaced", "ratio", "hand_read", "confirmed", "struck"];
const SPANS = new Set(["confirmed", "struck"]);
/** The readings that each type asks for. @type {Record<string, string[]>} */
const NUMBERS = { replaced: ["final", "initial"], ratio: ["ct", "pt"], hand_read: ["reading"], confirmed: [], struck: [] };

/** What the address asks for: `confirmed@since-until`, `ratio`. @param {string} zone @param {string} reads @returns {Values} */
function begin(zone, reads) {
  const found = /^(confirmed|struck)@(\d+)-(\d+)$/.exec(chosen.peek());
  const at = toField(Math.floor(now.peek() / 60_000) * 60_000, zone);
  const type = found ? String(found[1]) : TYPES.includes(chosen.peek()) ? chosen.peek() : reads === "manual" ? "hand_read" : "replaced";
  return { type, at, since: found ? toField(Number(found[2]), zone) : "", until: found ? toField(Number(found[3]), zone) : "", final: "", initial: "0", ct: "", pt: "1", reading: "", why: "" };
}

/** The record as the collector takes it. @param {Values} values @param {string} zone */
export function bodyOf(values, zone) {
  const type = String(values["type"]);
  const times = SPANS.has(type) ? { since: fromField(values["since"], zone), until: fromField(values["until"], zone) } : { at: fromField(values["at"], zone) };
  return { type, ...times, ...Object.fromEntries((NUMBERS[type] ?? []).map((one) => [one, String(values[one]).trim().replace(",", ".")])) };
}

/** What is wrong before it is asked; "" where nothing is. @param {Values} values @param {string} zone @param {boolean} isFinal @returns {Record<string, string>} */
export function wrongWith(values, zone, isFinal) {
  const type = String(values["type"]);
  /** @type {Record<string, string>} */
  const wrong = {};
  for (const one of SPANS.has(type) ? ["since", "until"] : ["at"]) {
    const at = fromField(String(values[one]), zone);
    wrong[one] = at === null ? t("settings.missing") : at > now.peek() + 86_400_000 ? t("money.in_future") : "";
  }
  if (SPANS.has(type) && !wrong["until"] && !wrong["since"] && Number(fromField(values["since"], zone)) >= Number(fromField(values["until"], zone))) wrong["until"] = t("requests.wrong_window");
  for (const one of NUMBERS[type] ?? []) wrong[one] = wrongNumber(values[one], { needed: true, low: one === "ct" || one === "pt" ? 0.000001 : -Infinity });
  if (isFinal && !String(values["why"]).trim()) wrong["why"] = t("money.why_needed");
  return Object.fromEntries(Object.entries(wrong).filter(([, text]) => text));
}

/** @param {{site: string, zone: string, meter: import("./structure.js").Meter, done: () => Promise<void>}} props */
export function CorrectForm({ site, zone, meter, done }) {
  const values = useSignal(begin(zone, meter.reads));
  const errors = useSignal(/** @type {Record<string, string>} */ ({}));
  const tried = useSignal(/** @type {any} */ (null));
  const said = useSignal("");
  const isBusy = useSignal(false);
  const box = useRef(/** @type {HTMLFormElement | null} */ (null));
  const set = (/** @type {string} */ name, /** @type {any} */ value) => { values.value = { ...values.peek(), [name]: value }; tried.value = null; said.value = ""; const { [name]: _gone, "": _all, ...rest } = errors.peek(); errors.value = rest; };
  const form = { values: values.value, errors: errors.value, set, prefix: "correct", fixed: false };
  const type = String(values.value["type"]);
  const path = `/api/v1/energy/records/${encodeURIComponent(site)}/${encodeURIComponent(meter.id)}`;
  /** @param {boolean} isFinal */
  const send = async (isFinal) => {
    if (isBusy.peek() || !canChange()) return;
    errors.value = wrongWith(values.peek(), zone, isFinal);
    if (Object.keys(errors.peek()).length > 0) { focusWrong(box.current); return; }
    isBusy.value = true;
    try {
      const body = bodyOf(values.peek(), zone);
      if (isFinal) {
        const { id } = await call("POST", `${path}?${query({ why: String(values.peek()["why"]).trim() })}`, body);
        said.value = t("money.recorded", { id });
        values.value = { ...values.peek(), why: "", final: "", reading: "" };
        await done();
      } else tried.value = await call("POST", `${path}/try`, body);
    } catch (failure) {
      errors.value = { "": failure instanceof ApiFailure && failure.status === 422 ? failure.message : failureWords(failure) };
    } finally { isBusy.value = false; }
  };
  const time = (/** @type {string} */ one, /** @type {string} */ label) => html`<${Text} form=${form} name=${one} label=${label} type="datetime-local" />`;
  const modulus = meter.register?.["modulus"], rated = meter.register?.["rated"];
  return html`<form ref=${box} class="set-form correct-form" novalidate onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void send(true); }}>
    <${Choice} form=${form} name="type" label=${t("money.what_happened")} wide=${true} options=${TYPES.map((one) => [one, t(`money.type_long.${one}`)])} hint=${t(`money.type_hint.${type}`)} />
    ${SPANS.has(type) ? html`${time("since", t("money.from"))}${time("until", t("money.to"))}` : time("at", t("money.at"))}
    ${(NUMBERS[type] ?? []).map((one) => html`<${Amount} key=${one} form=${form} name=${one} label=${t(`money.number.${one}`)} />`)}
    <p class="muted wide">${t("money.zone_note", { zone })}${rated ? ` · ${t("money.rated", { rated })}` : ""}${modulus ? ` · ${t("money.modulus", { modulus })}` : ""}</p>
    <${Text} form=${form} name="why" label=${`${t("money.why")} *`} max=${500} wide=${true} hint=${t("money.why_hint")} />
    <p class="failure wide" role="alert">${errors.value[""] ?? ""}</p>
    ${tried.value && html`<div class="wide"><${Tried} tried=${tried.value} zone=${zone} /></div>`}
    <div class="form-end wide"><button class="btn" type="button" aria-disabled=${isBusy.value || !canChange()} onClick=${() => void send(false)}>${t("money.try_record")}</button>
      <button class="btn pri" type="submit" aria-disabled=${isBusy.value || !canChange()}>${t("money.make_record")}</button><span class="muted" role="status">${canChange() ? said.value : t("requests.offline")}</span></div></form>`;
}
