// Names in the place of the short tags of cards, for those who may see who carries which card.
import { signal } from "../../vendor/preact.js";
import { get, may, query } from "../api.js";
import { lang } from "../i18n.js";

const WAIT_MS = 100, AT_ONCE = 200, AGAIN_MS = 60_000;
const TAGGED = /\b[Cc]ard ([0-9a-f]{6})\b|卡 ?([0-9a-f]{6})(?![0-9a-f])/g;

/** Name by `site tag`; empty for nobody's. @type {import("../../vendor/preact.js").Signal<Map<string, string>>} */
const known = signal(new Map());
/** @type {Map<string, Set<string>>} what is to be asked for, by site */
const wanted = new Map();
/** @type {Map<string, number>} */
const askedAt = new Map();
let timer = 0;

async function ask() {
  timer = 0;
  for (const [site, tags] of [...wanted]) {
    wanted.delete(site);
    const list = [...tags].slice(0, AT_ONCE);
    try {
      const { carriers } = await get(`/api/v1/access/${encodeURIComponent(site)}/carriers?${query({ tags: list.join(",") })}`);
      const next = new Map(known.peek());
      for (const tag of list) next.set(`${site} ${tag}`, carriers[tag] ?? "");
      known.value = next;
    } catch { /* tags stay, and are asked for again */ }
  }
}

/** Who carries the card of a tag; empty while that is not known, and for those who may not see it. @param {string} site @param {string} tag */
export function carrier(site, tag) {
  if (!site || !may("guard")) return "";
  const key = `${site} ${tag}`, name = known.value.get(key);
  if (!name && Date.now() - (askedAt.get(key) ?? 0) > AGAIN_MS) {
    askedAt.set(key, Date.now());
    if (!wanted.has(site)) wanted.set(site, new Set());
    wanted.get(site)?.add(tag);
    if (!timer) timer = setTimeout(() => void ask(), WAIT_MS);
  }
  return name ?? "";
}

/** A text with names where it calls cards by their tags. @param {string} site @param {string} text */
export const named = (site, text) => text.replace(TAGGED, (whole, latin, han) => carrier(site, latin ?? han) || whole);

/** What an alarm says, in the language of the page. @param {{source: string, text: {en: string, zh: string}}} alarm */
export const alarmText = (alarm) => named(alarm.source.split("/")[0] ?? "", lang.value === "en" ? alarm.text.en : alarm.text.zh);
