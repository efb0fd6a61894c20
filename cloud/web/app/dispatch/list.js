// The list of resources. Only the rows in sight are drawn; the list itself has the focus and names its active row.
import { html, useEffect, useLayoutEffect, useRef, useSignal } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { wall } from "../place.js";
import { hovered } from "./map/pointer.js";
import { activeId, rows, touched } from "./things.js";
import { ThingRow } from "./thing_row.js";
import { open } from "./where.js";

const ROW = 49;
const OVERSCAN = 4;

/** Where a key leads in a list; null for another key. @param {string} key @param {number} at @param {number} page @param {number} end */
export function target(key, at, page, end) {
  if (key === "ArrowDown") return Math.min(end, at + 1);
  if (key === "ArrowUp") return Math.max(0, at - 1);
  if (key === "PageDown") return Math.min(end, at + page);
  if (key === "PageUp") return Math.max(0, at - page);
  if (key === "Home") return 0;
  if (key === "End") return end;
  return null;
}

/** What part of a list is in sight. @param {{current: HTMLElement | null}} box */
export function useSight(box) {
  const sight = useSignal({ top: 0, height: 900 });
  useLayoutEffect(() => {
    const list = /** @type {HTMLElement} */ (box.current);
    const measure = () => { if (sight.peek().top !== list.scrollTop || sight.peek().height !== list.clientHeight) sight.value = { top: list.scrollTop, height: list.clientHeight }; };
    const watcher = new ResizeObserver(measure);
    watcher.observe(list);
    list.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => { watcher.disconnect(); list.removeEventListener("scroll", measure); };
  }, []);
  return sight.value;
}

export function Things() {
  const list = rows.value;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const sight = useSight(box);
  const active = list.findIndex((row) => row.id === activeId.value);
  const moveTo = (/** @type {number} */ to) => {
    const row = list[to], scroller = box.current;
    if (!row || !scroller) return;
    touched();
    activeId.value = row.id;
    hovered.value = row.id;
    if (to * ROW < scroller.scrollTop) scroller.scrollTop = to * ROW;
    else if ((to + 1) * ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = (to + 1) * ROW - scroller.clientHeight;
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = target(event.key, active, Math.max(1, Math.floor(sight.height / ROW) - 1), list.length - 1);
    if (to !== null) moveTo(to);
    else if ((event.key === "Enter" || event.key === " ") && list[active]) open(/** @type {string} */ (list[active]?.id));
    else return;
    event.preventDefault();
  };
  // Back from a thing that was open: its row is in sight again.
  useEffect(() => { if (active >= 0) moveTo(active); hovered.value = ""; }, []);
  const first = Math.max(0, Math.floor(sight.top / ROW) - OVERSCAN);
  const last = Math.min(list.length, Math.ceil((sight.top + sight.height) / ROW) + OVERSCAN);
  return html`<div ref=${box} class="things" role="listbox" tabindex=${wall.value ? -1 : 0} aria-label=${t("dispatch.resources")}
      aria-activedescendant=${active >= first && active < last ? `thing-${activeId.value}` : undefined} onKeyDown=${onKeyDown} onPointerMove=${touched}
      onFocus=${() => { if (active < 0 && list[0]) activeId.value = list[0].id; }} onBlur=${() => { hovered.value = ""; }}>
    <div class="things-all" role="presentation" style=${{ height: `${list.length * ROW}px` }}>
      ${list.slice(first, last).map((row, i) => html`<${ThingRow} key=${row.id} id=${row.id} top=${(first + i) * ROW} at=${first + i} count=${list.length} isActive=${first + i === active} />`)}
    </div></div>`;
}
