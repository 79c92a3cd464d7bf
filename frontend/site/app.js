// Puts the page together: which view is shown, and what leads from one to the other.

import { answersInForm, enterLeadsOn, fill } from "./answers.js";
import { announce, byId, note } from "./dom.js";
import { Draft } from "./draft.js";
import { clearError, clearErrors, formTitle, showErrors } from "./errors.js";
import { AGENT_FIELDS, checkAnswers, checkFiles } from "./fields.js";
import { followOptions, showOptions } from "./options.js";
import { Pages } from "./pages.js";
import { parcel } from "./parcel.js";
import { ProgressView } from "./progress.js";
import { afterFirstPaint, keepForLater, wake } from "./ready.js";
import * as recent from "./recent.js";
import * as sent from "./sent.js";
import { keep, recall } from "./storage.js";
import { Refusal, send } from "./upload.js";

const AGENT = "agent";
const NO_ROOM = "This device cannot keep the draft. Please leave this page open until the bill is sent.";
const RESUMED = "This is what you entered before on this device.";
const SAME_CUSTOMER = "The same customer as before. Check it and press Send.";
const SAME_PAGES = "The same customer as before, with the photos that were sent. Check them and press Send.";
const STILL_SENDING = "Another bill is being sent. Try again when it has arrived.";
const CANCELLED = "Sending was cancelled. Your answers and photos are still here.";
const CHANGED_SINCE =
  "This form has already arrived, with the answers it had then. If you have changed something since, press Send again " +
  "to send it as a new submission.";

const form = byId("form");
const view = new ProgressView({
  cancel: () => cancelSending?.(),
  another: () => go("/"),
  kept: sent.get,
  again: (id) => reuse(id, [], true),
  retake: reuse,
  state: recent.note,
  sentHere: recent.knows,
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
    document.title = formTitle();
  }
  scrollTo(0, 0);
  byId(progress ? "stage" : "form-title").focus({ preventScroll: true });
}

// --- the form -------------------------------------------------------------------------------------

function changed() {
  wake();
  draft.answers = answersInForm();
  draft.changed();
  note(byId("draft-note"), "");
}

/** Remove a field's problem when the agent leaves it fixed. */
function clearIfFixed({ target }) {
  const files = target.type === "file";
  if (files ? pages.files.length : !checkAnswers(draft.answers).some(({ field }) => field === target.name)) {
    clearError(files ? "bill" : target.name);
  }
}

/** Show in the form what the draft holds now. */
function showDraft(text = "") {
  clearErrors();
  fill(draft.answers, true);
  pages.show();
  note(byId("draft-note"), text);
}

/** Go on to the next customer, or to the one that had to wait. */
async function nextCustomer(answers) {
  showDraft((await draft.reset(answers)) ? RESUMED : "");
}

/** Open the form with the answers of an earlier bill; what was begun for another customer waits and comes back. */
async function reuse(id, files, withEarlier) {
  if (busy) {
    note(byId("connection"), STILL_SENDING);
    announce(STILL_SENDING);
    return;
  }
  const earlier = await sent.get(id);
  await draft.interrupt(earlier.answers);
  if (withEarlier) draft.pages.push(...earlier.pages.map((page) => ({ ...page, id: crypto.randomUUID() })));
  for (const page of draft.pages) await draft.keepPage(page);
  showDraft(withEarlier ? SAME_PAGES : SAME_CUSTOMER);
  go("/");
  if (files.length) await pages.add(files);
  byId("bill-group").scrollIntoView();
  byId("bill").focus({ preventScroll: true });
}

async function clearForm() {
  if (!confirm("Clear all answers and photos of this form?")) return;
  await nextCustomer({});
  byId("agent_id").focus();
}

// --- sending --------------------------------------------------------------------------------------

async function submit() {
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
    const id = await send(() => parcel(draft), draft.key, controller.signal, {
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
  await nextCustomer(mine);
  if (shownId()) recent.show();
  else go(`#${id}`);
}

function refused(error) {
  if (error instanceof Refusal) {
    const reused = error.code === "idempotency_key_reused";
    if (reused || error.code === "bad_idempotency_key") draft.newKey();
    showErrors(reused ? [{ code: error.code, field: "", message: CHANGED_SINCE }] : error.problems);
  } else if (error.name === "AbortError") {
    announce(CANCELLED);
    note(byId("draft-note"), CANCELLED);
    byId("send").focus();
  } else {
    throw error;
  }
}

// --- start ----------------------------------------------------------------------------------------

/** Let the agent act; until here the button sends nothing, so that a tap on a slow line cannot send a half-loaded form. */
function listen(touch) {
  byId("send").type = "submit";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("change", clearIfFixed);
  if (touch) enterLeadsOn();
  byId("clear").addEventListener("click", clearForm);
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    go("/");
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address holds the id of the submission
    byId("main").focus();
  });
  addEventListener("popstate", route);
}

async function start() {
  const touch = matchMedia("(pointer: coarse)").matches;
  byId("camera-picker").hidden = !touch;
  byId("drop-hint").hidden = touch;
  showOptions();
  recent.startRecent();
  if (shownId()) route();
  else afterFirstPaint(wake);
  draft = await Draft.open(() => note(byId("storage-note"), NO_ROOM));
  const resumed = draft.begun;
  fill({ ...recall(AGENT, {}), ...draft.answers }, false);
  pages = new Pages(draft);
  listen(touch);
  document.documentElement.dataset.ready = "";
  afterFirstPaint(followOptions);
  afterFirstPaint(sent.tidy);
  afterFirstPaint(keepForLater);
  if (draft.sending) {
    busy = true;
    await transmit().finally(() => (busy = false));
  } else if (resumed) {
    note(byId("draft-note"), RESUMED);
  }
}

start();
