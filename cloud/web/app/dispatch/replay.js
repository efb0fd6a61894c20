// The track of the open vehicle, drawn on the map and run through at will.
import { html, useEffect, useMemo, useSignal } from "../../vendor/preact.js";
import { query } from "../api.js";
import { clockTime, hourMinute, number } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { useAnswer } from "../overview/loading.js";
import { zoneOf } from "../sites.js";
import { dayStart } from "./story.js";
import { fixAt, fixesOf, track } from "./track.js";

const SPEED = 60, TICK_MS = 100;
const STEP_MS = 60_000;

/** @param {{vehicle: import("../types.d.ts").Entity}} props */
export function Replay({ vehicle }) {
  const wanted = useSignal(false);
  useEffect(() => () => { if (track.peek()?.vehicle === vehicle.id) track.value = null; }, [vehicle.id]);
  return html`<h3>${t("dispatch.track")}<span class="sp"></span><button class="btn" aria-pressed=${wanted.value} onClick=${() => { wanted.value = !wanted.value; if (!wanted.peek()) track.value = null; }}>${t(wanted.value ? "dispatch.track_hide" : "dispatch.track_show")}</button></h3>
    ${wanted.value && html`<${Player} vehicle=${vehicle} />`}`;
}

/** @param {{vehicle: import("../types.d.ts").Entity}} props */
function Player({ vehicle }) {
  const zone = zoneOf(vehicle.site);
  const running = useSignal(false);
  const { from, to } = useMemo(() => { const end = Math.floor(now.peek()) + 1; return { from: dayStart(end, zone), to: end }; }, [vehicle.id]);
  const { answer, failure } = useAnswer(`/api/v1/tracks?${query({ site: vehicle.site, vehicle: vehicle.id.slice(vehicle.id.indexOf(":") + 1), from, to })}`, `track ${vehicle.id}`);
  const fixes = useMemo(() => fixesOf(answer), [answer]);
  const first = fixes[0]?.at ?? from, last = fixes.at(-1)?.at ?? to;
  useEffect(() => { if (fixes.length > 0) track.value = { vehicle: vehicle.id, fixes, head: last }; }, [fixes]);
  const head = track.value?.head ?? last;
  const moveTo = (/** @type {number} */ at) => { if (track.peek()) track.value = { .../** @type {import("./track.js").Track} */ (track.peek()), head: Math.max(first, Math.min(last, at)) }; };
  useEffect(() => {
    if (!running.value) return undefined;
    if ((track.peek()?.head ?? last) >= last) moveTo(first);
    const timer = setInterval(() => {
      const next = (track.peek()?.head ?? last) + SPEED * TICK_MS;
      moveTo(next);
      if (next >= last) running.value = false;
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [running.value]);
  if (failure) return html`<p class="calm warn" role="alert">${failure}</p>`;
  if (answer && fixes.length === 0) return html`<p class="calm muted">${t("dispatch.track_none")}</p>`;
  const fix = fixAt(fixes, head);
  const speed = fix?.speed === null || fix === null ? "" : `${number(fix.speed)} km/h`;
  return html`<div class="replay"><button class="btn" aria-label=${t(running.value ? "past.stop" : "past.play")} onClick=${() => { running.value = !running.value; }}>${running.value ? "❚❚" : "▷"}</button>
    <input type="range" min=${first} max=${last} step="1000" value=${head} aria-label=${t("dispatch.track")} aria-valuetext=${`${clockTime(head, zone)} ${speed}`}
      onInput=${(/** @type {any} */ event) => moveTo(Number(event.target.value))} onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
        const by = { ArrowLeft: -STEP_MS, ArrowRight: STEP_MS, ArrowDown: -STEP_MS, ArrowUp: STEP_MS }[event.key];
        if (by) { event.preventDefault(); moveTo(head + by); }
      }} />
    <span class="mono">${clockTime(head, zone)}</span><span class="muted">${speed}</span></div>
    <p class="calm muted">${t("dispatch.track_from", { from: hourMinute(first, zone), to: hourMinute(last, zone), n: answer?.fixes ?? fixes.length })}${answer?.left_out?.length ? ` ${t("dispatch.track_left_out", { n: answer.left_out.length })}` : ""}</p>`;
}
