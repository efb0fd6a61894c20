// A door, opened: who may open it, and opening it from afar with a reason, and what became of that.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { moment } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { pageZone } from "../sites.js";
import { ask, control } from "./asked.js";
import { Unlock } from "./unlock.js";
import { goTo } from "./where.js";

/** @typedef {Record<string, any>} Rec */

/** @param {{door: string}} props */
export function DoorPanel({ door }) {
  const allowed = useSignal(/** @type {Rec[] | null} */ (null));
  const failed = useSignal("");
  const zone = pageZone.value;
  useEffect(() => {
    if (!mapSite.value) return;
    ask(`doors/${encodeURIComponent(door)}/who`).then((answer) => { allowed.value = answer.allowed; failed.value = ""; }, (failure) => { failed.value = failureWords(failure); });
  }, [door, control.value, mapSite.value]);
  const one = control.value?.doors.find((each) => each["door"] === door);
  const unlockable = one?.["remote"];
  return html`${one && html`<p class="calm muted">${t("access.door_at", { gateway: one["gateway"], local: one["local"] })} · ${t(`access.lock_${one["lock"].replace("-", "_")}`)} · ${t(`access.passback_${one["passback"]}`)}</p>`}
    ${unlockable ? html`<${Unlock} site=${mapSite.value} door=${door} />` : one && html`<p class="calm muted">${t("access.unlock_not_remote")}</p>`}
    <h3>${t("access.who_may")}<small class="muted">${moment(now.value, now.value, zone)}</small></h3>
    ${failed.value && html`<p class="calm warn" role="alert">${failed.value}</p>`}
    ${allowed.value?.length === 0 && html`<p class="calm muted">${t("access.nobody")}</p>`}
    <ul class="access-list">${(allowed.value ?? []).map((each) => html`<li key=${`${each["holder"]} ${each["permission"]}`}><button class="link" onClick=${() => goTo("holder", "holder", each["holder"])}>${each["name"]}</button>
      <small class=${each["now"] ? "" : "muted"}>${t(each["now"] ? "access.may_now" : "access.not_just_now")}</small> <small class="muted">${each["permission"]} · ${each["schedule"] || t("access.always")}</small></li>`)}</ul>`;
}
