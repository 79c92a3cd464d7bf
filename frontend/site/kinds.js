// What agents send by mistake, with its name and what to send in its place: the server's list (functions/intake/filetypes.py).
// Loaded only when somebody does.

const PICTURE = "Send it as a JPEG, or send a screenshot of it.";
const PRINT = "Print it to a PDF and send that.";
/* eslint-disable no-control-regex -- bytes are what it looks for */
const FOREIGN = [
  [/^[^]{4}ftyp(?:avi[fs]|hei|mif|msf|mia)/, "an AVIF picture", PICTURE],
  [/^(?:II(?:\*\0|RO|RS|U\0)|MM\0\*|[^]{4}ftypcrx |FUJIFILMCCD-RAW)/, "a raw photo", PICTURE],
  [/^GIF8[79]a/, "a GIF picture", PICTURE],
  [/^BM[^]{4}\0{4}[^]{4}[\x0c-\x7c]\0{3}/, "a BMP picture", PICTURE],
  [/^8BPS\0/, "a Photoshop picture", PICTURE],
  [/^(?:\xff\x0a|\0{3}\x0cJXL )/, "a JPEG XL picture", PICTURE],
  [/^(?:\xff\x4f\xff\x51|\0{3}\x0cjP {2})/, "a JPEG 2000 picture", PICTURE],
  [/^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body)\b/i, "a web page", PRINT],
  [/^(?:\xef\xbb\xbf)?\s*<(?=[?!s])[^]*?(?:<|\b)svg\b/, "an SVG drawing", PICTURE],
  [/^[^]{4}(?:ftyp(?:iso|mp4|avc1|qt {2}|M4V|3g|mmp4|MSNV|dash)|moov|mdat)/, "a video", "Send photos of the bill's pages."],
  [/^(?:\x1a\x45\xdf\xa3|RIFF[^]{4}AVI )/, "a video", "Send photos of the bill's pages."],
  [/^PK\x03\x04[^]*(?:\[Content_Types\]\.xml|_rels\/)/, "a Word, Excel or PowerPoint file", PRINT],
  [/^PK\x03\x04[^]{26}mimetypeapplication\/vnd\.oasis/, "an OpenDocument file", PRINT],
  [/^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1/, "an old Word, Excel or Outlook file", PRINT],
  [/^\{\\rtf/, "an RTF document", PRINT],
  [/^(?:PK\x03\x04|PK\x05\x06|Rar!\x1a|7z\xbc\xaf|\x1f\x8b)/, "an archive", "Open it and send the bill that is inside."],
  [
    /^(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+?(?:mime-version|message-id|received):/i,
    "an e-mail or a saved web page",
    PRINT,
  ],
];
/* eslint-enable no-control-regex */

/**
 * Say what a file is that `sniff` does not know, and what to send in its place; null where that cannot be told.
 * @param {Uint8Array} head its first `SNIFF_BYTES` bytes
 */
export function foreignName(head) {
  const known = FOREIGN.find(([pattern]) => pattern.test(String.fromCharCode(...head)));
  return known ? `${known[1]}, which is not supported. ${known[2]}` : null;
}
