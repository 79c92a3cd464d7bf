// Brings Firestore in when it is wanted and there; the page works without it.

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
