// The status page of one gateway: asks every two seconds, shows what came, and says so when nothing comes.
import { words } from "/words.js";

const ASK_MS = 2000, AWAY_MS = 3000;
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const kept = { get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
               put: (key, value) => { try { localStorage.setItem(key, value); } catch { /* not kept, then */ } } };

let language = kept.get("dayuan.lang") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en");
if (!(language in words)) language = "en";
let theme = kept.get("dayuan.theme") ?? "auto";
let state = null, askedAt = 0, cameAt = 0, beganAt = performance.now();

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

const count = (n) => new Intl.NumberFormat(language).format(n);

function span(seconds) {
  const zh = language === "zh-CN";
  const units = [[86400, zh ? "天" : "d"], [3600, zh ? "小时" : "h"], [60, zh ? "分钟" : "min"]];
  for (const [size, name] of units) if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${name}`;
  return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} ${zh ? "秒" : "s"}`;
}

function size(bytes) {
  const names = ["B", "KiB", "MiB", "GiB"];
  let place = 0;
  while (bytes >= 1024 && place < 3) { bytes /= 1024; place += 1; }
  return `${bytes < 10 && place ? bytes.toFixed(1) : Math.round(bytes)} ${names[place]}`;
}

function facts(...pairs) {
  const list = el("dl");
  for (const [name, value, kind = ""] of pairs) list.append(el("dt", {}, name), el("dd", { class: kind }, value));
  return list;
}

function table(heads, rows, kinds = {}) {
  const body = el("table");
  body.append(el("tr", {}, ...heads.map((head, at) => el("th", { scope: "col", class: kinds[at] ?? "" }, head))));
  for (const row of rows) {
    const line = el("tr", { class: row.kind ?? "" });
    row.cells.forEach((cell, at) => {
      const [text, mark] = Array.isArray(cell) ? cell : [cell, ""];
      line.append(el("td", { class: `${kinds[at] ?? ""} ${mark}`.trim() }, text));
    });
    body.append(line);
  }
  return body;
}

// A card may be wider than a phone: then it scrolls, by keyboard too.
const card = (title, kind, ...children) => el("section", { class: `card ${kind}`, tabindex: "0", "aria-label": title }, el("h2", {}, title), ...children);

function wrong(w) {
  const error = state.error, where = error.line ? `${error.file}:${error.line}` : error.file;
  return card(w.wrong_title, "bad", el("p", {}, el("code", {}, where), error.key ? ` ${error.key}` : ""),
    el("p", {}, error.message), error.allowed ? el("p", {}, `${w.allowed}: ${error.allowed}`) : null,
    el("p", { class: "muted" }, state.running ? w.wrong_running : w.wrong_stopped));
}

function stopped(w) {
  const file = state.buffer;
  const lines = [];
  if (state.socket_error) lines.push(el("p", {}, state.socket_error));
  if (file) lines.push(el("p", {}, file.error ? `${file.path}: ${file.error}` : w.waiting_in_file(count(file.batches), count(file.readings))));
  return card(w.not_running, "bad", ...lines);
}

function certificate(w, held) {
  const day = (at) => new Date(at).toLocaleDateString(language);
  if (!held.name) return [w.certificate, w.unusable(held.trouble), "bad-text"];
  return held.trouble ? [w.certificate, w.certificate_trouble(day(held.ends_at), held.authority, held.trouble), "warn-text"]
    : [w.certificate, w.certificate_until(day(held.ends_at), held.authority, day(held.renews_at))];
}

function keptBatches(w, held, now) {
  const waiting = held.waiting ?? 0, sent = held.sent ?? 0;
  const text = held.batches ? w.kept_text(count(held.batches), span(Math.max(0, now - held.since) / 1000)) : w.nothing;
  return [w.kept, text + (waiting ? w.kept_going(count(sent), count(waiting)) : sent ? w.kept_sent(count(sent)) : ""), waiting ? "warn-text" : ""];
}

function gateway(w) {
  const now = state.snapshot, report = now.report, online = now.session_state === "online";
  const lost = report.dropped_readings + report.dropped_events;
  const pairs = [
    [w.software, now.software], [w.up, span(report.uptime_s)], [w.broker, now.broker],
    [w.session, online ? `${w.online}, ${span(now.online_s ?? 0)}` : `${w[now.session_state] ?? now.session_state}: ${report.link_error}`, online ? "" : "warn-text"],
    ...(now.certificate ? [certificate(w, now.certificate)] : []),
    [w.lanes, report.backlog_batches ? w.batches(count(report.backlog_batches), count(report.backlog_readings), span(report.oldest_unacked_s)) : w.all_acked],
    [w.sent, w.sent_text(count(report.acked_batches), count(report.resent_batches))],
    ...(report.kept ? [keptBatches(w, report.kept, now.at)] : []),
    [w.buffer, report.disk_full_s !== null ? w.disk_full(span(report.disk_full_s)) : report.buffer_error || w.used(size(now.buffer_used_bytes), size(report.buffer_max_bytes)),
      report.disk_full_s !== null || report.buffer_error ? "bad-text" : ""],
    [w.dropped, lost ? w.dropped_text(count(report.dropped_readings), count(report.dropped_events)) : w.nothing, lost ? "warn-text" : ""],
    [w.clock, w[report.clock.state] ?? report.clock.state, report.clock.state === "unsynced" ? "warn-text" : ""],
  ];
  const box = report.machine;
  if (box) pairs.push(...machine(w, box));
  const grants = report.grants;
  if (grants) {
    const left = (grants.expires_at - now.at) / 1000;
    const text = !grants.number ? w.no_list : left > 0 ? w.list_text(grants.number, count(grants.cards), span(left)) : w.list_expired(grants.number, span(-left));
    pairs.push([w.doors, text + (grants.last_error ? `; ${grants.last_error}` : ""), left <= 0 ? "bad-text" : left <= 86400 || grants.last_error ? "warn-text" : ""]);
  }
  return card(`${w.gateway} ${now.site} / ${now.gateway}`, "", facts(...pairs));
}

/** The box itself; what it does not tell is left out. */
function machine(w, box) {
  const rows = [], low = box.power === "low", was = box.power === "good" && box.low_since_start;
  if (box.model) rows.push([w.model, box.model]);
  if (box.power !== "unknown") rows.push([w.power, low ? w.power_low : was ? w.power_was_low : w.power_good, low || was ? "warn-text" : ""]);
  if (box.temperature_c !== null) rows.push([w.temperature, `${Math.round(box.temperature_c)} °C`, box.temperature_c >= 80 ? "warn-text" : ""]);
  if (box.disk_read_only) rows.push([w.disk, w.disk_read_only, "bad-text"]);
  else if (box.disk_free_bytes !== null) rows.push([w.disk, w.disk_text(size(box.disk_free_bytes), size(box.disk_bytes), box.disk_written_day_bytes === null ? "" : size(box.disk_written_day_bytes))]);
  return rows;
}

function buses(w) {
  const rows = state.snapshot.report.buses.map((bus) => ({ cells: [bus.name, bus.kind, [w[`b_${bus.state}`] ?? bus.state, bus.state === "down" ? "warn-text" : ""],
    `${Math.round(bus.busy_share * 100)} %`, count(bus.requests), count(bus.timeouts), count(bus.errors), bus.last_error] }));
  return card(w.buses, "", table([w.bus, w.kind, w.state, w.busy, w.requests, w.timeouts, w.errors, w.last_error], rows,
    { 3: "number", 4: "number", 5: "number", 6: "number" }));
}

function devices(w) {
  const now = state.snapshot;
  const rows = now.report.devices.map((device) => ({ cells: [device.id,
    [w[`d_${device.state}`] ?? device.state, device.state === "failing" || device.state === "lost" ? "warn-text" : ""],
    device.every_s ? span(device.every_s) : w.by_itself, device.achieved_s === null ? "–" : span(device.achieved_s),
    device.last_ok_at === null ? w.never : w.ago(span(Math.max(0, (now.at - device.last_ok_at) / 1000))), count(device.failures), device.last_error] }));
  return card(w.devices, "", table([w.device, w.state, w.every, w.achieved, w.last_answer, w.failures, w.last_error], rows, { 5: "number" }));
}

function values(w) {
  const rows = state.points.map((row) => {
    const zh = language === "zh-CN", label = zh ? row.state_zh : row.state_en;
    const number = row.value === null ? w.no_value : label || `${new Intl.NumberFormat(language, { maximumSignificantDigits: 7 }).format(row.value)} ${row.unit}`.trim();
    const quality = row.is_stale ? w.stale : (w[row.quality] ?? row.quality) + (row.reason ? ` (${row.reason})` : "");
    return { kind: row.is_stale ? "stale" : "", cells: [row.device, zh ? row.zh : row.en, number, span(row.age_s), [quality, row.quality === "bad" ? "warn-text" : ""]] };
  });
  return card(w.values, "", table([w.device, w.point, w.value, w.age, w.quality], rows, { 2: "number", 3: "number" }));
}

function draw() {
  const w = words[language];
  root.lang = language;
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  byId("language").textContent = w.language;
  byId("theme").textContent = `${w.theme}: ${w[`theme_${theme}`]}`;
  if (state === null) return;
  const cards = [];
  if (state.error) cards.push(wrong(w));
  if (!state.running) cards.push(stopped(w));
  if (state.warnings.length) cards.push(card(w.warnings, "warn", el("ul", {}, ...state.warnings.map((line) => el("li", {}, line)))));
  if (state.revision) cards.push(card(w.in_force, "warn", el("p", {}, (state.trying ? w.in_force_trying : w.in_force_runs)(state.revision))));
  if (state.snapshot) {
    cards.push(gateway(w));
    if (state.snapshot.report.buses.length) cards.push(buses(w));
    if (state.snapshot.report.devices.length) cards.push(devices(w));
    if (state.points.length) cards.push(values(w));
    byId("name").textContent = `${state.snapshot.site} / ${state.snapshot.gateway}`;
    document.title = `${state.snapshot.gateway} · Dayuan 大院`;
  }
  byId("main").replaceChildren(...cards);
}

function tellAge() {
  const w = words[language], quiet = performance.now() - (cameAt || beganAt);
  const away = quiet > ASK_MS + AWAY_MS;
  root.classList.toggle("away", away);
  const clock = new Date(Date.now() - quiet).toLocaleTimeString(language);
  byId("age").textContent = away ? w.offline(clock) : cameAt ? w.as_of(span(Math.round(quiet / 1000))) : w.loading;
}

async function ask() {
  if (performance.now() - askedAt < ASK_MS) return;
  askedAt = performance.now();
  try {
    const answer = await fetch("/state.json", { signal: AbortSignal.timeout(ASK_MS + AWAY_MS) });
    if (answer.status === 401) { location.assign("/enter"); return; }
    if (!answer.ok) return;
    state = await answer.json();
    cameAt = performance.now();
    draw();
  } catch { /* the age says so */ }
}

byId("language").addEventListener("click", () => { language = language === "en" ? "zh-CN" : "en"; kept.put("dayuan.lang", language); draw(); tellAge(); });
byId("theme").addEventListener("click", () => {
  theme = { auto: "light", light: "dark", dark: "auto" }[theme] ?? "auto";
  kept.put("dayuan.theme", theme); draw();
});
draw();
ask();
setInterval(() => { ask(); tellAge(); }, 500);
