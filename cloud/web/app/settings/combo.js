// A choice out of many: type to search, arrows and Enter to choose. What stands in the list may say more than a name.
import { html, useRef, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";

/** @typedef {{value: string, text: string, haystack: string}} Option */

/** How many are drawn; more are found by typing on. */
const SOME = 40;

/** @param {Option[]} options @param {string} said */
function matching(options, said) {
  const words = said.toLowerCase().split(/\s+/).filter(Boolean);
  return options.filter((one) => words.every((word) => one.haystack.includes(word)));
}

/**
 * @param {{id: string, label: string, value: string, options: Option[], choose: (value: string) => void, fixed?: boolean, invalid?: boolean, describedBy?: string | undefined, placeholder?: string,
 *   free?: (said: string) => Option | null, about?: (value: string) => any}} props `free`: what else may be meant by what was typed; `about`: what is said of each
 */
export function Combo({ id, label, value, options, choose, fixed = false, invalid = false, describedBy, placeholder, free, about }) {
  const said = useSignal(/** @type {string | null} */ (null));
  const active = useSignal(0);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const chosen = options.find((one) => one.value === value);
  const isOpen = said.value !== null;
  const found = isOpen ? matching(options, /** @type {string} */ (said.value)) : [];
  const extra = isOpen && said.value ? free?.(said.value.trim()) ?? null : null;
  const drawn = [...found.slice(0, SOME), ...(extra ? [extra] : [])];
  const take = (/** @type {Option | undefined} */ option) => { if (!option) return; said.value = null; choose(option.value); };
  const begin = () => { if (!fixed && said.peek() === null) { said.value = ""; active.value = 0; } };
  const go = (/** @type {number} */ to) => {
    active.value = Math.max(0, Math.min(drawn.length - 1, to));
    requestAnimationFrame(() => document.getElementById(`${id}-o${active.peek()}`)?.scrollIntoView({ block: "nearest" }));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { if (isOpen) go(active.peek() + (event.key === "ArrowDown" ? 1 : -1)); else begin(); }
    else if (event.key === "Enter" && isOpen) take(drawn[active.peek()]);
    else if (event.key === "Escape" && isOpen) said.value = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class=${`combo${isOpen ? " open" : ""}`}>
    <input ref=${input} id=${id} type="text" role="combobox" aria-label=${label} aria-expanded=${isOpen} aria-controls=${isOpen ? `${id}-list` : undefined} aria-autocomplete="list" aria-activedescendant=${isOpen && drawn.length > 0 ? `${id}-o${active.value}` : undefined}
      aria-invalid=${invalid ? "true" : undefined} aria-describedby=${describedBy} disabled=${fixed} autocomplete="off" spellcheck=${false} placeholder=${placeholder} value=${isOpen ? said.value : chosen?.text ?? value}
      onInput=${(/** @type {any} */ event) => { said.value = event.target.value; active.value = 0; }} onClick=${begin} onKeyDown=${onKeyDown} onBlur=${() => { said.value = null; }} />
    ${isOpen && html`<ul id=${`${id}-list`} role="listbox" aria-label=${label} onPointerDown=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${drawn.map((one, i) => html`<li key=${one.value} id=${`${id}-o${i}`} role="option" aria-selected=${i === active.value} class=${i === active.value ? "active" : ""} onClick=${() => take(one)}><span>${one.text}</span>${about && html`<small>${about(one.value)}</small>`}</li>`)}
      ${drawn.length === 0 && html`<li class="muted" role="option" aria-disabled="true" aria-selected="false">${t("settings.none_found")}</li>`}
      ${found.length > SOME && html`<li class="muted" role="option" aria-disabled="true" aria-selected="false">${t("settings.more_found", { n: found.length - SOME })}</li>`}</ul>`}</div>`;
}
