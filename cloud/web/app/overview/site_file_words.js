// What a gateway answered of a site file, and what its reader found, in the reader's language.
import { html } from "../../vendor/preact.js";
import { t, word } from "../i18n.js";
import { readerWords } from "./reader_words.js";

/** @typedef {{reason?: string, devices?: string, detail: string, key: string, line: number}} Answer */

/** Where in the file, and what is wrong there. @param {{line: number, key: string, message: string}} found */
export const foundWords = ({ line, key, message }) => [line ? t("site_file.line", { n: line }) : "", key, readerWords(message)].filter(Boolean).join(" ");

/** Lines that went and came. @param {{text: string}} props */
export const Difference = ({ text }) => html`<pre class="diff" tabindex="0">${text.trimEnd().split("\n").map((line, i) => html`<span key=${i} class=${/^(\+\+\+|---) /.test(line) ? "head" : line.startsWith("+") ? "came" : line.startsWith("-") ? "went" : ""}>${line}${"\n"}</span>`)}</pre>`;

/** Why a file was refused or taken back; "" when it was not. @param {Answer} answer */
export function answerWords({ reason = "", devices = "", detail, key, line }) {
  const why = reason ? word("site_file.reason", reason) : "";
  // The reader puts what would be right in brackets behind what is wrong.
  const said = /^(?<message>.*?)(?: \(allowed: (?<allowed>.*)\))?$/s.exec(detail)?.groups ?? {};
  const found = foundWords({ line, key, message: said.message ?? "" });
  return [why, found, said.allowed ? `${t("site_file.allowed")} ${readerWords(said.allowed)}` : "", devices].filter(Boolean).join(" · ");
}
