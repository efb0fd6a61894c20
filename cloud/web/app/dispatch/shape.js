// A state's shape, for lists: the same as on the map.
import { html } from "../../vendor/preact.js";
import { shapeOf } from "./shapes.js";

/** @param {{name: string, tone: string, label?: string, turn?: number}} props */
export function Shape({ name, tone, label, turn = 0 }) {
  const { fill, line, dashed, turns } = shapeOf(name);
  const about = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return html`<svg class=${`shape t-${tone}`} viewBox="-11 -11 22 22" width="15" height="15" ...${about}>
    <g transform=${turns && turn ? `rotate(${turn})` : undefined}>
      ${line && html`<path class="shape-line" d=${line} stroke-dasharray=${dashed ? "3 3" : undefined} />`}
      ${fill && html`<path class="shape-fill" d=${fill} />`}</g></svg>`;
}
