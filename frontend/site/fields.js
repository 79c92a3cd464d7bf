// The answers and their rules, the same as the server's (functions/intake/form.py and stages/submit.py), so that most
// mistakes are told before anything is sent. Pure: no page, no network; tests compare it with the server word for word.

export const MAX_LENGTH = 200;
export const MAX_FILES = 10;
export const MIB = 1024 * 1024;
export const MAX_UPLOAD_BYTES = 30 * MIB;
/** Bytes of a file's beginning that `sniff` wants to see. */
export const SNIFF_BYTES = 1024;

export const UTILITIES = [
  "NYSEG",
  "RG&E",
  "National Grid",
  "Central Hudson",
  "Con Edison",
  "Orange & Rockland",
  "PSEG Long Island",
];
export const ACCOUNT_TYPES = ["Small Demand <25 kW", "Large Demand >25 kW", "Mass Market"];

const EMAIL = /^[^\s@<>,;:"()[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ue000-\uf8ff]/;
const HEIC_BRANDS = "heic heix heim heis hevc hevx hevm hevs mif1 msf1".split(" ");

// What looks like HEIC or TIFF and is not accepted.
const AVIF = /^[^]{4}ftyp(?:avi[fs]|(?:hei|mif|msf|mia)(?![^]*hvc1)[^]*(?:avi[fs]|av01))/;
// eslint-disable-next-line no-control-regex -- bytes are what it looks for
const RAW = /^(?:II\*\0[^]*\x12\xc6\x01\0\x04\0\0\0|MM\0\*[^]*\xc6\x12\0\x01\0\0\0\x04|II\*\0[^]{4}CR)/;

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

function emailProblem(value) {
  return EMAIL.test(value) ? null : "Enter an email address in the correct format, like name@example.com.";
}

function phoneProblem(value) {
  const digits = value.replace(/[^0-9]/g, "");
  const number = digits.length === 11 && digits.startsWith("1") ? digits.slice(1) : digits;
  const sound = /^[2-9][0-9]{2}[2-9][0-9]{6}$/.test(number) && /^[0-9\s().+/-]+$/.test(value);
  return sound ? null : "Enter a US phone number with area code, like 607-555-0123.";
}

/** Every field in the order of the form: name, sentence when it is empty ("" = optional), rule; what is chosen is not folded. */
export const FIELDS = [
  { name: "agent_id", missing: "Enter your agent ID." },
  { name: "business_entity", missing: "" },
  { name: "account_name", missing: "Enter the account name as it is on the bill." },
  { name: "contact_name", missing: "Enter the name of the person to contact." },
  { name: "title", missing: "Enter the contact's title, such as Owner." },
  { name: "phone", missing: "Enter a phone number.", problem: phoneProblem },
  { name: "email", missing: "Enter an email address.", problem: emailProblem },
  { name: "utility", missing: "Choose the utility.", chosen: true },
  { name: "account_type", missing: "Choose the account type.", chosen: true },
  { name: "developer", missing: "Choose the developer.", chosen: true },
  { name: "consent", missing: "The customer must agree to the terms and the power of attorney.", chosen: true },
  { name: "sms_consent", missing: "", chosen: true },
];

/** Fields that stay when the agent goes on to the next customer. */
export const AGENT_FIELDS = ["agent_id", "business_entity", "developer"];

/**
 * Return every problem of the answers, in the order of the form.
 * @param {Object<string, string>} answers values by field name
 * @returns {{code: string, field: string, message: string}[]}
 */
export function checkAnswers(answers) {
  const problems = [];
  for (const { name, missing, problem, chosen } of FIELDS) {
    const value = (chosen ? answers[name] ?? "" : fold(answers[name] ?? "")).trim();
    const add = (code, message) => problems.push({ code, field: name, message });
    if (!value) {
      if (missing) add("missing_field", missing);
    } else if ([...value].length > MAX_LENGTH) {
      add("field_too_long", `Shorten this answer to at most ${MAX_LENGTH} characters.`);
    } else if (CONTROL.test(value)) {
      add("malformed_field", "Enter this answer on one line, without control characters.");
    } else {
      const message = problem?.(value);
      if (message) add("malformed_field", message);
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
    add("too_many_files", `Send at most ${MAX_FILES} files; these are ${files.length}. Leave some out.`);
  }
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (bytes > MAX_UPLOAD_BYTES) {
    // Rounded up, or one byte over would be said to be the limit.
    const size = (Math.ceil((bytes / MIB) * 10) / 10).toFixed(1);
    const limit = MAX_UPLOAD_BYTES / MIB;
    const advice = "Leave some out, or take the photos at a smaller size.";
    add("upload_too_large", `The files are ${size} MB together; at most ${limit} MB can be sent. ${advice}`);
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
  if (text.slice(4, 8) === "ftyp" && HEIC_BRANDS.includes(text.slice(8, 12))) return AVIF.test(text) ? null : "heic";
  return text.includes("%PDF-") ? "pdf" : null;
}
