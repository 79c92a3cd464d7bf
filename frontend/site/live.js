// The only module that knows Firebase. It is loaded after the first paint and only where the deployment has a config.

import { initializeApp } from "firebase/app";
import { connectFirestoreEmulator, doc, getFirestore, onSnapshot, setLogLevel } from "firebase/firestore";

/**
 * Connect to Firestore.
 * @param {{projectId: string, apiKey: string, appId?: string, appCheckKey?: string, emulator?: {host: string, port: number}}}
 *   config as in firestore.js
 */
export async function connect({ emulator, appCheckKey, ...options }) {
  setLogLevel("silent"); // a blocked listener is expected, and the page says what matters
  const app = initializeApp(options);
  // Before Firestore is asked for, so that its requests carry the token as well.
  const token = appCheckKey ? (await import("./appcheck.js")).attest(app, appCheckKey) : null;
  const db = getFirestore(app);
  if (emulator) connectFirestoreEmulator(db, emulator.host, emulator.port);
  return {
    token,
    /**
     * Listen to one document.
     * @param {(data: object|null) => void} onData each state that the server confirms; null when there is no document
     * @param {() => void} onLost the connection is gone; data comes again when it is back
     * @returns {() => void} stops listening
     */
    watch(path, onData, onLost) {
      const take = (snapshot) => {
        if (snapshot.metadata.fromCache) onLost();
        else onData(snapshot.exists() ? plain(snapshot.data()) : null);
      };
      return onSnapshot(doc(db, path), { includeMetadataChanges: true }, take, onLost);
    },
  };
}

/** Timestamps as ISO strings, as GET /progress gives them; all else as it is. */
function plain(value) {
  if (typeof value?.toDate === "function") return value.toDate().toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}
