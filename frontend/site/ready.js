// What the page prepares in the background while the agent fills in the form.

const WARM_MS = 10 * 60_000; // functions that nobody has called for about a quarter of an hour are cold again
let wokenAt = -WARM_MS;

/** Tell the functions that somebody is typing, unless they know, so that they are warm when the bill is sent. */
export function wake() {
  if (performance.now() - wokenAt < WARM_MS) return;
  wokenAt = performance.now();
  fetch("/submit?wake=1", { method: "POST", keepalive: true }).catch(() => {
    // Optional: without it the first answer takes a little longer.
  });
}

/** Make the page work offline from the next time on. */
export function keepForLater() {
  navigator.serviceWorker?.register("/sw.js").catch(() => {
    // A private window or a browser that keeps nothing: the page does not work offline.
  });
}

/** Run something once the page is painted and there is time for it. */
export function afterFirstPaint(run) {
  const later = () => (window.requestIdleCallback ?? setTimeout)(run);
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
}
