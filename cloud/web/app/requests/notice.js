// What went wrong with an action: somebody was faster, or it cannot be done. Says what changed and offers it again.
import { html } from "../../vendor/preact.js";
import { textOf } from "../dispatch/words.js";
import { t } from "../i18n.js";
import { Overtaken, actWords } from "./act.js";
import { statusWord } from "./words.js";

/** What is different now, in words. @param {Record<string, any>} before @param {Record<string, any>} now */
export function changesOf(before, now) {
  /** @type {string[]} */
  const found = [];
  if (before["status"] !== now["status"]) found.push(t("requests.was_now", { what: t("requests.fact_status"), before: statusWord(String(before["status"])), now: statusWord(String(now["status"])) }));
  if (before["assigned"]?.resource !== now["assigned"]?.resource) {
    found.push(t("requests.was_now", { what: t("requests.fact_assigned"), before: before["assigned"]?.name || "—", now: now["assigned"] ? [now["assigned"].name, now["assigned"].by].filter(Boolean).join(" · ") : "—" }));
  }
  if ((before["assigned"]?.locked ?? false) !== (now["assigned"]?.locked ?? false)) found.push(t(now["assigned"]?.locked ? "requests.now_locked" : "requests.now_unlocked"));
  if ((before["approval"]?.state ?? "") !== (now["approval"]?.state ?? "")) found.push(`${t("requests.fact_approval")}: ${textOf(now["approval"]?.opinion) || now["approval"]?.state}`);
  return found;
}

/** @param {{failure: unknown, before: Record<string, any>, action: string, again: (() => void) | null}} props */
export function Notice({ failure, before, action, again }) {
  if (!failure) return null;
  if (!(failure instanceof Overtaken)) return html`<p class="notice" role="alert">${actWords(failure)}</p>`;
  const changes = changesOf(before, failure.now);
  const possible = /** @type {string[]} */ (failure.now["actions"] ?? []).includes(action);
  return html`<div class="notice" role="alert"><p><b>${t("requests.overtaken")}</b> ${changes.length > 0 ? changes.join("; ") : failure.failure.message}.</p>
    ${possible && again ? html`<button class="btn" onClick=${again}>${t("requests.again", { action: t(`requests.act_${action}`) })}</button>` : html`<p class="muted">${t("requests.not_again", { action: t(`requests.act_${action}`) })}</p>`}</div>`;
}
