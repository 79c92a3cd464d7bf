"""Own time a page: everything that is not OCR, beside other libraries and the least that there is to do."""

from __future__ import annotations

import io
import math
import tempfile
import time
from collections.abc import Callable

import pymupdf
import pypdfium2
from intake.pages.content import RENDERED_PIXELS
from intake.pages.sandbox.client import SandboxClient
from pdf2image import convert_from_bytes

from tests.bench import bills
from tests.bench.report import bars, machine, median, poppler_version, table

PAGES = 10
ROUNDS = 5
DPI = 150
KINDS = {
    "text layer": "text",
    "one picture (scan)": "scan",
    "one picture (12 megapixel photo)": "photo",
    "must be rendered": "drawn",
}


def ours(bill: bytes) -> float:
    """Open the file in the worker process and get every page's words or picture."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - kept open as long as the document
    file.write(bill)
    began = time.perf_counter()
    document = _opener.open("pdf", file, 1)
    for index in range(document.page_count):
        document.page(index)
    document.close()
    took = time.perf_counter() - began
    file.close()
    return took


def poppler(bill: bytes) -> float:
    """Make PNGs of all pages as the replaced server did."""
    began = time.perf_counter()
    for picture in convert_from_bytes(bill, dpi=DPI):
        picture.save(io.BytesIO(), "PNG")
    return time.perf_counter() - began


def poppler_jpeg(bill: bytes) -> float:
    """Make grey JPEGs of all pages, the fastest that pdf2image can be asked for."""
    began = time.perf_counter()
    for picture in convert_from_bytes(bill, dpi=DPI, grayscale=True, fmt="jpeg"):
        picture.save(io.BytesIO(), "JPEG", quality=85)
    return time.perf_counter() - began


def pdfium(bill: bytes) -> float:
    """Make grey JPEGs with pypdfium2 of as many pixels as `ocr` draws."""
    began = time.perf_counter()
    document = pypdfium2.PdfDocument(bill)
    for page in document:
        scale = math.sqrt(RENDERED_PIXELS / (page.get_width() * page.get_height()))
        page.render(scale=scale, grayscale=True).to_pil().save(io.BytesIO(), "JPEG", quality=85)
    document.close()
    return time.perf_counter() - began


def words(bill: bytes) -> float:
    """List the words of all pages with MuPDF, in this process."""
    began = time.perf_counter()
    document = pymupdf.open(stream=bill, filetype="pdf")
    for page in document:
        page.get_text("words")
    document.close()
    return time.perf_counter() - began


def copied(bill: bytes) -> float:
    """Copy the file's bytes once: no way of reading a page can do less."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as file:
        file.write(bill)
        file.seek(0)
        file.read()
    return time.perf_counter() - began


WAYS: dict[str, Callable[[bytes], float]] = {
    "ocr": ours,
    "pdf2image, PNG (replaced)": poppler,
    "pdf2image, grey JPEG": poppler_jpeg,
    "pypdfium2, grey JPEG, same pixels": pdfium,
    "MuPDF's words": words,
    "bytes copied once": copied,
}
_opener = SandboxClient()


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    rows, per_way = [], {way: [] for way in WAYS}
    for label, kind in KINDS.items():
        bill = bills.pdf(kind, PAGES)
        ours(bill)
        times = {way: [] for way in WAYS}
        for _ in range(ROUNDS):
            for way, run in WAYS.items():
                times[way].append(run(bill) / PAGES * 1000)
        found = {way: median(values) for way, values in times.items()}
        for way, value in found.items():
            per_way[way].append(value)
        faster = found["pdf2image, PNG (replaced)"] / found["ocr"]
        rows.append([label, *found.values(), f"{faster:.0f}×", f"{found['pdf2image, grey JPEG'] / found['ocr']:.1f}×"])
    head = ["ms a page", *WAYS, "replaced / ocr", "grey JPEG / ocr"]
    chart = bars("page", "Own time a page", "ms, logarithmic", list(KINDS), per_way, logarithmic=True)
    return "\n".join(
        [
            f"{machine('PyMuPDF', 'Pillow', 'pdf2image', 'pypdfium2')}, {poppler_version()}. Median of {ROUNDS} rounds"
            f" over {PAGES} pages, all ways in turn; `ocr` includes handing the page over from its worker process; where it"
            f" renders it makes 5 megapixels a page, for small print, as pypdfium2 does here; pdf2image makes 2 ({DPI} dpi).\n",
            table(head, rows),
            chart,
        ]
    )
