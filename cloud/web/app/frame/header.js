// The header: where, which page, how live, what time, language, theme, who.
import { computed, html } from "../../vendor/preact.js";
import { isRequester } from "../api.js";
import { clockTime, dayText, fullTime, seconds } from "../format.js";
import { t } from "../i18n.js";
import { toDecide } from "../live/approvals.js";
import { allAlarms, entities, delay, now, pastAt, roster, state } from "../live/link.js";
import { isThing } from "../live/world.js";
import { addressOf, site } from "../place.js";
import { pageZone, siteName, siteOf, sites } from "../sites.js";
import { offered, pageName, shownPage } from "./pages.js";
import { Preferences } from "./preferences.js";
import { UserMenu } from "./user_menu.js";

const counts = computed(() => {
  void roster.value;
  let gateways = 0, devices = 0;
  for (const entity of entities.values()) {
    const { site: at, kind } = entity.peek();
    if (site.value && at !== site.value) continue;
    if (kind === "gateway") gateways += 1;
    else if (!isThing(entity.peek())) devices += 1;
  }
  return { gateways, devices };
});

const unseen = computed(() => allAlarms.value.filter((alarm) => ["unacknowledged", "returned"].includes(alarm.state ?? "unacknowledged")).length);

/** How many alarms nobody has acknowledged. */
const AlarmCount = () => (unseen.value === 0 ? null : html`<span class="alarm-count" title=${t("alarms.unseen", { n: unseen.value })}>${unseen.value}</span>`);

/** How many commands wait for this person to be the second; leads to where that is decided. */
function ToDecide() {
  const many = toDecide.value.length;
  if (many === 0 || pastAt.value !== null) return null;
  const base = addressOf("settings");
  const words = t("header.to_decide", { n: many });
  return html`<a class="chip to-decide" href=${`${base}${base.includes("?") ? "&" : "?"}set=approvals`} title=${words} aria-label=${words}><b>${many}</b><span>${t("header.to_decide_short")}</span></a>`;
}

function SiteSwitcher() {
  const { gateways, devices } = counts.value;
  const summary = isRequester() ? null : html`<small>${t("header.counts", { gateways, devices })}</small>`;
  if (sites.value.length < 2) {
    const only = sites.value[0];
    return html`<span class="chip site">${only ? html`<b>${siteName(only.id)}</b>` : html`<b>${t("header.no_site")}</b>`}${summary}</span>`;
  }
  return html`<span class="chip site">
    <select aria-label=${t("header.site")} value=${site.value} onChange=${(/** @type {any} */ event) => { site.value = event.target.value; }}>
      <option value="">${t("header.all_sites", { n: sites.value.length })}</option>
      ${sites.value.map((one) => html`<option key=${one.id} value=${one.id}>${siteName(one.id)}</option>`)}
    </select>${summary}</span>`;
}

function Live() {
  if (pastAt.value !== null) return html`<span class="chip live then"><span class="dot hollow"></span><b>${t("past.past")}</b></span>`;
  if (state.value === "live") {
    return html`<span class="chip live" title=${t("live.title")}><span class="dot"></span><b>${t("live.live")}</b>${delay.value === null ? "" : html`<span class="num">${seconds(delay.value)}</span>`}</span>`;
  }
  const text = state.value === "offline" ? t("live.offline") : t("live.connecting");
  return html`<span class="chip live off"><span class="dot hollow"></span><b>${text}</b></span>`;
}

function Clock() {
  const zone = pageZone.value;
  const at = now.value;
  const known = site.value ? siteOf(site.value)?.name : "";
  return html`<span class=${`clock${state.value === "offline" && pastAt.value === null ? " stopped" : ""}`} title=${`${known ? `${known} · ` : ""}${fullTime(at, zone)}`}>
    <span class="muted day">${dayText(at, zone)}</span> <b class="mono">${clockTime(at, zone)}</b><span class="sr">${zone}</span></span>`;
}

/** @param {{signOut: () => void}} props */
export function Header({ signOut }) {
  return html`<header>
    <span class="logo"><b>大院</b> <span class="latin">Dayuan</span></span>
    <${SiteSwitcher} />
    <nav aria-label=${t("frame.pages")}>
      ${offered.value.map((one) => html`<a key=${one.id} href=${addressOf(one.id)} class=${one === shownPage.value ? "on" : ""} aria-current=${one === shownPage.value ? "page" : undefined}>${pageName(one)}${one.id === "alarms" && html`<${AlarmCount} />`}</a>`)}
    </nav>
    <span class="sp"></span>
    <${ToDecide} /><${Live} /><${Clock} /><${Preferences} /><${UserMenu} signOut=${signOut} />
  </header>`;
}
