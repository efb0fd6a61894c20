// The section Approvals: commands that wait for a second person, and what was decided lately.
import { html, signal, useSignal } from "../../vendor/preact.js";
import { call, may } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { moment, seconds } from "../format.js";
import { t } from "../i18n.js";
import { approvals, askApprovals } from "../live/approvals.js";
import { now, pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { zoneOf } from "../sites.js";
import { useAsking } from "./asked.js";

/** @typedef {import("../live/approvals.js").Approval} Approval */

const failure = signal("");
/** Also now and then, so that one whose time is over is shown so. */
const list = { ask: async () => {
  if (!may("dispatch")) return;
  try { await askApprovals(); failure.value = ""; } catch (error) { failure.value = failureWords(error); }
} };
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
  const wrong = useSignal("");
  if (!may("dispatch")) return html`<section class="card list-card"><p class="calm muted">${t("settings.approvals_dispatchers")}</p></section>`;
  const decide = async (/** @type {Approval} */ row, /** @type {string} */ deed) => {
    try {
      await call("POST", `/api/v1/approvals/${row.id}/${deed}`);
      wrong.value = "";
    } catch (error) { wrong.value = failureWords(error); }
    await list.ask();
  };
  const rows = (approvals.value ?? []).filter((row) => row.site === mapSite.value);
  return html`<section class="card list-card" aria-label=${t("settings.approvals")}>
    ${(wrong.value || failure.value) && html`<p class="alarm-failure" role="alert">${wrong.value || failure.value}</p>`}
    <div class="set-box">${rows.length === 0 ? html`<p class="calm muted">${approvals.value === null ? t("settings.asking") : t("settings.no_approvals")}</p>`
      : html`<ul class="id-list">${rows.map((row) => html`<${Row} key=${row.id} row=${row} decide=${decide} />`)}</ul>`}</div></section>`;
}
