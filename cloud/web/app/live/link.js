// The page's end of the stream: signals for what is known, whether it is live, and what time it is at the collector.
import { batch, computed, signal } from "../../vendor/preact.js";
import { changed } from "./world.js";
import { Hub } from "./hub.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Change} Change */
/** @typedef {import("../types.d.ts").Alarm} Alarm */
/** @typedef {import("../types.d.ts").FeedMessage} FeedMessage */
/** @typedef {import("../../vendor/preact.js").Signal<Entity>} EntitySignal */

/** The page freezes when it has heard nothing for this long: visible within 3 s. */
const FREEZE_MS = 2500;
const WATCH_MS = 250;
const WORKER_ANSWER_MS = 3000;

/** @type {Map<string, EntitySignal>} */
export const entities = new Map();
/** Grows when an entity appears or goes: what lists of entities depend on. */
export const roster = signal(0);
/** `connecting` until the first snapshot, then `live` or `offline`. */
export const state = signal(/** @type {"connecting" | "live" | "offline"} */ ("connecting"));
/** The collector's time of the last message, ms; null before the first. */
export const asOf = signal(/** @type {number | null} */ (null));
/** The collector's time now, each second; stands still while offline. */
export const now = signal(Date.now());
/** Seconds from a reading's instant to this page, the median of the newest; null while nothing has moved. */
export const delay = signal(/** @type {number | null} */ (null));
/** True once connecting has taken longer than it should. */
export const unreachable = signal(false);
/** What the collector said, or the browser, when the stream last broke. */
export const downWhy = signal("");
/** Why the last snapshot came: start, joined, epoch, gap, slow. */
export const lastReason = signal("");

/** @type {Map<string, Alarm>} */
const alarmBook = new Map();
const alarmsRev = signal(0);
/** Active alarms, worst first, newest first among equals. */
export const alarms = computed(() => {
  void alarmsRev.value;
  return [...alarmBook.values()].filter((alarm) => alarm.active).sort((a, b) => a.priority - b.priority || b.since - a.since);
});

let heardAt = performance.now();
let watchedAt = performance.now();
let refusedWith = (/** @type {number} */ _status) => {};
let snapshotTaken = () => {};
/** @type {{postMessage: (message: {type: string}) => void} | null} */
let port = null;

const DELAYS_KEPT = 40;
/** @type {number[]} */
let delays = [];

/** @param {Change[]} changes @param {number} at */
function noteDelays(changes, at) {
  for (const { set } of changes) {
    if (typeof set?.observed_at === "number") delays.push(Math.max(0, at - set.observed_at) / 1000);
  }
  delays = delays.slice(-DELAYS_KEPT);
}

function showDelay() {
  const sorted = [...delays].sort((a, b) => a - b);
  delay.value = sorted.length === 0 ? null : /** @type {number} */ (sorted[sorted.length >> 1]);
}

/** @param {Entity[]} list */
function takeSnapshot(list) {
  const seen = new Set();
  let grew = false;
  for (const entity of list) {
    seen.add(entity.id);
    const known = entities.get(entity.id);
    if (known) known.value = entity;
    else { entities.set(entity.id, signal(entity)); grew = true; }
  }
  for (const id of entities.keys()) if (!seen.has(id)) { entities.delete(id); grew = true; }
  if (grew) roster.value += 1;
}

/** @param {Change[]} changes */
function takeDelta(changes) {
  let grew = false;
  for (const change of changes) {
    const known = entities.get(change.id);
    const after = changed(known?.peek(), change);
    if (after === null) { entities.delete(change.id); grew = true; }
    else if (known) known.value = after;
    else { entities.set(change.id, signal(after)); grew = true; }
  }
  if (grew) roster.value += 1;
}

/** @param {Alarm[]} list */
export function takeAlarms(list) {
  alarmBook.clear();
  for (const alarm of list) alarmBook.set(alarm.id, alarm);
  alarmsRev.value += 1;
}

/** @param {FeedMessage} message */
function heard(message) {
  if (message.type === "refused") { refusedWith(message.status); return; }
  if (message.type === "hello") return;
  if (message.type === "down") { downWhy.value = message.why; return; }
  batch(() => {
    heardAt = performance.now();
    if (message.type === "alarm") {
      alarmBook.set(message.alarm.id, message.alarm);
      alarmsRev.value += 1;
      return;
    }
    asOf.value = message.as_of;
    if (message.type === "snapshot") { takeSnapshot(message.entities); lastReason.value = message.reason; }
    else if (message.type === "delta") { takeDelta(message.changes); noteDelays(message.changes, message.as_of); }
    if (message.type !== "snapshot" && state.peek() !== "offline") return;
    state.value = message.type === "snapshot" && message.live === false ? "offline" : "live";
    unreachable.value = false;
    now.value = message.as_of;
    snapshotTaken();
  });
}

/** Everything stands still at the moment of the last message. */
function freeze() {
  batch(() => {
    state.value = "offline";
    now.value = asOf.peek() ?? now.peek();
  });
}

/** Moves `now` on, and freezes the page when the line is silent. A watch that was itself late (a sleeping tab) gives one grace turn. */
function watch() {
  const at = performance.now();
  const late = at - watchedAt > WATCH_MS * 4;
  watchedAt = at;
  const silent = at - heardAt;
  if (state.peek() === "live") {
    if (silent > FREEZE_MS && !late) freeze();
    else {
      const here = (asOf.peek() ?? 0) + silent;
      if (Math.floor(here / 1000) !== Math.floor(now.peek() / 1000)) { now.value = here; showDelay(); }
    }
  } else if (state.peek() === "connecting" && silent > FREEZE_MS) {
    unreachable.value = true;
  }
}

/** A hub in this page, for browsers without a shared worker. */
function ownPort() {
  const hub = new Hub();
  const listener = { postMessage: heard };
  return { postMessage: (/** @type {{type: string}} */ message) => hub.said(listener, message) };
}

function workerPort() {
  const worker = new SharedWorker("/web/app/live/shared_worker.js", { type: "module", name: "dayuan-stream-1" });
  let answered = false;
  const useOwn = () => {
    if (answered) return;
    answered = true;
    worker.port.close();
    port = ownPort();
    port.postMessage({ type: "join" });
  };
  worker.onerror = useOwn;
  setTimeout(useOwn, WORKER_ANSWER_MS);
  worker.port.onmessage = (event) => { answered = true; heard(event.data); };
  return worker.port;
}

/** Joins the stream. `refused` is told 401 or 403; `fresh` is called after each snapshot or return.
 * @param {{refused: (status: number) => void, fresh: () => void}} told */
export function join(told) {
  refusedWith = told.refused;
  snapshotTaken = told.fresh;
  if (port) { say("retry"); return; }
  try {
    port = typeof SharedWorker === "function" ? workerPort() : ownPort();
  } catch {
    port = ownPort();
  }
  port.postMessage({ type: "join" });
  setInterval(watch, WATCH_MS);
  addEventListener("online", () => say("retry"));
  addEventListener("pagehide", () => say("bye"));
  addEventListener("pageshow", (event) => { if (event.persisted) say("join"); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) say("retry"); });
}

/** @param {"join" | "retry" | "stop" | "bye"} type */
export function say(type) {
  port?.postMessage({ type });
}

/** Forgets what was shown, when somebody signs out. */
export function forget() {
  batch(() => {
    entities.clear();
    alarmBook.clear();
    alarmsRev.value += 1;
    roster.value += 1;
    state.value = "connecting";
    heardAt = performance.now();
    unreachable.value = false;
  });
}
