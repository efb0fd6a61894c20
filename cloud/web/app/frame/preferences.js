// Language and theme: in the header, and on the login.
import { html } from "../../vendor/preact.js";
import { lang, setLang, t } from "../i18n.js";
import { onKey } from "../keys.js";
import { nextTheme, theme } from "../theme.js";

function switchLang() {
  setLang(lang.peek() === "en" ? "zh-CN" : "en");
}

function LangSwitch() {
  const other = lang.value === "en" ? "中文" : "English";
  return html`<button class="plain lang" onClick=${switchLang} title=${t("header.language_to", { language: other })} aria-label=${`中 / EN: ${t("header.language_to", { language: other })}`}>
    <span class=${lang.value === "en" ? "" : "on"}>中</span> / <span class=${lang.value === "en" ? "on" : ""}>EN</span></button>`;
}

const THEME_MARK = { auto: "◐", light: "○", dark: "●" };

function ThemeSwitch() {
  const text = t(`theme.${theme.value}`);
  return html`<button class="plain theme" onClick=${nextTheme} title=${text} aria-label=${text}>${THEME_MARK[theme.value]}</button>`;
}

onKey("l", switchLang);
onKey("t", nextTheme);

export const Preferences = () => html`<${LangSwitch} /><${ThemeSwitch} />`;
