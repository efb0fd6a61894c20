// The section Roll-outs: one change of site files for many gateways, in stages, each with its gateways.
import { html, useSignal } from "../../vendor/preact.js";
import { call, may, query } from "../api.js";
import { mapSite } from "../dispatch/where.js";
import { moment } from "../format.js";
import { t, word } from "../i18n.js";
import { now, pastAt, state } from "../live/link.js";
import { failureWords } from "../overview/loading.js";
import { fromField } from "../requests/local_time.js";
import { zoneOf } from "../sites.js";
import { listOf, useAsking } from "./asked.js";
import { MARK, RolloutDetail } from "./rollout_detail.js";

/** @typedef {import("./rollout_detail.js").Rollout} Rollout */

const asked = listOf("/api/v1/rollouts", (answer) => answer.rollouts);
const list = { failure: asked.failure, ask: async () => { if (may("install")) await asked.ask(); } };
const canDo = () => may("install") && pastAt.value === null && state.value === "live";
const lines = (/** @type {string} */ text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
/** A name of a field, its usual value, and how it is written. @type {[string, string, Record<string, unknown>][]} */
const NUMBERS = [["soak", "10", { min: 0, max: 10_080 }], ["patience", "60", { min: 1, max: 43_200 }], ["failures", "0", { min: 0, max: 2_000 }]];

/** @param {{made: (id: number) => void}} props */
function NewRollout({ made }) {
  const site = mapSite.value;
  const fields = useSignal(/** @type {Record<string, string>} */ ({ changes: "", gateways: `${site}/*`, stages: "1\n10 %\n50 %\n100 %", reason: "", not_before: "", ...Object.fromEntries(NUMBERS.map(([name, usual]) => [name, usual])) }));
  const failure = useSignal("");
  const put = (/** @type {string} */ name) => (/** @type {any} */ event) => { fields.value = { ...fields.peek(), [name]: event.target.value }; };
  const value = (/** @type {string} */ name) => fields.value[name] ?? "";
  const plan = async (/** @type {Event} */ event) => {
    event.preventDefault();
    failure.value = "";
    const body = {
      changes: lines(value("changes")), gateways: lines(value("gateways").replaceAll(",", "\n")), stages: lines(value("stages")),
      soak_s: Number(value("soak")) * 60, patience_s: Number(value("patience")) * 60, stop_after: Number(value("failures")),
      not_before: fromField(value("not_before"), zoneOf(site)) ?? 0,
    };
    try { made((await call("POST", `/api/v1/rollouts?${query({ reason: value("reason").trim(), site })}`, body)).id); } catch (error) { failure.value = failureWords(error); }
  };
  return html`<form class="ro-form" onSubmit=${plan}>
    <label>${t("rollout.changes")}<textarea class="mono" rows="3" required spellcheck=${false} placeholder=${'set buffer.flush_every = "5 s"\nset device[meter-08].every = "10 s"\nunset device[*].max_silence'} value=${value("changes")} onInput=${put("changes")}></textarea></label>
    <label>${t("rollout.for")}<input class="mono" required value=${value("gateways")} onInput=${put("gateways")} /></label>
    <label>${t("rollout.stages_of")}<textarea class="mono" rows="4" required spellcheck=${false} value=${value("stages")} onInput=${put("stages")}></textarea></label>
    <div class="ro-numbers">${NUMBERS.map(([name, , limits]) => html`<label key=${name}>${t(`rollout.${name}`)}<input type="number" required ...${limits} value=${value(name)} onInput=${put(name)} /></label>`)}
      <label>${t("rollout.not_before")}<input type="datetime-local" value=${value("not_before")} onInput=${put("not_before")} /></label></div>
    <label>${t("site_file.reason")}<input required maxlength="500" value=${value("reason")} onInput=${put("reason")} /></label>
    ${failure.value && html`<p class="warn" role="alert">${failure.value}</p>`}
    <p class="muted">${t("rollout.plan_note")}</p><p class="set-sure"><button class="btn pri" disabled=${!canDo()}>${t("rollout.plan")}</button></p></form>`;
}

export function Rollouts() {
  useAsking(list);
  const opened = useSignal(0), makes = useSignal(false);
  if (!may("install")) return html`<section class="card list-card"><p class="calm muted">${t("rollout.installers")}</p></section>`;
  const rows = /** @type {Rollout[] | null} */ (asked.items.value);
  const made = (/** @type {number} */ id) => { makes.value = false; opened.value = id; void asked.ask(); };
  return html`<section class="card list-card" aria-label=${t("settings.rollouts")}>
    <div class="toolbar set-tools"><button class="btn" aria-expanded=${makes.value} disabled=${!canDo()} onClick=${() => { makes.value = !makes.value; }}>${t("rollout.new")}</button></div>
    <div class="set-box" tabindex="0">${makes.value && html`<${NewRollout} made=${made} />`}
    ${list.failure.value && html`<p class="alarm-failure" role="alert">${list.failure.value}</p>`}
    ${rows === null ? html`<p class="calm muted">${t("settings.asking")}</p>` : rows.length === 0 ? html`<p class="calm muted">${t("rollout.none")}</p>`
      : html`<ul class="id-list">${rows.map((row) => html`<li key=${row.id}><button class="ro-head" aria-expanded=${opened.value === row.id} onClick=${() => { opened.value = opened.value === row.id ? 0 : row.id; }}>
        <span class=${`tag ${MARK[row.state] ?? ""}`}>${word("rollout.state", row.state)}</span><b>${t("rollout.number", { n: row.id })} · ${row.why}</b>
        <span class="muted">${row.site || t("rollout.several")} · ${t("rollout.many", { n: row.many })} · ${row.by} · ${moment(row.made_at, now.value, zoneOf(row.site || mapSite.value))}</span></button>
        ${opened.value === row.id && html`<${RolloutDetail} id=${row.id} canDo=${canDo()} changed=${asked.ask} />`}</li>`)}</ul>`}</div></section>`;
}
