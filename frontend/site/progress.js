// The page of one submission: on its way, where it stands, what was read, what to do next.

import { announce, byId, h, megabytes, note } from "./dom.js";
import { ended, Follower } from "./follow.js";
import { fieldLabel, fieldOrder, fieldText, stageText } from "./stages.js";

const GOES_ON = "You can close this page and come back later. The bill is processed without it.";
const PAUSES = {
  offline: "You are offline. Sending resumes when the connection is back.",
  lost: "The connection was lost. Trying again …",
  busy: "The service is busy. Trying again …",
  slow: "The upload took longer than the limit of 60 seconds. Trying again …",
};
const LOST = "The connection was lost. This page resumes when it is back.";
const LOST_SAFE = "The connection was lost. The bill has arrived and is safe. This page resumes when the connection is back.";
const SILENT =
  "Nothing has changed for 5 minutes. The bill has arrived and is safe. It is processed without this page. " +
  "You can come back to this address later.";
const NOT_HEARD = "There has been no answer about this bill for 5 minutes. Keep waiting, or come back to this address later.";
const UNKNOWN = "There is no submission with this ID. Check that you copied the whole address.";
const UNSURE_BELOW = 0.8;
/** Kinds of attention that another photo fixes, and whether a single earlier photo is sent again with it. */
const RETAKE = {
  ...{ wrong_page: true, missing: true, gas_only: true, low_confidence: true },
  ...{ account_cut_off: false, unreadable: false, not_a_bill: false, old_bill: false, second_bill: false },
};

export class ProgressView {
  #follower = null;
  #stage = "";

  /**
   * @param {{cancel: () => void, another: () => void, kept: (id: string) => Promise<object|null>,
   *   again: (id: string) => void, retake: (id: string, files: File[], withEarlier: boolean) => void,
   *   state: (id: string, state: object) => void, sentHere: (id: string) => boolean}} act
   */
  constructor(act) {
    this.act = act;
  }

  leave() {
    this.#follower?.stop();
    this.#follower = null;
    this.id = null;
  }

  // --- on its way -------------------------------------------------------------------------------

  sending(name) {
    this.#begin(name, "sending");
    this.#head("Sending the bill", "", 0);
    byId("progress-actions").replaceChildren(button("Cancel", this.act.cancel));
  }

  bytes(sent, total) {
    note(byId("connection"), "");
    byId("progress-bar").value = total ? (100 * sent) / total : 0;
    const whole = sent >= total;
    note(byId("detail"), whole ? "All sent. Waiting for the answer …" : `${megabytes(sent)} of ${megabytes(total)} sent`);
  }

  pause(reason) {
    note(byId("connection"), PAUSES[reason]);
    announce(PAUSES[reason]);
  }

  // --- where it stands --------------------------------------------------------------------------

  follow(id, name) {
    this.#begin(name, "intake");
    this.id = id;
    this.#head("Looking up the bill", "", null);
    this.#follower = new Follower(id, {
      state: (state) => this.#show(id, state),
      unknown: () => this.#unknown(),
      silent: () => this.#silent(),
      connection: (kind) => {
        byId("progress-view").dataset.source = kind;
        note(byId("connection"), kind === "lost" ? (this.#arrived() ? LOST_SAFE : LOST) : "");
      },
    });
  }

  /** Whether it is known that the bill is with the service: it said so, to this page or when it was sent. */
  #arrived() {
    return Boolean(this.#follower?.state) || this.act.sentHere(this.id);
  }

  #begin(name, kind) {
    this.leave();
    this.#stage = "";
    byId("progress-view").dataset.stage = kind;
    delete byId("progress-view").dataset.source;
    note(byId("who"), name);
    note(byId("connection"), "");
    byId("progress-actions").replaceChildren();
    byId("result").replaceChildren();
    byId("read").replaceChildren();
  }

  /** Set heading, detail and bar; a value of null means that nobody knows how far, undefined that there is no bar. */
  #head(heading, detail, value) {
    byId("stage").textContent = heading;
    note(byId("detail"), detail);
    const bar = byId("progress-bar");
    bar.hidden = value === undefined;
    if (value == null) bar.removeAttribute("value");
    else bar.value = value;
    document.title = `${heading} – GreenWatt`;
  }

  #show(id, state) {
    byId("progress-view").dataset.stage = state.stage;
    this.act.state(id, state);
    if (ended(state)) {
      this.#end(id, state);
      return;
    }
    this.#head(stageText(state), GOES_ON, state.stage === "waiting" ? null : state.percent);
    if (!byId("progress-actions").children.length) byId("progress-actions").replaceChildren(this.#another());
    if (state.stage !== this.#stage) announce(stageText(state));
    this.#stage = state.stage;
  }

  #unknown() {
    byId("progress-view").dataset.stage = "unknown";
    this.#head("Not found", UNKNOWN, undefined);
    byId("progress-actions").replaceChildren(button("New submission", this.act.another));
    byId("stage").focus();
    if (this.id) this.act.state(this.id, { stage: "unknown" });
  }

  #silent() {
    const text = this.#arrived() ? SILENT : NOT_HEARD;
    note(byId("connection"), text);
    announce(text);
    const resume = () => {
      note(byId("connection"), "");
      byId("progress-actions").replaceChildren();
      this.#follower.resume();
      byId("stage").focus();
    };
    byId("progress-actions").replaceChildren(button("Keep waiting", resume), this.#another());
  }

  #another(look = "") {
    return button("Submit another bill", this.act.another, look);
  }

  // --- the end ----------------------------------------------------------------------------------

  async #end(id, state) {
    note(byId("connection"), "");
    byId("progress-actions").replaceChildren();
    const failed = state.stage === "failed";
    this.#head(stageText(state), failed ? "" : took(state), undefined);
    const kept = await this.act.kept(id);
    if (this.id !== id) return;
    byId("result").replaceChildren(
      ...(failed ? [h("p", { class: "attention" }, state.error?.message ?? "Please send it again, or tell the office.")] : []),
      ...this.#attention(id, state, kept),
    );
    byId("read").replaceChildren(...fields(state));
    const again = failed && kept ? [button("Fix and resend", () => this.act.again(id), "primary")] : [];
    byId("progress-actions").replaceChildren(...again, this.#another(again.length ? "" : "primary"));
    byId("stage").focus();
  }

  #attention(id, { attention }, kept) {
    if (!attention.length) return [];
    const fixable = attention.find(({ code }) => kept && code in RETAKE); // one button: all of them need a photo
    const items = attention.map((item) => {
      const photo = item === fixable ? this.#retake(id, RETAKE[item.code] || kept.pages.length > 1) : null;
      return h("li", { class: "attention" }, h("p", {}, String(item.message)), photo);
    });
    return [h("h2", {}, "Please check this"), h("ul", { class: "attention-list" }, ...items)];
  }

  /** One tap: the camera, and the photo joins the same customer's answers in the form. */
  #retake(id, withEarlier) {
    const take = ({ target }) => {
      const files = [...target.files];
      target.value = ""; // the same photo may be chosen again
      if (files.length) this.act.retake(id, files, withEarlier);
    };
    const camera = matchMedia("(pointer: coarse)").matches;
    const photo = { accept: "image/*", capture: "environment" };
    const kinds = camera ? photo : { accept: "image/*,application/pdf", multiple: true };
    const input = h("input", { class: "visually-hidden", id: "retake", type: "file", ...kinds, on: { change: take } });
    const text = camera ? "Take that photo now" : "Add a photo for this customer";
    return h("div", { class: "picker" }, input, h("label", { class: "button", for: "retake" }, text));
  }
}

function button(text, run, look = "") {
  return h("button", { type: "button", class: `button ${look}`, on: { click: run } }, text);
}

function took({ submittedAt, updatedAt }) {
  // Long after, the server knows that it ended but not when, and gives the same time twice.
  if (!submittedAt || updatedAt <= submittedAt) return "The office has it.";
  const seconds = Math.max(1, Math.round((updatedAt - submittedAt) / 1000));
  return `The office has it. That took ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}.`;
}

/** What was read, whatever it is; a value without a value is left out. */
function fields({ fields: found, attention }) {
  const rows = Object.entries(found)
    .map(([name, entry]) => ({ name, entry, text: fieldText(name, entry?.value === undefined ? entry : entry.value) }))
    .filter(({ name, text }) => text && !name.endsWith("_parts")) // the parts of what stands there whole
    .sort((a, b) => fieldOrder(a.name) - fieldOrder(b.name));
  if (!rows.length) return [];
  const list = rows.map(({ name, entry, text }) => {
    const unsure = entry?.confidence < UNSURE_BELOW || attention.some((item) => item.field === name);
    const mark = unsure ? h("span", { class: "unsure" }, "please check") : null;
    return h("div", {}, h("dt", {}, fieldLabel(name)), h("dd", {}, text, mark));
  });
  return [h("h2", {}, "Read from the bill"), h("dl", {}, ...list)];
}
