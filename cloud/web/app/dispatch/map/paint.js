// One canvas over the map for all that moves. Whatever changes, it is drawn once in a frame; data alone draws at most fifteen
// times a second, so that a thousand vehicles leave the machine idle.

const DATA_MS = 66;
/** On a slow machine drawing takes no more than a fifth of the time. */
const REST = 4;

export class Paint {
  /** @param {import("../../../vendor/leaflet.js").Map} map @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw */
  constructor(map, draw) {
    this.map = map;
    this.draw = draw;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "map-things";
    this.canvas.setAttribute("aria-hidden", "true");
    map.getContainer().append(this.canvas);
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.drawnAt = -Infinity;
    this.lastMs = 0;
    /** How often, and how long altogether: for measuring. */
    this.count = 0;
    this.spentMs = 0;
    this.frame = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.later = undefined;
    this.now = this.now.bind(this);
    map.on("move viewreset zoom", this.now);
    map.on("resize", this.#fit);
    this.#fit();
  }

  /** Something on it has changed. */
  touch() {
    if (this.frame || this.later !== undefined) return;
    const wait = Math.max(DATA_MS, REST * this.lastMs) - (performance.now() - this.drawnAt);
    if (wait <= 0) this.soon();
    else this.later = setTimeout(() => { this.later = undefined; this.soon(); }, wait);
  }

  /** In the next frame. */
  soon() {
    if (!this.frame) this.frame = requestAnimationFrame(this.now);
  }

  /** At once: the map below has moved, and both must move together. */
  now() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.later);
    this.frame = 0;
    this.later = undefined;
    const began = performance.now();
    const ratio = devicePixelRatio || 1;
    const { x, y } = this.map.getSize();
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, x, y);
    this.draw(this.context, x, y);
    this.drawnAt = performance.now();
    this.count += 1;
    this.lastMs = this.drawnAt - began;
    this.spentMs += this.lastMs;
  }

  #fit = () => {
    const ratio = devicePixelRatio || 1;
    const { x, y } = this.map.getSize();
    this.canvas.width = Math.max(1, Math.round(x * ratio));
    this.canvas.height = Math.max(1, Math.round(y * ratio));
    this.canvas.style.width = `${x}px`;
    this.canvas.style.height = `${y}px`;
    this.now();
  };

  remove() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.later);
    this.map.off("move viewreset zoom", this.now);
    this.map.off("resize", this.#fit);
    this.canvas.remove();
  }
}
