// The time machine on the map: how much happened when, and a thumb to go there. Keys do all that the pointer does.
import { computed, html, signal, useEffect, useMemo, useRef } from "../../vendor/preact.js";
import { query } from "../api.js";
import { dayText, hourMinute } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { liveNow, now, pastAt } from "../live/link.js";
import { goNow, goTo, lastSpeed, setSpeed, speed, SPEEDS, step, togglePlay, wanted } from "../live/past.js";
import { useAnswer } from "../overview/loading.js";
import { pageZone } from "../sites.js";
import { barsOf } from "./story.js";
import { mapSite } from "./where.js";

const DAY_MS = 86_400_000;
const MINUTE = 60_000;
const BAR_MS = 15 * MINUTE;
const BARS = DAY_MS / BAR_MS;
const WIDTH = BARS * 4, HEIGHT = 26;

/** How many days back from today the bar shows. */
const daysBack = signal(0);
/** The end of the bar: the next quarter of an hour, some days back. Moves on with the time, not with the thumb. */
const turn = computed(() => { void now.value; return Math.ceil(liveNow() / BAR_MS); });
const end = computed(() => turn.value * BAR_MS - daysBack.value * DAY_MS);

/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -MINUTE, ArrowDown: -MINUTE, ArrowRight: MINUTE, ArrowUp: MINUTE, PageDown: -60 * MINUTE, PageUp: 60 * MINUTE };

/** @typedef {import("./story.js").Bar} Bar */

/** @param {{from: number, to: number, bars: Bar[]}} props */
function Bars({ from, to, bars }) {
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const nowX = ((liveNow() - from) / (to - from)) * WIDTH;
  return html`<svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
    ${bars.map(({ count, alarms }, i) => { const h = count + alarms === 0 ? 1 : 3 + (HEIGHT - 4) * Math.sqrt(Math.min(1, count / most)); return html`<rect class=${i * 4 > nowX ? "to-come" : alarms > 0 ? "alarmed" : ""} x=${i * 4} y=${(HEIGHT - h).toFixed(1)} width="3" height=${h.toFixed(1)} />`; })}</svg>`;
}

/** @param {{from: number, to: number, bars: Bar[]}} props */
function Track({ from, to, bars }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const zone = pageZone.value;
  const at = wanted.value ?? now.value;
  const share = Math.max(0, Math.min(1, (at - from) / (to - from)));
  const index = Math.min(bars.length - 1, Math.max(0, Math.floor((at - from) / BAR_MS)));
  const go = (/** @type {PointerEvent} */ event) => {
    const { left, width } = /** @type {HTMLElement} */ (box.current).getBoundingClientRect();
    goTo(from + Math.max(0, Math.min(1, (event.clientX - left) / width)) * (to - from));
  };
  const onPointerDown = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    box.current?.setPointerCapture(event.pointerId);
    go(event);
  };
  const onPointerMove = (/** @type {PointerEvent} */ event) => { if (box.current?.hasPointerCapture(event.pointerId)) go(event); };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Home") goTo(from);
    else if (event.key === "End") goNow();
    else if (event.key in STEPS) step(/** @type {number} */ (STEPS[event.key]) * (event.shiftKey ? 10 : 1));
    else return;
    event.preventDefault();
  };
  const busy = t("past.busy", { n: bars[index]?.count ?? 0, from: hourMinute(from + index * BAR_MS, zone), to: hourMinute(from + (index + 1) * BAR_MS, zone) });
  const words = wanted.value === null ? t("past.now") : `${dayText(at, zone)} ${hourMinute(at, zone)}`;
  return html`<div ref=${box} class="past-track" role="slider" tabindex="0" aria-label=${t("past.title")} aria-valuemin=${from} aria-valuemax=${to} aria-valuenow=${Math.round(at)} aria-valuetext=${`${words}. ${busy}`}
      title=${t("past.hint")} onPointerDown=${onPointerDown} onPointerMove=${onPointerMove} onKeyDown=${onKeyDown}>
    <${Bars} from=${from} to=${to} bars=${bars} /><i class=${`thumb${wanted.value === null ? "" : " then"}`} style=${{ left: `${share * 100}%` }}></i></div>`;
}

export function PastBar() {
  useEffect(() => {
    const ends = [onKey("[", () => step(-MINUTE)), onKey("]", () => step(MINUTE)), onKey("p", togglePlay)];
    return () => ends.forEach((undo) => undo());
  }, []);
  // A moment that was linked to lies on the bar.
  useEffect(() => {
    const at = wanted.value;
    if (at === null) { daysBack.value = 0; return; }
    if (at < end.peek() - DAY_MS || at > end.peek()) daysBack.value = Math.max(0, Math.floor((turn.peek() * BAR_MS - at) / DAY_MS));
  }, [wanted.value]);
  const to = end.value, from = to - DAY_MS;
  const site = mapSite.value;
  const { answer, failure } = useAnswer(`/api/v1/past/activity?${query({ site, from, to, step: BAR_MS / 1000 })}`, `activity ${site} ${daysBack.value}`);
  const bars = useMemo(() => barsOf(answer, from, BAR_MS, BARS), [answer, from]);
  const zone = pageZone.value;
  const at = pastAt.value ?? now.value;
  const isRunning = speed.value > 0;
  const shift = (/** @type {number} */ by) => { daysBack.value = Math.max(0, daysBack.peek() + by); };
  return html`<section class="card past-bar" aria-label=${t("past.title")}>
    <button class="plain play" aria-label=${t(isRunning ? "past.stop" : "past.play")} title=${`${t(isRunning ? "past.stop" : "past.play")} (P)`} onClick=${togglePlay}>${isRunning ? "❚❚" : "▷"}</button>
    <span class="past-time mono"><small>${dayText(wanted.value ?? (daysBack.value > 0 ? to - DAY_MS / 2 : at), zone)}</small> ${hourMinute(at, zone)}</span>
    <button class="plain" aria-label=${t("past.day_back")} title=${t("past.day_back")} onClick=${() => shift(1)}>‹</button>
    <${Track} from=${from} to=${to} bars=${bars} />
    <button class="plain" aria-label=${t("past.day_on")} title=${t("past.day_on")} disabled=${daysBack.value === 0} onClick=${() => shift(-1)}>›</button>
    <select class="plain" aria-label=${t("past.speed")} value=${lastSpeed.value} onChange=${(/** @type {any} */ event) => setSpeed(Number(event.target.value))}>
      ${SPEEDS.map((one) => html`<option key=${one} value=${one}>${one}×</option>`)}</select>
    <button class=${`btn${wanted.value === null ? "" : " pri"}`} disabled=${wanted.value === null} onClick=${goNow}>${t("past.now")}</button>
    ${failure ? html`<span class="sr" role="status">${t("past.no_activity", { why: failure })}</span>` : null}
  </section>`;
}
