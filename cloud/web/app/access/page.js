// The page Access: people and their cards, groups, permissions and schedules, doors with their lists, what doors decided.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { may } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { age, number } from "../format.js";
import { t } from "../i18n.js";
import { onKey } from "../keys.js";
import { now, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { search, shown } from "../place.js";
import { Panel } from "../settings/editor.js";
import { List } from "../settings/list.js";
import { Search } from "../settings/things.js";
import { Sections } from "../settings/sections.js";
import { opened } from "../settings/where.js";
import { pageZone, siteName } from "../sites.js";
import { ask, askAll, askAlone, control, failure, isGone, isNow, KINDS, list, listed, mayWrite, more, names, recordOf, recordsOf, SHOWN_MAX } from "./asked.js";
import { DoorPanel } from "./door_panel.js";
import { DecisionPanel, Heard, StrangerPanel } from "./heard.js";
import { ImportPeople } from "./import.js";
import { RecordForm } from "./record_form.js";
import { listWords, saysOf, tag, titleOf } from "./words.js";
import { goTo, open, openSection, openTheSection, SECTIONS } from "./where.js";

/** @typedef {Record<string, any>} Rec */

const AGAIN_MS = 10_000;

/** @param {{kind: string, one: Rec}} props */
const Cells = ({ kind, one }) => html`${kind === "credential" && html`<span class="set-kind mono">${tag(one["id"])}</span>`}<span class="set-name">${titleOf(kind, one, names.value)} ${kind !== "credential" && kind !== "permission" && html`<small class="muted mono">${one["id"]}</small>`}</span><span class=${`says ${one["blocked"] || one["disabled"] ? "warn" : "muted"}`}>${saysOf(kind, one, pageZone.value, names.value)}</span>`;

const TYPED_MS = 200;

/** @param {{kind: string}} props */
function Records({ kind }) {
  const create = () => open(kind, "+");
  const failed = useSignal("");
  useEffect(() => onKey("n", (event) => { if (mayWrite() && isNow()) { event.preventDefault(); create(); } }), [kind]);
  const words = search.value.trim();
  const look = (/** @type {() => Promise<void>} */ work) => work().then(() => { failed.value = ""; }, (error) => { failed.value = failureWords(error); });
  useEffect(() => {
    if (!mapSite.value) return;
    const timer = setTimeout(() => void look(() => list(kind, words)), listed.peek()?.kind === kind ? TYPED_MS : 0);
    return () => clearTimeout(timer);
  }, [kind, words, mapSite.value]);
  const here = listed.value?.kind === kind ? listed.value : null;
  const rows = (here?.rows ?? []).map((one) => ({ key: `${kind}:${one["id"]}`, cells: html`<${Cells} kind=${kind} one=${one} />` }));
  const empty = here === null ? t("settings.asking") : here.words ? t("settings.none_found") : t(`access.none_${kind}`);
  const left = here ? here.total - here.rows.length : 0;
  return html`<section class="card list-card" aria-label=${t(`access.${kind}`)}>${(failure.value || failed.value) && html`<p class="alarm-failure" role="alert">${failure.value || failed.value}</p>`}
    <div class="toolbar set-tools"><${Search} label=${t("access.search")} /><span class="muted" role="status">${t("access.n", { n: number(here?.total ?? 0) })}</span><span class="sp"></span>${mayWrite() && html`<button class="btn pri" disabled=${!isNow()} onClick=${create}>${t(`access.new_${kind}`)} <kbd>N</kbd></button>`}</div>
    <${List} label=${t(`access.${kind}`)} kind=${kind === "credential" ? "of-access" : "of-access no-tag"} key=${`${kind} ${words}`} rows=${rows} empty=${empty} left=${left} more=${() => void look(more)} />
    <p class="legend"><span><kbd>↑</kbd><kbd>↓</kbd> ${t("keys.move")}</span><span><kbd>Enter</kbd> ${t("settings.open")}</span></p></section>`;
}

function Doors() {
  const zone = pageZone.value, rows = (control.value?.doors ?? []).map((one) => ({ key: `control:${one["door"]}`, cells: html`<span class="set-kind">${one["gateway"]}</span><span class="set-name">${one["name"]} <small class="muted mono">${one["door"]}</small></span><span class="says muted">${t(`access.lock_${one["lock"].replace("-", "_")}`)} · ${t(`access.passback_${one["passback"]}`)}</span>` }));
  return html`<section class="card list-card" aria-label=${t("access.doors")}>${failure.value && html`<p class="alarm-failure" role="alert">${failure.value}</p>`}
    <${List} label=${t("access.doors")} kind="of-access" rows=${rows} empty=${control.value === null ? t("settings.asking") : t("access.no_doors")} />
    <h2 class="access-head">${t("access.lists")}</h2><ul class="access-list">${(control.value?.lists ?? []).map((list) => {
      const { text, warn } = listWords(list, now.value, zone);
      return html`<li key=${list["gateway"]}><b>${list["gateway"]}</b> <small class="muted">${t(list["online"] ? "access.online" : "access.offline")} · ${t("access.n_cards", { n: list["cards"] })}${list["issued_at"] ? html` · ${t("access.made", { age: age(now.value - list["issued_at"]) })}` : ""}</small><div class=${warn ? "warn" : ""}>${text}</div></li>`;
    })}</ul></section>`;
}

/** What somebody may open, and their cards. @param {{holder: string}} props */
function OfHolder({ holder }) {
  const allowed = useSignal(/** @type {Rec[] | null} */ (null));
  const failed = useSignal("");
  useEffect(() => { ask(`holders/${encodeURIComponent(holder)}/doors`).then((answer) => { allowed.value = answer.allowed; }, (error) => { failed.value = failureWords(error); }); }, [holder, control.value]);
  const cards = useSignal(/** @type {Rec[]} */ ([]));
  useEffect(() => { ask("records/credential", { search: holder, limit: SHOWN_MAX }).then((answer) => { cards.value = answer.records.filter((/** @type {Rec} */ one) => one["holder"] === holder); }, (error) => { failed.value = failureWords(error); }); }, [holder, recordsOf("credential")]);
  return html`<h3>${t("access.cards_of")}</h3>${cards.value.length === 0 && html`<p class="calm muted">${t("access.no_cards")}</p>`}
    <ul class="access-list">${cards.value.map((one) => html`<li key=${one["id"]}><button class="link mono" onClick=${() => goTo("credential", "credential", one["id"])}>${tag(one["id"])}</button> <small class=${one["blocked"] ? "warn" : "muted"}>${saysOf("credential", one, pageZone.value, names.value)}</small></li>`)}</ul>
    <h3>${t("access.may_open")}</h3>${failed.value && html`<p class="calm warn" role="alert">${failed.value}</p>`}${allowed.value?.length === 0 && html`<p class="calm muted">${t("access.opens_nothing")}</p>`}
    <ul class="access-list">${(allowed.value ?? []).map((one) => html`<li key=${`${one["door"]} ${one["permission"]}`}><button class="link" onClick=${() => goTo("doors", "control", one["door"])}>${one["door"]}</button> <small class=${one["now"] ? "" : "muted"}>${t(one["now"] ? "access.may_now" : "access.not_just_now")}</small> <small class="muted">${one["schedule"] || t("access.always")}</small></li>`)}</ul>`;
}

function Opened() {
  const { what, id } = opened.value;
  if (what === "control") return html`<${Panel} key=${shown.value} title=${control.value?.doors.find((one) => one["door"] === id)?.["name"] ?? id} sub=${id}><${DoorPanel} door=${id} /><//>`;
  if (what === "decision") return html`<${Panel} key=${shown.value} title=${t("access.why")}><${DecisionPanel} id=${id} /><//>`;
  if (what === "stranger") return html`<${Panel} key=${shown.value} title=${t("access.give_card")} sub=${tag(id)}><${StrangerPanel} id=${id} /><//>`;
  if (!KINDS.includes(what)) return null;
  return html`<${OpenedRecord} what=${what} id=${id} />`;
}

/** @param {{what: string, id: string}} props */
function OpenedRecord({ what, id }) {
  const one = recordOf(what, id), isNew = id === "+";
  const isBeyond = !isNew && !one && recordsOf(what) !== undefined && !isGone(what, id);
  useEffect(() => { if (isBeyond) void askAlone(what, id); }, [what, id, isBeyond]);
  if (!isNew && !one) return html`<${Panel} key=${shown.value} title=${id}><p class="calm muted">${isGone(what, id) ? t("settings.gone") : t("settings.asking")}</p><//>`;
  return html`<${Panel} key=${shown.value} title=${one ? titleOf(what, one, names.value) : t(`access.new_${what}`)} sub=${one ? (what === "credential" ? one["id"] : id) : ""}><${RecordForm} kind=${what} id=${id} />${what === "holder" && one && html`<${OfHolder} holder=${id} />`}<//>`;
}

export function Access() {
  const section = openSection.value;
  useEffect(() => {
    void askAll();
    const timer = setInterval(() => { if (!document.hidden && state.peek() === "live") void askAll(); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [mapSite.value]);
  if (!may("guard")) return html`<p class="calm muted">${t("access.not_you")}</p>`;
  return html`<div class=${`settings access${opened.value.what ? " with-panel" : ""}`}><h1 class="sr">${t("page.access")}</h1>
    <${Sections} of="access" names=${SECTIONS.filter((one) => one !== "import" || mayWrite())} section=${section} openIt=${openTheSection}>
      <p class="muted">${mapSite.value ? t("settings.of_site", { site: siteName(mapSite.value) }) : t("header.no_site")}</p><//>
    ${section === "doors" ? html`<${Doors} />` : section === "import" ? html`<${ImportPeople} />` : section === "heard" ? html`<${Heard} key=${mapSite.value} />` : html`<${Records} key=${section} kind=${section} />`}
    ${opened.value.what && html`<aside class="side"><${Opened} /></aside>`}</div>`;
}
