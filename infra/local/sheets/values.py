"""Cell values: what becomes of a client's JSON on the way in and on the way out.

Sources:
  ValueRenderOption: https://developers.google.com/workspace/sheets/api/reference/rest/v4/ValueRenderOption
  DateTimeRenderOption (days since 30 December 1899):
    https://developers.google.com/workspace/sheets/api/reference/rest/v4/DateTimeRenderOption
  50,000 characters in a cell: https://support.google.com/drive/answer/37603

Simplified against Google: typed text is read for formulas, booleans and numbers, but no dates, currency or percent; a formula
is kept and shown as its text and never calculated; FORMATTED_VALUE knows the "automatic" number format and those of `formats`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from infra.local.sheets.errors import invalid
from infra.local.sheets.formats import PLAIN, Looks

MAX_CELL_CHARACTERS = 50_000

RenderOption = Literal["FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"]
DateTimeOption = Literal["SERIAL_NUMBER", "FORMATTED_STRING"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula, kept as entered ("=A1+1")."""

    source: str


Value = str | int | float | bool | Formula
Cell = Value | None  # None: an empty cell
Scalar = str | int | float | bool

_NUMBER = re.compile(r"[+-]?(?=\.?\d)(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?")
_EXACT_DOUBLE = 2**53


def number(value: float) -> int | float:
    """Return a number as the API carries it, a double: whole ones as int, large ones rounded."""
    real = float(value)
    if not math.isfinite(real):
        raise invalid("Invalid value: a cell cannot hold NaN or an infinity.")
    return int(real) if real.is_integer() and abs(real) <= _EXACT_DOUBLE else real


def parse_typed(text: str) -> Cell:
    """Return what a cell holds after somebody typed the text into it; simplified as the module says."""
    if not text:
        return None
    if text.startswith("'"):
        return text[1:]
    if text.startswith("=") and len(text) > 1:
        return Formula(text)
    stripped = text.strip()
    if stripped.upper() in ("TRUE", "FALSE"):
        return stripped.upper() == "TRUE"
    if _NUMBER.fullmatch(stripped):
        return number(float(stripped.replace(",", "")))
    return text


def entered(value: str | float | bool) -> Cell:
    """Return what a cell holds when a client writes a plain value; an empty text empties it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    if isinstance(value, str) and len(value) > MAX_CELL_CHARACTERS:
        raise invalid(
            f"Your input contains more than the maximum of {MAX_CELL_CHARACTERS} characters in a single cell."
        )
    return None if value == "" else value


def _automatic(value: float) -> str:
    if abs(value) >= 1e15:
        return f"{value:.5E}"
    return str(value) if isinstance(value, int) else f"{value:.10g}".upper()


def render(cell: Cell, option: RenderOption, dates: DateTimeOption = "SERIAL_NUMBER", looks: Looks = PLAIN) -> Scalar:
    """Return a cell as JSON; an empty one is an empty string."""
    if cell is None:
        return ""
    if isinstance(cell, Formula):
        return cell.source
    if isinstance(cell, str | bool):
        return str(cell).upper() if option == "FORMATTED_VALUE" and isinstance(cell, bool) else cell
    if option == "FORMATTED_VALUE":
        return looks.shown(cell) or _automatic(cell)
    if option == "UNFORMATTED_VALUE" and dates == "FORMATTED_STRING" and looks.is_date:
        return looks.shown(cell) or cell
    return cell


def sort_key(cell: Value) -> tuple[int, float, str]:
    """Return the key by which a sheet sorts: numbers and dates, then text without case, then booleans."""
    if isinstance(cell, bool):
        return 2, float(cell), ""
    if isinstance(cell, int | float):
        return 0, float(cell), ""
    text = cell.source if isinstance(cell, Formula) else cell
    return 1, 0.0, text.casefold()


def to_json(cells: Iterable[Cell]) -> list[Any]:
    """Return cells as JSON for the state file."""
    return [{"formula": cell.source} if isinstance(cell, Formula) else cell for cell in cells]


def from_json(packed: Iterable[Any]) -> tuple[Cell, ...]:
    return tuple(Formula(item["formula"]) if isinstance(item, dict) else item for item in packed)
