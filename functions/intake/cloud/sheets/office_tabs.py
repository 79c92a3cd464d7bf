"""The office's tabs in the Google Sheet: created when missing, read together, annotated with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gspread.exceptions import APIError

from intake import log
from intake.cloud.sheets import formats
from intake.cloud.sheets.client import Book, Json, Tab, client_for, new_tab_id, wrapped
from intake.cloud.sheets.tab import folded, typed
from intake.office.tabs import MAX_ROWS, NOTES, TABS, Cells, ListTab
from intake.settings import Settings


def open_office_tabs(settings: Settings) -> OfficeTabs:
    """Return the office's tabs in the Sheet that the settings name; nothing is called yet.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: There are no Google credentials and no stand-in is named.
    """
    return OfficeTabs(Book(client_for(settings), settings.sheet_id))


class OfficeTabs:
    """The tabs of `intake.office.tabs`, by what the office calls them, or by their ids when it has renamed them.

    Args:
        book: The spreadsheet.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._tabs: dict[str, Tab] = {}

    @wrapped
    def read(self) -> dict[str, Cells]:
        """Return the cells of every tab by its own title (whatever the office calls it), as the Sheet shows them.

        One read; two when the process is new or a tab is gone; and a write when a tab is missing.

        Raises:
            SheetUnavailable: The call failed.
        """
        self._tabs = self._tabs or self._open()
        try:
            areas = self._book.read([_list(tab) for tab in self._tabs.values()], render="FORMATTED_VALUE")
        except APIError:
            self._tabs = {}  # One may have been deleted: looked for again next time.
            raise
        if any(folded(area.title) != folded(title) for title, area in zip(self._tabs, areas, strict=True)):
            found, self._tabs = dict(zip(self._tabs, areas, strict=True)), {}  # there may be a new one of the title
        else:
            found = dict(zip(self._tabs, areas, strict=True))
        return {title: area.cells for title, area in found.items()}

    @wrapped
    def write_notes(self, notes: Mapping[str, tuple[tuple[int, bool], str]]) -> None:
        """Write a sentence, or none, into the first row of tabs, in one write.

        Args:
            notes: By title of the tab: the column index, whether the head stands before it, and the sentence.

        Raises:
            SheetUnavailable: The call failed.
        """
        self._tabs = self._tabs or self._open()
        requests = []
        for title, ((place, headed), sentence) in notes.items():
            tab = self._tabs[title]
            first, cells = (place, [sentence]) if headed else (place - 1, [NOTES, sentence])
            if first + len(cells) > tab.columns:
                length = first + len(cells) - tab.columns
                requests.append({"appendDimension": {"sheetId": tab.id, "dimension": "COLUMNS", "length": length}})
            start = {"sheetId": tab.id, "rowIndex": 0, "columnIndex": first}
            line = {"values": [typed(cell) for cell in cells]}
            requests.append({"updateCells": {"start": start, "rows": [line], "fields": "userEnteredValue"}})
        self._book.change(requests)

    def _open(self) -> dict[str, Tab]:
        existing, _ = self._book.look()
        missing = [tab for tab in TABS if _found(tab, existing) is None]
        if missing:
            self._book.change([request for tab in missing for request in _new(tab)])
            log.info("office tabs created", tabs=[tab.title for tab in missing])
            existing, _ = self._book.look()
        opened = {tab.title: _found(tab, existing) for tab in TABS}
        return {title: tab for title, tab in opened.items() if tab is not None}


def _found(tab: ListTab, among: Sequence[Tab]) -> Tab | None:
    """Return a tab by what the office calls it, or, when it was renamed, by the id that it was made with."""
    by_title = [each for each in among if folded(each.title) == folded(tab.title)]
    return next(iter(by_title or [each for each in among if each.id == new_tab_id(tab.title)]), None)


def _list(tab: Tab) -> Json:
    """Return the GridRange of a list: all the lines that a list may have, and one more to detect that it is too long."""
    return {"sheetId": tab.id, "endRowIndex": min(tab.rows, MAX_ROWS + 2)}


def _new(tab: ListTab) -> list[Json]:
    """Return the requests that make a tab with its first set."""
    sheet_id = new_tab_id(tab.title)
    names = [*(column.name for column in tab.columns), NOTES]
    lines = [{"values": [{"userEnteredValue": {"stringValue": cell}} for cell in line]} for line in tab.first_set]
    start = {"sheetId": sheet_id, "rowIndex": 1, "columnIndex": 0}
    first_set = {"updateCells": {"start": start, "rows": lines, "fields": "userEnteredValue"}}
    return [
        formats.add_tab(sheet_id, tab.title, len(names)),
        formats.header_cells(sheet_id, 0, names, {names[0]: tab.hint}),
        *([first_set] if lines else []),
        *formats.list_looks(sheet_id, tab.columns),
    ]
