// Sends one submission: shows real bytes, and retries after a lost connection, always with the same idempotency key, so that
// a lost reply can never make a second intake.

import { attestation } from "./firestore.js";

const STALL_MS = 60_000; // without one byte leaving
const ANSWER_MS = 120_000; // from the last byte to the answer
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const BUSY_ATTEMPTS = 8; // a server that answers "busy"; without a connection there is no limit
const SLOW_ATTEMPTS = 3; // each of them takes a minute
const LOST = { kind: "lost" };

/** The server refused; holds everything to fix. */
export class Refusal extends Error {
  constructor({ code, message, errors = [] }) {
    super(message);
    this.code = code;
    this.problems = errors.length ? errors : [{ code, field: "", message }];
  }
}

/**
 * Send a submission until the server has answered for good.
 * @param {() => Promise<FormData>} body made anew for each attempt; what it throws ends the sending
 * @param {string} key idempotency key
 * @param {AbortSignal} signal cancels
 * @param {{bytes: (sent: number, total: number) => void, pause: (reason: "offline"|"lost"|"busy"|"slow") => void}} tell
 * @returns {Promise<string>} the intake's id
 * @throws {Refusal} the server refused
 * @throws {DOMException} AbortError after a cancellation
 */
export async function send(body, key, signal, tell) {
  // A phone that goes to sleep would stop in the middle. Only some browsers can be asked to stay awake.
  const awake = await navigator.wakeLock?.request("screen").catch(() => null);
  try {
    return await sendUntilAnswered(body, key, signal, tell);
  } finally {
    awake?.release();
  }
}

async function sendUntilAnswered(body, key, signal, tell) {
  let busy = 0;
  let slow = 0;
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    const headers = { "Idempotency-Key": key, ...(await attestation()) };
    const outcome = await attempt(await body(), headers, signal, tell.bytes);
    signal.throwIfAborted();
    if (outcome.kind === "accepted") return outcome.id;
    if (outcome.kind === "refused") throw new Refusal(outcome.reason);
    if (outcome.kind === "busy" && (busy += 1) >= BUSY_ATTEMPTS) throw new Refusal(outcome.reason);
    if (outcome.kind === "slow" && (slow += 1) >= SLOW_ATTEMPTS) throw new Refusal(outcome.reason);
    tell.pause(outcome.kind === "lost" && !navigator.onLine ? "offline" : outcome.kind);
    await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 5)), signal);
  }
}

function attempt(body, headers, signal, onBytes) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // fetch tells nothing about the bytes that have left
    let timer;
    const watch = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), ms);
    };
    const finish = (outcome) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      resolve(outcome);
    };
    const cancel = () => request.abort();
    signal.addEventListener("abort", cancel);
    request.upload.onprogress = ({ loaded, total }) => {
      watch(loaded < total ? STALL_MS : ANSWER_MS);
      onBytes(loaded, total);
    };
    request.onload = () => finish(understand(request));
    request.onerror = request.onabort = () => finish(LOST);
    request.open("POST", "/submit");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    watch(STALL_MS);
    request.send(body);
  });
}

function understand({ status, responseText }) {
  let answer = null;
  try {
    answer = JSON.parse(responseText);
  } catch {
    // The platform's own errors and the pages of captive portals are not JSON.
  }
  if (status === 202 && /^[0-9a-f]{32}$/.test(answer?.intake_id)) return { kind: "accepted", id: answer.intake_id };
  const reason = answer?.message ? answer : standIn(status);
  if (status === 504) return { kind: "slow", reason };
  if (status < 400) return LOST; // a page of somebody in between, such as a hotel's
  // malformed_upload: the connection broke but the server could still answer. An answer that is not the service's own may pass.
  const passing = status >= 500 || status === 429 || status === 408 || reason.code === "malformed_upload";
  return passing || !(answer?.message || status === 413) ? { kind: "busy", reason } : { kind: "refused", reason };
}

function standIn(status) {
  if (status === 413) {
    const message = "The upload is larger than the limit of 32 MB. Remove some files.";
    return { code: "upload_too_large", message, errors: [{ code: "upload_too_large", field: "bill", message }] };
  }
  if (status === 504) {
    // Hosting gives up after 60 s: https://firebase.google.com/docs/hosting/cloud-run
    const message = "The upload took longer than the limit of 60 seconds. Send fewer or smaller files, or use Wi-Fi.";
    return { code: "upload_too_slow", message };
  }
  return { code: "http_error", message: "The service is busy or partly down. Please try again in a minute." };
}

/** Wait; shorter when the device comes back online or its owner to the page. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      document.removeEventListener("visibilitychange", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
    document.addEventListener("visibilitychange", end);
    signal.addEventListener("abort", end);
  });
}
