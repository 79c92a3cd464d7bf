// The answers between the form's controls and the draft.

import { byId } from "./dom.js";
import { FIELDS } from "./fields.js";
import { showDevelopers } from "./options.js";

const form = byId("form");

/** What stands in the form, trimmed, by field name. */
export function answersInForm() {
  const values = new FormData(form);
  return Object.fromEntries(FIELDS.map(({ name }) => [name, String(values.get(name) ?? "").trim()]));
}

/** Fill the form; unless told to overwrite, what the agent has typed meanwhile stays. */
export function fill(answers, overwrite) {
  showDevelopers();
  for (const { name } of FIELDS) {
    const control = form.elements[name];
    const value = answers[name] ?? "";
    if (!control || control instanceof RadioNodeList) {
      for (const radio of form.querySelectorAll(`[name=${name}]`)) {
        radio.checked = radio.value === value || (radio.checked && !overwrite);
      }
    } else if (control.type === "checkbox") {
      control.checked = value === control.value || (control.checked && !overwrite);
    } else if (overwrite || !control.value) {
      control.value = value;
    }
    if (name === "utility") showDevelopers();
  }
}

/**
 * On a phone, Enter leads to the next field: what "Go" on its keyboard would send is a form that is not filled yet.
 * With a keyboard of its own, Enter sends, as everywhere.
 */
export function enterLeadsOn() {
  const texts = "input:not([type=radio], [type=checkbox], [type=file])";
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches(texts)) return;
    event.preventDefault();
    const controls = [...form.querySelectorAll("input, select")];
    controls[controls.indexOf(event.target) + 1]?.focus();
  });
}
