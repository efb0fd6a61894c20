// The mark of a state: a shape first, the word beside it.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { stateOf } from "./listed.js";

/** @type {Record<string, string>} */
const SHAPES = {
  unacknowledged: "M7 1 L13 12.5 H1 Z",
  returned: "M2 3 h7 a3.5 3.5 0 0 1 0 7 h-6 m2.5 -2.5 L3 10 l2.5 2.5",
  acknowledged: "M2 7.5 L5.5 11 L12 3",
  suppressed: "M2 4 h10 M2 7 h6 M2 10 h3",
  shelved: "M7 2 v5 l3.5 2 M7 1 a6 6 0 1 0 .01 0",
  out_of_service: "M2 2 L12 12 M12 2 L2 12",
  normal: "M3 7 h8",
};

/** @param {{alarm: import("../types.d.ts").Alarm}} props */
export function StateMark({ alarm }) {
  const state = stateOf(alarm);
  const fill = state === "unacknowledged" ? "shape-fill" : "shape-line";
  return html`<span class=${`astate s-${state} p${alarm.priority}`}><svg class="shape" width="14" height="14" aria-hidden="true"><path class=${fill} d=${SHAPES[state]} /></svg>${t(`astate.${state}`)}</span>`;
}
