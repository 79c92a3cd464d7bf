"""Rows that were appended by a header which the office changed at that very moment: found, and put right.

Between reading the header and appending, somebody may insert or move a column; the row then stands in the columns as they were.
No call of the API appends by column names, so the header is looked at again after each append (`sheets.Ledger`), and only when
it has changed are the rows looked at, by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gspread
from gspread.utils import ValueInputOption, ValueRenderOption, rowcol_to_a1

from intake import log
from intake.errors import SheetUnavailable
from intake.rows import ID_COLUMN, Cell

ROUNDS = 3
"""How often rows are put right; the office would have to change columns each time in the same second."""

Row = Mapping[str, Cell]


def realign(tab: gspread.Worksheet, rows: Sequence[Row], used: Sequence[str]) -> list[str]:
    """Put rows that were just appended under the heads that they belong to.

    Args:
        tab: Where they are.
        rows: Their cells by column name.
        used: The header by which they were appended.

    Returns:
        The header as it is now.

    Raises:
        SheetUnavailable: The columns change faster than they can be followed.
    """
    for _ in range(ROUNDS):
        table = tab.get(value_render_option=ValueRenderOption.unformatted)
        header = [str(name) for name in table[0]] if table else []
        changes = [change for row in rows for change in _changes(table, header, used, row)]
        if not changes:
            return header
        tab.batch_update(changes, value_input_option=ValueInputOption.raw)
        log.warning("rows put under the columns that were moved while they were written", rows=len(changes))
    raise SheetUnavailable("The columns of the Sheet are being changed. The rows will be looked at again in a moment.")


def _changes(
    table: Sequence[Sequence[Cell]], header: Sequence[str], used: Sequence[str], row: Row
) -> list[dict[str, object]]:
    """Return the write that puts one row right; none when it is, or when the office has deleted it."""
    number = next((number for number, cells in enumerate(table[1:], 2) if row[ID_COLUMN] in cells), None)
    if number is None:
        return []
    cells = table[number - 1]
    places = {name: header.index(name) for name in row if name in header}
    if all(_cell(cells, place) == row[name] for name, place in places.items()):
        return []
    left_over = {
        place: name
        for place, name in enumerate(used)
        if name in row and place not in places.values() and _cell(cells, place) == row[name]
    }
    line: list[Cell | None] = [None] * (1 + max([*places.values(), *left_over]))  # None leaves a cell as it is
    for place in left_over:
        line[place] = ""
    for name, place in places.items():
        line[place] = row[name]
    return [{"range": f"{rowcol_to_a1(number, 1)}:{rowcol_to_a1(number, len(line))}", "values": [line]}]


def _cell(cells: Sequence[Cell], place: int) -> Cell:
    return cells[place] if place < len(cells) else ""
