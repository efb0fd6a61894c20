// A list of requests. Only the rows in sight are drawn; the list itself has the focus and names its chosen row.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { target, useSight } from "../dispatch/list.js";
import { wall } from "../place.js";
import { RequestRow } from "./row.js";
import { chosen } from "./where.js";

/** @typedef {import("../types.d.ts").Entity} Entity */

const ROW = 79;
const OVERSCAN = 4;

/** `known` gives the request behind a row and is followed; `click` and `enter` are told its id.
 * @param {{list: {id: string}[], label: string, known: (id: string) => Entity | undefined, click: (id: string) => void, enter: (id: string) => void, open: (id: string) => void, isOwn?: boolean, isNumbered?: boolean}} props */
export function RequestList({ list, label, known, click, enter, open, isOwn = false, isNumbered = false }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const sight = useSight(box);
  const at = list.findIndex((row) => row.id === chosen.value);
  const show = (/** @type {number} */ to) => {
    const scroller = box.current;
    if (!scroller) return;
    if (to * ROW < scroller.scrollTop) scroller.scrollTop = to * ROW;
    else if ((to + 1) * ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = (to + 1) * ROW - scroller.clientHeight;
  };
  const moveTo = (/** @type {number} */ to) => {
    const row = list[to];
    if (!row) return;
    chosen.value = row.id;
    show(to);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = target(event.key, at, Math.max(1, Math.floor(sight.height / ROW) - 1), list.length - 1);
    if (to !== null) moveTo(to);
    else if (event.key === "Enter" && at >= 0) enter(chosen.peek());
    else if ((event.key === " " || event.key.toLowerCase() === "d") && at >= 0) open(chosen.peek());
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => { if (at >= 0) show(at); }, []);
  const first = Math.max(0, Math.floor(sight.top / ROW) - OVERSCAN);
  const last = Math.min(list.length, Math.ceil((sight.top + sight.height) / ROW) + OVERSCAN);
  return html`<div ref=${box} class="asks" role="listbox" tabindex=${wall.value ? -1 : 0} aria-label=${label} aria-activedescendant=${at >= first && at < last ? `request-${chosen.value}` : undefined} onKeyDown=${onKeyDown}>
    <div class="things-all" role="presentation" style=${{ height: `${list.length * ROW}px` }}>
      ${list.slice(first, last).map((row, i) => html`<${RequestRow} key=${row.id} id=${row.id} top=${(first + i) * ROW} at=${first + i} count=${list.length} isChosen=${first + i === at} choose=${() => click(row.id)} known=${known} isOwn=${isOwn} isNumbered=${isNumbered} />`)}</div></div>`;
}
