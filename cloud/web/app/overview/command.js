// What may be ordered of a device: a value, why, and once more whether it is meant; below it, what became of it.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { call, get, query, user } from "../api.js";
import { moment, seconds } from "../format.js";
import { pointName, t } from "../i18n.js";
import { approvals, askApprovals } from "../live/approvals.js";
import { now, pastAt, state } from "../live/link.js";
import { zoneOf } from "../sites.js";
import { failureWords } from "./loading.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Remote} Remote */
/** @typedef {{id: string, device: string, point: string, action: string, value: number | null, by: string, approved_by: string, reason: string, issued_at: number, state: string, detail: string}} Given */

const AGAIN_MS = 2_000;
const SHOWN = 5;
const REASON_LEAST = 3;
const NUMBERS = new Set(["set", "pulse"]);
const MARK = /** @type {Record<string, string>} */ ({ sent: "p2", waiting: "p2", done: "ok", refused: "p1", rejected: "p1", unknown: "p1", no_answer: "p1" });

/** Whether this person may give commands at a site. @param {string} site */
function mayCommand(site) {
  const rights = user.value?.rights ?? {};
  return "dispatch" in rights && (rights["dispatch"]?.includes(site) ?? true);
}

/** @param {Remote} rule @param {string} action */
const unitOf = (rule, action) => (action === "pulse" ? "s" : rule.unit);

/** What is to be done, in words. @param {{point: string, action: string, value: number | null}} what @param {string} [unit] */
const inWords = ({ point, action, value }, unit = action === "pulse" ? "s" : "") => `${pointName(point)} · ${t(`order.do_${action}`)}${value === null ? "" : ` ${value} ${unit}`.trimEnd()}`;

/** Commands of a device and what waits for a second person, the newest first. @param {Entity} device @param {Given[]} given */
function outcomes(device, given) {
  const mine = (/** @type {{device: string}} */ one) => one.device === device.device;
  const waiting = (approvals.value ?? []).filter((one) => mine(one) && one.site === device.site && one.state !== "approved")
    .map((one) => ({ ...one, by: one.asked_by, at: one.asked_at, detail: one.opinion, approved_by: one.decided_by }));
  const sent = given.filter(mine).map((one) => ({ ...one, at: one.issued_at, until: 0 }));
  return [...waiting, ...sent].sort((a, b) => b.at - a.at).slice(0, SHOWN);
}

/** @param {{device: Entity, given: Given[]}} props */
function Outcomes({ device, given }) {
  const zone = zoneOf(device.site);
  const rows = outcomes(device, given);
  return html`<div role="status">${rows.length > 0 && html`<ul class="order-list" aria-label=${t("order.outcomes")}>${rows.map((one) => html`<li key=${one.id}>
    <span class=${`tag ${MARK[one.state] ?? ""}`}>${t(`order.state_${one.state}`)}</span> <b>${inWords(one)}</b>
    <span>${t(`order.means_${one.state}`)}${one.state === "waiting" ? ` ${t("settings.left", { left: seconds(Math.max(0, (one.until - now.value) / 1000)) })}` : ""}</span>
    <small class="muted">${one.by}${one.approved_by && ` + ${one.approved_by}`} · ${moment(one.at, now.value, zone)} · ${one.reason}${one.detail && html` · <span lang="en">${one.detail}</span>`}</small></li>`)}</ul>`}</div>`;
}

/** @param {{device: Entity, rules: Remote[], done: () => Promise<void>}} props */
function Form({ device, rules, done }) {
  const chosen = useSignal(0), action = useSignal(""), value = useSignal(""), reason = useSignal("");
  const wrong = useSignal(""), asks = useSignal(false), busy = useSignal(false);
  const rule = /** @type {Remote} */ (rules[chosen.value] ?? rules[0]);
  const deed = rule.actions.includes(action.value) ? action.value : rule.actions[0] ?? "on";
  const unit = unitOf(rule, deed);
  const takes = NUMBERS.has(deed);
  const what = { point: rule.point, action: deed, value: takes ? Number(value.value) : null };
  const fault = () => {
    const number = Number(value.peek());
    if (takes && (value.peek().trim() === "" || !Number.isFinite(number) || number < (rule.least ?? -Infinity) || number > (rule.most ?? Infinity))) return t("order.wrong_value", { least: rule.least ?? "", most: rule.most ?? "", unit });
    return reason.peek().trim().length < REASON_LEAST ? t("access.unlock_why") : "";
  };
  const change = (/** @type {import("../../vendor/preact.js").Signal<string>} */ of) => (/** @type {any} */ event) => { of.value = event.target.value; asks.value = false; wrong.value = ""; };
  const go = (/** @type {Event} */ event) => { event.preventDefault(); wrong.value = fault(); asks.value = wrong.value === ""; };
  const send = async () => {
    if (busy.peek()) return;
    busy.value = true;
    const body = { site: device.site, gateway: device.gateway, device: device.device, ...what, reason: reason.peek().trim() };
    try {
      await call("POST", rule.second_person ? "/api/v1/approvals" : "/api/v1/commands", body);
      value.value = reason.value = "";
    } catch (failure) { wrong.value = failureWords(failure); } finally { busy.value = asks.value = false; }
    await done();
  };
  const isNow = pastAt.value === null && state.value === "live";
  return html`<form class="set-form order" novalidate onSubmit=${go}>
    <div class="field"><label for="order-point">${t("order.point")}</label><select id="order-point" value=${chosen.value} onChange=${(/** @type {any} */ event) => { chosen.value = Number(event.target.value); value.value = action.value = ""; asks.value = false; }}>
      ${rules.map((one, i) => html`<option key=${one.point} value=${i}>${pointName(one.point)}${one.second_person ? ` · ${t("order.two")}` : ""}</option>`)}</select></div>
    <div class="field"><label for="order-action">${t("order.action")}</label><select id="order-action" value=${deed} onChange=${change(action)}>${rule.actions.map((one) => html`<option key=${one} value=${one}>${t(`order.do_${one}`)}</option>`)}</select></div>
    ${takes && html`<div class="field"><label for="order-value">${t("order.value", { unit })}</label><input id="order-value" type="text" inputmode="decimal" autocomplete="off" value=${value.value} aria-invalid=${wrong.value ? "true" : undefined} aria-describedby="order-limits order-wrong" onInput=${change(value)} /><small id="order-limits" class="muted">${t("order.limits", { least: rule.least ?? "", most: rule.most ?? "", unit })}</small></div>`}
    <div class=${takes ? "field" : "field wide"}><label for="order-reason">${t("access.unlock_reason")}</label><input id="order-reason" type="text" maxlength="200" autocomplete="off" value=${reason.value} aria-describedby="order-wrong" onInput=${change(reason)} /></div>
    <p class="muted wide">${t(rule.second_person ? "order.note_two" : "order.note_one")}${rule.rate > 0 ? ` ${t("order.rate", { n: rule.rate, time: seconds(rule.rate_s) })}` : ""}</p>
    <p id="order-wrong" class="failure wide" role="alert">${wrong.value}</p>
    ${asks.value ? html`<div class="wide notice" role="group" aria-label=${t("order.sure")}><p><b>${t("order.sure")}</b> ${device.name || device.device}: ${inWords(what, unit)}</p>
        <button class="btn pri" type="button" disabled=${busy.value || !isNow} onClick=${send}>${t(rule.second_person ? "order.ask" : "order.send")}</button> <button class="btn" type="button" onClick=${() => { asks.value = false; }}>${t("order.no")}</button></div>`
      : html`<div class="wide"><button class="btn pri" type="submit" disabled=${!isNow}>${t("order.go")}</button></div>`}</form>`;
}

/** The part of a device's panel; nothing where its gateway lets nothing be ordered, or who looks may not. @param {{device: Entity}} props */
export function Command({ device }) {
  const given = useSignal(/** @type {Given[]} */ ([]));
  const failed = useSignal("");
  const rules = device.attributes.remote ?? [];
  const may = rules.length > 0 && mayCommand(device.site);
  const look = async () => {
    try {
      const asked = rules.some((one) => one.second_person) ? askApprovals() : Promise.resolve();
      given.value = (await get(`/api/v1/commands?${query({ site: device.site })}`)).commands;
      await asked;
      failed.value = "";
    } catch (failure) { failed.value = failureWords(failure); }
  };
  // Looked at again when the device's gateway told an event, which an answer is; and while one is not answered.
  const lastAt = device.attributes.last_event?.at ?? 0;
  useEffect(() => { if (may) void look(); }, [device.id, may, lastAt]);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden && given.peek().some((one) => one.state === "sent" && one.device === device.device)) void look(); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [device.id]);
  if (!may) return null;
  return html`<h3>${t("order.title")}</h3><${Form} key=${device.id} device=${device} rules=${rules} done=${look} />
    ${failed.value && html`<p class="calm warn" role="alert">${failed.value}</p>`}<${Outcomes} device=${device} given=${given.value} />`;
}
