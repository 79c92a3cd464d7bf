"""The type of a file, detected by its first bytes and never by its name."""

from __future__ import annotations

import re
from typing import NamedTuple

SNIFF_BYTES = 1024
"""How much of a file's beginning `sniff` wants to see: a PDF's header may stand anywhere in the first 1024 bytes
(PDF 32000-1:2008, annex H, note 13)."""

CONTENT_TYPES = {
    "pdf": "application/pdf",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "heic": "image/heic",
}
"""Media type by kind; the keys are all kinds that are accepted."""

# Brands of HEIF pictures coded with HEVC: ISO/IEC 23008-12, annex B.4, and https://github.com/nokiatech/heif (brands).
# mif1 and msf1 are the codec-neutral brands that some phones put first; AVIF may carry them too.
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


class Foreign(NamedTuple):
    """A kind of file that agents send and that is not accepted.

    Attributes:
        pattern: Its beginning, for a file that `sniff` does not know.
        name: What to call it.
        advice: What to send in its place.
    """

    pattern: re.Pattern[bytes]
    name: str
    advice: str


_PICTURE = "Send it as a JPEG, or send a screenshot of it."
_PRINT = "Print it to a PDF and send that."
_INSIDE = "Open it and send the bill that is inside."
_PAGES = "Send photos of the bill's pages."

AVIF = re.compile(rb"^[\s\S]{4}ftyp(?:avi[fs]|(?:hei|mif|msf|mia)(?![\s\S]*hvc1)[\s\S]*(?:avi[fs]|av01))")
# The tag DNGVersion, in both byte orders, and Canon's mark (exiftool.org/canon_raw.html).
RAW = re.compile(rb"^(?:II\*\0[\s\S]*\x12\xc6\x01\0\x04\0\0\0|MM\0\*[\s\S]*\xc6\x12\0\x01\0\0\0\x04|II\*\0[\s\S]{4}CR)")

FOREIGN = [
    Foreign(re.compile(rb"^[\s\S]{4}ftyp(?:avi[fs]|hei|mif|msf|mia)"), "an AVIF picture", _PICTURE),
    Foreign(
        re.compile(rb"^(?:II(?:\*\0|RO|RS|U\0)|MM\0\*|[\s\S]{4}ftypcrx |FUJIFILMCCD-RAW)"), "a raw photo", _PICTURE
    ),
    Foreign(re.compile(rb"^GIF8[79]a"), "a GIF picture", _PICTURE),
    Foreign(re.compile(rb"^BM[\s\S]{4}\0{4}[\s\S]{4}[\x0c-\x7c]\0{3}"), "a BMP picture", _PICTURE),
    Foreign(re.compile(rb"^8BPS\0"), "a Photoshop picture", _PICTURE),
    Foreign(re.compile(rb"^(?:\xff\x0a|\0{3}\x0cJXL )"), "a JPEG XL picture", _PICTURE),
    Foreign(re.compile(rb"^(?:\xff\x4f\xff\x51|\0{3}\x0cjP {2})"), "a JPEG 2000 picture", _PICTURE),
    Foreign(
        re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE),
        "a web page",
        _PRINT,
    ),
    Foreign(re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?=[?!s])[\s\S]*?(?:<|\b)svg\b"), "an SVG drawing", _PICTURE),
    Foreign(
        re.compile(rb"^[\s\S]{4}(?:ftyp(?:iso|mp4|avc1|qt {2}|M4V|3g|mmp4|MSNV|dash)|moov|mdat)"), "a video", _PAGES
    ),
    Foreign(re.compile(rb"^(?:\x1a\x45\xdf\xa3|RIFF[\s\S]{4}AVI )"), "a video", _PAGES),
    Foreign(
        re.compile(rb"^PK\x03\x04[\s\S]*(?:\[Content_Types\]\.xml|_rels/)"), "a Word, Excel or PowerPoint file", _PRINT
    ),
    Foreign(re.compile(rb"^PK\x03\x04[\s\S]{26}mimetypeapplication/vnd\.oasis"), "an OpenDocument file", _PRINT),
    Foreign(re.compile(rb"^\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an old Word, Excel or Outlook file", _PRINT),
    Foreign(re.compile(rb"^\{\\rtf"), "an RTF document", _PRINT),
    Foreign(re.compile(rb"^(?:PK\x03\x04|PK\x05\x06|Rar!\x1a|7z\xbc\xaf|\x1f\x8b)"), "an archive", _INSIDE),
    Foreign(
        re.compile(rb"^(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+?(?:mime-version|message-id|received):", re.IGNORECASE),
        "an e-mail or a saved web page",
        _PRINT,
    ),
]
"""What agents send by mistake: saved emails and web pages, office documents, camera formats other than JPEG. Only formats
whose first bytes are unambiguous. `infra.contract` generates the page's list from this one."""


def foreign(head: bytes) -> Foreign | None:
    """Return what is known of a file that is not accepted.

    Args:
        head: Its first `SNIFF_BYTES` bytes, or all of it when it is shorter; `sniff` does not know them.
    """
    return next((kind for kind in FOREIGN if kind.pattern.search(head[:SNIFF_BYTES])), None)


def sniff(head: bytes) -> str | None:
    """Return the kind of a file.

    Args:
        head: Its first `SNIFF_BYTES` bytes, or all of it when it is shorter.

    Returns:
        A key of `CONTENT_TYPES`, or None for anything else.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] in (b"II*\x00", b"MM\x00*") and not RAW.search(head[:SNIFF_BYTES]):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS and not AVIF.search(head[:SNIFF_BYTES]):
        return "heic"
    if b"%PDF-" in head[:SNIFF_BYTES]:
        return "pdf"
    return None
