// What the form offers. The office's lists come from Firestore; until they are there, those of last time or the built-in ones.

import { byId, h } from "./dom.js";
import { ACCOUNT_TYPES, UTILITIES } from "./fields.js";
import { firestore } from "./firestore.js";
import { keep, recall } from "./storage.js";

const KEPT = "form-options";
const BUILT_IN = { utilities: UTILITIES, account_types: ACCOUNT_TYPES, developers: [] };

let current = BUILT_IN;

/** Show what is known at once, then what the office says. */
export function showOptions() {
  apply(sound(recall(KEPT, null)));
  byId("utility").addEventListener("change", showDevelopers);
}

export async function refreshOptions() {
  const connection = await firestore();
  const document = await connection?.read("public/form-options").catch(() => null); // those of last time will do
  if (!document) return;
  const options = sound(document);
  keep(KEPT, options);
  apply(options);
}

/** Take over each list that is one; a list that is missing, empty or of another shape does not empty the form. */
function sound(document) {
  const texts = (list) => (Array.isArray(list) ? list.filter((text) => typeof text === "string" && text) : []);
  const or = (list, otherwise) => (list.length ? list : otherwise);
  const developers = Array.isArray(document?.developers) ? document.developers : [];
  return {
    utilities: or(texts(document?.utilities), UTILITIES),
    account_types: or(texts(document?.account_types), ACCOUNT_TYPES),
    developers: developers
      .filter((developer) => typeof developer?.name === "string" && developer.name)
      .map(({ name, utilities }) => ({ name, utilities: texts(utilities) })),
  };
}

function apply(options) {
  current = options;
  fill(byId("utility"), options.utilities);
  const chosen = document.querySelector("[name=account_type]:checked")?.value;
  byId("account-types").replaceChildren(...options.account_types.map((type, index) => radio(type, index, type === chosen)));
  showDevelopers();
}

function radio(type, index, checked) {
  const id = `account_type-${index}`;
  const input = h("input", { type: "radio", name: "account_type", id, value: type, checked });
  return h("div", { class: "check" }, input, h("label", { for: id }, type));
}

/** Put the choices into a select and keep what is chosen, as long as it is still offered. */
function fill(select, choices) {
  const chosen = select.value;
  const options = choices.map((choice) => h("option", { value: choice }, choice));
  select.replaceChildren(h("option", { value: "" }, "Choose one"), ...options);
  select.value = choices.includes(chosen) ? chosen : "";
}

/** With a list of developers: those who work with the chosen utility. Without: free text. */
export function showDevelopers() {
  const utility = byId("utility").value;
  const fits = ({ utilities }) => !utility || utilities.length === 0 || utilities.includes(utility);
  const names = current.developers.filter(fits).map(({ name }) => name);
  const field = byId("developer");
  if (current.developers.length === 0) {
    if (field.tagName !== "INPUT") replace(field, h("input", { autocomplete: "off", spellcheck: "false" })).value = field.value;
    return;
  }
  if (field.tagName === "SELECT") {
    fill(field, names);
    return;
  }
  const select = replace(field, h("select"));
  fill(select, names);
  select.value = names.includes(field.value) ? field.value : "";
}

function replace(field, successor) {
  for (const { name, value } of field.attributes) {
    if (["id", "name", "aria-describedby", "aria-invalid"].includes(name)) successor.setAttribute(name, value);
  }
  const focused = document.activeElement === field;
  field.replaceWith(successor);
  if (focused) successor.focus();
  return successor;
}
