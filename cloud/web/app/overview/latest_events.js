// The latest events of everything, newest first. What the stream brings stands at once; as it carries only the last event of
// each device, the list itself is asked for again a moment later.
import { effect, signal, untracked } from "../../vendor/preact.js";
import { asObjects, get, query } from "../api.js";
import { entities, lastReason, now, roster, state } from "../live/link.js";
import { site } from "../place.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {import("../types.d.ts").LastEvent} LastEvent */
/** @typedef {{entity: string, event: LastEvent}} Line */

const SHOWN = 40;
const ASK_AFTER_MS = 1500;
const ASK_EVERY_MS = 5000;
const DAY_MS = 86_400_000;
const GATEWAY_DEVICE = "gateway";

export const latest = signal(/** @type {Line[]} */ ([]));

let askedAt = -Infinity;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let asking;

/** @param {Line} line */
const keyOf = ({ entity, event }) => `${entity} ${event.at} ${event.kind}`;

async function ask() {
  asking = undefined;
  if (document.hidden) { askSoon(); return; }
  askedAt = performance.now();
  try {
    const table = await get(`/api/v1/events?${query({ site: site.peek(), from: Math.floor(now.peek()) - DAY_MS, to: Math.floor(now.peek()) + DAY_MS, newest_first: "true", limit: SHOWN })}`);
    latest.value = asObjects(table).map(({ at, kind, data, reason, site: where, device, gateway }) => ({
      entity: device === GATEWAY_DEVICE ? `${where}/@${gateway}` : `${where}/${device}`,
      event: { at, kind, data: typeof data === "string" ? JSON.parse(data) : data ?? {}, reason },
    }));
  } catch { /* the next event asks again */ }
}

function askSoon() {
  asking ??= setTimeout(() => void ask(), Math.max(ASK_AFTER_MS, askedAt + ASK_EVERY_MS - performance.now()));
}

/** @param {Entity} entity @param {LastEvent} event */
function heard(entity, event) {
  if (site.peek() && entity.site !== site.peek()) return;
  const line = { entity: entity.id, event };
  const lines = latest.peek();
  if (lines.some((one) => keyOf(one) === keyOf(line))) return;
  latest.value = [line, ...lines].sort((a, b) => b.event.at - a.event.at).slice(0, SHOWN);
  askSoon();
}

/** Follows the last events of all entities while a page shows them; returns how to stop. */
export function followEvents() {
  /** @type {Map<string, () => void>} */
  const followed = new Map();
  const stopAll = effect(() => {
    void roster.value;
    for (const [id, one] of entities) {
      if (followed.has(id)) continue;
      let last = one.peek().attributes.last_event;
      followed.set(id, effect(() => {
        const entity = one.value;
        const event = entity.attributes.last_event;
        if (!event || event === last) return;
        last = event;
        untracked(() => heard(entity, event));
      }));
    }
    for (const [id, stop] of followed) if (!entities.has(id)) { stop(); followed.delete(id); }
  });
  // After each snapshot, and for another site, from the start.
  const stopAsking = effect(() => {
    void lastReason.value;
    void site.value;
    if (state.value === "live") { clearTimeout(asking); asking = undefined; void ask(); }
  });
  return () => { stopAll(); stopAsking(); clearTimeout(asking); asking = undefined; for (const stop of followed.values()) stop(); };
}
