// The marks beside values: the same shapes everywhere, never colour alone. The legend stands once per page.
import { html } from "../../vendor/preact.js";
import { t, word } from "../i18n.js";

export const MARKS = ["measured", "interpolated", "estimated", "missing", "uncertain", "stale", "bad"];

/** @param {{mark: string, why?: string}} props */
export function Mark({ mark, why }) {
  const text = why && why !== word("mark", mark) ? `${word("mark", mark)}: ${why}` : word("mark", mark);
  return html`<i class=${`q ${mark}`} role="img" aria-label=${text} title=${text}></i>`;
}

export function Legend() {
  return html`<div class="legend" role="group" aria-label=${t("legend.title")}>
    ${MARKS.map((mark) => html`<span key=${mark}><i class=${`q ${mark}`} aria-hidden="true"></i>${word("mark", mark)}</span>`)}</div>`;
}

/** The reason of a quality, in words. @param {string} reason */
export const reasonWords = (reason) => (reason ? word("reason", reason) : "");

const HEALTH_SHAPE = /** @type {Record<string, string>} */ ({ ok: "measured", uncertain: "uncertain", waiting: "missing", bad: "bad", failing: "bad", stale: "stale", lost: "lost",
  offline: "lost", fenced: "bad", clock: "uncertain", backlog: "interpolated" });

/** The state of a device or gateway as a shape; normal is quiet. @param {{health: string}} props */
export function HealthMark({ health }) {
  return html`<i class=${`q ${HEALTH_SHAPE[health] ?? "missing"}${health === "ok" ? " quiet" : ""}`} role="img" aria-label=${word("health", health)} title=${word("health", health)}></i>`;
}
