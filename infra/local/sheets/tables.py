"""Tables: blocks of filled cells, and the append that goes below them. Pure.

https://developers.google.com/workspace/sheets/api/guides/values#append_values
"""

from __future__ import annotations

from collections.abc import Iterator

from infra.local.sheets.a1 import Area, Box
from infra.local.sheets.grid import Tab
from infra.local.sheets.values import Matrix


def _filled_in_row(tab: Tab, index: int, left: int, right: int) -> bool:
    return any(cell is not None for cell in tab.row(index)[left:right])


def _filled_in_column(tab: Tab, column: int, top: int, bottom: int) -> bool:
    return any(column < len(row) and row[column] is not None for row in tab.rows[top:bottom])


def _table_around(tab: Tab, row: int, column: int) -> Box:
    """Grow a box from a filled cell until nothing filled touches one of its sides."""
    top, bottom, left, right = row, row + 1, column, column + 1
    grown = True
    while grown:
        before = (top, bottom, left, right)
        while left > 0 and _filled_in_column(tab, left - 1, top, bottom):
            left -= 1
        while right < tab.column_count and _filled_in_column(tab, right, top, bottom):
            right += 1
        while top > 0 and _filled_in_row(tab, top - 1, left, right):
            top -= 1
        while bottom < len(tab.rows) and _filled_in_row(tab, bottom, left, right):
            bottom += 1
        grown = (top, bottom, left, right) != before
    return Box(top, left, bottom, right)


def _seeds(tab: Tab, box: Box) -> Iterator[tuple[int, int]]:
    """Yield filled cells that can lead to a table in the box: the last ones in it, else its neighbours.

    A table that covers the box only with empty cells has a filled one left or right in the same row.
    """
    last = min(box.bottom, len(tab.rows)) - 1
    for r in range(last, box.top - 1, -1):
        row = tab.rows[r]
        for c in range(min(len(row), box.right) - 1, box.left - 1, -1):
            if row[c] is not None:
                yield r, c
                return
    for r in range(last, box.top - 1, -1):
        row = tab.rows[r]
        yield from [(r, c) for c in range(min(box.left, len(row)) - 1, -1, -1) if row[c] is not None][:1]
        yield from [(r, c) for c in range(box.right, len(row)) if row[c] is not None][:1]


def find_table(tab: Tab, box: Box) -> Box | None:
    """Return the last table that shares a cell with the box.

    https://developers.google.com/workspace/sheets/api/guides/values#append_values : with tables A1:C2 and
    B4:D6, the ranges Sheet1, B4, C5:D5, B2:D4 and A3:G10 mean B4:D6, A1 means A1:C2, and E4 and A4 no table.
    Undocumented and chosen here: a table is the box around cells that touch by their sides (an empty row
    or column ends it); "last" is the one that ends lowest, then furthest right (as in gspread's issue 603).
    """
    examined: list[Box] = []
    for row, column in _seeds(tab, box):
        cell = Box(row, column, row + 1, column + 1)
        if any(cell.overlaps(table) for table in examined):
            continue
        table = _table_around(tab, row, column)
        if table.overlaps(box):
            return table
        examined.append(table)
    return None


def append_rows(tab: Tab, area: Area, matrix: Matrix, insert_rows: bool) -> tuple[Box | None, Box, int]:
    """Write rows below the last table in an area, from the table's first column on.

    Without a table the rows start at the area's first cell. The grid grows where needed. Unless rows are
    inserted, whatever lies below the table is overwritten, be it another table.
    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append

    Returns:
        The table as found, the box written, the number of cells updated.
    """
    table = find_table(tab, area.within(tab.row_count, tab.column_count))
    top, left = (table.bottom, table.left) if table else (area.top, area.left)
    box = Box(top, left, top + len(matrix), left + max(map(len, matrix), default=0))
    if insert_rows and matrix:
        tab.insert("ROWS", min(top, tab.row_count), len(matrix))
    tab.resize(max(tab.row_count, box.bottom), max(tab.column_count, box.right))
    return table, box, tab.write(top, left, matrix)
