// A resource, opened: what it is, what it is doing and since when, what that is known from, its day, its track.
import { html, useEffect } from "../../vendor/preact.js";
import { alarmText } from "../access/carriers.js";
import { UnlockHere } from "../access/unlock.js";
import { age, fullTime, valueText } from "../format.js";
import { pointName, t } from "../i18n.js";
import { alarms, entities, now, roster } from "../live/link.js";
import { isOutOfReach } from "../live/reach.js";
import { markOf } from "../overview/health.js";
import { useAnswer } from "../overview/loading.js";
import { Mark, reasonWords } from "../overview/marks.js";
import { Opens } from "../overview/number.js";
import { PanelBox } from "../overview/panel.js";
import { inOrder } from "../overview/point_order.js";
import { PlaceActions } from "../requests/place_actions.js";
import { zoneOf } from "../sites.js";
import { Checkpoints, ThingFacts } from "./facts.js";
import { Replay } from "./replay.js";
import { Shape } from "./shape.js";
import { lookOf } from "./states.js";
import { activeId, tabOf } from "./things.js";
import { Timeline } from "./timeline.js";
import { openThing, tab } from "./where.js";
import { lineOf, nameOf, staleWords, stateWord } from "./words.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

/** Kinds that stand in the book of assets, and so may have devices bound to them. */
const BOUND = new Set(["vehicle", "door", "room", "guard", "technician", "meter", "reader"]);
const DAY_KINDS = new Set(["vehicle", "door", "room", "guard", "technician", "visitor"]);

/** The readings that stand behind it; each opens. @param {{device: Entity, role: string}} props */
function Device({ device, role }) {
  const zone = zoneOf(device.site);
  return html`<li><h4><${Opens} to=${`device:${device.id}`}>${device.name || device.device}<//> <small class="muted">${role} · ${device.gateway}</small></h4>
    <ul>${inOrder(Object.keys(device.points)).map((name) => {
      const point = device.points[name];
      if (!point) return null;
      const { text, unit } = valueText(name, point);
      return html`<li key=${name}><span class="muted">${pointName(name)}</span><span><${Mark} mark=${markOf(point, now.value, isOutOfReach(device))} why=${reasonWords(point.reason)} /> <${Opens} to=${`reading:${device.id}/${name}`}>${text}<//><span class="u">${unit}</span></span>
        <span class="age" title=${fullTime(point.observed_at, zone)}>${age(now.value - point.observed_at)}</span></li>`;
    })}</ul></li>`;
}

/** @param {{entity: Entity}} props */
function Sources({ entity }) {
  const local = entity.id.slice(entity.id.indexOf(":") + 1);
  const { answer, failure } = useAnswer(`/api/v1/assets/${encodeURIComponent(entity.site)}/${entity.kind}/${encodeURIComponent(local)}`, `asset ${entity.id}`);
  /** @type {{role: string, device: string}[]} */
  const bindings = (answer?.asset ?? answer)?.bindings ?? [];
  void roster.value;
  return html`<h3>${t("dispatch.known_from")}</h3>
    ${failure && html`<p class="calm muted">${failure}</p>`}
    ${answer && bindings.length === 0 && html`<p class="calm muted">${t("dispatch.no_device")}</p>`}
    <ul class="sources">${bindings.map(({ role, device }) => {
      const known = entities.get(`${entity.site}/${device}`)?.value;
      return known ? html`<${Device} key=${role + device} device=${known} role=${role} />` : html`<li key=${role + device} class="muted">${role}: ${device} · ${t("dispatch.never_heard")}</li>`;
    })}</ul>`;
}

/** Alarms name a gateway without the sign of its id. @param {{id: string}} props */
function Alarmed({ id }) {
  const here = alarms.value.filter((one) => one.source === id.replace("/@", "/"));
  return html`${here.map((one) => html`<p key=${one.id} class="calm" role="status"><span class=${`tag p${one.priority}`}>P${one.priority}</span> ${alarmText(one)}</p>`)}`;
}

export function Detail() {
  const id = openThing.value;
  void roster.value;
  const entity = entities.get(id)?.value;
  // The list behind it stands where this thing is.
  useEffect(() => { const name = tabOf(entity?.kind ?? ""); if (name) { tab.value = name; activeId.value = id; } }, [id]);
  if (!entity) return html`<${PanelBox} title=${id}><p class="calm muted">${t("dispatch.gone")}</p><//>`;
  const look = lookOf(entity, now.value);
  const title = html`<span><${Shape} name=${look.stale ? "lost" : look.shape} tone=${look.tone} label=${stateWord(entity.kind, look.code)} /> ${nameOf(entity)}</span>`;
  return html`<${PanelBox} key=${id} title=${title} sub=${`${t(`dispatch.kind_${entity.kind}`)} · ${lineOf(entity, now.value)}`}>
    ${look.stale && html`<p class="calm warn">${staleWords(entity, now.value)}. ${t("dispatch.last_known")}</p>`}
    <${Alarmed} id=${id} />
    <${PlaceActions} entity=${entity} />
    ${entity.kind === "door" && html`<${UnlockHere} key=${`unlock ${id}`} site=${entity.site} door=${entity.id.slice(entity.id.indexOf(":") + 1)} />`}
    <${ThingFacts} entity=${entity} />
    ${entity.kind === "patrol" && html`<${Checkpoints} entity=${entity} />`}
    ${entity.kind === "vehicle" && html`<${Replay} key=${`replay ${id}`} vehicle=${entity} />`}
    ${DAY_KINDS.has(entity.kind) && html`<${Timeline} key=${`day ${id}`} entity=${entity} />`}
    ${BOUND.has(entity.kind) && html`<${Sources} key=${`from ${id}`} entity=${entity} />`}
  <//>`;
}
