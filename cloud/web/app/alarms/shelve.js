// Hiding an alarm for a while, with a reason; it returns by itself. Or taking what it is of out of service.
import { html, signal, useSignal } from "../../vendor/preact.js";
import { Modal } from "../frame/modal.js";
import { t } from "../i18n.js";
import { liveNow } from "../live/link.js";
import { act, failure } from "./asked.js";

/** The alarm that is about to be hidden; null for none. */
export const shelving = signal(/** @type {import("../types.d.ts").Alarm | null} */ (null));

const MINUTES = [30, 60, 240, 480, 1440, 4320];
const close = () => { shelving.value = null; };

/** @param {number} minutes */
const lengthWords = (minutes) => (minutes < 60 ? `${minutes} ${t("unit.min")}` : `${minutes / 60} ${t("unit.h")}`);

/** @param {{alarm: import("../types.d.ts").Alarm}} props */
function Form({ alarm }) {
  const busy = useSignal(false);
  const onSubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy.value) return;
    const values = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const minutes = Number(values.get("minutes")), reason = String(values.get("reason")).trim();
    busy.value = true;
    const isDone = minutes > 0 ? await act(alarm, "shelve", { reason, until: Math.round(liveNow() + minutes * 60_000) }) : await act(alarm, "out-of-service", { reason });
    busy.value = false;
    if (isDone) close();
  };
  return html`<form onSubmit=${onSubmit}>
    <p class="muted">${t("alarms.shelve_what")}</p>
    <div class="field"><label for="minutes">${t("alarms.shelve_for")}</label>
      <select id="minutes" name="minutes">${MINUTES.map((one) => html`<option key=${one} value=${one} selected=${one === 60}>${lengthWords(one)}</option>`)}
        <option value="0">${t("alarms.until_put_back")}</option></select></div>
    <div class="field"><label for="reason">${t("alarms.reason")}</label>
      <input id="reason" name="reason" required maxlength="500" pattern=".*\\S.*" autofocus autocomplete="off" placeholder=${t("alarms.reason_hint")} /></div>
    <p class="failure" role="alert">${failure.value}</p>
    <button class="btn pri" disabled=${busy.value}>${t("alarms.shelve")}</button>
  </form>`;
}

export const ShelveDialog = () => (shelving.value ? html`<${Modal} title=${t("alarms.shelve")} onClose=${close}><${Form} alarm=${shelving.value} /><//>` : null);
