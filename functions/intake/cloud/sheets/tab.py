"""Where the rows are in a spreadsheet that people work in: which tab, which row is the head, which column holds what. Pure.

The head is the row that holds `Intake ID`, within the first rows of a tab; names are compared without case, blanks and width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intake.cloud.sheets.client import Json, Tab
from intake.rows import ID_COLUMN, Cell

HEAD_WITHIN = 20
"""Rows from the top in which the head is looked for."""
_INTAKE_ID = re.compile("[0-9a-f]{32}")


def folded(name: object) -> str:
    """Return a name as it is compared."""
    return " ".join(unicodedata.normalize("NFKC", str(name)).split()).casefold()


@dataclass(frozen=True)
class Head:
    """The head of a tab.

    Attributes:
        row: Its index from 0.
        names: Its cells from the left, folded.
    """

    row: int
    names: tuple[str, ...]

    def places(self, names: Iterable[str]) -> dict[str, int]:
        """Return the index of the first column of each name that has one."""
        return {name: self.names.index(folded(name)) for name in names if folded(name) in self.names}

    @property
    def id_column(self) -> int:
        """Index of the column of the intakes' ids."""
        return self.names.index(folded(ID_COLUMN))


def find_head(top: Sequence[Sequence[Any]]) -> Head | None:
    """Return the head among the first rows of a tab, or None."""
    for row, cells in enumerate(top[:HEAD_WITHIN]):
        names = tuple(map(folded, cells))
        if folded(ID_COLUMN) in names:
            return Head(row, names)
    return None


def top_of(tab: Tab, rows: int = HEAD_WITHIN) -> Json:
    """Return the first rows of a tab as a GridRange."""
    return {"sheetId": tab.id, "startRowIndex": 0, "endRowIndex": min(rows, tab.rows)}


def candidates(title: str, tabs: Sequence[Tab], known: Sequence[int]) -> list[Tab]:
    """Return the tabs that rows may go to, the best first.

    What the office calls by the title comes first, however the tab came there. Only when there is none, one that rows went to
    before and that was renamed. Then the tabs that were begun beside one without a head.

    Args:
        title: What the office calls the tab.
        tabs: All there are.
        known: Ids of tabs that rows went to before.
    """
    beside = re.compile(rf"{re.escape(folded(title))} \(\d+\)")
    named = [tab for tab in tabs if folded(tab.title) == folded(title)]
    renamed = [tab for each in known for tab in tabs if tab.id == each and not beside.fullmatch(folded(tab.title))]
    return list(
        {
            tab.id: tab for tab in [*(named or renamed), *(tab for tab in tabs if beside.fullmatch(folded(tab.title)))]
        }.values()
    )


def free_title(title: str, tabs: Sequence[Tab]) -> str:
    """Return the title, or the first of `TITLE (2)`, `TITLE (3)`, ... that no tab has."""
    taken, number, free = {folded(tab.title) for tab in tabs}, 1, title
    while folded(free) in taken:
        number += 1
        free = f"{title} ({number})"
    return free


def columns_with_ids(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Return the columns in which anything stands that looks like an intake's id."""
    return sorted({place for row in rows for place, cell in enumerate(row) if _INTAKE_ID.fullmatch(str(cell))})


def typed(cell: Cell) -> Json:
    """Return a cell as it is written: a text stays a text, so nothing that a user typed becomes a formula.

    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#ExtendedValue
    """
    if cell == "":
        return {}
    return {"userEnteredValue": {"stringValue" if isinstance(cell, str) else "numberValue": cell}}


def line(head: Head, row: Mapping[str, Cell]) -> Json:
    """Return a row as RowData of appendCells: each cell under its head, nothing under the heads of others."""
    cells: dict[int, Cell] = {place: row[name] for name, place in head.places(row).items()}
    return {"values": [typed(cells.get(place, "")) for place in range(1 + max(cells))]}
