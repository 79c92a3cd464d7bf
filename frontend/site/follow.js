// The state of a submission until it is finished: Firestore's listener, and GET /progress while that cannot connect.

import { firestore } from "./firestore.js";

const LISTENER_GRACE_MS = 4000;
const POLL_MS = [1000, 1000, 1500, 2000, 3000, 5000]; // then every 10 s
const SLOW_POLL_MS = 10_000;
const LONGEST_POLL_MS = 30_000;
const ANSWER_MS = 20_000;
const SILENCE_MS = 5 * 60_000; // the sweeper looks after two minutes, so by then something should have moved
const STAGES = ["waiting", "reading", "recording", "done", "failed"];

export const ended = (state) => state.stage === "done" || state.stage === "failed";

/** Follow one intake; `stop` ends it, `resume` goes on after a time without news. */
export class Follower {
  /**
   * @param {string} id
   * @param {{state: (state: object) => void, unknown?: () => void, silent?: () => void,
   *   connection?: (kind: "listener"|"polling"|"lost") => void}} on
   */
  constructor(id, on) {
    this.id = id;
    this.on = on;
    this.state = null;
    this.wake = () => document.visibilityState === "visible" && this.#refresh();
    this.resume();
  }

  stop() {
    this.running = false;
    clearTimeout(this.graceTimer);
    clearTimeout(this.silenceTimer);
    this.#stopPolling();
    this.unwatch?.();
    this.unwatch = null;
    removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
  }

  /** Begin, or resume after a time without news. */
  resume() {
    this.running = true;
    this.#heard();
    this.#graceThenPoll();
    addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.#listen();
  }

  async #listen() {
    const connection = await firestore();
    if (!this.running || this.unwatch) return;
    if (!connection) {
      this.#startPolling();
      return;
    }
    const data = (document) => {
      if (!this.running) return;
      if (!document) {
        // Deleted after its time, or never there: only the server can tell.
        this.#startPolling();
        return;
      }
      clearTimeout(this.graceTimer);
      this.#stopPolling();
      this.on.connection?.("listener");
      this.#take(document);
    };
    this.unwatch = connection.watch(`progress/${this.id}`, data, () => this.#graceThenPoll());
  }

  #graceThenPoll() {
    clearTimeout(this.graceTimer);
    if (this.running) this.graceTimer = setTimeout(() => this.#startPolling(), LISTENER_GRACE_MS);
  }

  #startPolling() {
    if (!this.running || this.polling) return;
    this.polling = true;
    this.polls = this.failures = 0;
    this.#poll();
  }

  #stopPolling() {
    this.polling = false;
    clearTimeout(this.pollTimer);
    this.request?.abort();
    this.request = null;
  }

  /** The device woke up or is online again: ask at once. */
  #refresh() {
    this.#heard();
    if (!this.unwatch) this.#listen(); // what it takes could not be loaded before
    if (!this.polling) return;
    this.#stopPolling();
    this.#startPolling();
  }

  async #poll() {
    const request = (this.request = new AbortController());
    const limit = setTimeout(() => request.abort(), ANSWER_MS);
    let outcome;
    try {
      const answer = await fetch(`/progress/${this.id}`, { signal: request.signal, cache: "no-store" });
      outcome = answer.ok ? await answer.json() : answer.status === 404 && (await answer.json()).code;
    } catch {
      outcome = null; // offline, no answer in time, or not JSON: tried again below
    }
    clearTimeout(limit);
    if (request !== this.request || !this.polling) return;
    if (outcome === "unknown_intake") {
      this.stop();
      this.on.unknown?.();
      return;
    }
    if (outcome?.stage) {
      this.failures = 0;
      this.on.connection?.("polling");
      this.#take(outcome);
    } else {
      this.failures += 1;
      this.on.connection?.("lost");
    }
    if (!this.polling) return;
    const pause = POLL_MS[this.polls] ?? SLOW_POLL_MS;
    this.polls += 1;
    this.pollTimer = setTimeout(() => this.#poll(), Math.min(LONGEST_POLL_MS, pause * 2 ** Math.min(this.failures, 5)));
  }

  #take(document) {
    const state = normal(document);
    const known = this.state;
    // Two sources can cross: an older state never replaces a newer one.
    if (known && state.updatedAt < known.updatedAt) return;
    if (JSON.stringify(state) !== JSON.stringify(known)) {
      this.state = state;
      this.#heard();
      this.on.state(state);
    }
    if (ended(state)) this.stop();
  }

  #heard() {
    clearTimeout(this.silenceTimer);
    if (!this.running) return;
    this.silenceTimer = setTimeout(() => {
      this.stop();
      this.on.silent?.();
    }, SILENCE_MS);
  }
}

/** Bring any answer into one shape, so that a newer server cannot break an older page. */
function normal(document) {
  const number = (value) => (Number.isFinite(value) ? value : 0);
  return {
    stage: STAGES.includes(document.stage) ? document.stage : "waiting",
    pagesDone: number(document.pages_done),
    pagesTotal: number(document.pages_total),
    percent: Math.min(100, Math.max(0, number(document.percent))),
    submittedAt: Date.parse(document.submitted_at) || 0,
    updatedAt: Date.parse(document.updated_at) || 0,
    error: document.error ?? null,
    fields: document.fields && typeof document.fields === "object" ? document.fields : {},
    attention: Array.isArray(document.attention) ? document.attention.filter((item) => item?.message) : [],
  };
}
