// What an alarm is of: its name, and where it is looked at.
import { t } from "../i18n.js";
import { entities } from "../live/link.js";
import { isThing } from "../live/world.js";
import { addressOf } from "../place.js";
import { sites } from "../sites.js";

/** The entity an alarm's source names; gateways are named without the sign of their id. @param {string} source */
export function entityOf(source) {
  const [site, rest = ""] = [source.slice(0, source.indexOf("/")), source.slice(source.indexOf("/") + 1)];
  return (entities.get(source) ?? entities.get(`${site}/@${rest}`))?.value;
}

/** What is no entity (any more), without its site: a card by the beginning of its key, the rest as it is. @param {string} source */
function plainName(source) {
  const local = source.slice(source.indexOf("/") + 1), colon = local.indexOf(":");
  if (colon < 0) return source;
  return local.startsWith("card:") ? t("alarms.card", { key: local.slice(5, 11) }) : local.slice(colon + 1);
}

/** @param {string} source */
export const sourceName = (source) => entityOf(source)?.name ?? sites.value.find((one) => one.id === source)?.name ?? plainName(source);

/** What people call what an alarm is of. @param {import("../types.d.ts").Alarm} alarm */
export const nameOf = (alarm) => (alarm.source.includes("/card:") ? "" : alarm.name) || sourceName(alarm.source);

/** The address at which the thing is open; null when nothing is known of it. @param {string} source */
export function sourceAddress(source) {
  const entity = entityOf(source);
  if (!entity) return null;
  const [page, what] = isThing(entity) ? ["dispatch", "thing"] : ["overview", entity.kind === "gateway" ? "gateway" : "device"];
  const base = addressOf(page);
  return `${base}${base.includes("?") ? "&" : "?"}${new URLSearchParams({ show: `${what}:${entity.id}` })}`;
}
