// The frame around every page: header, banner when offline, the page, footer.
import { html } from "../../vendor/preact.js";
import { user } from "../api.js";
import { t } from "../i18n.js";
import { asOf, downWhy, now, state, unreachable } from "../live/link.js";
import { moment } from "../format.js";
import { page } from "../place.js";
import { pageZone } from "../sites.js";
import { PAGES } from "./pages.js";
import { Header } from "./header.js";
import { Footer } from "./footer.js";
import { KeysDialog } from "./keys_dialog.js";
import { Login, PasswordChange } from "./login.js";

/** Hatching and other fills that drawings share. */
const Patterns = () => html`
  <svg class="patterns" width="0" height="0" aria-hidden="true">
    <defs>
      <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="hatch-line" x1="0" x2="0" y2="5" />
      </pattern>
    </defs>
  </svg>`;

const unreachableWords = () => t(downWhy.value === "too_many_pages" ? "live.too_many_pages" : "live.unreachable");

function Banner() {
  if (state.value === "offline") {
    const since = asOf.value === null ? "" : moment(asOf.value, now.value, pageZone.value);
    return html`<div class="banner" role="status"><b>${t("live.offline_since", { time: since })}</b><span>${t("live.last_known")}</span></div>`;
  }
  if (unreachable.value) return html`<div class="banner" role="status"><b>${unreachableWords()}</b><span>${t("live.trying")}</span></div>`;
  return html`<div class="banner-none" role="status"></div>`;
}

function Boot() {
  return html`<div class="boot"><span class="logo"><b>大院</b> Dayuan</span>
    <p role="status" class="muted">${unreachable.value ? `${t("live.unreachable")} ${t("live.trying")}` : t("live.connecting")}</p></div>`;
}

/** @param {{signOut: () => void}} props */
export function App({ signOut }) {
  if (user.value === undefined) return html`<${Boot} />`;
  if (user.value === null) return html`<${Login} />`;
  if (user.value.must_change_password) return html`<${PasswordChange} forced=${true} />`;
  const shownPage = PAGES.find((one) => one.id === page.value) ?? /** @type {typeof PAGES[number]} */ (PAGES[0]);
  document.title = `${t(`page.${shownPage.id}`)} · 大院 Dayuan`;
  return html`
    <${Patterns} />
    <a class="skip" href="#main" onClick=${skip}>${t("frame.skip")}</a>
    <${Header} signOut=${signOut} />
    <${Banner} />
    <main id="main" tabindex="-1" class=${state.value === "offline" ? "frozen" : ""}><${shownPage.View} /></main>
    <${Footer} frozen=${state.value === "offline"} />
    <${KeysDialog} />`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
