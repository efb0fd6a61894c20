// For who may not read the stream: asks for its own requests every few seconds, and tells the page of them as the stream would.
import { get } from "../api.js";
import { entityOf } from "../requests/entity.js";

/** @typedef {import("../types.d.ts").FeedMessage} FeedMessage */

export const ASK_EVERY_MS = 5000;
const PATH = "/api/v1/requests?recent=true&limit=300";

/** The page's end of it, with the same words as that of the hub. Asks nothing while nobody looks. */
export class Asking {
  /** @param {(message: FeedMessage) => void} hear */
  constructor(hear) {
    this.hear = hear;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.round = 0;
  }

  /** @param {{type: string}} message */
  postMessage({ type }) {
    if (type === "stop" || type === "bye") { this.round += 1; clearTimeout(this.timer); }
    else void this.#ask();
  }

  async #ask() {
    const round = this.round += 1;
    clearTimeout(this.timer);
    try {
      const said = await get(PATH);
      if (round !== this.round) return;
      const entities = said.requests.map((/** @type {Record<string, any>} */ one) => entityOf(one, said.as_of));
      this.hear({ type: "snapshot", reason: "asked", cursor: String(said.as_of), as_of: said.as_of, entities });
    } catch (failure) {
      if (round !== this.round) return;
      const { status, code } = /** @type {import("../api.js").ApiFailure} */ (failure);
      // Signed out, or somebody else's work now: it is asked again when somebody has signed in.
      if (status === 401 || status === 403) { this.hear({ type: "refused", status }); return; }
      this.hear({ type: "down", why: String(code ?? "") });
    }
    this.timer = setTimeout(() => { if (!document.hidden) void this.#ask(); }, ASK_EVERY_MS);
  }
}
