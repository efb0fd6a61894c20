// The live state of a collector for any console. No library; runs in Node 20 and in browsers.
//
//   node live_state.mjs http://127.0.0.1:8080 TOKEN
//
// In a page of another origin put a proxy in front: the collector answers its own pages only.

const QUIET_MS = 5000; // a heartbeat comes every second
const WAIT_MS = [500, 1000, 2000, 5000, 10000];

export class LiveState {
  /** @param {string} url @param {string} token @param {(what: object) => void} told */
  constructor(url, token, told = () => {}) {
    this.url = url;
    this.token = token;
    this.told = told;
    this.entities = new Map();
    this.alarms = new Map();
    this.cursor = null;
    this.fresh = false; // false: show the last known state as such
    this.stopped = false;
  }

  stop() {
    this.stopped = true;
    this.control?.abort();
  }

  /** Follow until `stop`; connects anew whenever the stream ends or falls silent. */
  async run() {
    for (let tries = 0; !this.stopped; tries += 1) {
      try {
        await this.#follow(() => (tries = 0));
        this.told({ event: "lost", why: "the collector ended the stream" });
      } catch (error) {
        if (this.stopped) break;
        this.told({ event: "lost", why: String(error.message ?? error) });
      }
      this.fresh = false;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS[Math.min(tries, WAIT_MS.length - 1)]));
    }
  }

  async #follow(connected) {
    this.control = new AbortController();
    let quiet;
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => this.control.abort(new Error("nothing heard")), QUIET_MS);
    };
    heard();
    const since = this.cursor ? `?since=${encodeURIComponent(this.cursor)}` : "";
    try {
      const answer = await fetch(`${this.url}/api/v1/stream${since}`, {
        headers: { Authorization: `Bearer ${this.token}`, Accept: "text/event-stream" },
        signal: this.control.signal,
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard();
        connected();
        const frames = (text + value).split("\n\n");
        text = frames.pop();
        for (const frame of frames) this.#take(frame);
      }
    } finally {
      clearTimeout(quiet);
    }
  }

  #take(frame) {
    const fields = Object.fromEntries(frame.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
    if (!fields.data) return; // a comment
    const data = JSON.parse(fields.data);
    const ids = [];
    if (fields.event === "snapshot") {
      this.entities = new Map(data.entities.map((entity) => [entity.id, entity]));
      this.alarms.clear(); // those that are active follow
    } else if (fields.event === "delta") {
      for (const change of data.changes) ids.push(change.id), this.#change(change);
    } else if (fields.event === "alarm") {
      if (data.active) this.alarms.set(data.id, data);
      else this.alarms.delete(data.id);
      ids.push(data.id);
    }
    if (fields.id) this.cursor = fields.id; // only now: what it stands for has been taken
    this.fresh = true;
    this.told({ event: fields.event, reason: data.reason, ids });
  }

  #change(change) {
    if (change.deleted) {
      this.entities.delete(change.id);
      return;
    }
    const before = this.entities.get(change.id) ?? { id: change.id, attributes: {}, points: {} };
    this.entities.set(change.id, {
      ...before,
      ...change.set,
      rev: change.rev,
      attributes: { ...before.attributes, ...change.attributes },
      points: { ...before.points, ...change.points },
    });
  }
}

const asProgram = typeof process !== "undefined" && process.argv[1]?.endsWith("live_state.mjs");
if (asProgram) {
  const [url, token] = process.argv.slice(2);
  const live = new LiveState(url, token, (what) => {
    const shown = what.event === "snapshot" ? [...live.entities.values()] : (what.ids ?? []).map((id) => live.entities.get(id) ?? null);
    console.log(JSON.stringify({ ...what, count: live.entities.size, alarms: live.alarms.size, entities: what.event === "hb" ? [] : shown }));
  });
  process.on("SIGTERM", () => live.stop());
  await live.run();
}
