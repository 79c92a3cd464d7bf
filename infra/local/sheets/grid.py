"""One tab of the spreadsheet: a grid of cells and what clients and office people do to it. Pure.

Rows are immutable tuples without trailing empty cells, so a copy of a tab costs one list and a snapshot
stays true while the original changes.

Where the API's documentation is silent the module says so; the rest follows
https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from infra.local.sheets.a1 import MAX_COLUMNS, Box, format_range
from infra.local.sheets.errors import invalid
from infra.local.sheets.formats import PLAIN, Looks
from infra.local.sheets.values import Cell, sort_key

Dimension = Literal["ROWS", "COLUMNS"]
Row = tuple[Cell, ...]

# A new Google Sheet has one tab of this size.
NEW_ROWS, NEW_COLUMNS = 1000, 26


def _trim(cells: list[Cell]) -> Row:
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return tuple(cells[:end])


@dataclass(slots=True, eq=False)
class Tab:
    """A grid with a title; indices are zero-based throughout.

    Attributes:
        grid_looks: The frozen rows, as sent.
        formatting: Formatting requests as sent, newest last; kept, without effect.
        looks: Number format and first row's note by column, up to the last column that has any.
        filtered: Whether somebody has set a filter that hides rows.
        protected: Whether only others may write here.
    """

    sheet_id: int
    title: str
    row_count: int = NEW_ROWS
    column_count: int = NEW_COLUMNS
    rows: list[Row] = field(default_factory=list)
    grid_looks: dict[str, Any] = field(default_factory=dict)
    formatting: list[dict[str, Any]] = field(default_factory=list)
    looks: list[Looks] = field(default_factory=list)
    filtered: bool = False
    protected: bool = False

    def copy(self) -> Tab:
        """Return an independent copy (rows are shared, being immutable)."""
        lists = {"rows": list(self.rows), "formatting": list(self.formatting), "looks": list(self.looks)}
        return replace(self, grid_looks=dict(self.grid_looks), **lists)  # type: ignore[arg-type]

    def looks_of(self, column: int) -> Looks:
        return self.looks[column] if column < len(self.looks) else PLAIN

    def set_looks(self, column: int, looks: Looks) -> None:
        self.looks.extend([PLAIN] * (column + 1 - len(self.looks)))
        self.looks[column] = looks

    def count(self, dimension: Dimension) -> int:
        """Return the number of rows or columns of the grid."""
        return self.row_count if dimension == "ROWS" else self.column_count

    def row(self, index: int) -> Row:
        """Return the cells of a row up to the last one that holds something."""
        return self.rows[index] if index < len(self.rows) else ()

    def read(self, box: Box) -> list[list[Cell]]:
        """Return the cells of a box without empty trailing cells and rows.

        https://developers.google.com/workspace/sheets/api/samples/reading: "Empty trailing rows and columns
        are omitted."
        """
        found = [list(_trim(list(self.row(r)[box.left : box.right]))) for r in range(box.top, box.bottom)]
        while found and not found[-1]:
            found.pop()
        return found

    def _put(self, index: int, cells: list[Cell]) -> None:
        while len(self.rows) <= index:
            self.rows.append(())
        self.rows[index] = _trim(cells)

    def _drop_empty_end(self) -> None:
        while self.rows and not self.rows[-1]:
            self.rows.pop()

    def require_inside(self, box: Box) -> None:
        """Raise Google's 400 when a box reaches beyond the grid."""
        if box.bottom > self.row_count or box.right > self.column_count:
            raise invalid(
                f"Range ({format_range(self.title, box)}) exceeds grid limits. "
                f"Max rows: {self.row_count}, max columns: {self.column_count}"
            )

    def write(self, top: int, left: int, matrix: list[list[Cell]]) -> None:
        """Write rows of cells from a corner on; the grid must be large enough."""
        for offset, values in enumerate(matrix):
            cells = list(self.row(top + offset))
            cells.extend([None] * (left + len(values) - len(cells)))
            cells[left : left + len(values)] = values
            self._put(top + offset, cells)
        self._drop_empty_end()

    def resize(self, row_count: int, column_count: int) -> None:
        """Set the size of the grid; what lies beyond is lost."""
        if row_count < 1 or column_count < 1:
            raise invalid("You can't delete all the rows or columns on the sheet.")
        if column_count > MAX_COLUMNS:
            raise invalid(f"A sheet can have at most {MAX_COLUMNS} columns.")
        del self.rows[row_count:]
        if column_count < self.column_count:
            self.rows = [_trim(list(row[:column_count])) for row in self.rows]
        self.row_count, self.column_count = row_count, column_count
        self._drop_empty_end()

    def insert(self, dimension: Dimension, start: int, count: int, inherit_from_before: bool = False) -> None:
        """Insert empty rows or columns before index `start` (at most the size of the grid).

        New columns take the format of the one before or of the one after: InsertDimensionRequest.inheritFromBefore.
        """
        if dimension == "ROWS":
            if start < len(self.rows):
                self.rows[start:start] = [()] * count
            self.resize(self.row_count + count, self.column_count)
            return
        like = self.looks_of(start - 1 if inherit_from_before else start)
        if start < len(self.looks) or like != PLAIN:
            self.looks.extend([PLAIN] * (start - len(self.looks)))
            self.looks[start:start] = [Looks(like.type, like.pattern)] * count
        gap: Row = (None,) * count
        self.rows = [row[:start] + gap + row[start:] if start < len(row) else row for row in self.rows]
        self.resize(self.row_count, self.column_count + count)

    def delete(self, dimension: Dimension, start: int, end: int) -> None:
        """Delete rows or columns start..end (excluded)."""
        size = self.count(dimension)
        noun = "row" if dimension == "ROWS" else "column"
        if start >= size or end > size:
            wrong = start if start >= size else end - 1
            raise invalid(
                f"Cannot delete a {noun} that doesn't exist. Tried to delete {noun} index {wrong} "
                f"but there are only {size} {noun}s."
            )
        if start == 0 and end == size:
            raise invalid(f"You can't delete all the {noun}s on the sheet.")
        if dimension == "ROWS":
            del self.rows[start:end]
            self.resize(self.row_count - (end - start), self.column_count)
        else:
            self.rows = [_trim(list(row[:start] + row[end:])) for row in self.rows]
            del self.looks[start:end]
            self.resize(self.row_count, self.column_count - (end - start))

    def move(self, dimension: Dimension, start: int, end: int, destination: int) -> None:
        """Move rows or columns start..end before `destination`, an index of before the move."""
        if start < destination < end:
            raise invalid("The destination must not lie within the moved rows or columns.")
        order = [i for i in range(self.count(dimension)) if not start <= i < end]
        at = destination if destination <= start else destination - (end - start)
        order[at:at] = range(start, end)
        if dimension == "ROWS":
            self.rows = [self.row(i) for i in order]
        else:
            self.rows = [_trim([row[i] if i < len(row) else None for i in order]) for row in self.rows]
            self.looks = [self.looks_of(i) for i in order]
        self._drop_empty_end()

    def sort(self, box: Box, keys: list[tuple[int, bool]]) -> None:
        """Sort the rows of a box by (column, descending) keys, most important first.

        The sort is stable and empty cells come last either way, as in the Sheets user interface.
        """
        height = min(box.bottom, len(self.rows)) - box.top
        lines = [self._slice(box.top + r, box) for r in range(height)]
        for column, descending in reversed(keys):
            at = column - box.left
            filled = [(sort_key(value), line) for line in lines if (value := line[at]) is not None]
            filled.sort(key=lambda pair: pair[0], reverse=descending)
            lines = [line for _, line in filled] + [line for line in lines if line[at] is None]
        for r, line in enumerate(lines, start=box.top):
            cells = list(self.row(r))
            cells.extend([None] * (box.right - len(cells)))
            cells[box.left : box.right] = line
            self._put(r, cells)
        self._drop_empty_end()

    def _slice(self, index: int, box: Box) -> list[Cell]:
        cells = list(self.row(index)[box.left : box.right])
        return cells + [None] * (box.right - box.left - len(cells))
