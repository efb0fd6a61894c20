// Requests of any age, as the collector finds them: by words, kind and days, page after page.
import { batch, computed, effect, signal } from "../../vendor/preact.js";
import { get, query } from "../api.js";
import { now, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { field, kind, search, site } from "../place.js";
import { pageZone } from "../sites.js";
import { entityOf } from "./entity.js";
import { fromField } from "./local_time.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

/** The first and the last day that is looked at, `2026-11-21`; "" for as far as the collector looks by itself. */
export const firstDay = field("since");
export const lastDay = field("until");

const PAGE = 50;
const REST_MS = 300;
const DAY_MS = 86_400_000;

/** What was found so far; null before the first answer. */
export const found = signal(/** @type {Entity[] | null} */ (null));
export const failure = signal("");
export const isBusy = signal(false);
/** Where the next page begins; "" when everything is there. */
export const next = signal("");
/** What the found ones were looked for by, as `wanted` has it; null before the first answer. */
const answered = signal(/** @type {string | null} */ (null));

/** Behind the rows. @param {string} id */
export const foundOne = (id) => found.value?.find((one) => one.id === id);

/** What is looked for, as the API takes it. */
export const wanted = computed(() => {
  const zone = pageZone.value;
  const from = fromField(`${firstDay.value}T00:00`, zone), last = fromField(`${lastDay.value}T00:00`, zone);
  // Noon of the day after is in it wherever clocks are changed: its beginning is the end.
  const to = last === null ? undefined : fromField(`${new Date(Date.parse(`${lastDay.value}T12:00Z`) + DAY_MS).toISOString().slice(0, 10)}T00:00`, zone) ?? undefined;
  return query({ site: site.value, q: search.value.trim(), kind: kind.value, from: from ?? (to === undefined ? undefined : 0), to, limit: PAGE });
});

/** Is what was found an answer to what is looked for now? Only then can it be continued. */
export const isAnswered = computed(() => answered.value === wanted.value);

let round = 0;

/** @param {boolean} [more] the next page of what was found; what is looked for by other words begins anew */
export async function ask(more = false) {
  const mine = round += 1;
  const asked = wanted.peek();
  const isMore = more && isAnswered.peek();
  const path = `/api/v1/requests/search?${asked}${isMore ? `&${query({ next: next.peek() })}` : ""}`;
  isBusy.value = true;
  try {
    const said = await get(path);
    if (mine !== round) return;
    const entities = said.requests.map((/** @type {Record<string, any>} */ one) => entityOf(one, said.as_of));
    batch(() => {
      found.value = isMore ? [...found.peek() ?? [], ...entities] : entities;
      next.value = said.next ?? "";
      answered.value = asked;
      failure.value = "";
      isBusy.value = false;
    });
  } catch (error) {
    if (mine !== round) return;
    batch(() => { failure.value = failureWords(error); isBusy.value = false; });
  }
}

/** Asks when what is looked for has rested for a moment, and again when the collector is back. Returns how to stop. */
export function follow() {
  let asked = "";
  return effect(() => {
    const path = wanted.value;
    if (state.value !== "live" || (path === asked && !failure.peek())) return undefined;
    const timer = setTimeout(() => { asked = path; void ask(); }, asked === "" ? 0 : REST_MS);
    return () => clearTimeout(timer);
  });
}

/** Forgets what was found, so that the next one who looks begins anew. */
export function forgetFound() {
  round += 1;
  batch(() => { found.value = null; next.value = ""; answered.value = null; failure.value = ""; });
}

/** Today at the site, as fields for days have it. @param {string} zone */
export const today = (zone) => new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now.peek());
