// The page's end of the stream: signals for what is known, whether it is live, and what time it is at the collector.
import { batch, computed, signal } from "../../vendor/preact.js";
import { ASK_EVERY_MS, Asking } from "./asking.js";
import { applyAll, changed } from "./world.js";
import { Hub } from "./hub.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").Change} Change */
/** @typedef {import("../types.d.ts").Alarm} Alarm */
/** @typedef {import("../types.d.ts").FeedMessage} FeedMessage */
/** @typedef {import("../../vendor/preact.js").Signal<Entity>} EntitySignal */

/** The page freezes when it has heard nothing for this long: visible within 3 s. */
const FREEZE_MS = 2500;
/** A page that asks by itself freezes when that fails, or when nothing has come for so long. */
const FREEZE_ASKED_MS = ASK_EVERY_MS * 2.5;
const WATCH_MS = 250;
/** How long it has been waited for is said so often: it is read out, too. */
const SAID_EVERY_MS = 5000;
const WORKER_ANSWER_MS = 3000;

/** @type {Map<string, EntitySignal>} */
export const entities = new Map();
/** Grows when an entity appears or goes: what lists of entities depend on. */
export const roster = signal(0);
/** `connecting` until the first snapshot, then `live` or `offline`. */
export const state = signal(/** @type {"connecting" | "live" | "offline"} */ ("connecting"));
/** The collector's time of the last message, ms; null before the first. */
export const asOf = signal(/** @type {number | null} */ (null));
/** The collector's time now, each second; stands still while offline. The moment shown, while that is past. */
export const now = signal(Date.now());
/** The moment shown instead of now, ms; null while it is now. */
export const pastAt = signal(/** @type {number | null} */ (null));
/** Seconds from a reading's instant to this page, the median of the newest; null while nothing has moved. */
export const delay = signal(/** @type {number | null} */ (null));
/** Seconds without a word while connecting; 0 before it is worth saying, and else. */
export const waitedS = signal(0);
/** True once connecting has taken longer than it should. */
export const unreachable = signal(false);
/** What the collector said, or the browser, when the stream last broke. */
export const downWhy = signal("");
/** Why the last snapshot came: start, joined, epoch, gap, slow. */
export const lastReason = signal("");

/** @type {Map<string, Alarm>} */
const alarmBook = new Map();
const alarmsRev = signal(0);
/** Alarms that last, hidden or not, and those that returned and wait to be acknowledged; worst first, newest first among equals. */
export const allAlarms = computed(() => {
  void alarmsRev.value;
  return [...alarmBook.values()].filter((alarm) => alarm.active || alarm.state === "returned").sort((a, b) => a.priority - b.priority || b.since - a.since);
});
const HIDDEN = new Set(["shelved", "out_of_service", "suppressed"]);
/** Active alarms that nobody hid and that nothing else explains, in the same order. */
export const alarms = computed(() => allAlarms.value.filter((alarm) => alarm.active && !HIDDEN.has(alarm.state ?? "")));

/** What goes on behind a past moment that is shown. @type {{world: Map<string, Entity>, alarms: Map<string, Alarm>} | null} */
let behind = null;

let heardAt = performance.now();
let watchedAt = performance.now();
let refusedWith = (/** @type {number} */ _status) => {};
let snapshotTaken = () => {};
/** @type {{postMessage: (message: {type: string}) => void} | null} */
let port = null;
/** Whether the page asks by itself, because who looks may not read the stream. */
let asks = false;

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

/** @param {Iterable<Alarm>} list */
function fillAlarms(list) {
  alarmBook.clear();
  for (const alarm of list) alarmBook.set(alarm.id, alarm);
  alarmsRev.value += 1;
}

/** All alarms there are now. @param {Alarm[]} list */
export function takeAlarms(list) {
  if (behind) behind.alarms = new Map(list.map((alarm) => [alarm.id, alarm]));
  else fillAlarms(list);
}

/** One alarm as it is now. @param {Alarm} alarm */
export function takeAlarm(alarm) {
  (behind ? behind.alarms : alarmBook).set(alarm.id, alarm);
  alarmsRev.value += 1;
}

/** Every page shows the world as it was at a moment. What comes meanwhile is taken in behind it.
 * @param {number} moment @param {Entity[]} list @param {Alarm[]} then */
export function showPast(moment, list, then) {
  batch(() => {
    behind ??= { world: new Map([...entities].map(([id, entity]) => [id, entity.peek()])), alarms: new Map(alarmBook) };
    takeSnapshot(list);
    fillAlarms(then);
    pastAt.value = moment;
    now.value = moment;
  });
}

/** Every page shows what is now. */
export function showNow() {
  if (!behind) return;
  const { world, alarms: list } = behind;
  behind = null;
  batch(() => {
    takeSnapshot([...world.values()]);
    fillAlarms([...list.values()]);
    pastAt.value = null;
    now.value = liveNow();
  });
}

/** The collector's time now, whatever moment is shown. */
export const liveNow = () => (asOf.peek() ?? Date.now()) + (state.peek() === "live" ? performance.now() - heardAt : 0);

/** @param {{world: Map<string, Entity>}} kept @param {FeedMessage} message */
function takeBehind(kept, message) {
  if (message.type === "snapshot") kept.world = new Map(message.entities.map((entity) => [entity.id, entity]));
  else if (message.type === "delta") applyAll(kept.world, message.changes);
}

/** @param {FeedMessage} message */
function heard(message) {
  if (message.type === "refused") { refusedWith(message.status); return; }
  if (message.type === "hello") return;
  if (message.type === "down") {
    downWhy.value = message.why;
    if (asks && state.peek() === "live") freeze();
    else if (asks) unreachable.value = true;
    return;
  }
  batch(() => {
    heardAt = performance.now();
    if (message.type === "alarm") { takeAlarm(message.alarm); return; }
    asOf.value = message.as_of;
    if (message.type === "snapshot") lastReason.value = message.reason;
    else if (message.type === "delta") noteDelays(message.changes, message.as_of);
    if (behind) takeBehind(behind, message);
    else if (message.type === "snapshot") takeSnapshot(message.entities);
    else if (message.type === "delta") takeDelta(message.changes);
    if (message.type !== "snapshot" && state.peek() !== "offline") return;
    state.value = message.type === "snapshot" && message.live === false ? "offline" : "live";
    unreachable.value = false;
    waitedS.value = 0;
    if (!behind) now.value = message.as_of;
    snapshotTaken();
  });
}

/** Everything stands still at the moment of the last message. */
function freeze() {
  batch(() => {
    state.value = "offline";
    if (!behind) now.value = asOf.peek() ?? now.peek();
  });
}

/** Moves `now` on, and freezes the page when the line is silent. A watch that was itself late (a sleeping tab) gives one grace turn. */
function watch() {
  const at = performance.now();
  const late = at - watchedAt > WATCH_MS * 4;
  watchedAt = at;
  const silent = at - heardAt;
  if (state.peek() === "live") {
    if (silent > (asks ? FREEZE_ASKED_MS : FREEZE_MS) && !late) freeze();
    else {
      const here = (asOf.peek() ?? 0) + silent;
      if (!behind && Math.floor(here / 1000) !== Math.floor(now.peek() / 1000)) { now.value = here; showDelay(); }
    }
  } else if (state.peek() === "connecting" && silent > FREEZE_MS) {
    unreachable.value = true;
    waitedS.value = Math.floor(silent / SAID_EVERY_MS) * (SAID_EVERY_MS / 1000);
  }
}

/** A hub in this page, for browsers without a shared worker. */
function ownPort() {
  const hub = new Hub();
  const listener = { postMessage: heard };
  return { postMessage: (/** @type {{type: string}} */ message) => hub.said(listener, message) };
}

function workerPort() {
  const worker = new SharedWorker(new URL("./shared_worker.js", import.meta.url), { type: "module", name: "dayuan-stream-1" });
  let answered = false;
  const useOwn = () => {
    if (answered) return;
    answered = true;
    worker.port.close();
    if (port !== worker.port) return;  // somebody else has signed in meanwhile, who may not read the stream
    port = ownPort();
    port.postMessage({ type: "join" });
  };
  worker.onerror = useOwn;
  setTimeout(useOwn, WORKER_ANSWER_MS);
  worker.port.onmessage = (event) => { answered = true; heard(event.data); };
  return worker.port;
}

/** Joins the stream; with `byAsking` asks every few seconds instead. `refused` is told 401 or 403; `fresh` is called after each snapshot or return.
 * @param {{refused: (status: number) => void, fresh: () => void}} told @param {boolean} [byAsking] */
export function join(told, byAsking = false) {
  refusedWith = told.refused;
  snapshotTaken = told.fresh;
  if (port && asks === byAsking) { say("retry"); return; }
  const isFirst = port === null;
  if (port) say("bye");
  asks = byAsking;
  port = asks ? new Asking(heard) : streamPort();
  port.postMessage({ type: "join" });
  if (isFirst) keepWatch();
}

function streamPort() {
  try {
    return typeof SharedWorker === "function" ? workerPort() : ownPort();
  } catch {
    return ownPort();
  }
}

function keepWatch() {
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
    behind = null;
    pastAt.value = null;
    entities.clear();
    alarmBook.clear();
    alarmsRev.value += 1;
    roster.value += 1;
    state.value = "connecting";
    heardAt = performance.now();
    unreachable.value = false;
    waitedS.value = 0;
  });
}
