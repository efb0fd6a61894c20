// Records, reasons and states of access in words. Pure but for the language.
import { dayText, moment } from "../format.js";
import { said, t, word } from "../i18n.js";

/** @typedef {Record<string, any>} Rec */

/** A card key as people compare it: its first digits. @param {string} card */
export const tag = (card) => (card ? `${card.slice(0, 4)} ${card.slice(4, 8)}` : "");

/** Why a card was let in or refused. @param {string} reason */
export function reasonWord(reason) {
  if (!reason) return t("access.no_reason");
  const known = word("access.reason", reason);
  return known === reason ? said(reason) : known;
}

/** @param {Rec} one @param {string} zone */
export function validWords(one, zone) {
  const from = one["from_at"], until = one["until_at"];
  const parts = [from ? t("access.from_day", { day: dayText(from, zone) }) : "", until ? t("access.until_day", { day: dayText(until - 1, zone) }) : ""];
  return parts.filter(Boolean).join(" ");
}

/** What a record says beside its name. @param {string} kind @param {Rec} one @param {string} zone @param {Map<string, string>} names */
export function saysOf(kind, one, zone, names) {
  const valid = validWords(one, zone);
  switch (kind) {
    case "holder": return [one["unit"], valid, one["disabled"] ? t("access.disabled") : ""].filter(Boolean).join(" · ");
    case "credential": return [one["blocked"] ? t("access.blocked_why", { why: one["blocked"] }) : t(`access.kind_${one["kind"]}`), t("access.level_n", { n: one["level"] }), valid].filter(Boolean).join(" · ");
    case "group": return t("access.n_members", { n: one["members"].length });
    case "door_group": return one["doors"].join(", ");
    case "schedule": return [...one["parts"], ...Object.entries(one["dates"]).map(([day, hours]) => `${day}: ${hours.join(", ") || t("access.closed")}`)].join("; ");
    default: return [`${one["holder"] ? names.get(one["holder"]) ?? one["holder"] : one["group"]} → ${one["door"] || one["door_group"]}`, one["schedule"] || t("access.always"), valid].filter(Boolean).join(" · ");
  }
}

/** @param {string} kind @param {Rec} one @param {Map<string, string>} names */
export const titleOf = (kind, one, names) => (kind === "credential" ? one["holder_name"] || (names.get(one["holder"]) ?? one["holder"]) : one["name"] ?? one["id"]);

/** How a gateway stands with its list: a word, and whether somebody must act. @param {Rec} list @param {number} now @param {string} zone */
export function listWords(list, now, zone) {
  if (!list["enrolled"]) return { text: t("access.list_not_enrolled"), warn: true };
  if (list["fault"]) return { text: t("access.list_fault", { why: list["fault"] }), warn: true };
  if (list["wanted"] === null) return { text: t("access.list_none"), warn: false };
  if (list["held"] === null) return { text: t("access.list_untold"), warn: false };
  const ends = list["held_expires_at"] ? t("access.list_ends", { time: moment(list["held_expires_at"], now, zone) }) : "";
  if (list["held"] === list["wanted"]) return { text: `${t("access.list_held")} ${ends}`, warn: false };
  return { text: `${t(list["held"] === 0 ? "access.list_empty" : "access.list_old")} ${ends} ${list["refused"]}`.trim(), warn: list["online"] };
}

/** What today's rules say of a tap. @param {Rec} ruling @param {number} now @param {string} zone */
export function rulingWords(ruling, now, zone) {
  const parts = [reasonWord(ruling["reason"])];
  if (ruling["since"]) parts.push(t("access.ruling_from", { time: moment(ruling["since"], now, zone) }));
  if (ruling["until"]) parts.push(t("access.ruling_until", { time: moment(ruling["until"], now, zone) }));
  if (ruling["detail"]) parts.push(ruling["detail"]);
  if (ruling["permissions"].length > 0) parts.push(t("access.ruling_by", { names: ruling["permissions"].join(", ") }));
  return parts.join(" · ");
}
