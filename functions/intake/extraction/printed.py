"""Numbers, money and dates as bills print them, tolerating OCR errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

#: Letters that stand for a digit where the format admits digits only.
_DIGIT_LIKE = str.maketrans({"O": "0", "o": "0", "D": "0", "Q": "0", "I": "1", "l": "1", "|": "1", "i": "1", "!": "1",
                             "Z": "2", "z": "2", "S": "5", "s": "5", "B": "8"})  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?P<month>" + "|".join(MONTHS) + r")[a-z]{0,6}"
_NUMERIC = re.compile(r"(?<![\d/])(?P<m>\d{1,2})\s?/\s?(?P<d>\d\s?\d?)\s?/\s?(?P<y>20\s?\d\s?\d|\d\s?\d)(?![\d/])")
_WORDED = re.compile(_MONTH + r"\W{0,2}(?P<d>[0-3]?\d)\s?[.,;:]*\s*(?P<y>20\d\d)(?!\d)", re.IGNORECASE)
_MONEY = re.compile(r"\$\s?(\d{1,3}(?:[,.]\d{3}){0,3}|\d{1,9})[.,]\s?(\d{2})(?!\d)")
_INTEGER = re.compile(r"(?<![\d.,/$-])\d{1,3}(?:,\d{3}){1,2}(?![\d.,])|(?<![\d.,/$])\d{1,9}(?![.,]?\d)")
_DECIMAL = re.compile(r"-?\$?\s?(?<![\d])(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9})\.\d{1,9}(?!\d)")


@lru_cache(maxsize=20_000)
def digits_of(text: str) -> tuple[str, float] | None:
    """Return the digits of a text that should hold nothing else, and how many letters were taken for one.

    An O among digits is hardly an error, since OCR often reads 0 as O; it counts as a quarter of one.

    Returns:
        None when anything but digits, look-alikes and hyphens is there, or more than a quarter are look-alikes.
    """
    bare = re.sub(r"[\s\-–—]", "", text)
    digits = bare.translate(_DIGIT_LIKE)
    if not digits.isascii() or not digits.isdigit():
        return None
    slips = sum(0.25 if one in "Oo" else 1.0 for one, other in zip(bare, digits, strict=True) if one != other)
    return (digits, slips) if slips <= len(digits) / 4 else None


def dates(text: str) -> list[tuple[date, int, int]]:
    """Return the dates in a text with the places where they begin and end; impossible ones are left out."""
    found = []
    for match in (*_NUMERIC.finditer(text), *_WORDED.finditer(text)):
        parts = match.groupdict()
        month = MONTHS.index(parts["month"].lower()) + 1 if "month" in parts else int(parts["m"])
        year = int(parts["y"].replace(" ", ""))
        try:
            day = date(year if year > 99 else 2000 + year, month, int(parts["d"].replace(" ", "")))
        except ValueError:
            continue
        found.append((day, match.start(), match.end()))
    return sorted(found, key=lambda item: item[1])


def date_ranges(text: str) -> Iterator[tuple[date, date, int, int]]:
    """Yield pairs of dates that only a dash or `to` separates, with the places where the pair begins and ends."""
    found = dates(text)
    for (one, begin, end), (other, start, stop) in pairwise(found):
        if start - end <= 8 and re.fullmatch(r"\W*(to|t0|-)?\W*", text[end:start], re.IGNORECASE):
            yield one, other, begin, stop


def money(text: str) -> list[Decimal]:
    """Return the amounts in dollars and cents; a thousands comma read as a point is understood."""
    return [Decimal(f"{re.sub('[,.]', '', whole)}.{cents}") for whole, cents in _MONEY.findall(text)]


def integers(text: str) -> list[int]:
    """Return the whole numbers of at most 9 digits that are no part of a decimal, a date or an amount."""
    bare = (found.replace(",", "") for found in _INTEGER.findall(text))
    return [int(number) for number in bare]


def decimals(text: str) -> list[Decimal]:
    """Return the numbers with a decimal point, with their sign."""
    return [Decimal(re.sub(r"[$,\s]", "", number)) for number in _DECIMAL.findall(text)]
