"""PDFs whose words were written to do harm: they are small and sound, and every word can be read.

Each lays a label of the bill before a filling: what is long, what repeats, and what makes a search look again and again.
"""

from __future__ import annotations

import itertools
import random

import pymupdf

# Says that the page is a bill, so that all of the reading takes place.
LEAD = "NYSEG electricity account number of your bill for service: this page shows the total amount due by the date."

LABELS = {
    "address": ("Service Address:", "RD, ALBANY NY 12207"),
    "name": ("Customer Name:", ""),
    "account": ("Account Number:", "678"),
    "pod": ("PoD ID:", "N01000001234567"),
    "period": ("Service from:", "10/13/26 - 11/11/26"),
    "use": ("Billed Usage", "518 kWh"),
    "history": ("Electric Usage History", "Oct 26 518 kWh"),
}
"""What stands before and behind a filling: the label of a field, and what would end its value."""

FILLINGS = {
    "one long word": ["A" * 400],
    "long words": ["A" * 79],
    "dots": ["." * 79],
    "commas": ["1,", "N,", ","],
    "digits": ["7" * 40],
    "hyphens": ["1001-2345-"],
    "labels": ["Account", "Number:", "Service", "Address:"],
    "dates": ["10/13/26", "-", "to"],
    "months": ["Oct", "26", "1"],
    "numbers with units": ["99999999999999999999999999", "kWh"],
    "streets": ["1", "N", "ST", "RD", "AVE"],
    "house numbers": ["1A", "2-3", "4 1/2"],
    "brackets": ["((((((((", "))))))))"],
}


def hostile_words(label: str, filling: str, count: int) -> bytes:
    """Return a PDF with a label, so many words of a filling, and what ends the value, line by line in readable print.

    Args:
        label: A key of `LABELS`.
        filling: A key of `FILLINGS`.
        count: Words of the filling; what does not fit on the page is left out.
    """
    before, behind = LABELS[label]
    text = " ".join([before, *itertools.islice(itertools.cycle(FILLINGS[filling]), count), behind])
    with pymupdf.open() as document:
        page = document.new_page(width=612, height=792)
        page.insert_text((30, 30), LEAD, fontsize=6)
        for number, start in enumerate(range(0, min(len(text), 150 * 230), 230)):
            page.insert_text((30, 45 + 4.9 * number), text[start : start + 230], fontsize=4)
        return bytes(document.tobytes(deflate=True))


def one_of_many(luck: random.Random) -> bytes:
    """Return any of these PDFs."""
    return hostile_words(
        luck.choice(list(LABELS)), luck.choice(list(FILLINGS)), luck.choice((20, 200, 640, 1_400, 4_000))
    )
