"""Rows that were written by a head which the office changed at that very moment. Pure.

Between reading the head and writing, somebody may insert, move or delete a column; a row then stands in the columns as they
were. No call of the API writes by column names, so each row is looked at after it was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intake.cloud.sheets.tab import Head
from intake.rows import Cell


def is_astray(cells: Sequence[Any], head: Head, row: Mapping[str, Cell]) -> bool:
    """Return whether a row stands under the wrong heads.

    It does when a value that is missing where it belongs stands in the row under a head that it does not belong to, or when a
    cell that should be empty holds such a value. So what somebody has corrected by hand since does not count.

    Args:
        cells: The row as it stands in the Sheet.
        head: The head above it.
        row: Its cells by column name.
    """
    own = {place: row[name] for name, place in head.places(row).items()}
    values = {cell for cell in row.values() if cell != ""}
    wrong = {place for place, cell in enumerate(cells) if cell in values and own.get(place) != cell}
    misplaced = {cells[place] for place in wrong}

    def stands(place: int) -> Any:
        return cells[place] if place < len(cells) else ""

    return any(
        stands(place) != cell and (cell in misplaced or (cell == "" and place in wrong)) for place, cell in own.items()
    )
