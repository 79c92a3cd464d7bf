// Loads Firebase if the deployment has it; the page works without it.
//
// /firebase-config.json, made by the deployment: what the Firebase console calls the web app's config, of which projectId,
// apiKey and appId are used (public values: infra/firestore.rules decide what they open). "appCheckKey" beside them turns App
// Check on (it needs more sources in the Content-Security-Policy: reCAPTCHA's scripts and frames, and App Check's address);
// {"emulator": {"host", "port"}} leads to an emulator. null, or no such file: the page does not listen, it asks GET /progress.

const CHECK_HEADER = "X-Firebase-AppCheck";
const TOKEN_MS = 15_000;
let asked;
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

/** Headers by which the service knows this page, where it asks for them. Without a token it says itself what is wrong. */
export async function attestation() {
  try {
    if (!(await config())?.appCheckKey) return {};
    const token = firestore().then((connection) => connection.token());
    const late = new Promise((_, reject) => setTimeout(reject, TOKEN_MS)); // a blocked reCAPTCHA never answers
    return { [CHECK_HEADER]: await Promise.race([token, late]) };
  } catch {
    return {};
  }
}

async function connect() {
  const found = await config();
  if (!found) return null;
  const { connect: open } = await import("./live.js");
  return open(found);
}

function config() {
  asked ??= fetch("/firebase-config.json")
    .then((answer) => (answer.ok ? answer.json() : null))
    .catch((error) => {
      asked = undefined;
      throw error;
    });
  return asked;
}
