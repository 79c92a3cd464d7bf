"""Rows that were written by a head which the office changed at that very moment: which cells put them right. Pure.

Between reading the head and writing, somebody may insert, move or delete a column; a row then stands in the columns as they
were. No call of the API writes by column names, so each row is looked at after it was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intake.cloud.ledger_tab import Head, typed
from intake.cloud.sheets_client import Json
from intake.rows import Cell


def astray(cells: Sequence[Any], head: Head, row: Mapping[str, Cell]) -> dict[int, Cell]:
    """Return what has to stand in which columns to put a row right; nothing when it is right.

    A cell counts as astray only when its value stands in the row, under a head that it does not belong to. So what somebody has
    corrected by hand since is left alone.

    Args:
        cells: The row as it stands in the Sheet.
        head: The head above it.
        row: Its cells by column name.
    """
    own = {place: row[name] for name, place in head.places(row).items()}
    values = {cell for cell in row.values() if cell != ""}
    wrong = {place for place, cell in enumerate(cells) if cell in values and own.get(place) != cell}
    misplaced = {cells[place] for place in wrong}
    put = {
        place: cell
        for place, cell in own.items()
        if _at(cells, place) != cell and (cell in misplaced or (cell == "" and place in wrong))
    }
    return {**{place: "" for place in wrong if place not in own}, **put} if put else {}


def changes(sheet_id: int, row: int, cells: Mapping[int, Cell]) -> list[Json]:
    """Return the requests that write single cells of a row and touch no other."""
    return [
        {
            "updateCells": {
                "start": {"sheetId": sheet_id, "rowIndex": row, "columnIndex": place},
                "rows": [{"values": [typed(cell)]}],
                "fields": "userEnteredValue",
            }
        }
        for place, cell in sorted(cells.items())
    ]


def _at(cells: Sequence[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else ""
