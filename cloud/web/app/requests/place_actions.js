// What may be done beside a room and a visitor: bookings cancelled, extended and signed in; arrivals, leavings, passes cancelled.
import { html, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { ApiFailure, query } from "../api.js";
import { hourMinute } from "../format.js";
import { t, word } from "../i18n.js";
import { now, pastAt } from "../live/link.js";
import { failureWords, useAnswer } from "../overview/loading.js";
import { wall } from "../place.js";
import { zoneOf } from "../sites.js";
import { canAct, isDispatcher, newKey, post } from "./act.js";
import { fromField, toField } from "./local_time.js";
import { hourOrDay } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {Record<string, any>} Facts */
/** @typedef {{about: string, action: string, failure: unknown}} Failed */

const SHOWN_MOST = 12;
const HALF_HOUR_MS = 1_800_000;
const CAME_EARLY_MS = 15 * 60_000;

/** @param {Entity} entity */
const local = (entity) => entity.id.slice(entity.id.indexOf(":") + 1);

/** @param {Facts} one @param {string} zone */
const spanOf = (one, zone) => `${hourOrDay(one["from"], now.value, zone)}–${hourMinute(one["until"], zone)}`;

/** One change at a time; the same one sent again after the line broke is done once. */
function useChange(/** @type {() => void} */ done) {
  const busy = useSignal("");
  const failed = useSignal(/** @type {Failed | null} */ (null));
  const key = useRef({ said: "", value: "" });
  const run = async (/** @type {string} */ path, /** @type {string} */ about, /** @type {string} */ action, /** @type {Facts} */ body) => {
    if (busy.peek()) return false;
    const said = JSON.stringify([path, body]);
    if (!key.current || key.current.said !== said) key.current = { said, value: newKey() };
    busy.value = `${about} ${action}`;
    failed.value = null;
    try {
      await post(path, body, key.current.value);
      done();
      return true;
    } catch (failure) {
      failed.value = { about, action, failure };
      // Somebody was faster: what is shown is asked for anew.
      if (failure instanceof ApiFailure && failure.status === 409) done();
      return false;
    } finally {
      busy.value = "";
    }
  };
  return { busy: busy.value !== "", failed: failed.value, run, forget: () => { failed.value = null; } };
}

/** What went wrong, and that it is to be looked at again where somebody was faster. @param {{failed: Failed}} props */
function Why({ failed }) {
  const { failure } = failed;
  const isOvertaken = failure instanceof ApiFailure && failure.code === "conflict";
  const words = isOvertaken ? t("places.overtaken") : failure instanceof ApiFailure && failure.status === 403 ? t("requests.not_allowed") : failureWords(failure);
  return html`<p class="notice" role="alert">${words}</p>`;
}

/** Asked before what cannot be undone. @param {{words: string, action: string, busy: boolean, sure: () => void, onClose: () => void}} props */
function Sure({ words, action, busy, sure, onClose }) {
  const box = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useLayoutEffect(() => { box.current?.focus(); }, []);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") { event.stopPropagation(); onClose(); } };
  return html`<div class="sure" role="group" aria-label=${words} onKeyDown=${onKeyDown}><p>${words}</p>
    <div class="form-end"><button class="btn pri" disabled=${busy || !canAct()} onClick=${sure}>${action}</button><button ref=${box} class="btn" onClick=${onClose}>${t("requests.leave")}</button></div></div>`;
}

/** Another end. @param {{booking: Facts, zone: string, busy: boolean, send: (until: number) => void, onClose: () => void}} props */
function Extend({ booking, zone, busy, send, onClose }) {
  const text = useSignal(toField(booking["until"] + HALF_HOUR_MS, zone));
  const wrong = useSignal("");
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  useLayoutEffect(() => { box.current?.focus(); }, []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const until = fromField(text.peek(), zone);
    wrong.value = until === null ? t("requests.wrong_missing") : until <= booking["from"] ? t("requests.wrong_window") : until <= now.peek() ? t("requests.wrong_over") : "";
    if (wrong.peek()) box.current?.focus();
    else send(/** @type {number} */ (until));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") { event.stopPropagation(); onClose(); } };
  return html`<form class="saying" novalidate onSubmit=${submit} onKeyDown=${onKeyDown}><div class="field"><label for="new-end">${t("places.new_end")}</label>
      <input ref=${box} id="new-end" type="datetime-local" value=${text.value} aria-invalid=${wrong.value ? "true" : undefined} aria-describedby="new-end-wrong" onInput=${(/** @type {any} */ event) => { text.value = event.target.value; wrong.value = ""; }} /></div>
    <p id="new-end-wrong" class="failure" role="alert">${wrong.value}</p>
    <div class="form-end"><button class="btn pri" type="submit" disabled=${busy || !canAct()}>${t("places.extend")}</button><button class="btn" type="button" onClick=${onClose}>${t("requests.leave")}</button></div></form>`;
}

/** What may be done to a booking now. @param {Facts} one */
const possible = (one) => [one["state"] === "booked" && now.value >= one["from"] - CAME_EARLY_MS && "sign-in", "extend", "cancel"].filter((action) => typeof action === "string");

/** @param {{entity: Entity}} props */
function Bookings({ entity }) {
  const zone = zoneOf(entity.site);
  const turn = useSignal(0);
  const open = useSignal({ id: "", action: "" });
  const close = () => { open.value = { id: "", action: "" }; };
  const { answer, failure } = useAnswer(`/api/v1/bookings?${query({ site: entity.site, room: local(entity), rev: entity.rev, turn: turn.value })}`, `bookings ${entity.id}`);
  const change = useChange(() => { turn.value += 1; });
  /** @type {Facts[]} */
  const list = (answer?.bookings ?? []).slice(0, SHOWN_MOST);
  const may = isDispatcher() && !wall.value;
  const run = async (/** @type {Facts} */ one, /** @type {string} */ action, /** @type {Facts} */ more = {}) => {
    if (await change.run(`/api/v1/bookings/${encodeURIComponent(one["id"])}/${action}`, one["id"], action, { rev: one["rev"], ...more })) close();
  };
  const press = (/** @type {Facts} */ one, /** @type {string} */ action) => () => {
    change.forget();
    if (action === "sign-in") { close(); void run(one, action); }
    else open.value = { id: one["id"], action };
  };
  return html`<h3>${t("places.bookings")}</h3>
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${answer && list.length === 0 && html`<p class="calm muted">${t("places.no_bookings")}</p>`}
    <ul class="bookings">${list.map((one) => html`<li key=${one["id"]}>
      <span><b>${spanOf(one, zone)}</b> ${[one["unit"], one["subject"], one["people"] > 0 && t("dispatch.people", { n: one["people"] })].filter(Boolean).join(" · ")}<br /><small class="muted">${[word("places.state", one["state"]), one["organiser"], one["phone"]].filter(Boolean).join(" · ")}</small></span>
      ${may && html`<span class="booking-actions">${possible(one).map((action) => html`<button key=${action} class="btn" disabled=${!canAct() || change.busy} aria-label=${t(`places.${action.replace("-", "_")}_of`, { span: spanOf(one, zone) })} onClick=${press(one, action)}>${t(`places.${action.replace("-", "_")}`)}</button>`)}</span>`}
      ${may && open.value.id === one["id"] && open.value.action === "cancel" && html`<${Sure} words=${t("places.sure_booking", { unit: one["unit"], span: spanOf(one, zone) })} action=${t("places.cancel_booking")} busy=${change.busy} sure=${() => void run(one, "cancel")} onClose=${close} />`}
      ${may && open.value.id === one["id"] && open.value.action === "extend" && html`<${Extend} key=${one["id"]} booking=${one} zone=${zone} busy=${change.busy} send=${(/** @type {number} */ until) => void run(one, "extend", { until })} onClose=${close} />`}
      ${change.failed?.about === one["id"] && html`<${Why} failed=${change.failed} />`}</li>`)}</ul>
    ${change.failed && !list.some((one) => one["id"] === change.failed?.about) && html`<${Why} failed=${change.failed} />`}`;
}

/** @type {Record<string, string[]>} */
const VISIT = { expected: ["arrive", "cancel"], arrived: ["leave"], overdue: ["leave"], left: ["arrive"] };

/** @param {{entity: Entity}} props */
function Visit({ entity }) {
  const facts = /** @type {Facts} */ (entity.attributes);
  const isAsking = useSignal(false);
  const change = useChange(() => undefined);
  const list = VISIT[String(facts["state"])] ?? [];
  if (!isDispatcher() || wall.value) return null;
  const run = async (/** @type {string} */ action) => { if (await change.run(`/api/v1/passes/${encodeURIComponent(local(entity))}/${action}`, "pass", action, { rev: facts["rev"] })) isAsking.value = false; };
  const press = (/** @type {string} */ action) => () => { change.forget(); if (action === "cancel") isAsking.value = true; else void run(action); };
  if (list.length === 0 && !isAsking.value && !change.failed) return null;
  return html`<div class="actions">${list.map((action, i) => html`<button key=${action} class=${`btn${i === 0 ? " pri" : ""}`} disabled=${!canAct() || change.busy} onClick=${press(action)}>${t(`places.visit_${action}`)}</button>`)}</div>
    ${isAsking.value && html`<${Sure} words=${t(list.includes("cancel") ? "places.sure_pass" : "places.not_any_more", { name: entity.name })} action=${t("places.visit_cancel")} busy=${change.busy || !list.includes("cancel")} sure=${() => void run("cancel")} onClose=${() => { isAsking.value = false; }} />`}
    ${change.failed && html`<${Why} failed=${change.failed} />`}`;
}

/** For the detail of a room or a visitor; nothing for others, and nothing in the past. @param {{entity: Entity}} props */
export function PlaceActions({ entity }) {
  if (pastAt.value !== null) return null;
  if (entity.kind === "room") return html`<${Bookings} key=${entity.id} entity=${entity} />`;
  return entity.kind === "visitor" ? html`<${Visit} key=${entity.id} entity=${entity} />` : null;
}
