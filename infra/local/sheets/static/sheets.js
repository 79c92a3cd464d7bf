// Keeps the live view of the spreadsheet up to date: asks each second, rebuilds only what changed.
// Text goes in by textContent alone; a cell is a link only when all of it is an http(s) address.

const POLL_MS = 1000;
const WEB_ADDRESS = /^https?:\/\/\S+$/i;

const table = document.getElementById("cells");
const connection = document.getElementById("connection");
let revision = null;

function element(name, text = "", attributes = {}) {
  const node = document.createElement(name);
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function link(href, text, attributes = {}) {
  return element("a", text, { href, ...attributes });
}

function cell(text, label) {
  const node = element("td", "", { "data-label": label });
  if (WEB_ADDRESS.test(text)) {
    node.append(link(text, text, { target: "_blank", rel: "noopener noreferrer" }));
  } else {
    node.textContent = text;
  }
  return node;
}

function row(...cells) {
  const node = document.createElement("tr");
  node.append(...cells);
  return node;
}

function showCells(view) {
  const letters = row(element("td"), ...view.letters.map((letter) => element("th", letter, { scope: "col" })));
  letters.className = "letters";
  const heading = row(
    element("th", "1", { scope: "row" }),
    ...view.heading.map((text) => element("th", text, { scope: "col" })),
  );
  const labels = view.heading.map((text, index) => text || view.letters[index]);
  const rows = view.rows.map((values, index) =>
    row(
      element("th", String(view.first_row + index), { scope: "row" }),
      ...values.map((text, column) => cell(text, labels[column])),
    ),
  );
  const head = document.createElement("thead");
  const body = document.createElement("tbody");
  head.append(letters, heading);
  body.append(...rows);
  table.replaceChildren(head, body);
}

function showAround(view) {
  document.title = view.title;
  document.querySelector("h1").textContent = view.title;
  document.getElementById("summary").textContent = view.summary;
  const tabs = view.tabs.map((tab) => {
    const current = tab.gid === view.gid ? { "aria-current": "page" } : {};
    const item = document.createElement("li");
    item.append(link(`?gid=${tab.gid}`, tab.title, current));
    return item;
  });
  document.getElementById("tabs").replaceChildren(...tabs);
  const pages = [];
  if (view.page > 1) pages.push(link(`?gid=${view.gid}&page=${view.page - 1}`, "Earlier rows"), " ");
  if (view.page < view.pages) pages.push(link(`?gid=${view.gid}&page=${view.page + 1}`, "Later rows"));
  document.getElementById("pages").replaceChildren(...pages);
}

async function refresh() {
  const query = new URLSearchParams({ gid: table.dataset.gid });
  const page = new URLSearchParams(location.search).get("page");
  if (page) query.set("page", page);
  if (revision !== null) query.set("revision", revision);
  const response = await fetch(`view.json?${query}`);
  if (response.status === 204) return;
  if (!response.ok) throw new Error(`answer ${response.status}`);
  const view = await response.json();
  showCells(view);
  showAround(view);
  revision = view.revision;
}

async function poll() {
  try {
    if (!document.hidden) await refresh();
    connection.textContent = "";
  } catch (error) {
    connection.textContent = `Not up to date (${error.message}); trying again.`;
  }
  setTimeout(poll, POLL_MS);
}

poll();
