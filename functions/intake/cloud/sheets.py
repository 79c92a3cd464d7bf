"""The Google Sheet through gspread: one row per intake, columns found by the names in the header row.

Later writes go by content, never by address: a sort between a read and a write would put them into another row. The cell
to be filled in holds a text that stands nowhere else (`rows.copy_mark`), and findReplace exchanges it on Google's side in
one step, wherever it is by then (https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
#FindReplaceRequest). Row metadata would be the other way; but whether it follows a sort is not documented.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import gspread
from gspread.exceptions import APIError
from gspread.utils import DateTimeOption, InsertDataOption, ValueInputOption, ValueRenderOption, rowcol_to_a1

from intake import log
from intake.cloud import sheet_format
from intake.cloud.alignment import realign
from intake.cloud.sheets_client import Book, Json, client_for, new_tab_id, wrapped
from intake.rows import ID_COLUMN, Cell, Column, columns
from intake.settings import Settings

__all__ = ["Cell", "Ledger", "open_ledger"]

T = TypeVar("T")

HEADER_FRESH_S = 3.0
"""How long a header that was read counts as today's. It is read after each append in any case, so that writing without a break
takes one read a write: 60 of each are allowed a minute."""

_INTAKE_ID = re.compile(r"[0-9a-f]{32}")
_ADDED = (
    "There was no column of this name (any more), so it was added here. Was it renamed? What was written before stands in "
    "the renamed column; to go on there, give that one this name again and delete this one."
)


def open_ledger(settings: Settings) -> Ledger:
    """Return the Sheet that the settings name; nothing is called yet.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: There are no Google credentials and no stand-in is named.
    """
    ours = columns(copies=bool(settings.drive_folder))
    book = Book(client_for(settings), settings.sheet_id)
    return Ledger(book, settings.sheet_tab, ours, settings.office_columns)


class Ledger:
    """The tab with one row per intake. The office may add, move, rename and sort columns and rows as it likes.

    Args:
        book: The spreadsheet.
        tab: Title of the tab; made when missing.
        ours: The columns of a new tab.
        office_columns: Names of those that the office corrects by hand: written with the row and never again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        book: Book,
        tab: str,
        ours: Sequence[Column],
        office_columns: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._tab_title = tab
        self._ours = ours
        self._office_columns = office_columns
        self._clock = clock
        self._tab: gspread.Worksheet | None = None
        self._seen: list[str] = []
        self._seen_at = float("-inf")

    @wrapped
    def append(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        """Append rows in one write.

        The header is read before, because the office may have moved columns; columns of ours that it lacks are added at
        its right end. It is read again afterwards: if columns were moved in between, the rows are put right. Values are
        written RAW, so nothing that a user typed becomes a formula.

        Args:
            rows: Cells by column name; all rows have the same columns.

        Raises:
            SheetUnavailable: The call failed; the rows may or may not have been written.
        """
        self._in_tab(lambda tab: self._append(tab, rows))

    @wrapped
    def intake_ids(self) -> set[str]:
        """Return the ids of all rows; when the office has renamed their column, every id that stands anywhere.

        Raises:
            SheetUnavailable: The call failed.
        """
        return self._in_tab(self._intake_ids)

    @wrapped
    def fill_in(self, column: str, texts: Mapping[str, str]) -> int:
        """Exchange texts that stand once in the Sheet, each the whole content of its cell, in one write.

        Doing it again changes nothing. A text that is not there was exchanged before, or the office has taken the row or
        the cell into its own hands: that is as it should be.

        Args:
            column: The column that is written; nothing happens when it is one of the office's.
            texts: What is to stand there by what stands there now.

        Returns:
            How many cells were changed.

        Raises:
            SheetUnavailable: The call failed; the cells may or may not have been changed.
        """
        if column in self._office_columns or not texts:
            return 0
        return self._in_tab(lambda tab: self._exchange(tab, texts))

    @wrapped
    def find(self, intake_id: str) -> dict[str, Cell] | None:
        """Return the row of an intake by column name, or None; numbers as numbers, dates as the Sheet shows them.

        Raises:
            SheetUnavailable: The call failed.
        """
        rows = self._in_tab(
            lambda tab: tab.get(
                value_render_option=ValueRenderOption.unformatted,
                date_time_render_option=DateTimeOption.formatted_string,
            )
        )
        if not rows or ID_COLUMN not in rows[0]:
            return None
        column = rows[0].index(ID_COLUMN)
        for row in rows[1:]:
            if len(row) > column and row[column] == intake_id:
                padded = [*row, *[""] * (len(rows[0]) - len(row))]
                return {name: cell for name, cell in zip(rows[0], padded, strict=False) if name}
        return None

    def _in_tab(self, step: Callable[[gspread.Worksheet], T]) -> T:
        """Do something in the tab; after a 400 it is looked for again next time, since it may have been renamed."""
        try:
            self._tab = self._tab or self._open_tab()
            return step(self._tab)
        except APIError as exc:
            if exc.response.status_code == 400:
                self._tab = None
            raise

    def _open_tab(self) -> gspread.Worksheet:
        found = self._book.tab(self._tab_title, self._book.tabs())
        if found is None:
            sheet_id = new_tab_id(self._tab_title)
            made, *_ = self._book.change(
                [
                    sheet_format.add_tab(sheet_id, self._tab_title, len(self._ours)),
                    *sheet_format.ledger_looks(sheet_id, self._ours, self._office_columns),
                ]
            )
            found = self._book.tab(self._tab_title, [made["addSheet"]["properties"]])
        if found is None:
            raise AssertionError("a tab that was just made has its title")
        return found

    def _append(self, tab: gspread.Worksheet, rows: Sequence[Mapping[str, Cell]]) -> None:
        header = self._header(tab, list(rows[0]))
        self._seen_at = float("-inf")
        first = next(index for index, name in enumerate(header) if name)
        table = [[row.get(name, "") for name in header[first:]] for row in rows]
        answer = tab.append_rows(
            table,
            value_input_option=ValueInputOption.raw,
            # The default writes over whatever stands below the first empty row, also over the office's own notes.
            insert_data_option=InsertDataOption.insert_rows,
            # Without the table's own first cell, Google looks for the last table of the tab and rows can drift right. The
            # cell beside it is for a column that is inserted at the left in this very moment.
            table_range=f"{rowcol_to_a1(1, first + 1)}:{rowcol_to_a1(1, first + 2)}",
        )
        self._keep_header_on_top(tab, answer["updates"]["updatedRange"], len(rows))
        now = [str(name) for name in tab.row_values(1)]
        if now != header:
            # A column of ours that was renamed just now has no place: it gets one before anything is put right, or what stands
            # where it was would be taken for left over.
            self._header(tab, list(rows[0]))
            now = realign(tab, rows, header)
        self._seen = now
        self._seen_at = self._clock()

    def _keep_header_on_top(self, tab: gspread.Worksheet, written: str, count: int) -> None:
        """Move the header back when columns were inserted before it in this very moment and rows came to stand above it."""
        on_top = written.rpartition("!")[2].partition(":")[0].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "1"
        if on_top and ID_COLUMN in tab.row_values(count + 1):
            row = {"sheetId": tab.id, "dimension": "ROWS", "startIndex": count, "endIndex": count + 1}
            self._book.change([{"moveDimension": {"source": row, "destinationIndex": 0}}])

    def _header(self, tab: gspread.Worksheet, names: list[str]) -> list[str]:
        """Return the header, after columns of ours that it lacks were added."""
        fresh = self._clock() - self._seen_at < HEADER_FRESH_S
        header = list(self._seen) if fresh else [str(name) for name in tab.row_values(1)]
        missing = [column for column in self._ours if column.name in names and column.name not in header]
        if not any(header):
            dressed = sheet_format.ledger_looks(tab.id, self._ours, self._office_columns)
            room = max(len(self._ours) - tab.col_count, 0)
            wider: list[Json] = [{"appendDimension": {"sheetId": tab.id, "dimension": "COLUMNS", "length": room}}]
            self._book.change([*(wider if room else []), sheet_format.freeze_header(tab.id), *dressed])
            return [column.name for column in self._ours]
        if missing:
            self._book.change(sheet_format.added_columns(tab.id, len(header), missing, _ADDED))
            added = [column.name for column in missing]
            log.warning("columns were missing in the Sheet and have been added", columns=added)
            header += added
        return header

    def _intake_ids(self, tab: gspread.Worksheet) -> set[str]:
        header = tab.row_values(1)
        if ID_COLUMN in header:
            return {str(value) for value in tab.col_values(header.index(ID_COLUMN) + 1)[1:] if value}
        if not any(header):
            return set()
        return {str(cell) for row in tab.get() for cell in row if _INTAKE_ID.fullmatch(str(cell))}

    def _exchange(self, tab: gspread.Worksheet, texts: Mapping[str, str]) -> int:
        exact = {"sheetId": tab.id, "matchCase": True, "matchEntireCell": True}
        requests = [{"findReplace": {"find": old, "replacement": new, **exact}} for old, new in texts.items()]
        return sum(reply["findReplace"].get("valuesChanged", 0) for reply in self._book.change(requests))
