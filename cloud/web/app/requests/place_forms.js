// Booking a room and making a visitor's pass: small forms behind a button above the list they are about.
import { html, signal } from "../../vendor/preact.js";
import { mapSite } from "../dispatch/where.js";
import { openTab } from "../dispatch/things.js";
import { entities, liveNow, pastAt } from "../live/link.js";
import { t } from "../i18n.js";
import { wall } from "../place.js";
import { zoneOf } from "../sites.js";
import { canAct, isDispatcher } from "./act.js";
import { Choice, Text, Whole } from "./fields.js";
import { FormDialog } from "./form.js";
import { fromField, toField } from "./local_time.js";

/** @typedef {Record<string, any>} Values */

const QUARTER_MS = 900_000, HOUR_MS = 3_600_000;
/** The form that is open: `rooms`, `visitors` or none. */
const open = signal("");
let openedAt = 0;

const whole = (/** @type {any} */ text) => (text === "" || text === undefined ? undefined : Number(text));
const words = (/** @type {any} */ text) => String(text ?? "").trim() || undefined;
const of = (/** @type {string} */ name) => t(`requests.field_${name}`);
const local = (/** @type {string} */ id) => id.slice(id.indexOf(":") + 1);

/** The next full quarter, and an hour on. @param {string} zone */
function soon(zone) {
  const from = Math.ceil(liveNow() / QUARTER_MS) * QUARTER_MS;
  return { from: toField(from, zone), until: toField(from + HOUR_MS, zone) };
}

/** @param {Values} values @param {readonly string[]} must */
function wrong(values, must) {
  /** @type {Record<string, string>} */
  const found = {};
  const zone = zoneOf(mapSite.peek());
  for (const name of must) if (!words(values[name])) found[name] = t("requests.wrong_missing");
  const from = fromField(values["from"] ?? "", zone), until = fromField(values["until"] ?? "", zone);
  if (from !== null && until !== null && until <= from) found["until"] = t("requests.wrong_window");
  else if (until !== null && until <= liveNow()) found["until"] = t("requests.wrong_over");
  return found;
}

/** The things of a kind at the site, by name. @param {string} kind @returns {[string, string][]} */
const listed = (kind) => [...entities.values()].map((one) => one.peek()).filter((one) => one.kind === kind && !one.device && one.site === mapSite.peek())
  .sort((a, b) => a.name.localeCompare(b.name, "zh-CN", { numeric: true })).map((one) => [local(one.id), one.name]);

/** @param {{onClose: () => void}} props */
function BookRoom({ onClose }) {
  const site = mapSite.value, zone = zoneOf(site);
  const rooms = listed("room");
  const names = ["room", "unit", "subject", "organiser", "phone", "people", "from", "until", "repeat_weeks"];
  return html`<${FormDialog} name=${`room-${site}`} title=${t("requests.book_room")} action=${t("requests.book")} path="/api/v1/bookings" names=${names}
    start=${() => ({ room: rooms[0]?.[0] ?? "", ...soon(zone) })} check=${(/** @type {Values} */ values) => wrong(values, ["room", "unit", "from", "until"])}
    body=${(/** @type {Values} */ values) => ({ site, room: values["room"], unit: words(values["unit"]), subject: words(values["subject"]), organiser: words(values["organiser"]), phone: words(values["phone"]), people: whole(values["people"]),
      from: fromField(values["from"], zone), until: fromField(values["until"], zone), repeat_weeks: whole(values["repeat_weeks"]), started_at: openedAt })}
    fields=${(/** @type {import("./fields.js").Form} */ form) => html`<${Choice} form=${form} name="room" label=${of("room")} options=${rooms} /><${Text} form=${form} name="unit" label=${of("unit")} required=${true} />
      <${Text} form=${form} name="from" label=${of("begins")} type="datetime-local" /><${Text} form=${form} name="until" label=${of("ends")} type="datetime-local" />
      <${Text} form=${form} name="subject" label=${of("subject")} max=${200} /><${Text} form=${form} name="organiser" label=${of("organiser")} />
      <${Text} form=${form} name="phone" label=${of("phone")} type="tel" max=${40} /><${Whole} form=${form} name="people" label=${of("people")} max=${5000} /><${Whole} form=${form} name="repeat_weeks" label=${of("repeat_weeks")} max=${52} /><p class="muted wide zone">${t("requests.zone", { zone })}</p>`}
    done=${onClose} onClose=${onClose} />`;
}

/** @param {{onClose: () => void}} props */
function MakePass({ onClose }) {
  const site = mapSite.value, zone = zoneOf(site);
  const gates = listed("door").filter(([, name]) => /门$|gate/i.test(name));
  const names = ["name", "phone", "host", "unit", "plate", "people", "purpose", "gate", "from", "until"];
  return html`<${FormDialog} name=${`pass-${site}`} title=${t("requests.make_pass")} action=${t("requests.make")} path="/api/v1/passes" names=${names}
    start=${() => ({ people: "1", gate: "", ...soon(zone) })} check=${(/** @type {Values} */ values) => wrong(values, ["name", "host", "from", "until"])}
    body=${(/** @type {Values} */ values) => ({ site, name: words(values["name"]), phone: words(values["phone"]), host: words(values["host"]), unit: words(values["unit"]), plate: words(values["plate"]), people: whole(values["people"]),
      purpose: words(values["purpose"]), gate: words(values["gate"]), from: fromField(values["from"], zone), until: fromField(values["until"], zone), started_at: openedAt })}
    fields=${(/** @type {import("./fields.js").Form} */ form) => html`<${Text} form=${form} name="name" label=${of("visitor")} required=${true} /><${Text} form=${form} name="phone" label=${of("phone")} type="tel" max=${40} />
      <${Text} form=${form} name="host" label=${of("host")} required=${true} /><${Text} form=${form} name="unit" label=${of("unit")} />
      <${Text} form=${form} name="from" label=${of("begins")} type="datetime-local" /><${Text} form=${form} name="until" label=${of("ends")} type="datetime-local" />
      <${Text} form=${form} name="plate" label=${of("plate")} max=${20} /><${Whole} form=${form} name="people" label=${of("people")} max=${500} min=${1} />
      <${Choice} form=${form} name="gate" label=${of("gate")} options=${[["", t("requests.any")], ...gates]} /><${Text} form=${form} name="purpose" label=${of("purpose")} max=${200} /><p class="muted wide zone">${t("requests.zone", { zone })}</p>`}
    done=${onClose} onClose=${onClose} />`;
}

/** The button above a list of resources; null where nothing is made from it. */
export function TabAction() {
  const tab = openTab.value;
  if ((tab !== "rooms" && tab !== "visitors") || !isDispatcher() || pastAt.value !== null || wall.value) return null;
  const close = () => { open.value = ""; };
  return html`<button class="btn tab-action" disabled=${!canAct()} onClick=${() => { openedAt = Math.round(liveNow()); open.value = tab; }}>${t(tab === "rooms" ? "requests.book_room" : "requests.make_pass")}</button>
    ${open.value === "rooms" && html`<${BookRoom} onClose=${close} />`}${open.value === "visitors" && html`<${MakePass} onClose=${close} />`}`;
}
