// One connection to /api/v1/stream that mends itself. Read with fetch rather than EventSource, so that "signed out" can be told
// from "unreachable" and a connection that went silent is dropped and made again.
/** @typedef {import("../types.d.ts").FeedMessage} FeedMessage */

/** The collector says `hb` every second; a line that has spoken and is silent for this long is taken for dead. */
const SILENT_MS = 4000;
/** The first word may take longer: a loaded collector has much to say at once, and being asked anew only adds to its load. */
const ANSWER_MS = 15_000;
/** Each line given up for its silence makes the next one wait twice as long, at most this. */
const PATIENCE_MOST_MS = 60_000;
/** A line that has held for so long is a good one: patience begins anew. */
const STEADY_MS = 30_000;
const RETRY_FIRST_MS = 300;
const RETRY_MOST_MS = 3000;

/**
 * Cuts a stream of text into server-sent events. Returns a function to feed chunks to.
 * @param {(event: string, data: string, id: string | null) => void} emit
 */
export function eventCutter(emit) {
  let rest = "";
  let event = "message";
  let id = /** @type {string | null} */ (null);
  /** @type {string[]} */
  let data = [];
  return (/** @type {string} */ chunk) => {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) emit(event, data.join("\n"), id);
        event = "message";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") data.push(value);
      else if (field === "event") event = value;
      else if (field === "id") id = value;
    }
  };
}

/** What the collector says is wrong, as its code. @param {Response} response */
const codeOf = async (response) => (await response.json().catch(() => null))?.error?.code ?? `status ${response.status}`;

export class Feed {
  /** @param {(message: FeedMessage) => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.cursor = /** @type {string | null} */ (null);
    this.running = false;
    this.failures = 0;
    this.heardAt = 0;
    this.begunAt = 0;
    /** Whether this line has said anything yet. */
    this.spoke = false;
    /** Lines given up for their silence, since one held. */
    this.givenUp = 0;
    /** @type {AbortController | null} */
    this.abort = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    setInterval(() => this.#watch(), 1000);
  }

  /** Starts, or tries again at once when it is waiting, or asks for long without an answer. */
  start() {
    if (this.running && !this.retry) {
      if (!this.spoke && performance.now() - this.heardAt > SILENT_MS) this.abort?.abort();
      return;
    }
    clearTimeout(this.retry);
    this.retry = undefined;
    this.running = true;
    void this.#connect();
  }

  stop() {
    this.running = false;
    this.cursor = null;
    clearTimeout(this.retry);
    this.retry = undefined;
    this.abort?.abort();
  }

  #watch() {
    if (!this.running || !this.abort) return;
    const at = performance.now();
    if (this.spoke && at - this.begunAt > STEADY_MS) this.givenUp = 0;
    if (at - this.heardAt <= Math.min(PATIENCE_MOST_MS, (this.spoke ? SILENT_MS : ANSWER_MS) * 2 ** this.givenUp)) return;
    this.givenUp += 1;
    this.abort.abort();
  }

  async #connect() {
    const abort = new AbortController();
    this.abort = abort;
    this.heardAt = this.begunAt = performance.now();
    this.spoke = false;
    let why = "ended";
    try {
      /** @type {Record<string, string>} */
      const headers = { Accept: "text/event-stream" };
      if (this.cursor !== null) headers["Last-Event-ID"] = this.cursor;
      const response = await fetch("/api/v1/stream", { headers, signal: abort.signal, cache: "no-store", credentials: "same-origin" });
      if (response.status === 401 || response.status === 403) {
        this.stop();
        this.tell({ type: "refused", status: response.status });
        return;
      }
      if (!response.ok || !response.body) throw new Error(await codeOf(response));
      await this.#read(response.body.getReader());
    } catch (error) {
      why = abort.signal.aborted ? "silent" : error instanceof Error ? error.message : String(error);
    } finally {
      if (this.abort === abort) this.abort = null;
    }
    if (this.running && this.abort === null) this.#again(why);
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async #read(reader) {
    const decoder = new TextDecoder();
    const cut = eventCutter((event, data, id) => this.#take(event, data, id));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.heardAt = performance.now();
      this.spoke = true;
      cut(decoder.decode(value, { stream: true }));
    }
  }

  /** @param {string} event @param {string} data @param {string | null} id */
  #take(event, data, id) {
    const body = JSON.parse(data);
    if (id !== null) this.cursor = id;
    this.failures = 0;
    if (event === "snapshot" || event === "delta" || event === "hb") this.tell({ type: event, ...body });
    else if (event === "alarm") this.tell({ type: "alarm", alarm: body.alarm ?? body });
  }

  /** @param {string} why */
  #again(why) {
    this.tell({ type: "down", why });
    const most = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.failures);
    this.failures += 1;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.#connect();
    }, most * (0.5 + Math.random() / 2));
  }
}
