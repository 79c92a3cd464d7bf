"""The spreadsheet: an ordered set of tabs under one id. Pure; saved and read as JSON.

Limits: https://support.google.com/drive/answer/37603 (10 million cells in a spreadsheet).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.sheets.a1 import WHOLE, Area, parse_range
from infra.local.sheets.errors import invalid
from infra.local.sheets.formats import Looks
from infra.local.sheets.grid import Tab
from infra.local.sheets.values import from_json, to_json

MAX_CELLS = 10_000_000
_STATE_FORMAT = 1


@dataclass(slots=True)
class Spreadsheet:
    """Tabs in the order shown; `revision` rises with every accepted change."""

    spreadsheet_id: str
    title: str = "GreenWatt Intake (local)"
    tabs: list[Tab] = field(default_factory=lambda: [Tab(0, "Sheet1")])
    revision: int = 0

    def copy(self) -> Spreadsheet:
        """Return an independent copy, on which a request can fail half-way without harm."""
        return Spreadsheet(self.spreadsheet_id, self.title, [tab.copy() for tab in self.tabs], self.revision)

    def tab(self, sheet_id: int) -> Tab:
        """Return the tab with a sheet id, or raise Google's 400."""
        for tab in self.tabs:
            if tab.sheet_id == sheet_id:
                return tab
        raise invalid(f"No grid with id: {sheet_id}")

    def titled(self, title: str) -> Tab | None:
        """Return the tab of exactly this title."""
        return next((tab for tab in self.tabs if tab.title == title), None)

    def resolve(self, text: str) -> tuple[Tab, Area]:
        """Return the tab and area that a range in A1 notation means; without a title, the first tab.

        Raises:
            SheetsError: 400 when it is no range, the tab does not exist, or it starts beyond the grid.
        """
        reference = parse_range(text)
        tab = self.tabs[0] if reference.title is None else self.titled(reference.title)
        if tab is None:
            raise invalid(f"Unable to parse range: {text}")
        area = reference.area
        if area is not WHOLE and (area.top >= tab.row_count or area.left >= tab.column_count):
            name = text if "!" in text else f"{tab.title}!{text}"
            raise invalid(
                f"Range ({name}) exceeds grid limits. Max rows: {tab.row_count}, max columns: {tab.column_count}"
            )
        return tab, area

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

    def to_lines(self) -> Iterator[str]:
        """Yield the state file: one JSON document with a line per row, easy to read and compare.

        A generator of short steps on purpose: written in a thread, it lets the server answer in between.
        """
        head = {"format": _STATE_FORMAT, "spreadsheet_id": self.spreadsheet_id, "title": self.title}
        yield json.dumps({**head, "revision": self.revision})[:-1] + ', "tabs": [\n'
        for number, tab in enumerate(self.tabs):
            meta = {
                "sheet_id": tab.sheet_id,
                "title": tab.title,
                "row_count": tab.row_count,
                "column_count": tab.column_count,
                "properties": tab.properties,
                "formatting": tab.formatting,
                "looks": [looks.to_json() for looks in tab.looks],
            }
            yield (",\n" if number else "") + json.dumps(meta)[:-1] + ', "rows": [\n'
            for index, row in enumerate(tab.rows):
                yield (",\n" if index else "") + json.dumps(to_json(row), ensure_ascii=False)
            yield "]}"
        yield "]}\n"

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Spreadsheet:
        """Return the spreadsheet that a parsed state file holds.

        Raises:
            KeyError, TypeError, ValueError: when the document is not a state file of this program.
        """
        if state["format"] != _STATE_FORMAT:
            raise ValueError(f"format {state['format']!r} is not known")
        tabs = [
            Tab(
                tab["sheet_id"],
                tab["title"],
                tab["row_count"],
                tab["column_count"],
                [from_json(row) for row in tab["rows"]],
                tab["properties"],
                tab["formatting"],
                [Looks(**looks) for looks in tab.get("looks", [])],  # a state file of before has none
            )
            for tab in state["tabs"]
        ]
        if not tabs:
            raise ValueError("a spreadsheet has at least one tab")
        return cls(state["spreadsheet_id"], state["title"], tabs, state["revision"])
