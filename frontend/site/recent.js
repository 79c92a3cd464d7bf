// The bills sent from this device: ids and names are kept here only, their state comes live.

import { byId, h } from "./dom.js";
import { ended, Follower } from "./follow.js";
import { stageText } from "./stages.js";
import { keep, recall } from "./storage.js";

const KEPT = "recent";
const MOST = 20;
const MOST_LIVE = 5; // the rest is looked at when it is opened

const followers = new Map();

const list = () => recall(KEPT, []).filter((entry) => /^[0-9a-f]{32}$/.test(entry?.id));

export const nameOf = (id) => list().find((entry) => entry.id === id)?.name ?? "";

export function remember(id, name) {
  keep(KEPT, [{ id, name, at: Date.now() }, ...list().filter((entry) => entry.id !== id)].slice(0, MOST));
}

/** Note where a bill stands, so that a finished one need not be asked for again. */
export function note(id, state) {
  const entries = list();
  const entry = entries.find((candidate) => candidate.id === id);
  if (!entry) return;
  const text = stageText(state);
  if (entry.text === text && entry.ended === ended(state)) return;
  Object.assign(entry, { text, ended: ended(state) });
  keep(KEPT, entries);
  show();
}

export function startRecent() {
  byId("forget").addEventListener("click", () => {
    keep(KEPT, []);
    show();
    byId("main").focus();
  });
  byId("recent-link").addEventListener("click", (event) => {
    event.preventDefault();
    byId("recent").scrollIntoView();
    byId("recent").focus({ preventScroll: true });
  });
  addEventListener("storage", (event) => event.key === KEPT && show());
  show();
}

/** Draw the list and follow what still moves, save the one that the page itself shows. */
export function show(shown = location.hash.slice(1)) {
  const entries = list();
  byId("recent").hidden = byId("recent-link").hidden = entries.length === 0;
  byId("recent-list").replaceChildren(...entries.map((entry) => row(entry, entry.id === shown)));
  const moving = entries.filter((entry) => !entry.ended && entry.id !== shown).slice(0, MOST_LIVE);
  for (const [id, follower] of followers) {
    if (moving.some((entry) => entry.id === id)) continue;
    follower.stop();
    followers.delete(id);
  }
  for (const { id } of moving) {
    if (followers.has(id)) continue;
    const unknown = () => note(id, { stage: "unknown" });
    followers.set(id, new Follower(id, { state: (state) => note(id, state), unknown }));
  }
}

const WHEN = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };

function row({ id, name, at, text }, current) {
  const when = h("time", { datetime: new Date(at).toISOString() }, new Date(at).toLocaleString("en-US", WHEN));
  return h(
    "li",
    {},
    h("a", { href: `#${id}`, "aria-current": current && "page" }, name || "Bill"),
    h("span", { class: "hint" }, when, ` · ${text ?? "Sent"}`),
  );
}
