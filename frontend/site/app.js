// Puts the page together: which view is shown, and what leads from one to the other.

import { announce, byId, note } from "./dom.js";
import { Draft } from "./draft.js";
import { clearError, clearErrors, showErrors } from "./errors.js";
import { AGENT_FIELDS, checkAnswers, checkFiles, FIELDS } from "./fields.js";
import { refreshOptions, showDevelopers, showOptions } from "./options.js";
import { Pages } from "./pages.js";
import { ProgressView } from "./progress.js";
import * as recent from "./recent.js";
import * as sent from "./sent.js";
import { keep, recall } from "./storage.js";
import { Refusal, send } from "./upload.js";

const TITLE = document.title;
const AGENT = "agent";
const EXTENSIONS = { jpeg: "jpg", png: "png", tiff: "tif", webp: "webp", heic: "heic", pdf: "pdf" };
const NO_ROOM = "This device cannot keep the draft. Please leave this page open until the bill is sent.";
const RESUMED = "This is what you entered before on this device.";
const CHANGED_SINCE =
  "This form had already arrived once, with the answers it had then. If you changed something since, press Send again " +
  "to send it as a new submission.";

const form = byId("form");
const view = new ProgressView({
  cancel: () => cancelSending?.(),
  another: () => go("/"),
  kept: sent.get,
  again: (id) => reuse(id, [], true),
  retake: reuse,
  state: recent.note,
});
let draft;
let pages;
let cancelSending = null; // while something is being sent
let busy = false; // from the press of Send to its outcome

// --- views ----------------------------------------------------------------------------------------

const shownId = () => /^#([0-9a-f]{32})$/.exec(location.hash)?.[1] ?? null;

function go(path) {
  history.pushState(null, "", path);
  route();
}

function route() {
  const id = shownId();
  const progress = Boolean(id || cancelSending);
  byId("form-view").hidden = progress;
  byId("progress-view").hidden = !progress;
  recent.show(id ?? "");
  if (id) {
    if (view.id !== id) view.follow(id, recent.nameOf(id));
  } else if (cancelSending) {
    view.sending(draft.answers.account_name);
  } else {
    view.leave();
    document.title = TITLE;
  }
  scrollTo(0, 0);
  if (progress) byId("stage").focus({ preventScroll: true });
}

// --- the form's answers ---------------------------------------------------------------------------

function answersInForm() {
  const values = new FormData(form);
  return Object.fromEntries(FIELDS.map(({ name }) => [name, String(values.get(name) ?? "").trim()]));
}

/** Fill the form; what the agent has typed meanwhile stays. */
function fill(answers, overwrite) {
  showDevelopers();
  for (const { name } of FIELDS) {
    const control = form.elements[name];
    const value = answers[name] ?? "";
    if (!control || control instanceof RadioNodeList) {
      for (const radio of form.querySelectorAll(`[name=${name}]`)) radio.checked = radio.value === value || (radio.checked && !overwrite);
    } else if (control.type === "checkbox") {
      control.checked = value === control.value || (control.checked && !overwrite);
    } else if (overwrite || !control.value) {
      control.value = value;
      if (name === "utility") showDevelopers();
    }
  }
}

function changed() {
  draft.answers = answersInForm();
  draft.changed();
  note(byId("draft-note"), "");
}

/** Once a field is left mended, its problem goes. */
function mended({ target }) {
  const files = target.type === "file";
  if (files ? pages.files.length : !checkAnswers(draft.answers).some(({ field }) => field === target.name)) {
    clearError(files ? "bill" : target.name);
  }
}

/** Open the form with other content; the earlier draft is gone. */
async function refill(answers) {
  await draft.reset(answers);
  clearErrors();
  fill(answers, true);
  pages.show();
  note(byId("draft-note"), "");
}

async function reuse(id, files, withEarlier) {
  const earlier = await sent.get(id);
  await refill(earlier.answers);
  if (withEarlier) {
    draft.pages.push(...earlier.pages.map((page) => ({ ...page, id: crypto.randomUUID() })));
    for (const page of draft.pages) await draft.keepPage(page);
    pages.show();
  }
  go("/");
  note(byId("draft-note"), "The same customer as before. Check it and press Send.");
  if (files.length) await pages.add(files);
  byId("bill-group").scrollIntoView();
  byId("bill").focus({ preventScroll: true });
}

// --- sending --------------------------------------------------------------------------------------

function body() {
  const data = new FormData();
  for (const [name, value] of Object.entries(draft.answers)) if (value) data.append(name, value);
  draft.pages.forEach((page, index) => {
    const content = page.ready ?? page.original;
    // Names of files may hold anything, a customer's name too; nobody needs them behind this page.
    const extension = page.ready ? "jpg" : EXTENSIONS[page.kind];
    data.append("bill", content, `bill-${index + 1}.${extension}`);
  });
  return data;
}

async function submit(event) {
  event.preventDefault();
  if (busy) return;
  busy = true;
  try {
    clearErrors();
    if (draft.pages.some((page) => page.working)) announce("Preparing the photos …");
    await pages.settled;
    draft.answers = answersInForm();
    const problems = [...checkAnswers(draft.answers), ...checkFiles(pages.files)];
    if (problems.length) showErrors(problems);
    else await transmit();
  } finally {
    busy = false;
  }
}

async function transmit() {
  const controller = new AbortController();
  cancelSending = () => controller.abort();
  await setSending(true);
  route();
  announce("Sending the bill");
  const onView = (act) => !shownId() && act();
  try {
    const id = await send(body, draft.key, controller.signal, {
      bytes: (done, total) => onView(() => view.bytes(done, total)),
      pause: (reason) => onView(() => view.pause(reason)),
    });
    cancelSending = null;
    await accepted(id);
  } catch (error) {
    cancelSending = null;
    await setSending(false);
    if (shownId()) history.pushState(null, "", "/");
    route();
    refused(error);
  }
}

async function setSending(sending) {
  draft.sending = sending;
  draft.changed();
  await draft.save();
}

async function accepted(id) {
  const { answers } = draft;
  recent.remember(id, answers.account_name);
  await sent.put(id, answers, draft.pages);
  const mine = Object.fromEntries(AGENT_FIELDS.map((name) => [name, answers[name] ?? ""]));
  keep(AGENT, mine);
  await refill(mine);
  if (shownId()) recent.show();
  else go(`#${id}`);
}

function refused(error) {
  if (error instanceof Refusal) {
    const reused = error.code === "idempotency_key_reused";
    if (reused || error.code === "bad_idempotency_key") draft.newKey();
    showErrors(reused ? [{ code: error.code, field: "", message: CHANGED_SINCE }] : error.problems);
  } else if (error.name === "AbortError") {
    announce("Sending was cancelled. Your answers and photos are still here.");
    note(byId("draft-note"), "Sending was cancelled. Your answers and photos are still here.");
    form.querySelector("[type=submit]").focus();
  } else {
    throw error;
  }
}

// --- start ----------------------------------------------------------------------------------------

/** Tell the functions that somebody is typing, so that they are warm when he sends. */
function wake() {
  fetch("/submit?wake=1", { method: "POST", keepalive: true }).catch(() => {
    // Only a courtesy: without it the first answer takes a little longer.
  });
}

function afterFirstPaint(run) {
  const later = () => (window.requestIdleCallback ?? setTimeout)(run);
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
}

async function start() {
  showOptions();
  const touch = matchMedia("(pointer: coarse)").matches;
  byId("camera-picker").hidden = !touch;
  byId("drop-hint").hidden = touch;
  form.addEventListener("submit", submit);
  recent.startRecent();
  if (shownId()) route();
  else afterFirstPaint(wake);
  draft = await Draft.open(() => note(byId("storage-note"), NO_ROOM));
  const resumed = draft.pages.length > 0 || FIELDS.some(({ name }) => draft.answers[name] && !AGENT_FIELDS.includes(name));
  fill({ ...recall(AGENT, {}), ...draft.answers }, false);
  pages = new Pages(draft);
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("change", mended);
  byId("clear").addEventListener("click", () => {
    if (confirm("Clear all answers and photos of this form?")) refill({}).then(() => byId("agent_id").focus());
  });
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    go("/");
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the id of the submission
    byId("main").focus();
  });
  addEventListener("popstate", route);
  document.documentElement.dataset.ready = "";
  afterFirstPaint(refreshOptions);
  if (draft.sending && !shownId()) {
    busy = true;
    await transmit().finally(() => (busy = false));
  } else if (resumed) {
    note(byId("draft-note"), RESUMED);
  }
}

start();
