// Makes the form work offline: the page and its files are kept on the device after the first load. When the site answers, the
// page always comes from there. Nothing else passes through here: no bill and no progress.

const CACHE = "form"; // build.mjs adds the digest of the build
const FILES = []; // and names what it built; the unbuilt page is not kept
const PATIENCE_MS = 4000; // for the site, before the kept page is shown

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || !FILES.includes(pathname)) return;
  event.respondWith(request.mode === "navigate" ? page(request) : asset(request, pathname));
});

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

/** A file whose name holds the hash of its content: from the device. */
async function asset(request, pathname) {
  return (await caches.match(pathname)) ?? fetch(request);
}

/** The page from the site; from the device when the site does not answer or is slow. */
async function page(request) {
  const kept = await caches.match(new URL(request.url).pathname);
  if (!kept) return fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([fetch(request).catch(() => kept), late]);
}
