// The list of the bill's photos and PDFs: thumbnails, order, turn, remove, and a hint where a photo will be hard to read.

import { announce, byId, h, hidden, megabytes } from "./dom.js";
import { MAX_UPLOAD_BYTES, SNIFF_BYTES, sniff } from "./fields.js";

const HINTS = {
  dark: "This photo is dark. If you can, take it again with more light.",
  blurred: "This photo looks blurred. If you can, hold still and take it again.",
  unknown: "This cannot be sent. Choose a photo or a PDF.",
};
const DECODABLE = ["jpeg", "png", "webp", "heic"]; // kinds worth trying; some browsers do decode HEIC
const SYMBOLS = {
  up: "M12 19V5M5 12l7-7 7 7",
  down: "M12 5v14M5 12l7 7 7-7",
  turn: "M20 11a8 8 0 1 0-2.500 6M20 4v7h-7",
  remove: "M6 6l12 12M18 6L6 18",
};

export class Pages {
  #queue = Promise.resolve(); // one decoded picture in memory at a time
  #urls = new Map();

  /** @param {import("./draft.js").Draft} draft */
  constructor(draft) {
    this.draft = draft;
    for (const input of [byId("bill"), byId("camera")]) {
      input.addEventListener("change", () => {
        this.add([...input.files]);
        input.value = ""; // the same file may be chosen again after it was removed
      });
    }
    this.#takeDrops();
    this.show();
    for (const page of draft.pages) if (!page.kind) this.#work(page); // a crash came before it was looked at
  }

  /** Resolves when every picture added so far can be sent. */
  get settled() {
    return this.#queue;
  }

  /** What will be sent: kind and size of each file. */
  get files() {
    return this.draft.pages.map((page) => ({
      ...{ kind: page.kind, foreign: page.foreign, size: (page.ready ?? page.original).size },
    }));
  }

  /** Add files behind those that are there. */
  add(files) {
    const added = files.map((file) => ({
      ...{ id: crypto.randomUUID(), name: file.name, kind: null, rotation: 0, hints: [] },
      ...{ original: file, ready: null, thumb: null, working: true },
    }));
    this.draft.pages.push(...added);
    this.show();
    announce(`${added.map((page) => page.name).join(", ")} added; ${count(this.draft.pages.length)} now.`);
    for (const page of added) {
      this.draft.keepPage(page);
      this.#work(page);
    }
    return this.#queue;
  }

  show() {
    const list = byId("pages");
    const pages = this.draft.pages;
    for (const [id, url] of this.#urls) {
      if (pages.some((page) => page.id === id)) continue;
      URL.revokeObjectURL(url);
      this.#urls.delete(id);
    }
    list.replaceChildren(...pages.map((page, index) => this.#item(page, index)));
    list.hidden = pages.length === 0;
  }

  #work(page) {
    page.working = true;
    this.#queue = this.#queue.then(async () => {
      const head = new Uint8Array(await page.original.slice(0, SNIFF_BYTES).arrayBuffer());
      page.kind = sniff(head);
      if (!page.kind) page.foreign = (await import("./kinds.js")).foreignName(head);
      if (DECODABLE.includes(page.kind)) {
        const { prepare } = await import("./picture.js").catch(() => ({})); // without it, it is sent as it is
        Object.assign(page, await prepare?.(page.original, page.rotation));
      }
      if (!page.ready) page.original = await snapshot(page.original);
    });
    this.#queue = this.#queue.catch(() => {
      page.ready = page.kind = null; // it cannot be read, and is refused with a reason
    });
    this.#queue = this.#queue.then(async () => {
      page.working = false;
      this.#forgetUrl(page);
      if (!this.draft.pages.includes(page)) return;
      await this.draft.keepPage(page);
      this.#refresh(page);
      if (hints(page).length) announce(`Page ${this.draft.pages.indexOf(page) + 1}: ${HINTS[hints(page)[0]]}`);
    });
  }

  /** Redraw one page and leave the focus where it is in the list. */
  #refresh(page) {
    const index = this.draft.pages.indexOf(page);
    const old = byId("pages").children[index];
    const action = old?.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    const item = this.#item(page, index);
    old?.replaceWith(item);
    if (action) item.querySelector(`[data-action=${action}]`)?.focus();
  }

  #item(page, index) {
    const number = index + 1;
    const last = this.draft.pages.length - 1;
    const button = (action, label, run) =>
      h("button", { type: "button", class: "icon", "data-action": action, on: { click: run } }, symbol(action), hidden(label));
    const size = page.working ? "Preparing …" : megabytes((page.ready ?? page.original).size);
    const reduced = page.ready && page.ready.size < page.original.size && !page.working;
    const tools = [
      index > 0 && button("up", `Move page ${number} up`, () => this.#move(page, -1)),
      index < last && button("down", `Move page ${number} down`, () => this.#move(page, 1)),
      page.thumb && button("turn", `Turn page ${number}`, () => this.#turn(page)),
      button("remove", `Remove page ${number}`, () => this.#remove(page)),
    ];
    return h(
      "li",
      { class: "page" },
      this.#picture(page),
      h(
        "div",
        { class: "page-text" },
        h("span", { class: "page-name" }, hidden(`Page ${number}: `), page.name),
        h("span", { class: "hint" }, reduced ? `${size}, reduced from ${megabytes(page.original.size)}` : size),
        ...hints(page).map((hint) => h("span", { class: "page-hint" }, HINTS[hint])),
      ),
      h("div", { class: "tools" }, ...tools.filter(Boolean)),
    );
  }

  #picture(page) {
    if (!page.thumb) {
      const kind = page.kind ?? (page.working ? "…" : "?");
      return h("span", { class: "thumb", "aria-hidden": "true" }, kind.toUpperCase());
    }
    if (!this.#urls.has(page.id)) this.#urls.set(page.id, URL.createObjectURL(page.thumb));
    return h("img", { class: "thumb", src: this.#urls.get(page.id), alt: "" });
  }

  #forgetUrl(page) {
    URL.revokeObjectURL(this.#urls.get(page.id));
    this.#urls.delete(page.id);
  }

  #turn(page) {
    page.rotation = (page.rotation + 1) % 4;
    this.#work(page);
    announce(`Page ${this.draft.pages.indexOf(page) + 1} turned.`);
  }

  #move(page, by) {
    const pages = this.draft.pages;
    const from = pages.indexOf(page);
    pages.splice(from, 1);
    pages.splice(from + by, 0, page);
    this.draft.changed();
    this.show();
    const item = byId("pages").children[from + by];
    (item.querySelector(`[data-action=${by < 0 ? "up" : "down"}]`) ?? item.querySelector(".icon")).focus();
    announce(`Now page ${from + by + 1} of ${pages.length}.`);
  }

  #remove(page) {
    const index = this.draft.pages.indexOf(page);
    this.draft.dropPage(page);
    this.show();
    const next = byId("pages").children[Math.min(index, this.draft.pages.length - 1)];
    (next?.querySelector("[data-action=remove]") ?? byId("bill")).focus();
    announce(`${page.name} removed; ${count(this.draft.pages.length)} left.`);
  }

  #takeDrops() {
    const zone = byId("bill-group");
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (holdsFiles(event)) event.preventDefault(); // a file dropped beside must not replace the page
      zone.classList.toggle("dropping", holdsFiles(event) && zone.contains(event.target));
    });
    addEventListener("dragleave", (event) => event.relatedTarget ?? zone.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      zone.classList.remove("dropping");
      if (zone.contains(event.target)) this.add([...event.dataTransfer.files]);
    });
  }
}

/**
 * Take the bytes of a file that will be sent as it is: a file may be changed or moved after it was chosen, a gallery may take
 * the right to read it back, and then it could not be sent. What is too large anyway is left where it is.
 */
async function snapshot(file) {
  if (!(file instanceof File) || file.size > MAX_UPLOAD_BYTES) return file;
  return new Blob([await file.arrayBuffer()], { type: file.type });
}

/** What the agent should know about a page. */
const hints = (page) => (page.kind || page.working ? page.hints : ["unknown"]);

const count = (number) => (number === 1 ? "1 file" : `${number} files`);

function symbol(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SYMBOLS[name]);
  drawing.append(path);
  return drawing;
}
