// A list of settings. The list itself has the focus and names its active row; Enter opens that.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { shown } from "../place.js";
import { draftOf } from "./drafts.js";
import { canChange } from "./asked.js";

/** @typedef {{key: string, cells: any}} Row `key`: as `shown` has it, such as `rule:feeder` */

/** How many rows are drawn at first, and how many more each time. */
const SOME = 200;

/** @param {string} key */
const domId = (key) => `set-${key}`;

/** @param {{label: string, rows: Row[], kind: string, empty: any, create?: () => void, left?: number, more?: () => void}} props `kind`: how the rows are laid out; `left`: how many there are beyond these, which `more` fetches */
export function List({ label, rows, kind, empty, create, left = 0, more }) {
  const activeKey = useSignal("");
  const drawn = useSignal(SOME);
  const active = rows.findIndex((row) => row.key === (activeKey.value || shown.value));
  const moveTo = (/** @type {number} */ to) => {
    const row = rows[Math.max(0, Math.min(Math.min(rows.length, drawn.peek()) - 1, to))];
    if (!row) return;
    activeKey.value = row.key;
    document.getElementById(domId(row.key))?.scrollIntoView({ block: "nearest" });
  };
  useEffect(() => (create ? onKey("n", (event) => { if (canChange()) { event.preventDefault(); create(); } }) : undefined), [create]);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[active];
    if (event.key === "ArrowDown") moveTo(active + 1);
    else if (event.key === "ArrowUp") moveTo(active - 1);
    else if (event.key === "Home") moveTo(0);
    else if (event.key === "End") moveTo(rows.length - 1);
    else if ((event.key === "Enter" || event.key === " ") && row) shown.value = row.key;
    else return;
    event.preventDefault();
  };
  if (rows.length === 0) return html`<div class="set-box"><p class="calm muted">${empty}</p></div>`;
  return html`<div class="set-box"><ul class=${`set-list ${kind}`} role="listbox" tabindex="0" aria-label=${label} aria-activedescendant=${active >= 0 && active < drawn.value ? domId(/** @type {Row} */ (rows[active]).key) : undefined}
      onKeyDown=${onKeyDown} onFocus=${() => { if (active < 0 && rows[0]) activeKey.value = rows[0].key; }}>
    ${rows.slice(0, drawn.value).map((row, i) => html`<li key=${row.key} id=${domId(row.key)} role="option" aria-selected=${i === active} class=${`set-row${i === active ? " active" : ""}${shown.value === row.key ? " open" : ""}`}
      onClick=${() => { activeKey.value = row.key; shown.value = row.key; }}>${row.cells}<span class="set-draft">${draftOf(row.key) && html`<span class="tag p2">${t("settings.not_saved")}</span>`}</span></li>`)}</ul>
    ${rows.length + left > drawn.value && html`<button class="plain more" onClick=${() => { drawn.value += SOME; if (rows.length < drawn.value && left > 0) more?.(); }}>${t("settings.more_found", { n: rows.length + left - drawn.value })}</button>`}</div>`;
}
