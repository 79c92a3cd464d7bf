// What the form offers. The office's lists come from Firestore; until they are there, those of last time or the built-in ones.
//
// public/form-options, written by the functions and readable by anyone:
//   utilities      ["NYSEG", ...] in the order of the list
//   account_types  ["Small Demand <25 kW", ...]
//   developers     [{name: "Sunny Fields", utilities: ["NYSEG", ...]}, ...]; `utilities` names those that the developer takes
//                  customers of, empty: all. Without developers the field is free text.
// Further keys are ignored. A list that is missing, empty or of another shape leaves the form as it was.

import { byId, h } from "./dom.js";
import { ACCOUNT_TYPES, UTILITIES } from "./fields.js";
import { firestore } from "./firestore.js";
import { keep, recall } from "./storage.js";

const KEPT = "form-options";

let current = null;

/** Show what is known at once. */
export function showOptions() {
  apply(sound(recall(KEPT, null)));
  byId("utility").addEventListener("change", showDevelopers);
}

/** Show what the office says, now and whenever it changes while the form is open. */
export async function followOptions() {
  const connection = await firestore();
  const take = (document) => {
    if (!document) return;
    const options = sound(document);
    keep(KEPT, options);
    apply(options);
  };
  connection?.watch("public/form-options", take, () => {}); // without a connection those of last time will do
}

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
  if (JSON.stringify(options) === JSON.stringify(current)) return;
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

/** Those who work with the chosen utility; all before one is chosen, and where the office has named none for it yet. */
function developersThatFit() {
  const utility = byId("utility").value;
  const fits = ({ utilities }) => !utility || !utilities.length || utilities.includes(utility);
  const fitting = current.developers.filter(fits);
  return [...new Set((fitting.length ? fitting : current.developers).map(({ name }) => name))];
}

/** With a list of developers: those who fit. Without: free text. */
export function showDevelopers() {
  const field = byId("developer");
  if (current.developers.length === 0) {
    const text = { type: "text", autocomplete: "off", autocapitalize: "words", spellcheck: "false", enterkeyhint: "next" };
    if (field.tagName !== "INPUT") replace(field, h("input", text)).value = field.value;
    return;
  }
  const names = developersThatFit();
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
