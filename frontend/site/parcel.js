// What is sent of a draft: the answers that were given and the pages in their order.

import { Refusal } from "./upload.js";

const EXTENSIONS = { jpeg: "jpg", png: "png", tiff: "tif", webp: "webp", heic: "heic", pdf: "pdf" };
const UNREADABLE = (number) => `File ${number} can no longer be read on this device. Remove it and add it again.`;

/**
 * Return the body of a request.
 * @param {import("./draft.js").Draft} draft
 * @returns {Promise<FormData>}
 * @throws {Refusal} a file cannot be read any more, so trying again would not help
 */
export async function parcel(draft) {
  const data = new FormData();
  for (const [name, value] of Object.entries(draft.answers)) if (value) data.append(name, value);
  for (const [index, page] of draft.pages.entries()) {
    const content = page.ready ?? page.original;
    if (!(await readable(content))) {
      throw new Refusal({ errors: [{ code: "unreadable_file", field: "bill", message: UNREADABLE(index + 1) }] });
    }
    // Names of files may hold anything, a customer's name too; nobody needs them behind this page.
    const extension = page.ready ? "jpg" : EXTENSIONS[page.kind];
    data.append("bill", content, `bill-${index + 1}.${extension}`);
  }
  return data;
}

/** Whether a browser still has what it kept: it may throw it away when its storage is cleared or runs full. */
const readable = (content) => content.slice(-1).arrayBuffer().then(() => true, () => false);
