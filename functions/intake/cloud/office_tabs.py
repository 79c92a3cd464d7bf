"""The office's tabs in the Google Sheet: made when missing, read together, told what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

import gspread
from gspread.exceptions import APIError
from gspread.utils import absolute_range_name, rowcol_to_a1

from intake import log
from intake.cloud import sheet_format
from intake.cloud.sheets_client import Book, Json, client_for, new_tab_id, wrapped
from intake.office.tabs import NOTES, TABS, Cells, ListTab
from intake.settings import Settings


def open_office_tabs(settings: Settings) -> OfficeTabs:
    """Return the office's tabs in the Sheet that the settings name; nothing is called yet.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: There are no Google credentials and no stand-in is named.
    """
    return OfficeTabs(Book(client_for(settings), settings.sheet_id))


class OfficeTabs:
    """The tabs of `intake.office.tabs`.

    Args:
        book: The spreadsheet.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._tabs: dict[str, gspread.Worksheet] = {}

    @wrapped
    def read(self) -> dict[str, Cells]:
        """Return the cells of every tab by its own title (whatever the office calls it), as the Sheet shows them.

        One read; two when the process is new or a tab was renamed; and a write when a tab is missing.

        Raises:
            SheetUnavailable: The call failed.
        """
        if not self._tabs:
            self._tabs = self._open()
        names = [absolute_range_name(tab.title) for tab in self._tabs.values()]
        try:
            answer = self._book.client.values_batch_get(self._book.id, names)
        except APIError:
            self._tabs = {}  # One may have been renamed or deleted: looked for again next time.
            raise
        found = [value_range.get("values", []) for value_range in answer["valueRanges"]]
        return dict(zip(self._tabs, found, strict=True))

    @wrapped
    def write_notes(self, notes: Mapping[str, tuple[tuple[int, bool], str]]) -> None:
        """Write a sentence, or none, into the first row of tabs, in one write.

        Args:
            notes: By title of the tab: the column index, whether the head stands before it, and the sentence.

        Raises:
            SheetUnavailable: The call failed.
        """
        data = []
        for title, ((place, headed), sentence) in notes.items():
            first, cells = (place, [sentence]) if headed else (place - 1, [NOTES, sentence])
            name = absolute_range_name(self._tabs[title].title, rowcol_to_a1(1, first + 1))
            data.append({"range": name, "values": [cells]})
        self._book.client.values_batch_update(self._book.id, {"valueInputOption": "RAW", "data": data})

    def _open(self) -> dict[str, gspread.Worksheet]:
        existing = self._book.tabs()
        missing = [tab for tab in TABS if self._book.tab(tab.title, existing) is None]
        if missing:
            self._book.change([request for tab in missing for request in _new(tab)])
            log.info("office tabs made", tabs=[tab.title for tab in missing])
            existing = self._book.tabs()
        opened = {tab.title: self._book.tab(tab.title, existing) for tab in TABS}
        return {title: tab for title, tab in opened.items() if tab is not None}


def _new(tab: ListTab) -> list[Json]:
    """Return the requests that make a tab with its first set."""
    sheet_id = new_tab_id(tab.title)
    names = [*(column.name for column in tab.columns), NOTES]
    lines = [{"values": [{"userEnteredValue": {"stringValue": cell}} for cell in line]} for line in tab.first_set]
    start = {"sheetId": sheet_id, "rowIndex": 1, "columnIndex": 0}
    first_set = {"updateCells": {"start": start, "rows": lines, "fields": "userEnteredValue"}}
    return [
        sheet_format.add_tab(sheet_id, tab.title, len(names)),
        sheet_format.header_cells(sheet_id, 0, names, {names[0]: tab.hint}),
        *([first_set] if lines else []),
        *sheet_format.list_looks(sheet_id, tab.columns),
    ]
