// The draft of one tab: answers, pictures and the idempotency key, kept so that a reload, a crash or a lost connection loses nothing.
//
// Every tab has its own draft and holds a lock on it. A tab that opens takes up, in this order: its own draft from before
// a reload; the latest one that no tab holds (after a crash); a new one. So two tabs never write into one draft.

import { AGENT_FIELDS, FIELDS } from "./fields.js";
import * as storage from "./storage.js";

const MAX_AGE_MS = 7 * 24 * 3600 * 1000;
const RELOAD_GRACE_MS = 1500; // the page that is being left may hold its lock a moment longer
const SAVE_AFTER_MS = 250;
const SESSION = "draft";

/** Hold a lock for the life of the page or until what is returned is called; null when another tab has it. */
function hold(id, waitMs) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    const options = waitMs ? { signal: AbortSignal.timeout(waitMs) } : { ifAvailable: true };
    const keep = (lock) => {
      if (lock) return new Promise((letGo) => resolve(letGo));
      resolve(null);
      return undefined;
    };
    navigator.locks.request(`draft:${id}`, options, keep).catch(() => resolve(null));
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

  /** Whether it holds anything of a customer. */
  get begun() {
    return this.pages.length > 0 || FIELDS.some(({ name }) => this.answers[name] && !AGENT_FIELDS.includes(name));
  }

  #empty(answers = {}) {
    this.answers = answers;
    this.pages = []; // {id, name, kind, rotation, hints, original: Blob, ready: Blob|null, thumb: Blob|null}
    this.key = crypto.randomUUID();
    this.sending = false; // whether the agent pressed Send and neither an answer nor a cancellation came
    this.parked = ""; // id of the draft that has to wait until this one is sent
  }

  async #begin() {
    this.id = crypto.randomUUID();
    this.letGo = await hold(this.id, 0);
    sessionStorage.setItem(SESSION, this.id);
  }

  async #adopt() {
    const own = sessionStorage.getItem(SESSION);
    const drafts = await storage.all("drafts");
    const fresh = drafts.filter((draft) => draft.changedAt > Date.now() - MAX_AGE_MS);
    for (const stale of drafts.filter((draft) => !fresh.includes(draft))) await this.#erase(stale);
    await this.#eraseStrays(drafts);
    const candidates = fresh.sort((a, b) => (b.id === own) - (a.id === own) || b.changedAt - a.changedAt);
    for (const kept of candidates) if (await this.#take(kept, kept.id === own ? RELOAD_GRACE_MS : 0)) return;
  }

  /** Become a kept draft; false when another tab has it. */
  async #take(kept, waitMs) {
    const letGo = await hold(kept.id, waitMs);
    if (!letGo) return false;
    const { id, answers, key, parked = "", sending } = kept;
    const pages = [];
    for (const page of kept.pages) {
      const blobs = await storage.get("blobs", page.id);
      if (blobs) pages.push({ ...page, ...blobs, id: page.id });
    }
    Object.assign(this, { id, answers, key, parked, letGo, pages, sending: sending && pages.length === kept.pages.length });
    sessionStorage.setItem(SESSION, id);
    return true;
  }

  async #erase(kept) {
    for (const page of kept.pages) await storage.remove("blobs", page.id);
    await storage.remove("drafts", kept.id);
  }

  /** Pictures that a crash left without their draft; not the newest, whose draft another tab is about to keep. */
  async #eraseStrays(drafts) {
    const wanted = new Set(drafts.flatMap(({ pages }) => pages.map(({ id }) => id)));
    const old = Date.now() - MAX_AGE_MS;
    for (const { id, at } of await storage.all("blobs")) if (!wanted.has(id) && !(at > old)) await storage.remove("blobs", id);
  }

  /** Note a change by the agent; it is kept a moment later. */
  changed() {
    this.dirty = true;
    this.timer ||= setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  /** Use a new key: from here on it is another submission. */
  newKey() {
    this.key = crypto.randomUUID();
    this.changed();
  }

  /** Keep the bytes of a page; answers alone are saved without them. */
  async keepPage(page) {
    const { id, original, ready, thumb } = page;
    await this.#guard(() => storage.put("blobs", { id, at: Date.now(), original, ready, thumb }));
    this.dirty = true;
    await this.save(); // at once: a phone may end the page when its camera opens for the next photo
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
    const { id, answers, key, parked, sending } = this;
    const pages = this.pages.map(({ id: page, name, kind, rotation, hints }) => ({ id: page, name, kind, rotation, hints }));
    const kept = { id, answers, key, parked, sending, pages, changedAt: Date.now() };
    await this.#guard(() => storage.put("drafts", kept));
  }

  /** Let this draft wait, if it holds anything of a customer, and begin another one with some answers. */
  async interrupt(answers) {
    if (!this.begun) {
      await this.reset(answers);
      return;
    }
    await this.save();
    const waiting = this.id;
    this.letGo();
    this.#empty(answers);
    this.parked = waiting;
    await this.#begin();
    this.dirty = true;
    await this.save();
  }

  /**
   * Start again: with the draft that has waited for this one, else with an empty form and some answers.
   * @returns {Promise<boolean>} whether one has waited
   */
  async reset(answers = {}) {
    const { id, pages, parked, letGo } = this;
    this.#empty(answers);
    for (const page of pages) await this.#guard(() => storage.remove("blobs", page.id));
    if (parked && (await this.#resume(parked))) {
      await this.#guard(() => storage.remove("drafts", id));
      letGo();
      return true;
    }
    this.dirty = true;
    await this.save();
    return false;
  }

  async #resume(parked) {
    try {
      const kept = await storage.get("drafts", parked);
      return Boolean(kept) && (await this.#take(kept, 0));
    } catch {
      return false; // this device keeps nothing any more, and said so before
    }
  }

  async #guard(act) {
    try {
      await act();
    } catch (error) {
      this.onProblem(error);
    }
  }
}
