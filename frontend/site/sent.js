// Answers and photos of the last bills, kept on this device for a day, so that a missing page can follow without retyping.

import * as storage from "./storage.js";

const MAX_AGE_MS = 24 * 3600 * 1000;
const MOST = 5;
const inMemory = new Map(); // for browsers that keep nothing

export async function get(id) {
  try {
    const kept = await storage.get("sent", id);
    if (kept && kept.at > Date.now() - MAX_AGE_MS) return kept;
  } catch {
    // No storage: only what this page itself has sent is known.
  }
  return inMemory.get(id) ?? null;
}

export async function put(id, answers, pages) {
  const entry = { id, answers, pages: [...pages], at: Date.now() };
  inMemory.set(id, entry);
  try {
    await storage.put("sent", entry);
    await tidy();
  } catch {
    // As above.
  }
}

/** Forget what is old or too many. */
export function tidy() {
  return forget((entry, index) => index >= MOST || entry.at < Date.now() - MAX_AGE_MS);
}

/** Forget all of them. */
export function clear() {
  inMemory.clear();
  return forget(() => true);
}

async function forget(which) {
  try {
    const entries = (await storage.all("sent")).sort((a, b) => b.at - a.at);
    for (const { id } of entries.filter(which)) await storage.remove("sent", id);
  } catch {
    // No storage: there is nothing to forget.
  }
}
