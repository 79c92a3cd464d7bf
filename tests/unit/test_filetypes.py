"""A file's kind is what its first bytes say."""

from __future__ import annotations

import time

import pytest
from intake.filetypes import CONTENT_TYPES, SNIFF_BYTES, foreign, sniff


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("jpeg", b"\xff\xd8\xff\xe1\x00\x10Exif"),
        ("png", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ("tiff", b"II*\x00\x08\x00"),
        ("tiff", b"MM\x00*\x00\x00"),
        ("webp", b"RIFF\x24\x00\x00\x00WEBPVP8 "),
        ("heic", b"\x00\x00\x00\x18ftypheic\x00\x00"),
        ("heic", b"\x00\x00\x00\x18ftypmif1\x00\x00"),
        ("pdf", b"%PDF-1.4\n"),
    ],
)
def test_accepted_kinds(kind: str, head: bytes) -> None:
    """Each accepted format is known by its beginning."""
    assert sniff(head) == kind
    assert kind in CONTENT_TYPES


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"\x89PNG\r\n",
        b"GIF89a",
        b"BM\x00\x00",
        b"PK\x03\x04",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypisom",
        b"\x00\x00\x00\x1cftypavif",
        b"<html>",
        b"MZ\x90\x00",
        b"%!PS-Adobe-3.0",
        b"%pdf-1.4",
    ],
)
def test_everything_else(head: bytes) -> None:
    """What is not accepted has no kind, whatever its name says."""
    assert sniff(head) is None


def box(brand: bytes, *compatible: bytes, rest: bytes = b"") -> bytes:
    """Return the first box of a file in the base media format (ISO/IEC 14496-12, 4.3)."""
    return b"\0\0\0\x20ftyp" + brand + bytes(4) + b"".join(compatible) + rest


MAIL = b"Return-Path: <a@example.com>\r\nReceived: from there\r\n\tby here\r\nMIME-Version: 1.0\r\n\r\nsee the bill"
SAVED_PAGE = b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.com/\r\nMIME-Version: 1.0\r\n"
FOREIGN_FILES = {
    "AVIF": (box(b"avif", b"mif1"), "an AVIF picture"),
    "AVIF sequence": (box(b"avis", b"avif"), "an AVIF picture"),
    "AVIF as mif1": (box(b"mif1", b"avif", b"miaf"), "an AVIF picture"),
    "AVIF as msf1": (box(b"msf1", b"mif1", b"avis"), "an AVIF picture"),
    "AVIF by its items": (box(b"mif1", b"miaf", rest=b"meta\0\0\0\x15infe\x02\0\0\0\0\1\0\0av01\0"), "an AVIF picture"),
    "AVIF as heic": (box(b"heic", rest=b"meta\0\0\0\x15infe\x02\0\0\0\0\1\0\0av01\0"), "an AVIF picture"),
    "DNG": (b"II*\0\x08\0\0\0\x02\0" + b"\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0", "a raw photo"),
    "DNG of Motorola's order": (b"MM\0*\0\0\0\x08\0\x02" + b"\xc6\x12\0\x01\0\0\0\x04\x01\x04\0\0", "a raw photo"),
    "CR2": (b"II*\0\x10\0\0\0CR\2\0", "a raw photo"),
    "CR3": (box(b"crx ", b"isom"), "a raw photo"),
    "RAF": (b"FUJIFILMCCD-RAW 0201", "a raw photo"),
    "GIF": (b"GIF89a\1\0", "a GIF picture"),
    "BMP": (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "a BMP picture"),
    "PSD": (b"8BPS\0\1", "a Photoshop picture"),
    "JPEG XL": (b"\xff\x0a\xfa", "a JPEG XL picture"),
    "JPEG XL in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    "JPEG 2000 code stream": (b"\xff\x4f\xff\x51\0", "a JPEG 2000 picture"),
    "SVG": (b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="x">', "an SVG drawing"),
    "bare SVG": (b"<svg>", "an SVG drawing"),
    "MP4": (box(b"isom", b"av01"), "a video"),
    "MOV": (box(b"qt  "), "a video"),
    "old MOV": (b"\0\0\1\0moov\0", "a video"),
    "3GP": (box(b"3gp5"), "a video"),
    "WebM": (b"\x1a\x45\xdf\xa3\x01", "a video"),
    "AVI": (b"RIFF\x24\0\0\0AVI LIST", "a video"),
    "DOCX": (b"PK\3\4\x14\0\6\0" + bytes(22) + b"[Content_Types].xml", "a Word, Excel or PowerPoint file"),
    "ODT": (b"PK\3\4" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text", "an OpenDocument file"),
    "DOC": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word, Excel or Outlook file"),
    "RTF": (b"{\\rtf1\\ansi", "an RTF document"),
    "ZIP": (b"PK\3\4\x14\0bill.pdf", "an archive"),
    "RAR": (b"Rar!\x1a\7", "an archive"),
    "HTML": (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "a web page"),
    "XHTML": (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>', "a web page"),
    "web page with a drawing": (b"<html><body><svg>", "a web page"),
    "mail": (MAIL, "an e-mail or a saved web page"),
    "MHTML": (SAVED_PAGE, "an e-mail or a saved web page"),
}


@pytest.mark.parametrize("name", FOREIGN_FILES)
def test_foreign_kinds_have_names(name: str) -> None:
    """What agents send by mistake is not accepted, and is called by its name."""
    head, called = FOREIGN_FILES[name]
    known = foreign(head)
    assert known is not None
    assert (sniff(head), known.name) == (None, called)


@pytest.mark.parametrize(
    "head",
    [b"", b"MZ\x90\0", b"BMW 320", b"account: 12\nname: me\n", b"RIFF\x24\0\0\0WAVE", b"< 5 kWh", b"just words"],
)
def test_what_is_not_sure_has_no_name(head: bytes) -> None:
    """A guess is not made."""
    assert (sniff(head), foreign(head)) == (None, None)


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("heic", box(b"mif1", b"heic", b"miaf", rest=b"infe\x02\0\0\0\0\1\0\0hvc1\0 ...av01")),
        ("heic", box(b"heic", b"mif1", b"heic")),
        ("tiff", b"MM\0*\0\0\0\x08\0\x0d"),
        ("pdf", b"Received: a\r\nMIME-Version: 1.0\r\n\r\n%PDF-1.4"),
    ],
    ids=str,
)
def test_what_is_accepted_is_not_called_foreign(kind: str, head: bytes) -> None:
    """HEIC under a neutral brand, a TIFF of a scanner, and a PDF with something before it stay what they are."""
    assert sniff(head) == kind


@pytest.mark.parametrize("head", [b"a:\n" * 341, b"\xef\xbb\xbf" + b" " * 1000, b"<!" * 512, b"PK\3\4" + b"[" * 1020])
def test_naming_takes_no_time(head: bytes) -> None:
    """However a beginning is chosen, it is looked at once."""
    started = time.process_time()
    foreign(head)
    assert time.process_time() - started < 0.05


def test_pdf_header_within_the_first_1024_bytes() -> None:
    """A PDF's header may stand behind other bytes, but all of it within the first 1024."""
    assert sniff(b"\n" * (SNIFF_BYTES - 5) + b"%PDF-1.4") == "pdf"
    assert sniff(b"\n" * (SNIFF_BYTES - 4) + b"%PDF-1.4") is None


def test_a_picture_that_mentions_a_pdf_is_a_picture() -> None:
    """A format with a fixed beginning wins over a PDF header further on."""
    assert sniff(b"\xff\xd8\xff\xfe\x00\x09%PDF-1.4") == "jpeg"
