// The sections of a page that has many, beside them or, where it is narrow, above them in one line.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { t } from "../i18n.js";

/** @param {{of: "settings" | "access", names: string[], section: string, openIt: (name: any) => void, children?: any}} props */
export function Sections({ of, names, section, openIt, children }) {
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  useEffect(() => { list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); }, [section]);
  return html`<nav class="card sections" aria-label=${t(`${of}.sections`)}><ul ref=${list}>${names.map((one) => html`<li key=${one}><button class=${section === one ? "on" : ""} aria-current=${section === one ? "true" : undefined} onClick=${() => openIt(one)}><b>${t(`${of}.${one}`)}</b><small>${t(`${of}.about_${one}`)}</small></button></li>`)}</ul>
    ${children}</nav>`;
}
