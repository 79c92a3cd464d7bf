"""Documents for the benches: PDFs of any number of pages of one kind.

They are kept in .local/bench, because drawing them takes longer than reading them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pymupdf
from PIL import Image

from tests.bench.report import ROOT
from tests.specimens.catalogue import make

KEPT = ROOT / ".local" / "bench" / "bills"
LETTER = (612, 792)
PHOTOS = 10
"""Different photos: making one takes longer than all that is measured."""


@cache
def _noise(seed: int, width: int, height: int, grain: int, quality: int, mode: str = "L") -> bytes:
    """Return a JPEG, different for every seed; the coarser the grain, the fewer bytes."""
    shape = (height // grain, width // grain) if mode == "L" else (height // grain, width // grain, 3)
    noise = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((width, height), Image.Resampling.BILINEAR).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def scan_page(document: pymupdf.Document, seed: int) -> None:
    """Add a grey scan at 150 dpi, 50 KB."""
    sheet = document.new_page(width=LETTER[0], height=LETTER[1])
    sheet.insert_image(sheet.rect, stream=_noise(seed, 1275, 1650, 50, 50))


def text_page(document: pymupdf.Document, seed: int) -> None:
    """Add the first page of a digital specimen bill."""
    with pymupdf.open(stream=make(7, "nyseg", "residential").document, filetype="pdf") as bill:
        document.insert_pdf(bill, from_page=seed % bill.page_count, to_page=seed % bill.page_count)


def photo_page(document: pymupdf.Document, seed: int) -> None:
    """Add a photo of 12 megapixels in colour, 200 KB so that 100 of them are within the upload's limit."""
    sheet = document.new_page(width=LETTER[0], height=LETTER[1])
    sheet.insert_image(sheet.rect, stream=_noise(seed % PHOTOS, 3024, 4032, 252, 10, "RGB"), keep_proportion=False)


def drawn_page(document: pymupdf.Document, seed: int) -> None:
    """Add a scan with a line drawn over it, which has to be rendered."""
    scan_page(document, seed)
    document[-1].draw_line((40, 40), (560, 700))


def mixed_page(document: pymupdf.Document, seed: int) -> None:
    """Add text, scan, scan to be rendered, text, scan, photo, in turn."""
    (text_page, scan_page, drawn_page, text_page, scan_page, photo_page)[seed % 6](document, seed)


KINDS: dict[str, Callable[[pymupdf.Document, int], None]] = {
    "scan": scan_page,
    "text": text_page,
    "mixed": mixed_page,
    "photo": photo_page,
    "drawn": drawn_page,
}


def pdf(kind: str, pages: int) -> bytes:
    """Return a PDF of some pages of one kind."""
    path = KEPT / f"{kind}-{pages}.pdf"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with pymupdf.open() as document:
            for seed in range(pages):
                KINDS[kind](document, seed)
            path.write_bytes(document.tobytes(garbage=0, deflate=True))
    return path.read_bytes()


def photo(megapixels: int = 12) -> bytes:
    """Return a phone photo in colour: 12 megapixels are about 4 MB."""
    width = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    return _noise(megapixels, width, width * 4 // 3, 6, 85, "RGB")
