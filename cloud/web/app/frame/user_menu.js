// Who is signed in, with the password and the way out.
import { html, useEffect, useRef, useSignal } from "../../vendor/preact.js";
import { user } from "../api.js";
import { t, word } from "../i18n.js";
import { keysShown } from "../keys.js";
import { PasswordDialog } from "./login.js";
import { SecondFactorDialog } from "./second_factor.js";

/** @param {{signOut: () => void}} props */
export function UserMenu({ signOut }) {
  const isOpen = useSignal(false);
  const changing = useSignal(false);
  const setting = useSignal(false);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));

  useEffect(() => {
    const outside = (/** @type {Event} */ event) => { if (!box.current?.contains(/** @type {Node} */ (event.target))) isOpen.value = false; };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, []);

  useEffect(() => { if (isOpen.value) /** @type {HTMLElement | null | undefined} */ (box.current?.querySelector("[role=menuitem]"))?.focus(); }, [isOpen.value]);

  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (!isOpen.value) return;
    const items = /** @type {HTMLElement[]} */ ([...(box.current?.querySelectorAll("[role=menuitem]") ?? [])]);
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.key === "Escape") { isOpen.value = false; button.current?.focus(); }
    else if (event.key === "Tab") { isOpen.value = false; return; }
    else if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length]?.focus();
    else return;
    event.preventDefault();
  };

  const choose = (/** @type {() => void} */ then) => () => { isOpen.value = false; button.current?.focus(); then(); };
  const name = user.value?.name ?? "";
  return html`<span class="menu-box" ref=${box} onKeyDown=${onKeyDown}>
    <button ref=${button} class="chip" aria-haspopup="menu" aria-expanded=${isOpen.value} onClick=${() => { isOpen.value = !isOpen.value; }}>
      <span class="role">${word("role", user.value?.role ?? "")}</span><b>${name}</b></button>
    ${isOpen.value && html`<div class="menu card" role="menu" aria-label=${name}>
      <button role="menuitem" onClick=${choose(() => { keysShown.value = true; })}>${t("keys.title")}<kbd>?</kbd></button>
      <button role="menuitem" onClick=${choose(() => { changing.value = true; })}>${t("password.change")}</button>
      <button role="menuitem" onClick=${choose(() => { setting.value = true; })}>${t("second.title")}</button>
      <button role="menuitem" onClick=${choose(signOut)}>${t("login.sign_out")}</button>
    </div>`}
    ${changing.value && html`<${PasswordDialog} onDone=${() => { changing.value = false; }} />`}
    ${setting.value && html`<${SecondFactorDialog} onDone=${() => { setting.value = false; }} />`}
  </span>`;
}
