"""An invented bill for `demo` and `check`: one page in NYSEG's layout, drawn as a scan, so that it needs OCR.

The person, the account, and the address do not exist.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pymupdf

CUSTOMER = "MARLA D WEXCOMBE"
ACCOUNT_NUMBER = "1002-4939-332"
_DPI = 200
_AGE = timedelta(days=10)  # the office is warned about a bill older than 90 days
_PERIOD = timedelta(days=32)


def draw(folder: Path) -> Path:
    """Draw the bill into a folder and return its JPEG."""
    issued = date.today() - _AGE
    end = issued - timedelta(days=2)
    with pymupdf.open() as document:
        page = document.new_page()
        for y, texts in _lines(issued, end - _PERIOD, end).items():
            for x, text in texts.items():
                page.insert_text((x, y), text, fontsize=11 if y < 90 else 9)
        picture = page.get_pixmap(dpi=_DPI, colorspace=pymupdf.csGRAY)
    target = folder / "nyseg-bill.jpg"
    picture.save(target, jpg_quality=85)
    return target


def _lines(issued: date, start: date, end: date) -> dict[int, dict[int, str]]:
    """Return the texts by y and x, in points."""
    since, to = (f"{day:%m/%d/%y}" for day in (start, end))
    return {
        30: {416: CUSTOMER},  # right-aligned with the account number, as NYSEG prints it
        40: {58: "NYSEG"},
        46: {371: f"Account Number: {ACCOUNT_NUMBER}"},
        62: {371: f"Statement Date: {issued:%B %d, %Y}"},
        100: {18: "Service Address: 887 STATE ROUTE 541B POL 83, PLATTSBURGH NY 12901"},
        126: {18: "NYSEG DETAILED ACCOUNT ACTIVITY"},
        156: {52: "Electricity Service - Residential", 367: f"Service from: {since} - {to}"},
        171: {52: "Electricity Rate - 12001 NYSEG Supply Service", 367: "PoD ID: N01000006893300"},
        196: {52: "Meter", 127: "Current Meter Read", 238: "Previous Meter Read", 353: "Reading", 444: "Billed"},
        209: {48: "Number", 126: "Date", 176: "Reading", 239: "Date", 289: "Reading", 350: "Difference", 443: "Usage"},
        226: {22: "0300299164", 118: to, 183: "91476 A", 231: since, 296: "91015 A", 385: "461", 466: "461 kwh"},
        256: {52: "Electricity Delivery Charges"},
        270: {64: "Basic service charge", 436: "19.00"},
        284: {64: "Delivery charge", 257: "461 kwh @ 0.06823", 436: "31.45"},
        312: {24: "Total Energy Charges", 539: "$50.45"},
    }
