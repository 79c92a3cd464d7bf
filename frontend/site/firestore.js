// Brings Firestore in when it is wanted and there; the page works without it.
//
// /firebase-config.json, made by the deployment: what the Firebase console calls the web app's config, of which projectId and
// apiKey are used (public values: infra/firestore.rules decide what they open). {"emulator": {"host", "port"}} beside them leads
// to an emulator. null, or no such file: the page does not listen but asks GET /progress.

let connecting;

/**
 * Return the connection of live.js, or null where the site has none: no config, or the bundle cannot be loaded.
 * A failure to load is tried again by the next caller.
 */
export function firestore() {
  connecting ??= connect().catch(() => {
    connecting = undefined;
    return null;
  });
  return connecting;
}

async function connect() {
  const answer = await fetch("/firebase-config.json");
  const config = answer.ok ? await answer.json() : null;
  if (!config) return null;
  const { connect: open } = await import("./live.js");
  return open(config);
}
