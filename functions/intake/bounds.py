"""The table of bounds: which values a field of the bill, and a cell of a row, may have. Any other value is dropped.

Everything that is read comes from untrusted files, so every value is checked against this table before it is stored or
written. Without it, a name of 50,000 letters would make Google refuse all rows of the batch (a cell holds 50,000 characters: https://support.google.com/drive/answer/37603).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from intake import contract

if TYPE_CHECKING:
    from intake.extraction.result import Found, Reading

_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Unicode's categories of control, format, surrogate and private characters, and of the separators of lines."""
_YEARS = range(2000, 2100)
_DAYS = ((date(_YEARS.start, 1, 1) - date(1899, 12, 30)).days, (date(_YEARS.stop, 1, 1) - date(1899, 12, 30)).days)
MAX_LINE = contract.limit("answer_length")
MAX_PARAGRAPH = 5_000
"""Maximum characters of a text on one line (a name, an address, an answer), and of one on several."""
_MOST_PAGES = 10_000
_MOST_HOW = 60
_ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Bound(Protocol):
    """What a value may be."""

    def admits(self, value: object) -> bool:
        """Return whether a value fits."""


@dataclass(frozen=True)
class Text:
    """A text of printable characters that is not empty.

    Attributes:
        most: Characters.
        shape: What all of it must match.
        lines: Whether it may have several lines.
    """

    most: int
    shape: re.Pattern[str] | None = None
    lines: bool = False

    def admits(self, value: object) -> bool:
        """Return whether a value fits."""
        if not isinstance(value, str) or not 0 < len(value) <= self.most:
            return False
        printed = value.replace("\n", "") if self.lines else value
        if any(unicodedata.category(character) in _UNPRINTABLE for character in printed):
            return False
        return self.shape is None or self.shape.fullmatch(value) is not None


@dataclass(frozen=True)
class Number:
    """A finite number.

    Attributes:
        least: The smallest.
        most: The greatest.
        whole: Whether it must be an integer.
    """

    least: float
    most: float
    whole: bool = False

    def admits(self, value: object) -> bool:
        """Return whether a value fits."""
        kinds = int if self.whole else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool) and self.least <= value <= self.most


class Day:
    """A date as ISO text, in the years in which a bill can have been issued."""

    def admits(self, value: object) -> bool:
        """Return whether a value fits."""
        try:
            return (
                isinstance(value, str) and bool(_ISO_DAY.fullmatch(value)) and date.fromisoformat(value).year in _YEARS
            )
        except ValueError:
            return False


class Parts:
    """The parts of an address by name."""

    def admits(self, value: object) -> bool:
        """Return whether a value fits."""
        return isinstance(value, Mapping) and set(value) == set(_PARTS) and all(map(_LINE.admits, value.values()))


_PARTS = ("house_number", "street", "town", "state", "zip")
_LINE = Text(MAX_LINE)
_CORNER = Number(-1, 2)  # in fractions of the page; a word may lie a little outside


def _bound(entry: Mapping[str, Any]) -> Bound:
    """Return the bound of a field of the bill from its entry in contract.toml."""
    if "most" in entry:
        return Text(entry["most"], re.compile(entry["pattern"]) if "pattern" in entry else None)
    if "least" in entry:
        return Number(entry["least"], entry["greatest"], entry.get("whole", False))
    return Day() if entry["kind"] == "day" else Parts()


FIELDS = {name: _bound(entry) for name, entry in contract.bill_fields().items()}
"""By the name of the field; there are no others."""

_KINDS: Mapping[str, Bound] = {
    "text": _LINE,
    "words": _LINE,
    "yes_no": _LINE,
    "lines": Text(MAX_PARAGRAPH, lines=True),
    "number": Number(0, _MOST_PAGES, whole=True),
    "share": Number(0, 1),
    "date": Number(*_DAYS),
    "moment": Number(*_DAYS),
}


def _cell(column: Mapping[str, Any]) -> Bound:
    shown = FIELDS.get(column.get("read", ""))
    return _KINDS[column["kind"]] if shown is None or isinstance(shown, Day) else shown


CELLS = {column["name"]: _cell(column) for column in contract.columns()}
"""By the name of the column."""


def bounded(reading: Reading) -> Reading:
    """Return a reading without the fields that do not fit; their names are added to `low_confidence`."""
    unfit = tuple(name for name, found in reading.fields.items() if not _fits(name, found))
    if not unfit:
        return reading
    fields = {name: found for name, found in reading.fields.items() if name not in unfit}
    low_confidence = (*reading.diagnostics.low_confidence, *(name for name in unfit if name in FIELDS))
    return replace(reading, fields=fields, diagnostics=replace(reading.diagnostics, low_confidence=low_confidence))


def _fits(name: str, found: Found) -> bool:
    return (
        name in FIELDS
        and FIELDS[name].admits(found.value)
        and Number(0, 1).admits(found.confidence)
        and Number(1, _MOST_PAGES, whole=True).admits(found.page)
        and Text(_MOST_HOW).admits(found.how)
        and all(map(_CORNER.admits, found.quad))
    )


def cell_fits(column: str, cell: object) -> bool:
    """Return whether a column may have a value; every column may have an empty cell."""
    return cell == "" or CELLS[column].admits(cell)
