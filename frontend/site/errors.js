// Problems of a submission, found here or by the server, shown the same way: a summary on top and a sentence at each field.

import { byId, h, hidden } from "./dom.js";

const TITLE = document.title;

/** The element that an entry of the summary leads to, and the one that carries the error. */
function places(field) {
  if (field === "account_type") {
    return { target: document.querySelector("[name=account_type]"), holder: byId("account_type") };
  }
  const control = byId("form").querySelector(`#${CSS.escape(field)}`);
  return control ? { target: control, holder: control } : null;
}

/** The title of the page while the form is shown. */
export const formTitle = () => (byId("error-summary").hidden ? TITLE : `Error: ${TITLE}`);

function describe(element, errorId) {
  const others = (element.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !id.endsWith("-error"));
  const ids = errorId ? [...others, errorId] : others;
  if (ids.length) element.setAttribute("aria-describedby", ids.join(" "));
  else element.removeAttribute("aria-describedby");
  if (element.tagName === "FIELDSET") return;
  if (errorId) element.setAttribute("aria-invalid", "true");
  else element.removeAttribute("aria-invalid");
}

export function clearErrors() {
  byId("error-summary").hidden = true;
  document.title = formTitle();
  byId("error-list").replaceChildren();
  for (const message of byId("form").querySelectorAll(".error")) message.remove();
  for (const field of byId("form").querySelectorAll(".field.invalid")) field.classList.remove("invalid");
  for (const element of byId("form").querySelectorAll("[aria-describedby]")) describe(element, null);
}

/** Remove a field's problem once the agent has fixed it. */
export function clearError(field) {
  const place = places(field);
  const error = byId(`${field}-error`);
  if (!place || !error) return;
  error.remove();
  place.holder.closest(".field").classList.remove("invalid");
  describe(place.holder, null);
  if (field === "bill") describe(byId("camera"), null);
  for (const entry of byId("error-list").querySelectorAll(`[href="#${place.target.id}"]`)) entry.parentElement.remove();
  if (byId("error-list").children.length) return;
  byId("error-summary").hidden = true;
  document.title = formTitle();
}

/**
 * Show problems and move the focus to their summary.
 * @param {{field: string, message: string}[]} problems
 */
export function showErrors(problems) {
  clearErrors();
  const placed = problems.map((problem) => ({ ...problem, place: problem.field ? places(problem.field) : null }));
  placed.sort((a, b) => position(a.place) - position(b.place));
  const perField = new Map();
  for (const { field, message, place } of placed) {
    byId("error-list").append(h("li", {}, place ? link(message, place.target) : message));
    if (place) perField.set(field, { place, messages: [...(perField.get(field)?.messages ?? []), message] });
  }
  for (const [field, { place, messages }] of perField) showAtField(field, place.holder, messages);
  byId("error-summary").hidden = false;
  document.title = formTitle();
  byId("error-summary").focus();
  byId("error-summary").scrollIntoView({ block: "start" });
}

function position(place) {
  return place ? [...byId("form").querySelectorAll("input, select")].indexOf(place.target) : -1;
}

function link(message, target) {
  const follow = (event) => {
    event.preventDefault();
    target.closest(".field").scrollIntoView({ block: "start" });
    target.focus({ preventScroll: true });
  };
  return h("a", { href: `#${target.id}`, on: { click: follow } }, message);
}

function showAtField(field, holder, messages) {
  const id = `${field}-error`;
  const box = holder.closest(".field");
  const lines = messages.map((message) => h("span", { class: "error-line" }, hidden("Error: "), message));
  const error = h("p", { class: "error", id }, ...lines);
  box.classList.add("invalid");
  // Label, hint, error, input: the error stands right before what it is about.
  const before = box.querySelector(".pickers, #account-types") ?? (box.classList.contains("check") ? box.firstChild : holder);
  before.before(error);
  describe(holder, id);
  if (field === "bill") describe(byId("camera"), id);
}
