// The draft of one tab: answers, pictures and the idempotency key, kept so that reload, crash and dead spots lose nothing.
//
// Every tab has its own draft and holds a lock on it. A tab that opens takes up, in this order: its own draft from before
// a reload; the latest one that no tab holds (after a crash); a new one. So two tabs never write into one draft.

import * as storage from "./storage.js";

const MAX_AGE_MS = 7 * 24 * 3600 * 1000;
const RELOAD_GRACE_MS = 1500; // the page that is being left may hold its lock a moment longer
const SAVE_AFTER_MS = 250;
const SESSION = "draft";

/** Hold a lock for the life of the page; false when another tab has it. */
function hold(id, waitMs) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const options = waitMs ? { signal: AbortSignal.timeout(waitMs) } : { ifAvailable: true };
    const keepForever = (lock) => {
      resolve(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;
    };
    navigator.locks.request(`draft:${id}`, options, keepForever).catch(() => resolve(false));
  });
}

export class Draft {
  /** Take up a draft; `onProblem` is called when this device cannot keep it. */
  static async open(onProblem) {
    const draft = new Draft(onProblem);
    try {
      await draft.#adopt();
    } catch (error) {
      onProblem(error);
    }
    if (!draft.id) await draft.#begin();
    document.addEventListener("visibilitychange", () => draft.save());
    addEventListener("pagehide", () => draft.save());
    return draft;
  }

  constructor(onProblem) {
    this.onProblem = onProblem;
    this.id = "";
    this.timer = 0;
    this.dirty = false;
    this.#empty();
  }

  #empty() {
    this.answers = {};
    this.pages = []; // {id, name, kind, rotation, hints, original: Blob, ready: Blob|null, thumb: Blob|null}
    this.key = crypto.randomUUID();
    this.sending = false; // whether the agent pressed Send and neither an answer nor a cancellation came
  }

  async #begin() {
    this.id = crypto.randomUUID();
    await hold(this.id, 0);
    sessionStorage.setItem(SESSION, this.id);
  }

  async #adopt() {
    const own = sessionStorage.getItem(SESSION);
    const drafts = await storage.all("drafts");
    const fresh = drafts.filter((draft) => draft.changedAt > Date.now() - MAX_AGE_MS);
    for (const stale of drafts.filter((draft) => !fresh.includes(draft))) await this.#erase(stale);
    const candidates = fresh.sort((a, b) => (b.id === own) - (a.id === own) || b.changedAt - a.changedAt);
    for (const kept of candidates) {
      if (!(await hold(kept.id, kept.id === own ? RELOAD_GRACE_MS : 0))) continue;
      const { id, answers, key, sending } = kept;
      const pages = [];
      for (const page of kept.pages) {
        const blobs = await storage.get("blobs", page.id);
        if (blobs) pages.push({ ...page, ...blobs, id: page.id });
      }
      Object.assign(this, { id, answers, key, pages, sending: sending && pages.length === kept.pages.length });
      sessionStorage.setItem(SESSION, id);
      return;
    }
  }

  async #erase(kept) {
    for (const page of kept.pages) await storage.remove("blobs", page.id);
    await storage.remove("drafts", kept.id);
  }

  /** Note a change by the agent; it is kept a moment later. */
  changed() {
    this.dirty = true;
    this.timer ||= setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  /** From here on it is another submission. */
  newKey() {
    this.key = crypto.randomUUID();
    this.changed();
  }

  /** Keep the bytes of a page; answers alone are saved without them. */
  async keepPage(page) {
    await this.#guard(() => storage.put("blobs", { id: page.id, original: page.original, ready: page.ready, thumb: page.thumb }));
    this.changed();
  }

  async dropPage(page) {
    this.pages = this.pages.filter((other) => other !== page);
    this.changed();
    await this.#guard(() => storage.remove("blobs", page.id));
  }

  async save() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.dirty || !this.id) return;
    this.dirty = false;
    const { id, answers, key, sending } = this;
    const pages = this.pages.map(({ id: page, name, kind, rotation, hints }) => ({ id: page, name, kind, rotation, hints }));
    const kept = { id, answers, key, sending, pages, changedAt: Date.now() };
    await this.#guard(() => storage.put("drafts", kept));
  }

  /** Start again with an empty form, or with some answers. */
  async reset(answers = {}) {
    const pages = this.pages;
    this.#empty();
    this.answers = answers;
    this.dirty = true;
    await this.save();
    for (const page of pages) await this.#guard(() => storage.remove("blobs", page.id));
  }

  async #guard(act) {
    try {
      await act();
    } catch (error) {
      this.onProblem(error);
    }
  }
}
