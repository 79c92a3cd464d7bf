// What agents send by mistake, with its name and what to send in its place. Loaded only when somebody does.

import { FOREIGN } from "./foreign.js";

/**
 * Say what a file is that `sniff` does not know, and what to send in its place; null where that cannot be told.
 * @param {Uint8Array} head its first `SNIFF_BYTES` bytes
 */
export function foreignName(head) {
  const text = String.fromCharCode(...head);
  const known = FOREIGN.find(([pattern, flags]) => new RegExp(pattern, flags).test(text));
  return known ? `${known[2]}, which is not supported. ${known[3]}` : null;
}
