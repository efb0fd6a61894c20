// Two catalogues, one page: every text is looked up when it is drawn, so switching the language needs no reload.
import { signal } from "../vendor/preact.js";

/** @typedef {"en" | "zh-CN"} Lang */
/** @typedef {{en: string, zh: string, unit?: string, kind?: string, labels_en?: string[], labels_zh?: string[]}} Word */

/** @type {readonly Lang[]} */
export const LANGS = ["zh-CN", "en"];

/** @type {Record<string, Record<string, string>>} */
const catalogues = { en: {}, "zh-CN": {} };
/** @type {{points: Record<string, Word>, events: Record<string, Word>}} */
let words = { points: {}, events: {} };

export const lang = signal(/** @type {Lang} */ (document.documentElement.lang === "zh-CN" ? "zh-CN" : "en"));

/** Loads both catalogues and the shared vocabulary; afterwards switching is instant and works offline. */
export async function loadCatalogues() {
  const load = async (/** @type {string} */ name) => (await fetch(new URL(`../i18n/${name}.json`, import.meta.url))).json();
  [catalogues["en"], catalogues["zh-CN"], words] = await Promise.all([load("en"), load("zh-CN"), load("words")]);
}

/** @param {Lang} chosen */
export function setLang(chosen) {
  lang.value = chosen;
  document.documentElement.lang = chosen;
  try { localStorage.setItem("dayuan.lang", chosen); } catch { /* private windows keep nothing */ }
}

/**
 * The text of a key. `{name}` is replaced by an argument, `{n:device|devices}` by the right plural of n.
 * @param {string} key
 * @param {Record<string, string | number>} [args]
 */
export function t(key, args = {}) {
  const locale = lang.value;
  const text = catalogues[locale]?.[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, name, one, other) => {
    const value = args[name] ?? "";
    if (one !== undefined) return new Intl.PluralRules(locale).select(Number(value)) === "one" ? one : other;
    return typeof value === "number" ? value.toLocaleString(locale) : value;
  });
}

/** A word out of an open list (`prefix.value`); the value itself where the catalogue has none.
 * @param {string} prefix @param {string} value */
export function word(prefix, value) {
  const key = `${prefix}.${value}`;
  return catalogues[lang.value]?.[key] ?? value;
}

/** The keys that begin so, those with fewer wildcards first. @param {string} prefix @returns {string[]} */
export const keysUnder = (prefix) => Object.keys(catalogues[lang.value] ?? {}).filter((key) => key.startsWith(prefix)).sort((a, b) => a.split("*").length - b.split("*").length);

/** What a device said (a reason, an error), in words where the catalogue has them. @param {string} text */
export const said = (text) => catalogues[lang.value]?.[`said.${text.toLowerCase().replaceAll(" ", "_")}`] ?? text;

/** @param {Word | undefined} entry @param {string} otherwise */
const named = (entry, otherwise) => (entry ? (lang.value === "en" ? entry.en : entry.zh) : otherwise);

/** How a person calls a point. @param {string} name */
export const pointName = (name) => named(words.points[name], name);

/** How a person calls a kind of event. @param {string} kind */
export const eventName = (kind) => named(words.events[kind], kind);

/** The word for a state's value, or null. @param {string} name @param {number} value */
export function stateLabel(name, value) {
  const entry = words.points[name];
  const labels = lang.value === "en" ? entry?.labels_en : entry?.labels_zh;
  return labels?.[value] ?? null;
}

/** @type {Map<string, string>} */
const pointHaystacks = new Map();

/** Both names of a point and its own, for searching. @param {string} name */
export function pointHaystack(name) {
  let known = pointHaystacks.get(name);
  if (known === undefined) {
    const entry = words.points[name];
    known = `${name} ${entry?.en ?? ""} ${entry?.zh ?? ""}`.toLowerCase();
    pointHaystacks.set(name, known);
  }
  return known;
}

/** A text in every language, for searching. @param {string} key */
export const catalogueWords = (key) => Object.values(catalogues).map((texts) => texts[key] ?? "").join(" ");
