// Reports of days, weeks and months: which are written, at which hour, and those there are.
import { html, useEffect, useSignal } from "../../vendor/preact.js";
import { ApiFailure, call, get, query } from "../api.js";
import { bytes, moment } from "../format.js";
import { t } from "../i18n.js";
import { now } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { canChange, mayChange } from "../settings/asked.js";
import { Choice, Tick } from "../settings/fields.js";
import { addDays } from "./local.js";
import { openDay } from "./where.js";

/** @typedef {{name: string, kind: string, from: string, until: string, made_at: number, files: Record<string, number>}} Report */
/** @typedef {{site: string, rev: number, changed_at: number, changed_by: string, plan: Record<string, any>, next_at: number | null, failing: string, folder: string, reports: Report[]}} Listed */

const KINDS = ["daily", "weekly", "monthly"];
const FEW = 12;

/** @param {{site: string, zone: string}} props */
export function ReportsCard({ site, zone }) {
  const listed = useSignal(/** @type {Listed | null} */ (null));
  const failed = useSignal("");
  const mine = useSignal(/** @type {Record<string, any> | null} */ (null));
  const said = useSignal("");
  const isBusy = useSignal(false);
  const isAll = useSignal(false);
  const path = `/api/v1/energy/reports/${encodeURIComponent(site)}`;
  const ask = async () => { try { listed.value = await get(path); failed.value = ""; } catch (failure) { failed.value = failureWords(failure); } };
  useEffect(() => { void ask(); }, []);
  const answer = listed.value;
  if (!answer) return html`<section class="card reports-card"><p class=${`calm ${failed.value ? "warn" : "muted"}`} role="status">${failed.value || t("energy.asking")}</p></section>`;
  const form = { values: mine.value ?? answer.plan, errors: {}, set: (/** @type {string} */ name, /** @type {any} */ value) => { mine.value = { ...(mine.peek() ?? answer.plan), [name]: name === "hour" ? Number(value) : value }; said.value = ""; }, prefix: "plan", fixed: !mayChange() };
  /** @param {() => Promise<void>} deed */
  const doing = async (deed) => {
    if (isBusy.peek() || !canChange()) return;
    isBusy.value = true;
    said.value = failed.value = "";
    try { await deed(); } catch (failure) { if (failure instanceof ApiFailure && failure.status === 409) { mine.value = null; await ask(); failed.value = t("settings.faster"); } else failed.value = failureWords(failure); }
    isBusy.value = false;
  };
  const save = (/** @type {Event} */ event) => { event.preventDefault(); void doing(async () => { listed.value = await call("PUT", `${path}?${query({ rev: answer.rev })}`, mine.peek() ?? answer.plan); mine.value = null; said.value = t("settings.saved"); }); };
  const write = (/** @type {string} */ kind) => doing(async () => { const one = await call("POST", `${path}?${query({ kind, day: openDay.peek() })}`); await ask(); said.value = t("money.report_made", { name: one.name }); });
  const days = (/** @type {Report} */ one) => (one.kind === "daily" ? one.from : `${one.from} – ${addDays(one.until, -1)}`);
  return html`<section class="card reports-card" aria-labelledby="reports"><div class="h"><h2 id="reports">${t("money.reports")}</h2><small>${answer.next_at ? t("money.next_report", { time: moment(answer.next_at, now.value, zone) }) : t("money.no_next")}</small></div>
    ${answer.failing && html`<p class="calm warn" role="alert">${t("money.report_failing")} ${answer.failing}</p>`}
    <form class="set-form" onSubmit=${save}><div class="wide report-ticks">${KINDS.map((kind) => html`<${Tick} key=${kind} form=${form} name=${kind} label=${t(`money.report_${kind}`)} />`)}</div>
      <${Choice} form=${form} name="hour" label=${t("money.report_hour", { zone })} options=${Array.from({ length: 24 }, (_, hour) => [String(hour), `${String(hour).padStart(2, "0")}:00`])} />
      <${Choice} form=${form} name="language" label=${t("settings.language")} options=${[["zh", "中文"], ["en", "English"]]} />
      ${mayChange() && html`<div class="form-end wide"><button class="btn pri" type="submit" aria-disabled=${isBusy.value || !mine.value || !canChange()}>${t("settings.save")}</button><span class="muted" role="status">${said.value}</span></div>`}</form>
    <p class="failure" role="alert">${failed.value}</p>
    ${mayChange() && html`<p class="write-now"><span class="muted">${t("money.write_now", { day: openDay.value })}</span> ${KINDS.map((kind) => html`<button key=${kind} class="btn small" aria-disabled=${isBusy.value || !canChange()} onClick=${() => void write(kind)}>${t(`money.kind_${kind}`)}</button> `)}</p>`}
    ${answer.reports.length === 0 ? html`<p class="calm muted">${t("money.no_reports")}</p>` : html`<ul class="report-list">${(isAll.value ? answer.reports : answer.reports.slice(0, FEW)).map((one) => html`<li key=${one.name}><span><span class="tag">${t(`money.kind_${one.kind}`)}</span> <b>${days(one)}</b> <small class="muted">${t("money.written_at", { time: moment(one.made_at, now.value, zone) })}</small></span>
      <span>${["xlsx", "csv"].filter((format) => one.files[format]).map((format) => html`<a key=${format} class="btn small" download href=${`${path}/${one.name}.${format}`} aria-label=${`${one.name}.${format}`}>${format.toUpperCase()} <small class="muted">${bytes(one.files[format] ?? 0)}</small></a> `)}</span></li>`)}</ul>
      ${!isAll.value && answer.reports.length > FEW && html`<p class="calm"><button class="btn small" onClick=${() => { isAll.value = true; }}>${t("energy.all_rows", { n: answer.reports.length })}</button></p>`}`}
    <p class="calm muted">${t("money.folder", { folder: answer.folder })}</p></section>`;
}
