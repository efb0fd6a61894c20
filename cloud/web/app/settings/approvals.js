// The section Approvals: commands that wait for a second person, and what was decided lately.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { call, may } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { moment, seconds } from "../format.js";
import { t } from "../i18n.js";
import { now, pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { zoneOf } from "../sites.js";
import { listOf, useAsking } from "./asked.js";

/** @typedef {{id: string, site: string, gateway: string, device: string, point: string, action: string, value: number | null, reason: string, asked_by: string, asked_at: number, until: number, state: string, decided_by: string, opinion: string, mine: boolean}} Approval */

const SOON_MS = 3000;
const asked = listOf("/api/v1/approvals", (answer) => answer.approvals);
const list = { failure: asked.failure, ask: async () => { if (may("dispatch")) await asked.ask(); } };
const canDo = () => may("dispatch") && pastAt.value === null && state.value === "live";
const MARK = /** @type {Record<string, string>} */ ({ waiting: "p2", approved: "ok", rejected: "p1", expired: "" });

/** @param {{row: Approval, decide: (row: Approval, deed: string) => void}} props */
function Row({ row, decide }) {
  const what = `${row.device} · ${row.point} ${row.action}${row.value === null ? "" : ` ${row.value}`}`;
  const waits = row.state === "waiting";
  return html`<li class="id-row"><span class=${`tag ${MARK[row.state] ?? ""}`}>${t(`settings.approval_${row.state}`)}</span><b>${what}</b>
    <span class="muted">${row.gateway} · ${t("settings.asked_by", { who: row.asked_by, at: moment(row.asked_at, now.value, zoneOf(row.site)), why: row.reason })}
      ${waits ? ` · ${t("settings.left", { left: seconds(Math.max(0, (row.until - now.value) / 1000)) })}` : row.decided_by && ` · ${t("settings.decided_by", { who: row.decided_by })} ${row.opinion}`}</span>
    ${waits && html`<span class="set-sure">${row.mine ? html`<small class="muted">${t("settings.another_person")}</small>` : html`<button class="btn pri" disabled=${!canDo()} onClick=${() => decide(row, "approve")}>${t("settings.approve")}</button>`}
      <button class="btn danger" disabled=${!canDo()} onClick=${() => decide(row, "reject")}>${t(row.mine ? "settings.take_back" : "settings.reject")}</button></span>`}</li>`;
}

export function Approvals() {
  useAsking(list);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden && state.peek() === "live") void list.ask(); }, SOON_MS);
    return () => clearInterval(timer);
  }, []);
  const wrong = useSignal("");
  if (!may("dispatch")) return html`<section class="card list-card"><p class="calm muted">${t("settings.approvals_dispatchers")}</p></section>`;
  const decide = async (/** @type {Approval} */ row, /** @type {string} */ deed) => {
    try {
      await call("POST", `/api/v1/approvals/${row.id}/${deed}`);
      wrong.value = "";
    } catch (error) { wrong.value = failureWords(error); }
    await asked.ask();
  };
  const rows = /** @type {Approval[]} */ (asked.items.value ?? []).filter((row) => row.site === mapSite.value);
  return html`<section class="card list-card" aria-label=${t("settings.approvals")}>
    ${(wrong.value || list.failure.value) && html`<p class="alarm-failure" role="alert">${wrong.value || list.failure.value}</p>`}
    <div class="set-box">${rows.length === 0 ? html`<p class="calm muted">${asked.items.value === null ? t("settings.asking") : t("settings.no_approvals")}</p>`
      : html`<ul class="id-list">${rows.map((row) => html`<${Row} key=${row.id} row=${row} decide=${decide} />`)}</ul>`}</div></section>`;
}
