// The rules of the answers and files, the same as the server's, so that most mistakes are found before anything is sent.
// Pure: no page, no network. The entries come from functions/intake/contract.toml; tests compare the rules with the server's.

import * as contract from "./contract.js";

export const { MAX_FILES, MAX_UPLOAD_BYTES, SNIFF_BYTES, UTILITIES, ACCOUNT_TYPES } = contract;
export const MIB = 1024 * 1024;

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ue000-\uf8ff]/;

// What looks like HEIC or TIFF and is not accepted.
const AVIF = new RegExp(contract.AVIF);
const RAW = new RegExp(contract.RAW);

/** Return which digit of its script a character is: scripts have theirs in a row, from zero. */
function digit(character) {
  let value = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(character.codePointAt(0) - value - 1))) value += 1;
  return String(value % 10);
}

/**
 * Return a text in plain characters, as the server folds it (functions/intake/folding.py): numbers pasted from contacts carry
 * dashes, blanks and marks of direction that no keyboard types.
 */
function fold(text) {
  return text
    .replace(/[\p{Pd}\u00ad\u2212]/gu, "-")
    .replace(/[\p{Zs}\p{Zl}\p{Zp}]/gu, " ")
    .replace(/\p{Cf}/gu, "")
    .replace(/[\uff00-\uffef]/g, (wide) => wide.normalize("NFKC"))
    .replace(/\p{Nd}/gu, digit);
}

const whole = (pattern) => (pattern ? new RegExp(`^(?:${pattern})$`) : /^/);

/** Every field in the order of the form; contract.toml explains the entries. */
export const FIELDS = contract.FIELDS.map((field) => ({
  ...field,
  pattern: whole(field.pattern),
  digits: whole(field.digits),
}));

/** Fields that stay when the agent goes on to the next customer. */
export const AGENT_FIELDS = FIELDS.filter((field) => field.agents_own).map(({ name }) => name);

/**
 * Return every problem of the answers, in the order of the form.
 * @param {Object<string, string>} answers values by field name
 * @returns {{code: string, field: string, message: string}[]}
 */
export function checkAnswers(answers) {
  const problems = [];
  for (const { name, kind, missing, wrong, pattern, digits, max_length } of FIELDS) {
    const answer = answers[name] ?? "";
    const value = (kind ? answer : fold(answer)).trim(); // what is chosen stays as the list spells it
    const add = (code, message) => problems.push({ code, field: name, message });
    if (!value) {
      if (missing) add("missing_field", missing);
    } else if ([...value].length > max_length) {
      add("field_too_long", `Shorten this answer to at most ${max_length} characters.`);
    } else if (CONTROL.test(value)) {
      add("malformed_field", "Enter this answer on one line, without control characters.");
    } else if (!pattern.test(value) || !digits.test(value.replace(/[^0-9]/g, ""))) {
      add("malformed_field", wrong);
    }
  }
  return problems;
}

/**
 * Return every problem of the files, each in the server's words.
 * @param {{kind: string|null, size: number, foreign: string|null}[]} files in order; `kind` and `foreign` as `sniff` and
 *   `foreignName` say
 */
export function checkFiles(files) {
  const problems = [];
  const add = (code, message) => problems.push({ code, field: "bill", message });
  files.forEach(({ kind, size, foreign }, index) => {
    const number = index + 1;
    if (size === 0) {
      add("empty_file", `File ${number} is empty (0 bytes). Take the photo again or choose another file.`);
    } else if (!kind) {
      const formats = "not a PDF, JPEG, PNG, TIFF, WebP or HEIC. Send a photo or a PDF of the bill.";
      add("unsupported_file_type", `File ${number} is ${foreign ?? formats}`);
    }
  });
  if (files.length === 0) add("no_file", "Add the utility bill: at least one photo or PDF.");
  if (files.length > MAX_FILES) {
    add("too_many_files", `You added ${files.length} files; the limit is ${MAX_FILES}. Remove some.`);
  }
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (bytes > MAX_UPLOAD_BYTES) {
    // Rounded up, or one byte over would be said to be the limit.
    const size = (Math.ceil((bytes / MIB) * 10) / 10).toFixed(1);
    const limit = MAX_UPLOAD_BYTES / MIB;
    const advice = "Remove some, or take the photos at a smaller size.";
    add("upload_too_large", `The files are ${size} MB together; the limit is ${limit} MB. ${advice}`);
  }
  return problems;
}

/**
 * Tell a file's kind by its first bytes, as the server does; null for anything that is not accepted.
 * @param {Uint8Array} head its first `SNIFF_BYTES` bytes
 */
export function sniff(head) {
  const text = String.fromCharCode(...head);
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return RAW.test(text) ? null : "tiff";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (text.slice(4, 8) === "ftyp" && contract.HEIC_BRANDS.includes(text.slice(8, 12))) return AVIF.test(text) ? null : "heic";
  return text.includes("%PDF-") ? "pdf" : null;
}
