// A window over the page.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { t } from "../i18n.js";

/**
 * A dialog of the browser's own: it keeps the focus inside, Esc closes it, and the focus goes back where it was.
 * @param {{title: string, onClose: () => void, children?: any}} props
 */
export function Modal({ title, onClose, children }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    box.current?.showModal();
    return () => before?.focus?.();
  }, []);
  const outside = (/** @type {Event} */ event) => { if (event.target === box.current) onClose(); };
  // Esc closes this window alone, and nothing of the page below it.
  const alone = (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") event.stopPropagation(); };
  return html`<dialog ref=${box} class="card modal" aria-label=${title} onClose=${onClose} onPointerDown=${outside} onKeyDown=${alone}>
    <div class="h"><span>${title}</span><span class="sp"></span><button class="plain close" aria-label=${t("frame.close")} onClick=${onClose}>✕</button></div>
    <div class="modal-body">${children}</div>
  </dialog>`;
}
