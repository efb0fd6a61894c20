// A number that opens: dotted underline, and behind it what it was made of. In the list the keyboard opens it from the row.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { shown } from "../place.js";

/** @param {{to: string, inList?: boolean, title?: string, children?: any, class?: string}} props */
export function Opens({ to, inList = false, title, children, class: extra = "" }) {
  const onClick = (/** @type {Event} */ event) => { event.stopPropagation(); shown.value = to; };
  return html`<button class=${`num ${extra}`} tabindex=${inList ? -1 : 0} title=${title ?? t("number.opens")} onClick=${onClick}>${children}</button>`;
}
