"""A file's kind is what its first bytes say."""

from __future__ import annotations

import pytest
from intake.filetypes import CONTENT_TYPES, SNIFF_BYTES, sniff


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


def test_pdf_header_within_the_first_1024_bytes() -> None:
    """A PDF's header may stand behind other bytes, but all of it within the first 1024."""
    assert sniff(b"\n" * (SNIFF_BYTES - 5) + b"%PDF-1.4") == "pdf"
    assert sniff(b"\n" * (SNIFF_BYTES - 4) + b"%PDF-1.4") is None


def test_a_picture_that_mentions_a_pdf_is_a_picture() -> None:
    """A format with a fixed beginning wins over a PDF header further on."""
    assert sniff(b"\xff\xd8\xff\xfe\x00\x09%PDF-1.4") == "jpeg"
