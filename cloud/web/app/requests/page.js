// The page Requests: those that are open, and those of any age; for who only files requests it is the whole console.
import { computed, html, useEffect, useRef } from "../../vendor/preact.js";
import { isRequester } from "../api.js";
import { openThing } from "../dispatch/where.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { entities, pastAt, state } from "../live/link.js";
import { field, kind, search, shown } from "../place.js";
import { pageZone } from "../sites.js";
import { canAct, mayFile } from "./act.js";
import { RequestDetail } from "./detail.js";
import { RequestList } from "./list.js";
import { NewRequest } from "./new_request.js";
import { ask, failure, firstDay, follow, forgetFound, found, foundOne, isAnswered, isBusy, lastDay, next, today } from "./older.js";
import { isAsking } from "./queue.js";
import { own } from "./rows.js";
import { chosen, isRequest } from "./where.js";
import { kindWord } from "./words.js";

const KINDS = ["vehicle", "repair", "room", "guard", "visitor"];
const PARTS = ["open", "older"];

/** `open` or `older`; "" is what who looks needs first. */
const part = field("part");
const openPart = computed(() => (PARTS.includes(part.value) ? part.value : isRequester() ? "open" : "older"));

/** @param {string} id */
function open(id) {
  chosen.value = id;
  shown.value = `thing:${id}`;
}

function close() {
  shown.value = "";
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".asks"))?.focus());
}

/** @param {KeyboardEvent} event */
function onTabKey(event) {
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const first = event.key === "Home" || (event.key !== "End" && openPart.peek() === "older");
  part.value = first ? "open" : "older";
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(".asked [role=tab][aria-selected=true]"))?.focus());
}

function Parts() {
  return html`<div class="tabs" role="tablist" aria-label=${t("requests.title")} onKeyDown=${onTabKey}>${PARTS.map((one) => html`<button key=${one} role="tab" id=${`part-${one}`} aria-selected=${openPart.value === one} aria-controls="part-list" tabindex=${openPart.value === one ? 0 : -1}
    class=${`pick${openPart.value === one ? " on" : ""}`} onClick=${() => { part.value = one; }}>${t(`requests.part_${one}`)}${one === "open" && html` <span class="n">${own.value.filter((row) => row.tab !== "done").length}</span>`}</button>`)}</div>`;
}

const live = (/** @type {string} */ id) => entities.get(id)?.value;
/** As it is now where that is known, else as it was found. */
const latest = (/** @type {string} */ id) => (pastAt.value === null ? live(id) : undefined) ?? foundOne(id);

function Open() {
  if (own.value.length === 0) return html`<p class="nothing">${t(isRequester() ? "requests.none_own" : "requests.none_open")}</p>`;
  return html`<${RequestList} list=${own.value} label=${t("requests.title")} known=${live} click=${open} enter=${open} open=${open} isOwn=${isRequester()} />`;
}

function Search() {
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => onKey("/", (event) => { event.preventDefault(); box.current?.focus(); box.current?.select(); }), []);
  const day = (/** @type {string} */ name, /** @type {import("../../vendor/preact.js").Signal<string>} */ kept) => html`<label><span>${t(`requests.search_${name}`)}</span><input type="date" value=${kept.value} max=${today(pageZone.value)} onInput=${(/** @type {any} */ event) => { kept.value = event.target.value; }} /></label>`;
  const isSet = search.value || kind.value || firstDay.value || lastDay.value;
  const clear = () => { search.value = kind.value = firstDay.value = lastDay.value = ""; box.current?.focus(); };
  return html`<form class="asked-tools" role="search" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); void ask(); }}>
    <label class="wide"><span class="sr">${t("requests.search")}</span><input ref=${box} type="search" placeholder=${t("requests.search_hint")} value=${search.value} maxlength="100" onInput=${(/** @type {any} */ event) => { search.value = event.target.value; }} /></label>
    <label><span>${t("requests.field_kind")}</span><select value=${kind.value} onChange=${(/** @type {any} */ event) => { kind.value = event.target.value; }}><option value="">${t("requests.any")}</option>${KINDS.map((one) => html`<option key=${one} value=${one}>${kindWord(one)}</option>`)}</select></label>
    ${day("from", firstDay)}${day("to", lastDay)}
    <small class="wide muted">${firstDay.value || lastDay.value ? "" : t("requests.search_span")} ${isSet && html`<button type="button" class="plain" onClick=${clear}>${t("requests.search_clear")}</button>`}</small></form>`;
}

function Older() {
  useEffect(() => { const stop = follow(); return () => { stop(); forgetFound(); }; }, []);
  const list = found.value ?? [];
  const more = next.value ? html`<button class="btn more" disabled=${isBusy.value || !isAnswered.value || !canAct()} onClick=${() => void ask(true)}>${t("requests.search_more")}</button>` : null;
  return html`<${Search} />
    ${pastAt.value !== null && html`<p class="calm warn">${t("requests.search_now")}</p>`}
    ${failure.value && html`<p class="calm warn" role="alert">${failure.value}</p>`}
    <p class="sr" role="status">${found.value === null || isBusy.value || !isAnswered.value ? "" : t(next.value ? "requests.found_more" : "requests.found", { n: list.length })}</p>
    ${list.length > 0 ? html`<${RequestList} list=${list} label=${t("requests.part_older")} known=${latest} click=${open} enter=${open} open=${open} isOwn=${isRequester()} isNumbered=${true} />${more}`
      : html`<p class="nothing">${found.value === null || isBusy.value ? t("requests.asking") : t("requests.none_found")}</p>${more}`}`;
}

export function Requests() {
  const isOpen = isRequest(openThing.value);
  const begin = () => { if (mayFile() && canAct()) isAsking.value = true; };
  useEffect(() => onKey("n", (event) => { event.preventDefault(); begin(); }), []);
  useEffect(() => (isOpen ? onKey("Escape", close) : undefined), [isOpen]);
  if (state.value === "connecting") return html`<div class="waiting" role="status"><p class="muted">${t("live.connecting")}</p></div>`;
  return html`<div class=${`asked-page${isOpen ? " with-one" : ""}`}>
    <section class="card queue asked" aria-label=${t("requests.title")}>
      <div class="h"><h1>${t(isRequester() ? "page.my_requests" : "page.requests")}</h1><span class="sp"></span>
        ${mayFile() && pastAt.value === null && html`<button class="btn pri new" disabled=${!canAct()} onClick=${begin}>${t("requests.new")} <span aria-hidden="true">N</span></button>`}</div>
      <${Parts} />
      <div id="part-list" class="asked-box" role="tabpanel" aria-labelledby=${`part-${openPart.value}`}>${openPart.value === "open" ? html`<${Open} />` : html`<${Older} />`}</div></section>
    <div class="col side">${isOpen ? html`<${RequestDetail} />` : html`<section class="card empty-side"><p class="muted">${t(mayFile() ? "requests.pick_or_new" : "requests.pick")}</p></section>`}</div>
    ${isAsking.value && html`<${NewRequest} filed=${open} onClose=${() => { isAsking.value = false; }} />`}</div>`;
}
