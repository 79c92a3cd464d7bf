"""Own time a page: everything that is not OCR, beside the least that there is to do."""

from __future__ import annotations

import tempfile
import time
from statistics import median

import pymupdf
from intake.pages.sandbox.client import SandboxClient

from tests.bench import bills
from tests.bench.report import machine, table

PAGES = 10
ROUNDS = 5
KINDS = {
    "text layer": "text",
    "one picture (scan)": "scan",
    "one picture (12 megapixel photo)": "photo",
    "must be rendered": "drawn",
}


def ours(sandbox: SandboxClient, bill: bytes) -> float:
    """Open the file in the worker process and get every page's words or picture; return seconds."""
    with tempfile.TemporaryFile() as file:
        file.write(bill)
        began = time.perf_counter()
        document = sandbox.open("pdf", file, 1)
        for index in range(document.page_count):
            document.page(index)
        document.close()
        return time.perf_counter() - began


def words(bill: bytes) -> float:
    """List the words of all pages with MuPDF in this process; return seconds."""
    began = time.perf_counter()
    with pymupdf.open(stream=bill, filetype="pdf") as document:
        for page in document:
            page.get_text("words")
    return time.perf_counter() - began


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    sandbox, rows = SandboxClient(), []
    for label, kind in KINDS.items():
        bill = bills.pdf(kind, PAGES)
        ours(sandbox, bill)  # loads what is loaded once
        pairs = [(ours(sandbox, bill), words(bill)) for _ in range(ROUNDS)]
        rows.append([label, *(median(times) / PAGES * 1000 for times in zip(*pairs, strict=True))])
    return "\n".join(
        [
            f"{machine('PyMuPDF', 'Pillow')}. Median of {ROUNDS} rounds over {PAGES} pages, both ways in turn; `ocr` includes"
            " handing the page over from its worker process; where it renders it makes 5 megapixels a page.\n",
            table(["ms a page", "ocr", "MuPDF's words"], rows),
        ]
    )
