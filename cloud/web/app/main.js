// Starts the pages: texts, theme, place, who is signed in; then the stream.
import { batch, effect, html, render } from "../vendor/preact.js";
import { askUser, call, get, isRequester, user } from "./api.js";
import { App } from "./frame/app.js";
import { shownPage } from "./frame/pages.js";
import { loadCatalogues } from "./i18n.js";
import { listenForKeys } from "./keys.js";
import { forget, join, roster, say, takeAlarms, unreachable } from "./live/link.js";
import { keepPast } from "./live/past.js";
import { watchApprovals } from "./live/approvals.js";
import { at, keepPlace, page, wall } from "./place.js";
import { loadSites, sites } from "./sites.js";
import { keepTheme } from "./theme.js";

const ASK_AGAIN_MS = 2000;
const SIGNED_KEY = "dayuan.signed";

/** Asks until the collector answers who is signed in. */
async function settleUser() {
  try {
    await askUser();
    unreachable.value = false;
  } catch {
    unreachable.value = true;
    setTimeout(settleUser, ASK_AGAIN_MS);
  }
}

/** After each snapshot: what the stream does not carry. Failing is no harm, the next snapshot asks again. */
async function fresh() {
  try {
    if (user.peek() === null) await askUser();
    if (isRequester()) { if (sites.peek().length === 0) await loadSites(); return; }
    const [said] = await Promise.all([get("/api/v1/alarms"), loadSites()]);
    takeAlarms(said.alarms);
  } catch { /* the stream says what is wrong */ }
}

/** Names sites that have appeared since they were asked for. */
function watchForNewSites() {
  let asked = 0;
  effect(() => {
    const rev = roster.value;
    if (rev > asked && user.value) { asked = rev; void loadSites().catch(() => undefined); }
  });
}

export async function signOut() {
  await call("DELETE", "/api/v1/session").catch(() => undefined);
  say("stop");
  user.value = null;
}

async function start() {
  await loadCatalogues();
  keepPlace();
  keepTheme();
  keepPast();
  listenForKeys();
  render(html`<${App} signOut=${signOut} />`, /** @type {Element} */ (document.getElementById("app")));
  const refused = () => { void settleUser(); };
  let signedIn = "";
  effect(() => {
    const who = user.value;
    const name = who && !who.must_change_password ? `${who.role} ${who.name}` : "";
    if (name === signedIn) return;
    signedIn = name;
    try { localStorage.setItem(SIGNED_KEY, name ? String(Date.now()) : ""); } catch { /* other tabs will notice by themselves */ }
    if (name) join({ refused, fresh: () => void fresh() }, isRequester());
    else if (who === null) { forget(); sites.value = []; }
  });
  // Who only files requests has no past, no wall and one page.
  effect(() => {
    const [id] = [shownPage.value.id, page.value, at.value, wall.value];
    if (isRequester()) batch(() => { at.value = ""; wall.value = ""; page.value = id; });
  });
  watchForNewSites();
  watchApprovals();
  // Signing in or out in one tab does so in all.
  addEventListener("storage", (event) => { if (event.key === SIGNED_KEY) void settleUser(); });
  await settleUser();
}

void start();
