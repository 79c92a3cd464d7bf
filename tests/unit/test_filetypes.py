"""A file's kind is what its first bytes say."""

from __future__ import annotations

import time

import pytest
from intake.filetypes import CONTENT_TYPES, SNIFF_BYTES, foreign, sniff

from tests.support.foreign_files import FOREIGN_FILES, box


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
