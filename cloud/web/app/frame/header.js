// The header: where, which page, how live, what time, language, theme, who.
import { computed, html } from "../../vendor/preact.js";
import { clockTime, dayText, fullTime, seconds } from "../format.js";
import { t } from "../i18n.js";
import { entities, delay, now, roster, state } from "../live/link.js";
import { page, site } from "../place.js";
import { pageZone, siteName, siteOf, sites } from "../sites.js";
import { PAGES } from "./pages.js";
import { Preferences } from "./preferences.js";
import { UserMenu } from "./user_menu.js";

const counts = computed(() => {
  void roster.value;
  let gateways = 0, devices = 0;
  for (const entity of entities.values()) {
    const { site: at, kind } = entity.peek();
    if (site.value && at !== site.value) continue;
    if (kind === "gateway") gateways += 1;
    else devices += 1;
  }
  return { gateways, devices };
});

function SiteSwitcher() {
  const { gateways, devices } = counts.value;
  const summary = html`<small>${t("header.counts", { gateways, devices })}</small>`;
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
  return html`<span class=${`clock${state.value === "offline" ? " stopped" : ""}`} title=${`${known ? `${known} · ` : ""}${fullTime(at, zone)}`}>
    <span class="muted day">${dayText(at, zone)}</span> <b class="mono">${clockTime(at, zone)}</b><span class="sr">${zone}</span></span>`;
}

/** @param {{signOut: () => void}} props */
export function Header({ signOut }) {
  return html`<header>
    <span class="logo"><b>大院</b> <span class="latin">Dayuan</span></span>
    <${SiteSwitcher} />
    <nav aria-label=${t("frame.pages")}>
      ${PAGES.map(({ id }) => html`<a key=${id} href=${`#/${id}`} class=${page.value === id ? "on" : ""} aria-current=${page.value === id ? "page" : undefined}>${t(`page.${id}`)}</a>`)}
    </nav>
    <span class="sp"></span>
    <${Live} /><${Clock} /><${Preferences} /><${UserMenu} signOut=${signOut} />
  </header>`;
}
