// The day of the open thing: a bar of its states and the list of what happened, each with its time.
import { html, useMemo } from "../../vendor/preact.js";
import { query } from "../api.js";
import { age, clockTime, fullTime, hourMinute } from "../format.js";
import { eventName, said, t, word } from "../i18n.js";
import { now } from "../live/link.js";
import { goTo } from "../live/past.js";
import { useAnswer } from "../overview/loading.js";
import { zoneOf } from "../sites.js";
import { lookOf } from "./states.js";
import { booked, dayStart, entriesOf, NOTED, once, spansOf, stateOf, told } from "./story.js";
import { actorOf, carrierOf, gateName, stateWord, textOf } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

const AGAIN_MS = 15_000;
const WIDTH = 300, HEIGHT = 18;
const DAY_MS = 86_400_000;
const ASKED_MOST = 2000, ENTRIES_MOST = 200;

/** @param {Entity} entity @param {string} code */
const toneOf = (entity, code) => lookOf({ ...entity, stale_after_s: null, attributes: /** @type {any} */ ({ state: code }) }, 0).tone;

/** @param {{entity: Entity, spans: import("./story.js").Span[], from: number, to: number, zone: string}} props */
function Bar({ entity, spans, from, to, zone }) {
  const x = (/** @type {number} */ at) => ((at - from) / (to - from)) * WIDTH;
  const known = spans.filter((span) => span.code !== "");
  const words = known.length === 0 ? t("dispatch.day_unknown") : known.map((span) => `${hourMinute(span.from, zone)} ${stateWord(entity.kind, span.code)}`).join(", ");
  return html`<figure class="day-bar"><svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${words}>
      ${spans.map((span) => html`<rect class=${span.code === "" ? "unknown" : `s-${toneOf(entity, span.code)}`} x=${x(span.from).toFixed(1)} y=${span.code === "" ? 6 : 2} width=${Math.max(0.6, x(span.to) - x(span.from)).toFixed(1)} height=${span.code === "" ? 6 : 14} fill=${span.code === "" ? "url(#hatch)" : undefined}>
        <title>${span.code === "" ? t("dispatch.day_unknown") : `${stateWord(entity.kind, span.code)} ${hourMinute(span.from, zone)}–${hourMinute(span.to, zone)} (${age(span.to - span.from)})`}</title></rect>`)}
    </svg><figcaption><span>${hourMinute(from, zone)}</span><span>${hourMinute(to, zone)}</span></figcaption></figure>`;
}

/** What happened, in a word or two. @param {Entity} entity @param {import("./story.js").Entry} entry */
function titleOf(entity, { kind, facts }) {
  const state = stateOf({ at: 0, kind, facts });
  if (state !== null) return stateWord(entity.kind, state);
  const over = kind.endsWith("_ended") ? kind.slice(0, -6) : "";
  const known = word("happened", kind), warning = word("warning", over || kind);
  if (known !== kind) return known;
  return over ? t("dispatch.ended", { what: warning }) : warning !== kind ? warning : eventName(kind);
}

/** A door's reason has a word of its own. @param {any} value */
function whyOf(value) {
  const reason = textOf(value), known = word("access.reason", reason);
  return known === reason ? actorOf(said(reason)) : known;
}

/** How a fact of an entry is said. @type {Record<string, (value: any, site: string) => string>} */
const SAID = { who: carrierOf, by: actorOf, reason: whyOf, gate: (value, site) => gateName(site, value) };

/** What an entry adds to its kind. @param {Entity} entity @param {import("./story.js").Entry} entry */
function detailsOf(entity, { kind, facts }) {
  /** @type {string[]} */
  const parts = [];
  if (kind === "checkpoint") parts.push(stateWord("checkpoint", String(facts["state"])));
  if (NOTED.has(kind)) return textOf(facts["place"]);
  for (const name of ["who", "name", "subject", "place", "from", "to", "by", "unit", "reason", "gate", "where"]) if (facts[name] && typeof facts[name] !== "number") parts.push((SAID[name] ?? textOf)(facts[name], entity.site));
  if (typeof facts["km"] === "number") parts.push(`${facts["km"].toFixed(1)} km`);
  return parts.join(" · ");
}

/** @param {{entity: Entity}} props */
export function Timeline({ entity }) {
  const zone = zoneOf(entity.site);
  const turn = Math.floor(now.value / AGAIN_MS);
  const { from, to } = useMemo(() => { const end = Math.floor(now.peek()) + 1; return { from: dayStart(end, zone), to: end }; }, [turn, zone]);
  const { answer, failure } = useAnswer(`/api/v1/timeline?${query({ entity: entity.id, from, to, limit: ASKED_MOST })}`, `timeline ${entity.id} ${from}`);
  const entries = useMemo(() => booked(once(entriesOf(answer))), [answer]);
  const list = useMemo(() => told(entries), [entries]);
  const end = Math.min(to, from + DAY_MS);
  return html`<h3>${t("dispatch.day")}</h3>
    ${failure && html`<p class="calm warn" role="alert">${failure}</p>`}
    ${answer && html`<${Bar} entity=${entity} spans=${spansOf(entries, from, end)} from=${from} to=${end} zone=${zone} />`}
    ${answer && list.length === 0 && html`<p class="calm muted">${t("dispatch.day_nothing")}</p>`}
    <ol class="day-list">${list.slice(-ENTRIES_MOST).reverse().map((entry, i) => html`<li key=${`${entry.at} ${entry.kind} ${i}`}>
      <button class="num" title=${`${fullTime(entry.at, zone)}: ${t("dispatch.look_back")}`} onClick=${() => goTo(entry.at)}>${clockTime(entry.at, zone)}</button>
      <span>${titleOf(entity, entry)}</span><span class="muted">${detailsOf(entity, entry)}</span></li>`)}</ol>`;
}
