// The form for a new request: only what its kind needs is asked.
import { html, signal, useEffect } from "../../vendor/preact.js";
import { isRequester, query } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { textOf } from "../dispatch/words.js";
import { t, word } from "../i18n.js";
import { liveNow, say } from "../live/link.js";
import { useAnswer } from "../overview/loading.js";
import { siteName, sites, zoneOf } from "../sites.js";
import { Choice, Text, Tick, Whole } from "./fields.js";
import { Forecast } from "./forecast.js";
import { FormDialog } from "./form.js";
import { fromField } from "./local_time.js";
import { PlaceMap, placeOf } from "./place_map.js";
import { chosen, queueTab } from "./where.js";
import { kindWord, tierWord } from "./words.js";

/** @typedef {Record<string, any>} Values */

const KINDS = ["vehicle", "repair", "room", "guard", "visitor"];
const TIERS = ["", "real_time", "4h", "24h"];
const TRAVELS = new Set(["vehicle", "repair", "guard"]);
const CLASSES = ["sedan", "suv", "mpv", "van", "minibus", "bus", "truck", "pickup", "special", "cart"];
/** As the API names them in its errors. */
const NAMES = ["kind", "tier", "title", "requester.name", "requester.unit", "requester.phone", "from", "to", "window.earliest", "window.latest", "duration_min", "waiting_min",
  "passengers", "purpose", "note", "demand.seats", "demand.class", "demand.skills", "priority", "site"];

const number = (/** @type {any} */ text) => (text === "" || text === undefined || text === null ? undefined : Number(text));

/** What the API takes. @param {Values} values @param {number} openedAt */
export function bodyOf(values, openedAt) {
  const zone = zoneOf(values["site"]);
  const place = (/** @type {string} */ name) => (String(values[name] ?? "").trim() ? placeOf(String(values[name])) : undefined);
  const text = (/** @type {string} */ name) => String(values[name] ?? "").trim() || undefined;
  return {
    site: values["site"], kind: values["kind"], tier: values["tier"] || undefined, title: text("title"),
    requester: { name: text("requester.name"), unit: text("requester.unit"), phone: text("requester.phone") },
    from: place("from"), to: values["kind"] === "vehicle" ? place("to") : undefined,
    window: { earliest: fromField(values["window.earliest"] ?? "", zone) ?? undefined, latest: fromField(values["window.latest"] ?? "", zone) ?? undefined },
    duration_min: number(values["duration_min"]), passengers: number(values["passengers"]), purpose: text("purpose"), note: text("note"),
    round_trip: Boolean(values["round_trip"]), out_of_town: Boolean(values["out_of_town"]), emergency: Boolean(values["emergency"]), priority: number(values["priority"]),
    demand: { seats: number(values["demand.seats"]) ?? (values["kind"] === "vehicle" ? number(values["passengers"]) : undefined), class: values["kind"] === "vehicle" ? text("demand.class") : undefined,
      skills: text("demand.skills")?.split(/[,，、;；]\s*/).filter(Boolean) },
    started_at: openedAt,
  };
}

/** What is wrong before the collector is asked. @param {Values} values @param {number} now */
export function wrongWith(values, now) {
  /** @type {Record<string, string>} */
  const found = {};
  const zone = zoneOf(values["site"]);
  if (TRAVELS.has(values["kind"]) && !String(values["from"] ?? "").trim()) found["from"] = t("requests.wrong_from");
  const earliest = fromField(values["window.earliest"] ?? "", zone), latest = fromField(values["window.latest"] ?? "", zone);
  if (earliest !== null && latest !== null && latest < earliest) found["window.latest"] = t("requests.wrong_window");
  else if (latest !== null && latest < now && values["tier"] !== "real_time") found["window.latest"] = t("requests.wrong_over");
  for (const [name, most] of /** @type {[string, number][]} */ ([["passengers", 500], ["demand.seats", 500], ["duration_min", 20160]])) {
    const value = number(values[name]);
    if (value !== undefined && (!Number.isInteger(value) || value < 0 || value > most)) found[name] = t("requests.wrong_number", { most });
  }
  return found;
}

/** Names of the site's map, to choose from; and the map itself, while a place is pointed at. @param {{form: import("./fields.js").Form, site: string}} props */
function Places({ form, site }) {
  const { answer } = useAnswer(`/api/v1/requests/form?${query({ site })}`, `places ${site}`);
  const name = pointing.value;
  const names = new Set((answer?.map?.features ?? []).filter((/** @type {any} */ one) => ["building", "gate", "parking", "place"].includes(one.properties?.kind)).map((/** @type {any} */ one) => textOf(one.properties.name)).filter(Boolean));
  const pick = (/** @type {string} */ text) => {
    form.set(name, text);
    pointing.value = "";
    requestAnimationFrame(() => document.getElementById(`request-${name}`)?.focus());
  };
  const label = t(`requests.field_${name === "from" && form.values["kind"] !== "vehicle" ? "place" : name}`);
  return html`<datalist id="request-places">${[...names].map((one) => html`<option key=${one} value=${one} />`)}</datalist>
    <datalist id="request-units">${(answer?.units ?? []).map((/** @type {string} */ one) => html`<option key=${one} value=${one} />`)}</datalist>
    ${name && html`<${PlaceMap} map=${answer?.map} field=${label} value=${String(form.values[name] ?? "")} pick=${pick} />`}`;
}

/** The field a place is being pointed at for: `from`, `to` or none. */
const pointing = signal("");

/** Out of the way of the keys: the field itself lists the same names. @param {{name: string}} props */
const Point = ({ name }) => html`<button type="button" class="plain point" tabindex="-1" aria-expanded=${pointing.value === name} onClick=${() => { pointing.value = pointing.peek() === name ? "" : name; }}>${t("requests.on_map")}</button>`;

/** @param {import("./fields.js").Form} form */
function fields(form) {
  const kind = form.values["kind"];
  const of = (/** @type {string} */ name) => t(`requests.field_${name}`);
  const isVehicle = kind === "vehicle";
  return html`<${Choice} form=${form} name="kind" label=${of("kind")} options=${KINDS.map((one) => [one, kindWord(one)])} />
    <${Choice} form=${form} name="tier" label=${of("tier")} options=${TIERS.map((one) => [one, one ? tierWord(one) : t("requests.tier_auto")])} />
    ${sites.value.length > 1 && html`<${Choice} form=${form} name="site" label=${of("site")} options=${sites.value.map((one) => [one.id, siteName(one.id)])} />`}
    <${Text} form=${form} name="from" label=${of(isVehicle ? "from" : "place")} list="request-places" required=${TRAVELS.has(kind)} beside=${html`<${Point} name="from" />`} />
    ${isVehicle && html`<${Text} form=${form} name="to" label=${of("to")} list="request-places" beside=${html`<${Point} name="to" />`} />`}
    <${Places} form=${form} site=${form.values["site"]} />
    <${Text} form=${form} name="requester.unit" label=${of("unit")} list="request-units" /><${Text} form=${form} name="requester.name" label=${of("requester")} /><${Text} form=${form} name="requester.phone" label=${of("phone")} type="tel" max=${40} />
    <${Whole} form=${form} name="passengers" label=${of(isVehicle ? "passengers" : "people")} max=${500} />
    ${isVehicle ? html`<${Choice} form=${form} name="demand.class" label=${of("class")} options=${[["", t("requests.any")], ...CLASSES.map((one) => [one, word("class", one)])]} />` : html`<${Text} form=${form} name="demand.skills" label=${of("skills")} placeholder=${t("requests.skills_hint")} />`}
    <${Text} form=${form} name="window.earliest" label=${of("earliest")} type="datetime-local" /><${Text} form=${form} name="window.latest" label=${of("latest")} type="datetime-local" />
    <${Whole} form=${form} name="duration_min" label=${of("duration")} max=${20160} min=${1} />
    <${Choice} form=${form} name="priority" label=${of("priority")} options=${["1", "2", "3", "4", "5"].map((one) => [one, one === "3" ? t("requests.priority_usual") : one])} />
    <${Text} form=${form} name="purpose" label=${of("purpose")} wide="two" /><${Text} form=${form} name="title" label=${of("title")} wide=${true} placeholder=${t("requests.title_hint")} /><${Text} form=${form} name="note" label=${of("note")} wide=${true} max=${1000} />
    <div class="ticks wide">${isVehicle && html`<${Tick} form=${form} name="round_trip" label=${of("round_trip")} /><${Tick} form=${form} name="out_of_town" label=${of("out_of_town")} />`}<${Tick} form=${form} name="emergency" label=${of("emergency")} /></div>
    <p class="muted wide zone">${t("requests.zone", { zone: zoneOf(form.values["site"]) })}</p>
    ${TRAVELS.has(kind) && html`<${Forecast} body=${Object.keys(wrongWith(form.values, liveNow())).length === 0 ? bodyOf(form.values, 0) : null} site=${form.values["site"]} />`}`;
}

let openedAt = 0;

/** What becomes of the page when it is filed: it is chosen in the queue. @param {string} id */
function inQueue(id) {
  queueTab.value = "";
  chosen.value = id;
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".asks"))?.focus());
}

/** `filed` is told the id of what was filed. @param {{onClose: () => void, filed?: (id: string) => void}} props */
export function NewRequest({ onClose, filed = inQueue }) {
  if (openedAt === 0) openedAt = Math.round(liveNow());
  useEffect(() => () => { pointing.value = ""; }, []);
  const done = (/** @type {any} */ answer) => {
    openedAt = 0;
    onClose();
    filed(`${answer.request.site}/request:${answer.request.number}`);
    if (isRequester()) say("retry");
  };
  const start = () => ({ site: mapSite.peek(), kind: "vehicle", tier: "", priority: "3" });
  const close = () => { openedAt = 0; onClose(); };
  return html`<${FormDialog} name="request" title=${t("requests.new_title")} action=${t("requests.file")} path="/api/v1/requests" start=${start} check=${(/** @type {Values} */ values) => wrongWith(values, liveNow())}
    body=${(/** @type {Values} */ values) => bodyOf(values, openedAt)} fields=${fields} names=${NAMES} done=${done} onClose=${close} />`;
}
