// What a thing says about itself in one line, in the reader's language.
import { carrier } from "../access/carriers.js";
import { age, hourMinute, moment, number } from "../format.js";
import { catalogueWords, eventName, lang, t, word } from "../i18n.js";
import { entities } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { backlogOf } from "../overview/health.js";
import { zoneOf } from "../sites.js";
import { codeOf } from "./states.js";

/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {Record<string, any>} Facts */

/** A text as features give it: one, or one a language. @param {any} text @returns {string} */
export function textOf(text) {
  if (text === null || text === undefined) return "";
  if (typeof text === "object") return String((lang.value === "en" ? text.en ?? text.zh : text.zh ?? text.en) ?? text.name ?? "");
  return String(text);
}

/** @param {Entity} entity @returns {Facts} */
export const factsOf = (entity) => /** @type {Facts} */ (entity.attributes);

/** The state in words. @param {string} kind @param {string} code */
export function stateWord(kind, code) {
  const name = `${kind}.${code}`;
  const own = word("state", name);
  return own === name ? word("state.thing", code) : own;
}

/** What people call a thing; a gateway as their site named it, where it did. @param {Entity} entity @returns {string} */
export const nameOf = (entity) => (entity.kind === "gateway" && textOf(factsOf(entity)["placed"]?.name)) || entity.name;

/** A plate as it stands on a small label: without the province. @param {Entity} entity */
export function shortName(entity) {
  const plate = String(factsOf(entity)["plate"] ?? nameOf(entity));
  const dot = plate.search(/[·•]/);
  return dot >= 0 ? plate.slice(dot + 1) : plate.length > 16 ? `${plate.slice(0, 15)}…` : plate;
}

/** @param {(string | false | null | undefined)[]} parts */
const joined = (parts) => parts.filter(Boolean).join(" · ");

/** How fast something went longer ago says nothing of now. */
const SPEED_MS = 60_000;

/** How fast a vehicle goes, km/h; null when that is not known of now. @param {Entity} entity @param {number} now @returns {number | null} */
export function speedOf(entity, now) {
  const speed = factsOf(entity)["speed_kmh"];
  return typeof speed === "number" && entity.observed_at !== null && now - entity.observed_at < SPEED_MS ? speed : null;
}

/** @param {Entity} entity @param {number} now */
function vehicleLine(entity, now) {
  const facts = factsOf(entity);
  const code = String(facts["state"] ?? "unknown");
  const place = textOf(facts["place"]);
  const kmh = speedOf(entity, now) ?? 0;
  const speed = kmh >= 1 ? `${number(kmh)} km/h` : "";
  const zone = zoneOf(entity.site);
  const until = facts["order"]?.until ? hourMinute(facts["order"].until, zone) : "";
  if (facts["warning"]) return joined([word("warning", String(facts["warning"])), place, speed]);
  if (code === "on_trip") return joined([stateWord("vehicle", code), facts["order"]?.to ? `→ ${textOf(facts["order"].to)}` : place, speed]);
  if (code === "reserved") return joined([until ? t("dispatch.reserved_until", { time: until }) : stateWord("vehicle", code), textOf(facts["order"]?.to) || place]);
  if (code === "stopped") return joined([stateWord("vehicle", code), place, facts["since"] ? age(now - facts["since"]) : ""]);
  if (code === "non_contactable") return joined([stateWord("vehicle", code), place && t("dispatch.last_at", { place })]);
  return joined([stateWord("vehicle", code), place]);
}

/** @param {Entity} entity @param {number} now */
function doorLine(entity, now) {
  const facts = factsOf(entity);
  const code = String(facts["state"] ?? "unknown");
  const since = facts["since"] && code !== "closed" ? age(now - facts["since"]) : "";
  const pace = typeof facts["throughput_s"] === "number" ? t("dispatch.pace", { s: number(facts["throughput_s"], 1) }) : "";
  const last = facts["last"] ? joined([word("passage", String(facts["last"].kind)), carrierOf(facts["last"].who, entity.site)]) : "";
  const waiting = facts["waiting"] > 0 ? t("dispatch.waiting", { n: facts["waiting"] }) : "";
  return joined([stateWord("door", code), facts["tampered"] && word("warning", "tampered"), since, waiting, pace || last]);
}

/** @param {Entity} entity */
function roomLine(entity) {
  const facts = factsOf(entity);
  const code = String(facts["state"] ?? "unknown");
  const zone = zoneOf(entity.site);
  const booking = facts["booking"], next = facts["next"];
  const until = booking?.until ? t("dispatch.until", { time: hourMinute(booking.until, zone) }) : "";
  const then = !booking && next?.from ? t("dispatch.next_at", { time: hourMinute(next.from, zone) }) : "";
  return joined([stateWord("room", code), textOf(booking?.subject), until, then, facts["capacity"] ? t("dispatch.seats", { n: facts["capacity"] }) : ""]);
}

/** @param {Entity} entity */
function guardLine(entity) {
  const facts = factsOf(entity);
  const patrol = facts["patrol"];
  const round = patrol ? t("dispatch.patrol_done", { route: textOf(patrol.route), done: patrol.done, of: patrol.of }) : "";
  return joined([stateWord("guard", String(facts["state"] ?? "unknown")), round, textOf(facts["order"]?.to), textOf(facts["place"])]);
}

/** @param {Entity} entity */
function patrolLine(entity) {
  const facts = factsOf(entity);
  /** @type {Facts[]} */
  const checkpoints = facts["checkpoints"] ?? [];
  const done = checkpoints.filter((one) => one["at"]).length;
  const missed = checkpoints.filter((one) => one["state"] === "missed").length;
  return joined([stateWord("patrol", String(facts["state"] ?? "unknown")), textOf(facts["guard"]), t("dispatch.points_done", { done, of: checkpoints.length }),
    missed > 0 && t("dispatch.points_missed", { n: missed })]);
}

/** @param {Entity} entity */
function visitorLine(entity) {
  const facts = factsOf(entity);
  const zone = zoneOf(entity.site);
  const span = facts["from"] && facts["until"] ? `${hourMinute(facts["from"], zone)}–${hourMinute(facts["until"], zone)}` : "";
  return joined([stateWord("visitor", String(facts["state"] ?? "unknown")), span, facts["host"] && t("dispatch.visits", { host: textOf(facts["host"]) }), textOf(facts["plate"])]);
}

/** Whose card it was; one that nobody is known to carry is called by the beginning of its key. @param {any} who @param {string} site */
export function carrierOf(who, site) {
  const said = textOf(who), card = /^card ([0-9a-f]{6})$/.exec(said)?.[1];
  return card ? carrier(site, card) || t("dispatch.card", { card }) : said;
}

/** Who or what did something, and by what right, in words where they are ours. @param {any} by */
export function actorOf(by) {
  const said = textOf(by);
  if (said.startsWith("token ")) return t("actor.token", { name: said.slice(6) });
  return said === "automatic" || said === "by position" ? t(`actor.${said.replace(" ", "_")}`) : said;
}

/** A gate as people call it. @param {string} site @param {any} gate */
export const gateName = (site, gate) => entities.get(`${site}/door:${textOf(gate)}`)?.value.name ?? textOf(gate);

/** Where equipment stands, by what was written down of it. @param {Facts | null | undefined} facts */
export const standsIn = (facts) => joined([textOf(facts?.["building"]).toUpperCase(), textOf(facts?.["floor"])]);

/** @param {Entity} entity */
function gatewayLine(entity) {
  const waiting = backlogOf(entity.attributes.report).readings;
  return joined([stateWord("gateway", codeOf(entity)), standsIn(factsOf(entity)["placed"]), waiting > 0 && t("footer.backlog", { n: number(waiting) })]);
}

/** @param {Entity} entity */
function equipmentLine(entity) {
  const facts = factsOf(entity), last = facts["last"];
  return joined([stateWord(entity.kind, codeOf(entity)), textOf(facts["facts"]?.circuit), last && joined([eventName(String(last.kind)), carrierOf(last.who, entity.site)]), standsIn(facts["facts"])]);
}

/** @type {Record<string, (entity: Entity, now: number) => string>} */
const LINES = { vehicle: vehicleLine, door: doorLine, room: roomLine, guard: guardLine, technician: guardLine, patrol: patrolLine, visitor: visitorLine, gateway: gatewayLine, meter: equipmentLine, reader: equipmentLine };

/** @param {Entity} entity @param {number} now */
export const lineOf = (entity, now) => LINES[entity.kind]?.(entity, now) ?? stateWord(entity.kind, codeOf(entity));

/** Since when, for what has gone stale. @param {Entity} entity @param {number} now */
export const staleWords = (entity, now) => (entity.observed_at ? t(isOutOfReach(entity) ? "health.cut_off_since" : "dispatch.stale_since", { time: moment(entity.observed_at, now, zoneOf(entity.site)) }) : t("dispatch.never_heard"));

/** @type {WeakMap<Entity, string>} */
const haystacks = new WeakMap();

/** Everything of a thing that a search looks through, in both languages. @param {Entity} entity */
export function haystack(entity) {
  let known = haystacks.get(entity);
  if (known === undefined) {
    const facts = factsOf(entity);
    const code = codeOf(entity);
    const both = (/** @type {any} */ text) => (text && typeof text === "object" ? Object.values(text).filter((one) => typeof one === "string").join(" ") : String(text ?? ""));
    known = [entity.name, nameOf(entity), entity.id, ...["plate", "driver", "unit", "place", "class", "host", "guard", "gate"].map((name) => both(facts[name])),
      both(facts["order"]?.to), both(facts["patrol"]?.route), both(facts["booking"]?.subject), both(facts["booking"]?.unit), (facts["skills"] ?? []).join(" "),
      code, catalogueWords(`state.${entity.kind}.${code}`), catalogueWords(`state.thing.${code}`), facts["warning"] ? catalogueWords(`warning.${facts["warning"]}`) : ""].join(" ").toLowerCase();
    haystacks.set(entity, known);
  }
  return known;
}
