// One stream for all tabs: keeps the state, gives each newcomer a snapshot and everybody the deltas.
import { Feed } from "./feed.js";
import { applyAll } from "./world.js";

/** @typedef {import("../types.d.ts").FeedMessage} FeedMessage */
/** @typedef {import("../types.d.ts").Entity} Entity */
/** @typedef {{postMessage: (message: FeedMessage) => void}} Listener */

export class Hub {
  constructor() {
    /** @type {Set<Listener>} */
    this.listeners = new Set();
    /** @type {Map<string, Entity>} */
    this.world = new Map();
    this.known = false;
    this.live = false;
    this.cursor = "";
    this.asOf = 0;
    this.feed = new Feed((message) => this.#heard(message));
  }

  /** A page says something: `join`, `retry` (after signing in, or back online), `stop` (signed out), `bye`.
   * @param {Listener} listener @param {{type: string}} message */
  said(listener, message) {
    if (message.type === "join") {
      this.listeners.add(listener);
      listener.postMessage({ type: "hello" });
      if (this.known) {
        listener.postMessage({ type: "snapshot", reason: "joined", cursor: this.cursor, as_of: this.asOf, live: this.live, entities: [...this.world.values()] });
      }
      this.feed.start();
    } else if (message.type === "retry") {
      this.feed.start();
    } else if (message.type === "stop") {
      this.feed.stop();
      this.#forget();
      this.#tell({ type: "refused", status: 401 });
    } else if (message.type === "bye") {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.feed.stop();
    }
  }

  /** @param {FeedMessage} message */
  #heard(message) {
    if (message.type === "snapshot") {
      this.world = new Map(message.entities.map((entity) => [entity.id, entity]));
      this.known = true;
    } else if (message.type === "delta") {
      applyAll(this.world, message.changes);
    } else if (message.type === "refused") {
      this.#forget();
    }
    if (message.type === "down") this.live = false;
    if ("cursor" in message) {
      this.live = true;
      this.cursor = message.cursor;
      this.asOf = message.as_of;
    }
    this.#tell(message);
  }

  #forget() {
    this.world = new Map();
    this.known = false;
  }

  /** @param {FeedMessage} message */
  #tell(message) {
    for (const listener of this.listeners) listener.postMessage(message);
  }
}
