// The types of vendor/leaflet.js as far as the pages use it, written by hand.
export interface Point { x: number; y: number }
export interface LatLng { lat: number; lng: number }
export type At = [number, number] | LatLng;
export interface Bounds { isValid(): boolean; pad(share: number): Bounds; extend(at: At | Bounds): Bounds; contains(at: At): boolean; getCenter(): LatLng }
export interface Handler { (event: any): void }
export interface Map {
  getContainer(): HTMLElement;
  getSize(): Point;
  getCenter(): LatLng;
  getZoom(): number;
  setView(at: At, zoom: number, options?: object): Map;
  fitBounds(bounds: Bounds, options?: { padding?: [number, number]; paddingTopLeft?: [number, number]; paddingBottomRight?: [number, number]; maxZoom?: number; animate?: boolean }): Map;
  panBy(by: [number, number], options?: object): Map;
  panInside(at: At, options?: object): Map;
  setZoom(zoom: number): Map;
  zoomIn(by?: number): Map;
  zoomOut(by?: number): Map;
  latLngToContainerPoint(at: At): Point;
  containerPointToLatLng(at: [number, number]): LatLng;
  getBounds(): Bounds;
  invalidateSize(options?: object): Map;
  on(names: string, handler: Handler): Map;
  off(names: string, handler: Handler): Map;
  remove(): void;
}
export interface Layer { addTo(map: Map): Layer; remove(): Layer }
export interface GeoJson extends Layer { setStyle(style: (feature: any) => object): GeoJson; getBounds(): Bounds }
export declare const Browser: Record<string, boolean>;
export declare function map(box: HTMLElement, options: object): Map;
export declare function canvas(options?: object): Layer;
export declare function geoJSON(document: object, options: object): GeoJson;
export declare function imageOverlay(url: string, bounds: Bounds, options?: object): Layer;
export declare function tileLayer(url: string, options?: object): Layer;
export declare function polyline(spots: At[], options?: object): Layer;
export declare function latLng(at: At): LatLng;
export declare function latLngBounds(spots: At[]): Bounds;
