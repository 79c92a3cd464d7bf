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
export async function tidy() {
  const entries = (await storage.all("sent")).sort((a, b) => b.at - a.at);
  const old = entries.filter((entry, index) => index >= MOST || entry.at < Date.now() - MAX_AGE_MS);
  for (const { id } of old) await storage.remove("sent", id);
}
