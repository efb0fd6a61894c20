// The list of keys, behind `?`.
import { html } from "../../vendor/preact.js";
import { isRequester } from "../api.js";
import { t } from "../i18n.js";
import { KEY_LIST, keysShown, onKey } from "../keys.js";
import { Modal } from "./modal.js";

onKey("?", () => { keysShown.value = true; });

export function KeysDialog() {
  return keysShown.value ? html`<${Modal} title=${t("keys.title")} onClose=${() => { keysShown.value = false; }}>
    <dl class="keys">${KEY_LIST.filter((one) => one.asked || !isRequester()).map(({ keys, what }) => html`<div key=${what}><dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd>`)}</dt><dd>${t(what)}</dd></div>`)}</dl>
  <//>` : null;
}
