"""Letter a page by hand: lines of text at places become words, as an OCR engine gives them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from intake.extraction import Reading, read_bill
from intake.model import PageWords, Quad, Word

Line = tuple[float, float, str]
"""Left end and height in fractions of the page, and the text; single blanks part words."""

_LETTER = 0.0085
_HEIGHT = 0.0095
_RATIO = 1.65


def page(lines: Iterable[Line], number: int = 1, confidence: float = 0.97) -> PageWords:
    """Return a page of long paper with these lines."""
    words = []
    for left, y, text in lines:
        x = left
        for part in text.split():
            width = _LETTER * len(part)
            top, bottom = y - _HEIGHT / 2, y + _HEIGHT / 2
            words.append(Word(part, Quad(x, top, x + width, top, x + width, bottom, x, bottom), confidence))
            x += width + _LETTER
    return PageWords(number, 1000, 1000 * _RATIO, "picture", words)


def turned(original: PageWords, quarters: int, degrees: float = 0.0) -> PageWords:
    """Return a page photographed askew and turned clockwise by quarters."""
    angle = math.radians(degrees)
    ratio = original.height / original.width

    def corner(x: float, y: float) -> tuple[float, float]:
        u, v = x - 0.5, (y - 0.5) * ratio
        u, v = u * math.cos(angle) - v * math.sin(angle), u * math.sin(angle) + v * math.cos(angle)
        x, y = 0.7 * u + 0.5, 0.7 * v / ratio + 0.5
        for _ in range(quarters % 4):
            x, y = 1 - y, x
        return x, y

    words = []
    for word in original.words:
        corners = (corner(x, y) for x, y in zip(word.quad[::2], word.quad[1::2], strict=True))
        words.append(word._replace(quad=Quad(*(value for point in corners for value in point))))
    sides = (original.height, original.width) if quarters % 2 else (original.width, original.height)
    return replace(original, width=sides[0], height=sides[1], words=words)


ACCOUNT = "1001-2345-678"
POD = "N01000012345678"


def header(account: str = ACCOUNT, name: str = "ORLA TESTWOOD", sheet: int = 3) -> list[Line]:
    """Return the top of a NYSEG page."""
    right = 0.97
    return [
        (0.03, 0.04, "NYSEG"),
        (right - _width(name), 0.023, name),
        (0.62, 0.042, "Account Number:"),
        (right - _width(account), 0.042, account),
        (0.62, 0.060, "Statement Date:"),
        (right - _width("June 03, 2025"), 0.060, "June 03, 2025"),
        (0.03, 0.107, "Service Address: 12 INVENTED RD HSE, GENEVA NY 14456"),
        (0.80, 0.107, f"Page {sheet} of 4"),
        (0.03, 0.121, "NYSEG DETAILED ACCOUNT ACTIVITY") if sheet == 3 else (0.03, 0.121, "Account Summary"),
    ]


def service(
    y: float, *, kind: str = "Electricity Service - Residential", pod: str = POD, dates: str = "05/02/25 - 05/31/25"
) -> list[Line]:
    """Return the two lines that open a service block."""
    return [
        (0.08, y, kind),
        (0.60, y, "Service from:"),
        (0.74, y, dates),
        (0.60, y + 0.014, "PoD ID:"),
        (0.74, y + 0.014, pod),
    ]


def meter_row(y: float, usage: str, difference: str, *, meter: str = "0300123456", multiplier: str = "") -> list[Line]:
    """Return a row of the meter table; the readings differ by `difference`."""
    row = [
        (0.03, y, meter),
        (0.20, y, "05/31/25"),
        (0.29, y, f"{50000 + int(difference)} A"),
        (0.38, y, "05/01/25"),
        (0.47, y, "50000 A"),
        (0.57, y, difference),
        (0.72, y, usage),
        (0.88, y, "30 days"),
    ]
    return [*row, (0.65, y, multiplier)] if multiplier else row


def charge(y: float, label: str, quantity: int, rate: str) -> list[Line]:
    """Return a charge line whose amount is quantity times rate."""
    amount = f"{quantity * float(rate):.2f}"
    return [(0.03, y, label), (0.42, y, f"{quantity} kwh"), (0.53, y, "@"), (0.57, y, rate), (0.70, y, amount)]


def detail_page(account: str = ACCOUNT, name: str = "ORLA TESTWOOD") -> list[Line]:
    """Return NYSEG's page 3 of a residential customer who used 787 kWh."""
    return [
        *header(account, name),
        *service(0.14),
        *meter_row(0.19, "787 kwh", "787"),
        *charge(0.24, "Delivery charge", 787, "0.06823"),
        *charge(0.254, "Transition charge - May", 700, "0.002117"),
        *charge(0.268, "Transition charge - Jun", 87, "0.001894"),
        *charge(0.282, "SBC charge", 787, "0.005902"),
    ]


def _width(text: str) -> float:
    return _LETTER * len(text)


PAGE = detail_page()
NAME, ADDRESS = "ORLA TESTWOOD", "12 INVENTED RD HSE, GENEVA NY 14456"
DIGITS = ACCOUNT.replace("-", "")
"""Account number, name and address of `PAGE`."""

GRID: list[Line] = [
    (0.03, 0.05, "nationalgrid"),
    (0.28, 0.020, "SERVICE FOR"),
    (0.28, 0.032, NAME),
    (0.28, 0.043, "12 INVENTED RD"),
    (0.28, 0.054, "POTSDAM NY 13676"),
    (0.55, 0.020, "BILLING PERIOD"),
    (0.55, 0.032, "Apr 4, 2025 to May 6, 2025"),
    (0.55, 0.062, "ACCOUNT NUMBER"),
    (0.55, 0.074, "01234-56789"),
    (0.80, 0.062, "AMOUNT DUE"),
    (0.80, 0.074, "$ 1,234.50"),
]
"""The top of National Grid's page 2: labels over their values, name and address in one block."""
USES = (310, 305, 290, 280, 260, 250, 255, 270, 300, 320, 330, 340, 302)
_NAMES = ("May Jun Jul Aug Sep Oct Nov Dec", "Jan Feb Mar Apr May Jun")
MONTHS = [f"{name} {year}" for year, names in zip((24, 25), _NAMES, strict=True) for name in names.split()]
"""From a year before the bill of `GRID` to the month after it."""


def history(months: list[str]) -> list[Line]:
    """Return a history of electric use, a row a month."""
    rows = [
        (0.03, 0.22 + 0.013 * row, f"{month} {use}") for row, (month, use) in enumerate(zip(months, USES, strict=True))
    ]
    return [(0.03, 0.19, "Electric Usage"), (0.03, 0.204, "Month kWh"), *rows]


def read(*pages: list[Line], confidence: float = 0.97) -> Reading:
    """Letter pages and read them as one bill."""
    return read_bill([page(lines, number, confidence) for number, lines in enumerate(pages, start=1)])


def values(reading: Reading) -> dict[str, object]:
    """Return the values of a reading's fields."""
    return {name: found.value for name, found in reading.fields.items()}


def without(lines: list[Line], *texts: str) -> list[Line]:
    return [line for line in lines if line[2] not in texts]


def replaced(lines: list[Line], old: str, new: str) -> list[Line]:
    return [(x, y, text.replace(old, new)) for x, y, text in lines]
