"""Damaged files of every kind are read as far as they go, or refused with a sentence."""

from __future__ import annotations

import contextlib
import random

import pymupdf
import pytest
from intake.errors import BadFile
from intake.pages import open_document

from tests.support.marks import encoded, marked
from tests.support.pdfs import both, pdf, scan, text
from tests.support.pictures import heic

SMALL = encoded(marked(85, 110), "jpeg")


def highlighted(page: pymupdf.Page) -> None:
    """Put a scan on the page, and an annotation over it."""
    scan(page, SMALL)
    page.add_highlight_annot(pymupdf.Rect(100, 100, 300, 200))


WHOLE = {
    "pdf": pdf(text, lambda page: scan(page, SMALL), both(highlighted, text), deflate=False),
    "heic": heic(marked(64, 48)),
    "jpeg": encoded(marked(80, 60), "jpeg", orientation=6, comment=b"made by nobody"),
    **{kind: encoded(marked(80, 60), kind) for kind in ("png", "webp", "tiff")},
}


def damaged(rng: random.Random, whole: bytes) -> bytes:
    """Return a file with some bytes changed, lost or put in, and perhaps without its end."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(12, len(data))
        change = rng.random()
        if change < 0.2:
            del data[place]
        elif change < 0.4:
            data.insert(place, rng.randrange(256))
        elif change < 0.7:
            data[place] = rng.choice(b"0123456789/<>[] \n\xff\0Rq")
        else:
            data[place] = rng.randrange(256)
    return bytes(data[: rng.randint(20, len(data))] if rng.random() < 0.2 else data)


@pytest.mark.parametrize("kind", WHOLE)
def test_damaged_file(kind: str) -> None:
    """No exception leaves but one that says what is wrong with the file."""
    rng = random.Random(7)
    for _ in range(60 if kind == "pdf" else 150):
        try:
            document = open_document(kind, damaged(rng, WHOLE[kind]), 1)
        except BadFile:
            continue
        for index in range(min(document.page_count, 4)):
            with contextlib.suppress(BadFile):
                document.page(index, redraw=kind != "pdf")
        document.close()
