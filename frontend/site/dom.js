// Small helpers for the page. Text only ever becomes a text node, so nothing that an agent types can become markup.

export const byId = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} tag
 * @param {Object} [properties] attributes; `on` holds listeners by event, `class` and others are set as attributes,
 *   true sets an empty attribute, false, null and undefined leave it out
 * @param {...(Node|string)} children
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== false && value != null) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
}

/** Show a text in an element, or hide the element when there is none. */
export function note(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

export const hidden = (text) => h("span", { class: "visually-hidden" }, text);

/** Bytes for people, in the units of the server's sentences. */
export function megabytes(bytes) {
  const size = bytes / (1024 * 1024);
  return size < 0.1 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${size.toFixed(1)} MB`;
}

const SPEAK_EVERY_MS = 1000;
let spokenAt = 0;
let pending = 0;

/** Tell screen readers something without moving the focus; at most once a second, the last text wins. */
export function announce(text) {
  clearTimeout(pending);
  const speak = () => {
    spokenAt = Date.now();
    byId("status").textContent = text;
  };
  pending = setTimeout(speak, Math.max(0, spokenAt + SPEAK_EVERY_MS - Date.now()));
}
