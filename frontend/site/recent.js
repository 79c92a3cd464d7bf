// The bills sent from this device: ids and names are kept here only, their state comes live.

import { byId, h } from "./dom.js";
import { ended, Follower } from "./follow.js";
import * as sent from "./sent.js";
import { stageText } from "./stages.js";
import { keep, recall } from "./storage.js";

const KEPT = "recent";
const MOST = 20;
const MOST_LIVE = 5; // the rest is looked at when it is opened
const WHEN = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };

const followers = new Map();
const rows = new Map(); // one element a bill for as long as it is listed: drawn anew, it would lose the focus

const list = () => recall(KEPT, []).filter((entry) => /^[0-9a-f]{32}$/.test(entry?.id));

export const nameOf = (id) => list().find((entry) => entry.id === id)?.name ?? "";

export const knows = (id) => list().some((entry) => entry.id === id);

export function remember(id, name) {
  keep(KEPT, [{ id, name, at: Date.now() }, ...list().filter((entry) => entry.id !== id)].slice(0, MOST));
}

/** Note the state of a bill, so that a finished one is not asked for again. */
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
    sent.clear();
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

/** Show the list and follow unfinished bills, except the one that the page itself shows. */
export function show(shown = location.hash.slice(1)) {
  const entries = list();
  byId("recent").hidden = byId("recent-link").hidden = entries.length === 0;
  draw(entries, shown);
  const moving = entries.filter((entry) => !entry.ended && entry.id !== shown).slice(0, MOST_LIVE);
  for (const [id, follower] of followers) {
    if (moving.some((entry) => entry.id === id)) continue;
    follower.stop();
    followers.delete(id);
  }
  for (const { id } of moving) {
    if (followers.has(id)) continue;
    const end = (stage) => () => note(id, { stage });
    followers.set(id, new Follower(id, { state: (state) => note(id, state), unknown: end("unknown"), silent: end("silent") }));
  }
}

function draw(entries, shown) {
  const place = byId("recent-list");
  for (const [id, { item }] of rows) {
    if (entries.some((entry) => entry.id === id)) continue;
    item.remove();
    rows.delete(id);
  }
  entries.forEach((entry, index) => {
    if (!rows.has(entry.id)) rows.set(entry.id, row(entry));
    const { item, link, state } = rows.get(entry.id);
    if (place.children[index] !== item) place.insertBefore(item, place.children[index] ?? null);
    state.textContent = entry.text ?? "Sent";
    if (entry.id === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

function row({ id, name, at }) {
  const when = h("time", { datetime: new Date(at).toISOString() }, new Date(at).toLocaleString("en-US", WHEN));
  const link = h("a", { href: `#${id}` }, name || "Bill");
  const state = h("span", { class: "recent-state" });
  return { item: h("li", {}, link, h("span", { class: "hint" }, when, " · ", state)), link, state };
}
