// The types of vendor/preact.js for tsc; "paths" in tools/tsconfig.json says where the packages lie.
export { h, render, Fragment, createContext } from "preact";
export type { ComponentChildren, VNode, JSX } from "preact";
export {
  useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useContext, useId,
} from "preact/hooks";
export {
  signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect, Signal, ReadonlySignal,
} from "@preact/signals";
import type { VNode } from "preact";
export declare function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
