// The types of vendor/echarts.js as far as the pages use it, written by hand.
export interface Chart {
  setOption(option: object, how?: { notMerge?: boolean; replaceMerge?: string[]; lazyUpdate?: boolean }): void;
  getOption(): any;
  resize(size?: object): void;
  clear(): void;
  dispatchAction(action: object): void;
  convertToPixel(finder: object, value: (number | string)[]): number[];
  containPixel(finder: object, at: number[]): boolean;
  convertFromPixel(finder: object, at: number[]): number[];
  on(name: string, handler: (event: any) => void): void;
  off(name: string, handler?: (event: any) => void): void;
  getZr(): { flush(): void; on(name: string, handler: (event: any) => void): void; storage: { getDisplayList(update?: boolean): unknown[] } };
  isDisposed(): boolean;
  dispose(): void;
}
export declare function init(box: HTMLElement, theme?: null, options?: { renderer?: "canvas"; locale?: string; devicePixelRatio?: number }): Chart;
