"""A1 notation, as far as answers and the control endpoints use it. Pure.

Forms: https://developers.google.com/workspace/sheets/api/guides/concepts#cell
Boxes are half-open and zero-based like the API's GridRange:
https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#GridRange
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# ZZZ is the last column a sheet can have: https://support.google.com/drive/answer/37603
MAX_COLUMNS = 18_278

_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,7})")
_PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of cells: rows top..bottom and columns left..right, zero-based, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int


def column_letters(index: int) -> str:
    """Return the letters of a zero-based column: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the zero-based index of a column's letters."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def parse_cell(text: str) -> tuple[int, int]:
    """Return row and column, zero-based, of a cell such as B2."""
    letters = text.rstrip("0123456789")
    return int(text[len(letters) :]) - 1, column_index(letters)


def format_range(title: str, box: Box) -> str:
    """Return a range as Google writes it in answers: `Sheet1!A1:B2`, title quoted where it must be."""
    plain = _PLAIN_TITLE.fullmatch(title) and not _CELL.fullmatch(title.upper())
    shown = title if plain else "'" + title.replace("'", "''") + "'"
    first = f"{column_letters(box.left)}{box.top + 1}"
    last = f"{column_letters(max(box.right, box.left + 1) - 1)}{max(box.bottom, box.top + 1)}"
    return f"{shown}!{first}" if first == last else f"{shown}!{first}:{last}"
