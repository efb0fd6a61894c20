// The frame around every page: header, banner when offline, the page, footer.
import { html } from "../../vendor/preact.js";
import { isRequester, user } from "../api.js";
import { t } from "../i18n.js";
import { asOf, downWhy, now, pastAt, state, unreachable, waitedS } from "../live/link.js";
import { failure, goNow, keptSince, wanted } from "../live/past.js";
import { dayText, clockTime, moment } from "../format.js";
import { wall } from "../place.js";
import { pageZone } from "../sites.js";
import { pageName, shownPage } from "./pages.js";
import { Header } from "./header.js";
import { Footer } from "./footer.js";
import { KeysDialog } from "./keys_dialog.js";
import { Login, PasswordChange } from "./login.js";
import { SecondFactorSetup } from "./second_factor.js";

/** Hatching and other fills that drawings share. */
const Patterns = () => html`
  <svg class="patterns" width="0" height="0" aria-hidden="true">
    <defs>
      <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="hatch-line" x1="0" x2="0" y2="5" />
      </pattern>
    </defs>
  </svg>`;

/** What keeps the page waiting: too many pages, nobody there, or somebody who takes long. */
function waitingWords() {
  if (downWhy.value === "too_many_pages") return [t("live.too_many_pages"), t("live.trying")];
  if (waitedS.value === 0 || (downWhy.value !== "" && downWhy.value !== "silent")) return [t("live.unreachable"), t("live.trying")];
  return [t("live.slow", { s: waitedS.value }), t("live.slow_note")];
}

function Banner() {
  if (state.value === "offline") {
    const since = asOf.value === null ? "" : moment(asOf.value, now.value, pageZone.value);
    return html`<div class="banner" role="status"><b>${t("live.offline_since", { time: since })}</b><span>${t("live.last_known")}</span></div>`;
  }
  if (wanted.value !== null) return html`<${PastBanner} />`;
  if (unreachable.value) {
    const [what, note] = waitingWords();
    return html`<div class="banner" role="status"><b>${what}</b><span>${note}</span></div>`;
  }
  return html`<div class="banner-none" role="status"></div>`;
}

/** What is shown is not now: said across the whole page, with the way back. */
function PastBanner() {
  const zone = pageZone.value;
  const shownAt = pastAt.value;
  const words = shownAt === null ? t("past.loading") : t("past.shown", { time: `${dayText(shownAt, zone)} ${clockTime(shownAt, zone)}` });
  const note = failure.value || (keptSince.value > 0 ? t("past.kept_since", { time: moment(keptSince.value, shownAt ?? 0, zone) }) : t("past.behind"));
  return html`<div class="banner past-banner" role="status"><b>${words}</b><span>${note}</span><span class="sp"></span>
    <button class="btn" onClick=${goNow}>${t("past.back")} <kbd>Esc</kbd></button></div>`;
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
  if (user.value.needs_second_factor) return html`<${SecondFactorSetup} />`;
  const { View } = shownPage.value;
  document.title = `${pageName(shownPage.value)} · 大院 Dayuan`;
  document.documentElement.dataset["look"] = [pastAt.value !== null ? "past" : "", wall.value ? "wall" : ""].join(" ").trim();
  return html`
    <${Patterns} />
    <a class="skip" href="#main" onClick=${skip}>${t("frame.skip")}</a>
    <${Header} signOut=${signOut} />
    <${Banner} />
    <main id="main" tabindex="-1" class=${state.value === "offline" ? "frozen" : ""}><${View} /></main>
    ${!isRequester() && html`<${Footer} frozen=${state.value === "offline"} />`}
    <${KeysDialog} />`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
