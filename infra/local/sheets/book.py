"""The spreadsheet: an ordered set of tabs under one id. Pure; saved and read as JSON.

Limits: https://support.google.com/drive/answer/37603 (10 million cells in a spreadsheet).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from infra.local.sheets.errors import invalid
from infra.local.sheets.formats import Looks
from infra.local.sheets.grid import Tab
from infra.local.sheets.values import from_json, to_json

MAX_CELLS = 10_000_000


@dataclass(slots=True)
class NamedRange:
    """A named range over whole columns of a tab, or over all of it; rows are not carried out.

    One whose columns or tab were deleted is `broken`: people see #REF!, its name stays taken, and no call lists or deletes it
    (https://github.com/burnash/gspread/issues/1530).
    """

    id: str
    name: str
    sheet_id: int
    left: int | None = None
    right: int | None = None
    broken: bool = False

    def place(self, book: Spreadsheet) -> dict[str, int]:
        """Return its GridRange, which Google gives with all ends."""
        tab = book.tab(self.sheet_id)
        left, right = self.left or 0, tab.column_count if self.right is None else self.right
        found = {"sheetId": self.sheet_id, "startRowIndex": 0, "endRowIndex": tab.row_count}
        return {**found, "startColumnIndex": left, "endColumnIndex": right}


@dataclass(slots=True)
class Spreadsheet:
    """Tabs in the order shown.

    `filtered_appends` says what becomes of cells that are appended to a tab with an active filter: "" they are where they
    belong, "lost" nowhere, "top" below the head. All three have been reported of values.append, with an answer of 200; nobody
    says that appendCells differs.
    """

    spreadsheet_id: str
    title: str = "GreenWatt Intake (local)"
    tabs: list[Tab] = field(default_factory=lambda: [Tab(0, "Sheet1")])
    named_ranges: list[NamedRange] = field(default_factory=list)
    filtered_appends: str = ""

    def copy(self) -> Spreadsheet:
        """Return an independent copy, on which a request can fail half-way without harm."""
        tabs, ranges = [tab.copy() for tab in self.tabs], [replace(each) for each in self.named_ranges]
        return Spreadsheet(self.spreadsheet_id, self.title, tabs, ranges, self.filtered_appends)

    def tab(self, sheet_id: int) -> Tab:
        """Return the tab with a sheet id, or raise Google's 400."""
        for tab in self.tabs:
            if tab.sheet_id == sheet_id:
                return tab
        raise invalid(f"No grid with id: {sheet_id}")

    def titled(self, title: str) -> Tab | None:
        """Return the tab of exactly this title."""
        return next((tab for tab in self.tabs if tab.title == title), None)

    def require_free_title(self, title: str) -> None:
        """Raise Google's 400 when a tab has this title already."""
        if self.titled(title):
            raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')

    def check_size(self) -> None:
        """Raise Google's 400 when the grids together hold more cells than a spreadsheet may."""
        if sum(tab.row_count * tab.column_count for tab in self.tabs) > MAX_CELLS:
            raise invalid(
                f"This action would increase the number of cells in the workbook above the limit of {MAX_CELLS} cells."
            )

    def shift(self, tab: Tab, order: Callable[[int], int | None]) -> None:
        """Let named ranges follow the columns of a tab; one that has none left is broken.

        Args:
            tab: Where columns were inserted, deleted or moved.
            order: Where a column is now, or None when it was deleted.
        """
        for each in self.named_ranges:
            if each.sheet_id == tab.sheet_id and each.left is not None and each.right is not None:
                now = [at for column in range(each.left, each.right) if (at := order(column)) is not None]
                each.broken |= not now
                each.left, each.right = (min(now), max(now) + 1) if now else (0, 0)

    def to_lines(self) -> Iterator[str]:
        """Yield the state file: one JSON document with a line per row.

        A generator of short steps on purpose: written in a thread, it lets the server answer in between.
        """
        head = {"spreadsheet_id": self.spreadsheet_id, "named_ranges": [asdict(each) for each in self.named_ranges]}
        yield json.dumps(head)[:-1] + ', "tabs": [\n'
        for number, tab in enumerate(self.tabs):
            kept = {each.name: getattr(tab, each.name) for each in fields(tab) if each.name != "rows"}
            yield (",\n" if number else "") + json.dumps(kept | {"looks": [asdict(looks) for looks in tab.looks]})[:-1]
            for index, row in enumerate(tab.rows):
                yield (",\n" if index else ', "rows": [\n') + json.dumps(to_json(row), ensure_ascii=False)
            yield "]}" if tab.rows else "}"
        yield "]}\n"

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Spreadsheet:
        """Return the spreadsheet that a parsed state file holds.

        Raises:
            KeyError, TypeError, ValueError: when the document is not a state file of this program.
        """
        tabs = [
            Tab(
                **tab
                | {"rows": list(map(from_json, tab.get("rows", []))), "looks": [Looks(**each) for each in tab["looks"]]}
            )
            for tab in state["tabs"]
        ]
        if not tabs:
            raise ValueError("a spreadsheet has at least one tab")
        ranges = [NamedRange(**each) for each in state["named_ranges"]]
        return cls(state["spreadsheet_id"], tabs=tabs, named_ranges=ranges)
