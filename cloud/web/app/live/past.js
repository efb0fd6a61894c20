// The time machine: asks for the world of a moment and has every page show it. The moment stands in the address.
import { effect, signal } from "../../vendor/preact.js";
import { ApiFailure, get, query, user } from "../api.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { at, site } from "../place.js";
import { liveNow, pastAt, showNow, showPast, state } from "./link.js";

/** How many seconds pass in one. */
export const SPEEDS = [1, 10, 60, 600];
const TICK_MS = 600;
/** Browsers allow few changes of the address; it follows when the hand rests. */
const ADDRESS_REST_MS = 400;
/** Nearer to now than this is now. */
const NEARLY_NOW_MS = 2000;

/** The moment that is wanted; `pastAt` is the one shown. */
export const wanted = signal(/** @type {number | null} */ (null));
/** Seconds a second; 0 stands still. */
export const speed = signal(0);
export const lastSpeed = signal(60);
export const failure = signal("");
/** When the moment shown lies before anything of things is kept: since when it is, ms; else 0. */
export const keptSince = signal(0);

let isAsking = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let rest;

/** Shows the world as it was. A moment that has not come yet is now. @param {number} moment */
export function goTo(moment) {
  if (moment >= liveNow() - NEARLY_NOW_MS) { goNow(); return; }
  wanted.value = Math.round(moment);
  clearTimeout(rest);
  rest = setTimeout(() => { if (wanted.peek() !== null) at.value = String(wanted.peek()); }, ADDRESS_REST_MS);
}

export function goNow() {
  clearTimeout(rest);
  speed.value = 0;
  wanted.value = null;
  at.value = "";
}

/** By so many milliseconds, from the moment shown. @param {number} ms */
export const step = (ms) => goTo((wanted.peek() ?? liveNow()) + ms);

/** Lets time run from the moment shown, or stops it. */
export function togglePlay() {
  if (speed.peek() > 0) { speed.value = 0; return; }
  if (wanted.peek() === null) goTo(liveNow() - 600_000);
  speed.value = lastSpeed.peek();
}

/** @param {number} chosen */
export function setSpeed(chosen) {
  lastSpeed.value = chosen;
  if (speed.peek() > 0) speed.value = chosen;
}

/** Asks for what is wanted, one question at a time; what was wanted meanwhile comes next. */
async function ask() {
  if (isAsking) return;
  isAsking = true;
  try {
    for (let moment = wanted.peek(); moment !== null && moment !== pastAt.peek(); moment = wanted.peek()) {
      const world = await get(`/api/v1/past?${query({ site: site.peek(), at: moment })}`);
      if (wanted.peek() === null) break;
      showPast(moment, world.entities, world.alarms);
      failure.value = "";
      keptSince.value = moment < (world.earliest ?? 0) ? world.earliest : 0;
    }
  } catch (error) {
    speed.value = 0;
    failure.value = error instanceof ApiFailure && error.status !== 0 ? error.message || t("error.unexpected") : t("live.unreachable");
  } finally {
    isAsking = false;
  }
}

/** Starts following the address. Esc, where nothing else has it, comes back to now. */
export function keepPast() {
  onKey("Escape", goNow);
  effect(() => {
    const moment = Number(at.value);
    if (at.value === "" || !Number.isFinite(moment)) { wanted.value = null; return; }
    wanted.value = moment;
  });
  effect(() => {
    const known = user.value && state.value === "live";
    if (wanted.value === null) { speed.value = 0; failure.value = ""; showNow(); }
    else if (known) void ask();
  });
  effect(() => {
    if (speed.value === 0) return undefined;
    const by = speed.value * TICK_MS;
    const timer = setInterval(() => { if (!isAsking && pastAt.peek() !== null) step(by); }, TICK_MS);
    return () => clearInterval(timer);
  });
}
