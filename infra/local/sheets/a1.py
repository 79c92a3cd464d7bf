"""A1 notation: text such as `'Bills 2026'!B2:D` to tab title and zero-based box, and back.

Forms: https://developers.google.com/workspace/sheets/api/guides/concepts#cell
Boxes are half-open and zero-based like the API's GridRange:
https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#GridRange
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.local.sheets.errors import invalid

# ZZZ is the last column a sheet can have: https://support.google.com/drive/answer/37603
MAX_COLUMNS = 18_278

_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,7})")
_COLUMN = re.compile(r"\$?([A-Za-z]{1,3})")
_ROW = re.compile(r"\$?([1-9][0-9]{0,7})")
_QUOTED = re.compile(r"'((?:[^']|'')*)'(?:!(.*))?", re.DOTALL)
_BARE = re.compile(r"([^'!]+)!(.*)", re.DOTALL)
_PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of cells: rows top..bottom and columns left..right, zero-based, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    def overlaps(self, other: Box) -> bool:
        """Return whether the two rectangles share a cell."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle as written by a client: `None` ends reach to the edge of the grid."""

    top: int
    left: int
    bottom: int | None
    right: int | None

    @property
    def is_cell(self) -> bool:
        """Return whether the client named one single cell, which then only anchors a write."""
        return self.bottom == self.top + 1 and self.right == self.left + 1

    def within(self, row_count: int, column_count: int) -> Box:
        """Return the part of the area that lies on a grid of the given size (may be empty)."""
        bottom = row_count if self.bottom is None else min(self.bottom, row_count)
        right = column_count if self.right is None else min(self.right, column_count)
        return Box(self.top, self.left, bottom, right)


WHOLE = Area(0, 0, None, None)


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed range: tab title (`None`: the first tab) and the area on it."""

    title: str | None
    area: Area


def column_letters(index: int) -> str:
    """Return the letters of a zero-based column: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the zero-based index of a column's letters, upper or lower case."""
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _end(text: str) -> tuple[int | None, int | None] | None:
    """Return (row, column), zero-based, of one end of a range; None where the text is neither."""
    if match := _CELL.fullmatch(text):
        return int(match[2]) - 1, column_index(match[1])
    if match := _COLUMN.fullmatch(text):
        return None, column_index(match[1])
    if match := _ROW.fullmatch(text):
        return int(match[1]) - 1, None
    return None


def parse_area(text: str) -> Area | None:
    """Return the area written as `A1`, `A1:B2`, `A:B`, `1:2` or `A5:B`; None for any other text."""
    first, colon, second = text.partition(":")
    start = _end(first)
    if start is None:
        return None
    if not colon:
        row, column = start
        return None if row is None or column is None else Area(row, column, row + 1, column + 1)
    stop = _end(second)
    if stop is None:
        return None
    top, bottom = start[0], stop[0]
    left, right = start[1], stop[1]
    # An end may be left out (A5:B, and A1:1 as gspread asks for a row), a beginning may not.
    if (left is None and right is not None) or (top is None and bottom is not None):
        return None
    if bottom is not None and top is not None:
        top, bottom = min(top, bottom), max(top, bottom)
    if left is not None and right is not None:
        left, right = min(left, right), max(left, right)
    return Area(
        top or 0,
        left or 0,
        None if bottom is None else bottom + 1,
        None if right is None else right + 1,
    )


def parse_range(text: str) -> Reference:
    """Return the tab title and area that a client's range names.

    A bare word is an area when it can be one (`CRM26` is a cell), else a tab title, as Google reads it.

    Raises:
        SheetsError: 400 when the text is no range.
    """
    if match := _QUOTED.fullmatch(text):
        title, cells = match[1].replace("''", "'"), match[2]
    elif match := _BARE.fullmatch(text):
        title, cells = match[1], match[2]
    else:
        area = parse_area(text)
        if area is None and (not text or "!" in text or "'" in text):
            raise invalid(f"Unable to parse range: {text}")
        return Reference(None, area) if area else Reference(text, WHOLE)
    if cells is None:
        return Reference(title, WHOLE)
    area = parse_area(cells)
    if area is None:
        raise invalid(f"Unable to parse range: {text}")
    return Reference(title, area)


def format_range(title: str, box: Box) -> str:
    """Return a range as Google writes it in answers: `Sheet1!A1:B2`, title quoted where it must be."""
    plain = _PLAIN_TITLE.fullmatch(title) and not parse_area(title)
    shown = title if plain else "'" + title.replace("'", "''") + "'"
    first = f"{column_letters(box.left)}{box.top + 1}"
    last = f"{column_letters(max(box.right, box.left + 1) - 1)}{max(box.bottom, box.top + 1)}"
    return f"{shown}!{first}" if first == last else f"{shown}!{first}:{last}"
