// The things of the site as the registry has them, and what their fields are called.
import { computed, signal } from "../../vendor/preact.js";
import { call, get } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { lang, t, word } from "../i18n.js";
import { entities, roster } from "../live/link.js";
import { fromField, toField } from "../requests/local_time.js";
import { zoneOf } from "../sites.js";
import { listOf } from "./asked.js";
import { boundOf, devices } from "./devices.js";
import { linesOf, numberOf, wrongId, wrongNumber } from "./fields.js";

/** @typedef {import("./devices.js").Asset} Asset */
/** @typedef {{type: string, name: {en: string, zh: string}, required: boolean, low?: number, high?: number, choices?: string[]}} Fact */
/** @typedef {Record<string, any>} Values */

export const ASSET_KINDS = ["vehicle", "door", "reader", "room", "guard", "technician", "driver", "meter", "gateway"];

const asked = listOf("/api/v1/assets", (answer) => answer.assets);
/** What may be known, by kind of thing; null until it was asked. */
export const kinds = signal(/** @type {Record<string, Record<string, Fact>> | null} */ (null));

/** Every thing of every site, as the registry has it. */
export const assetList = {
  failure: asked.failure,
  ask: async () => {
    await asked.ask();
    if (kinds.peek() === null) await get("/api/v1/assets/kinds").then((answer) => { kinds.value = answer.kinds; }, () => undefined);
  },
};

/** The things of the site; null until they were asked for. */
export const assets = computed(() => /** @type {Asset[] | null} */ (asked.items.value?.filter((one) => one.site === mapSite.value) ?? null));
export const bound = computed(() => boundOf(assets.value ?? []));
/** Devices that tell about nothing. */
export const loose = computed(() => (assets.value === null ? [] : devices.value.filter((one) => !bound.value.has(one.device ?? ""))));
/** Things without a device. */
export const bare = computed(() => (assets.value ?? []).filter((one) => one.bindings.length === 0 && one.kind !== "gateway"));
/** Things with a device that nobody announced. */
export const astray = computed(() => { void roster.value; return (assets.value ?? []).filter((one) => one.bindings.some(({ device }) => !entities.has(`${one.site}/${device}`))); });

/** `kind/id`, as the address has it. @param {Asset} asset */
export const keyOf = (asset) => `${asset.kind}/${asset.id}`;

/** @param {string} key */
export const assetOf = (key) => assets.value?.find((one) => keyOf(one) === key);

/** @param {Fact} fact */
export const factName = (fact) => (lang.value === "en" ? fact.name.en : fact.name.zh);

/** Whether a fact is an instant, which is written as date and time. @param {string} name */
export const isInstant = (name) => name.endsWith("_until");

/** A fact as its field has it. @param {string} name @param {any} value */
function fieldOf(name, value) {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join("\n");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return isInstant(name) ? toField(Number(value), zoneOf(mapSite.value)) : String(value);
}

/** What a form begins with. @param {Asset | undefined} asset @param {string} kind @returns {Values} */
export function valuesOf(asset, kind) {
  /** @type {Values} */
  const values = { kind, id: asset?.id ?? "", name: asset?.name ?? "", unit: asset?.unit ?? "", bindings: asset?.bindings ?? [] };
  for (const name of Object.keys(kinds.value?.[kind] ?? {})) if (asset?.facts[name] !== undefined) values[`fact.${name}`] = fieldOf(name, asset.facts[name]);
  return values;
}

/** A fact as the API takes it; undefined when nothing is known. @param {string} name @param {Fact} fact @param {any} said */
function factOf(name, fact, said) {
  const text = String(said ?? "").trim();
  if (text === "") return undefined;
  if (fact.type === "texts" || fact.type === "schedule") return linesOf(text);
  if (fact.type === "flag") return text === "yes";
  if (isInstant(name)) return fromField(text, zoneOf(mapSite.value)) ?? undefined;
  return fact.type === "number" || fact.type === "whole" ? numberOf(text) : text;
}

/** What the API takes. Facts of the site's own (`x_`) stay as they are. @param {Values} values @param {Asset | undefined} asset */
export function bodyOf(values, asset) {
  const own = Object.entries(asset?.facts ?? {}).filter(([name]) => kinds.value?.[values["kind"]]?.[name] === undefined);
  const facts = Object.entries(kinds.value?.[values["kind"]] ?? {}).map(([name, fact]) => [name, factOf(name, fact, values[`fact.${name}`])]).filter(([, value]) => value !== undefined);
  return { name: String(values["name"]).trim(), unit: String(values["unit"]).trim(), facts: Object.fromEntries([...own, ...facts]), bindings: values["bindings"].filter((/** @type {any} */ one) => one.device) };
}

/** What is wrong before the collector is asked. @param {Values} values @param {boolean} isNew @returns {Record<string, string>} */
export function wrongWith(values, isNew) {
  /** @type {Record<string, string>} */
  const found = { name: String(values["name"]).trim() ? "" : t("settings.missing"), id: wrongId(values["id"]) };
  if (isNew && !found["id"] && assetOf(`${values["kind"]}/${values["id"]}`)) found["id"] = t("settings.id_taken");
  for (const [name, fact] of Object.entries(kinds.value?.[values["kind"]] ?? {})) {
    const said = String(values[`fact.${name}`] ?? "").trim();
    if (said === "" && fact.required) found[`fact.${name}`] = t("settings.missing");
    else if ((fact.type === "number" || fact.type === "whole") && !isInstant(name)) found[`fact.${name}`] = wrongNumber(said, { low: fact.low ?? -Infinity, high: fact.high ?? Infinity, whole: fact.type === "whole" });
  }
  const [latitude, longitude] = ["latitude", "longitude"].map((name) => String(values[`fact.${name}`] ?? "").trim());
  if (latitude && !longitude) found["fact.longitude"] ||= t("settings.both_coordinates");
  if (longitude && !latitude) found["fact.latitude"] ||= t("settings.both_coordinates");
  return found;
}

/** Where a fault the collector found belongs. @param {{key: string, message: string}[]} faults @param {Values} values */
export function placeFaults(faults, values) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const { key, message } of faults) {
    const [first = ""] = key.split(".");
    const name = ["id", "name", "unit"].includes(first) ? first : first === "devices" ? "bindings" : kinds.value?.[values["kind"]]?.[first] ? `fact.${first}` : "";
    const text = name === "" ? `${key}: ${message}` : message;
    found[name] = found[name] ? `${found[name]} · ${text}` : text;
  }
  return found;
}

/** @param {string} kind @param {string} id */
const addressOf = (kind, id) => `/api/v1/assets/${encodeURIComponent(mapSite.value)}/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`;

/** @param {Values} values @param {number} rev @param {Asset | undefined} asset */
export async function saveAsset(values, rev, asset) {
  await call("PUT", `${addressOf(values["kind"], values["id"])}?rev=${rev}`, bodyOf(values, asset));
  await asked.ask();
}

/** @param {Asset} asset */
export async function removeAsset(asset) {
  await call("DELETE", `${addressOf(asset.kind, asset.id)}?rev=${asset.rev}`);
  await asked.ask();
}

/** @param {string} kind */
export const kindName = (kind) => word("kind", kind);
