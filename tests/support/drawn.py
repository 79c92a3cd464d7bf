"""Plain bills as lines of text, drawn as PDF pages: for layouts of which there is no specimen."""

from __future__ import annotations

from collections.abc import Iterable

import pymupdf
from intake.model import PageWords
from intake.pages.pdf import PdfDocument

from tests.support.lettering import Line

WIDTH, HEIGHT = 612, 792  # points

REMARKS: list[Line] = [
    (0.03, 0.90, "Please keep this part for your records. The amount due is payable on receipt."),
    (0.03, 0.914, "Questions about the charges? Call us on weekdays from 8 to 5, emergencies at any hour."),
    (0.03, 0.928, "The service charge covers the meter, its reading and this statement, also without any use."),
]


def head(utility: str, account: str = "", period: str = "Oct 13, 2026 to Nov 11, 2026") -> list[Line]:
    """Return the top of a page: the utility's name, the account number and the billing period."""
    lines = [(0.03, 0.04, utility), (0.03, 0.12, "Electric service")]
    lines += [(0.5, 0.04, f"Account Number: {account}")] if account else []
    return lines + ([(0.5, 0.06, f"Billing Period: {period}")] if period else [])


def drawn(*pages: Iterable[Line]) -> list[PageWords]:
    """Return the words of a PDF whose pages hold these lines, in 8 point type."""
    with pymupdf.open() as pdf:
        for lines in pages:
            page = pdf.new_page(width=WIDTH, height=HEIGHT)
            for x, y, text in [*lines, *REMARKS]:
                page.insert_text((x * WIDTH, y * HEIGHT), text, fontsize=8)
        document = PdfDocument(pdf.tobytes(), 1)
    try:
        contents = [document.page(index) for index in range(document.page_count)]
    finally:
        document.close()
    return [
        PageWords(number, content.width, content.height, content.source, content.words)
        for number, content in enumerate(contents, start=1)
    ]
