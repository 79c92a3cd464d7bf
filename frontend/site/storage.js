// What this device keeps: drafts and pictures in IndexedDB, small lists in localStorage. Nothing here leaves the device.

const NAME = "greenwatt-intake";
const VERSION = 1;
let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("drafts", { keyPath: "id" });
      request.result.createObjectStore("blobs", { keyPath: "id" });
      request.result.createObjectStore("sent", { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("Another tab holds an older version of the page."));
  });
  return opened;
}

async function run(store, mode, act) {
  const transaction = (await database()).transaction(store, mode);
  const request = act(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

export const get = (store, id) => run(store, "readonly", (objects) => objects.get(id));
export const all = (store) => run(store, "readonly", (objects) => objects.getAll());
export const put = (store, value) => run(store, "readwrite", (objects) => objects.put(value));
export const remove = (store, id) => run(store, "readwrite", (objects) => objects.delete(id));

/** Read a small JSON value; `otherwise` when there is none or the browser keeps nothing (private windows). */
export function recall(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a small JSON value; a browser that keeps nothing loses only convenience. */
export function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Private window or full: the page works without.
  }
}
