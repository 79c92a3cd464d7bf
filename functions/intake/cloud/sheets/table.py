"""The Google Sheet through gspread: one row per intake, columns found by the names in the head.

Every write swaps the token (`cloud.sheets.token`), so Google executes it only if nobody else has written since this process
looked. A row counts as written when its id was seen in the Sheet afterwards: under a filter, rows of `values:append` have been
reported to land on top, over other rows or nowhere, with an answer of 200. `appendCells` takes the id of the tab and typed
cells, and writes below the last row that holds anything
(https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#AppendCellsRequest).

Links go by content, never by address: the cell to be filled in holds a text that stands nowhere else (`rows.copy_mark`), and
findReplace exchanges it on Google's side in one step, wherever it is by then
(https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#FindReplaceRequest).

No tab is ever read whole: its first rows, and the ids by column, in blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gspread.exceptions import APIError

from intake import log
from intake.cloud.sheets import formats, token
from intake.cloud.sheets.alignment import is_astray
from intake.cloud.sheets.client import Book, Cells, Json, Tab, client_for, failure, new_tab_id, wrapped
from intake.cloud.sheets.tab import Head, candidates, columns_with_ids, find_head, folded, free_title, line, top_of
from intake.cloud.sheets.token import Found, Token
from intake.errors import SheetMoved
from intake.rows import OFFICE_COLUMNS, Cell, Column, columns, copy_mark
from intake.settings import Settings

__all__ = ["Cell", "SheetTable", "open_sheet_table"]

FRESH_S = 2.5
"""How long a head that was read stays valid. It is read after each write anyway, so continuous writing takes one read for each
write: 60 of each are allowed a minute."""
BLOCK = 100_000
"""Ids in one read: 3.5 MB, and about 12 MB while they are looked through."""
SEARCHED = 1000
"""Rows of a tab without a head in which columns of ids are looked for."""
TRIES = 4
_MARGIN = 50
"""Rows above the last known one from which on new ones are looked for first: the office may have deleted some."""
_NO_HEAD = (
    "The tab {title} has data, but no Intake ID column in its first 20 rows, so new rows go to the tab {new}. "
    "To go on in this tab, restore the names of the columns."
)
_ADDED = (
    "There was no column with this name, so it was added here. If you renamed the old one, earlier values are in "
    "that column. To go on there, restore its name and delete this column."
)
_WRITTEN_AGAIN = "Columns were moved while this row was written. It was written again below. Delete this one."

Row = Mapping[str, Cell]


def open_sheet_table(settings: Settings) -> SheetTable:
    """Return the Sheet that the settings name; nothing is called yet.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: There are no Google credentials and no stand-in is named.
    """
    ours = columns(copies=bool(settings.drive_folder))
    book = Book(client_for(settings), settings.sheet_id)
    office_columns = OFFICE_COLUMNS if settings.office_columns is None else settings.office_columns
    return SheetTable(book, settings.sheet_tab, ours, office_columns)


@dataclass(frozen=True)
class _Survey:
    """The spreadsheet as last read: its tabs, its tokens, and the first rows of each tab by id."""

    tabs: list[Tab]
    tokens: list[Found]
    tops: dict[int, Cells]


@dataclass(frozen=True)
class _Spot:
    """Where a row stands."""

    tab: int
    row: int


class SheetTable:
    """The tab with one row per intake. The office may add, move, rename and sort columns, rows and tabs as it likes.

    Args:
        book: The spreadsheet.
        title: What the office calls the tab; made when missing.
        ours: The columns of a new tab.
        office_columns: Names of those that the office corrects by hand: written with the row and never again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        book: Book,
        title: str,
        ours: Sequence[Column],
        office_columns: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._token = Token(book)
        self._title = title
        self._ours = ours
        self._office_columns = office_columns
        self._clock = clock
        self._tab: Tab | None = None
        self._head: Head | None = None
        self._end = 0
        self._looked_at = float("-inf")

    @property
    def held(self) -> bool:
        """Whether, as far as we know, nobody else has written since this process last looked for rows."""
        return self._token.held

    @wrapped
    def find_rows(self, rows: Mapping[str, Row]) -> set[str]:
        """Take the token, and then return which of some intakes have a row, wherever it stands.

        Rows that were written while the office moved columns are written again, under their heads.

        Args:
            rows: Cells by column name, by intake id.

        Raises:
            SheetUnavailable: The call failed.
        """
        found = self._search(set(rows), self._take())
        self._put_right(found, rows)
        return set(found)

    @wrapped
    def append(self, rows: Sequence[Row]) -> set[str]:
        """Write rows below the last one, in one write, and return the ids of those that were seen there afterwards.

        Columns of ours that the head lacks are added at its right end. If columns were moved meanwhile, rows are written again.

        Args:
            rows: Cells by column name; all rows have the same columns.

        Raises:
            SheetMoved: Somebody else has written, or the tab is not what it was: look for the rows again. Nothing was written.
            RowsRefused: Google refuses the rows for what is in them. Nothing was written.
            SheetUnavailable: The call failed; the rows may or may not have been written.
        """
        if self._clock() - self._looked_at >= FRESH_S:
            self._look_again()
        if self._tab is None or not self._token.held:
            raise SheetMoved
        preparing, head = self._prepared(self._tab, self._head, list(rows[0]))
        cells = {"sheetId": self._tab.id, "rows": [line(head, row) for row in rows], "fields": "userEnteredValue"}
        self._looked_at = float("-inf")
        self._token.write([*preparing, {"appendCells": cells}], _ids(self._tab.id, head))
        return self._seen(self._tab, head, {str(row[self._ours[0].name]): row for row in rows})

    @wrapped
    def fill_in(self, column: str, texts: Mapping[str, str]) -> int:
        """Replace texts that occur once in the Sheet, each the whole content of its cell, in one write, in any tab.

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
        if self._tab is None or not self._token.held:
            self._take()
        if self._tab is None:
            raise SheetMoved
        replies = self._token.write(_exchanges(texts, {"allSheets": True}), _ids(self._tab.id, self._head))
        return sum(reply["findReplace"].get("valuesChanged", 0) for reply in replies)

    @wrapped
    def find(self, intake_id: str) -> dict[str, Cell] | None:
        """Return the row of an intake by column name, or None; numbers as numbers, dates as the Sheet shows them.

        Raises:
            SheetUnavailable: The call failed.
        """
        survey = self._survey()
        spot = self._search({intake_id}, survey).get(intake_id)
        head = find_head(survey.tops[spot.tab]) if spot else None
        if spot is None or head is None:
            return None
        (area,) = self._book.read([_rows(spot.tab, spot.row)], dates="FORMATTED_STRING")
        names = [str(name) for name in survey.tops[spot.tab][head.row]]
        cells = area.cells[0] if area.cells else []
        padded = [*cells, *[""] * (len(names) - len(cells))]
        return {name: cell for name, cell in zip(names, padded, strict=False) if name}

    # --- the tab and the token -------------------------------------------------------------------------------------

    def _survey(self) -> _Survey:
        tabs, named_ranges = self._book.look()
        tops = self._book.read([top_of(tab) for tab in tabs])
        by_id = {tab.id: top.cells for tab, top in zip(tabs, tops, strict=True)}
        return _Survey(tabs, token.found_in(named_ranges), by_id)

    def _take(self) -> _Survey:
        """Take the token and choose the tab; return the spreadsheet as it was with the token in our hands."""
        refused = False
        for _ in range(TRIES):
            survey = self._survey()
            if self._settled(survey):
                return survey
            tab, head = self._chosen(survey)
            making: list[Json] = []
            if tab is None:
                tab, making = self._new_tab(survey)
            place = next((each.place for each in survey.tokens if each.place["sheetId"] == tab.id), _ids(tab.id, head))
            try:
                self._token.take(survey.tokens, place, making)
            except APIError as exc:
                if not isinstance(failure(exc), SheetMoved):
                    raise
                if refused and not survey.tokens:
                    self._token.name_is_stuck()
                refused = not survey.tokens
        raise SheetMoved

    def _settled(self, survey: _Survey) -> bool:
        """Take note of tab and head if the token is ours, as it was just read."""
        tab, head = self._chosen(survey)
        if not self._token.recognise(survey.tokens) or tab is None:
            return False
        if self._tab is None or self._tab.id != tab.id:
            self._end = 0
        self._tab, self._head, self._looked_at = tab, head, self._clock()
        return True

    def _chosen(self, survey: _Survey) -> tuple[Tab | None, Head | None]:
        """Return the tab for new rows and its head; None for an empty tab's head, and for a tab that has to be made."""
        for tab in self._candidates(survey):
            head = find_head(survey.tops[tab.id])
            if head is not None or (not survey.tops[tab.id] and self._is_empty(tab)):
                return tab, head
        return None, None

    def _candidates(self, survey: _Survey) -> list[Tab]:
        known = [*([self._tab.id] if self._tab else []), *(token.place["sheetId"] for token in survey.tokens)]
        return candidates(self._title, survey.tabs, [*known, new_tab_id(self._title)])

    def _is_empty(self, tab: Tab) -> bool:
        (area,) = self._book.read([top_of(tab, SEARCHED)])
        return not area.cells

    def _new_tab(self, survey: _Survey) -> tuple[Tab, list[Json]]:
        """Return a tab that is to be made, with the requests that make it."""
        title = free_title(self._title, survey.tabs)
        taken = {each.id for each in survey.tabs}
        number = next(each for each in (new_tab_id(title + " " * n) for n in range(100)) if each not in taken)
        if headless := self._candidates(survey):
            log.error(log.NEEDS_THE_OFFICE, why=_NO_HEAD.format(title=headless[0].title, new=title))
        making = [
            formats.add_tab(number, title, len(self._ours)),
            *formats.table_looks(number, self._ours, self._office_columns),
        ]
        return Tab(number, title, formats.NEW_TAB_ROWS, len(self._ours)), making

    def _look_again(self) -> None:
        """Look whether tab and head are what they were.

        Raises:
            SheetMoved: The token is not ours any more, or the tab is gone.
        """
        if self._tab is not None and self._token.held:
            try:
                (top,) = self._book.read([top_of(self._tab)])
            except APIError as exc:
                if not isinstance(failure(exc), SheetMoved):
                    raise
            else:
                head = find_head(top.cells)
                if folded(top.title) == folded(self._title) and head is not None:
                    self._head, self._looked_at = head, self._clock()
                    return
        if not self._settled(self._survey()):
            self._token.held = False
            raise SheetMoved

    # --- writing ----------------------------------------------------------------------------------------------------

    def _prepared(self, tab: Tab, head: Head | None, names: Collection[str]) -> tuple[list[Json], Head]:
        """Return the requests that give a tab the columns that it lacks, and its head after them."""
        if head is None:
            room = max(len(self._ours) - tab.columns, 0)
            wider = [{"appendDimension": {"sheetId": tab.id, "dimension": "COLUMNS", "length": room}}] if room else []
            looks = formats.table_looks(tab.id, self._ours, self._office_columns)
            return [*wider, formats.freeze_header(tab.id), *looks], Head(
                0, tuple(folded(column.name) for column in self._ours)
            )
        missing = [column for column in self._ours if column.name in names and folded(column.name) not in head.names]
        if not missing:
            return [], head
        added = [column.name for column in missing]
        log.warning("missing columns were added to the Sheet", columns=added)
        requests = formats.added_columns(tab.id, head.row, len(head.names), missing, _ADDED)
        return requests, Head(head.row, (*head.names, *map(folded, added)))

    def _seen(self, tab: Tab, used: Head, rows: Mapping[str, Row]) -> set[str]:
        """Return which rows stand in the Sheet now that they were written, after those astray were written again."""
        start = max(used.row + 1, self._end - _MARGIN)
        ids = {"sheetId": tab.id, "startRowIndex": start, **_column(used.id_column)}
        top, written = self._book.read([top_of(tab), ids])
        head = find_head(top.cells)
        spots = {
            str(cells[0]): _Spot(tab.id, start + number)
            for number, cells in enumerate(written.cells)
            if cells and cells[0] in rows
        }
        self._end = start + len(written.cells)
        if len(spots) < len(rows):
            spots = {**self._search(set(rows) - set(spots), self._survey(), used), **spots}
        if head is not None and folded(top.title) == folded(self._title):
            self._looked_at = self._clock()
        if head is not None:
            self._head = head
        if head != used:
            self._put_right(spots, rows)
        return set(spots)

    def _put_right(self, spots: Mapping[str, _Spot], rows: Mapping[str, Row]) -> None:
        """Write rows once more that stand under the wrong heads; where they stand a sentence takes the place of the id.

        Both happen in one batch and by content: whatever the office sorts, inserts or deletes meanwhile, no cell of anybody
        else can be hit. What is left of the first try is for the office to delete.

        Raises:
            SheetMoved: The Sheet changes faster than it can be followed.
        """
        tab = self._tab
        ours = {key: spot.row for key, spot in spots.items() if tab is not None and spot.tab == tab.id}
        if tab is None or not ours:
            return
        for _ in range(TRIES):
            runs = list(_runs(ours.values()))
            top, *areas = self._book.read([top_of(tab), *(_rows(tab.id, *run) for run in runs)])
            head = find_head(top.cells)
            if head is None:
                return
            stand = {
                row: cells
                for (first, _), area in zip(runs, areas, strict=True)
                for row, cells in enumerate(area.cells, first)
            }
            if any(key not in stand.get(row, []) for key, row in ours.items()):
                raise SheetMoved  # sorted meanwhile
            preparing, head = self._prepared(tab, head, next(iter(rows.values())))
            wrong = [key for key, row in ours.items() if is_astray(stand[row], head, rows[key])]
            self._head = head
            if not wrong and not preparing:
                return
            texts = dict.fromkeys(wrong, _WRITTEN_AGAIN) | {copy_mark(key): "-" for key in wrong}
            cells = [line(head, rows[key]) for key in wrong]
            again = [{"appendCells": {"sheetId": tab.id, "rows": cells, "fields": "userEnteredValue"}}] if wrong else []
            exchanged = _exchanges(texts, {"sheetId": tab.id})
            self._token.write([*preparing, *exchanged, *again], _ids(tab.id, head))
            if wrong:
                log.warning("rows rewritten: columns moved during the write", rows=len(wrong))
            found = self._search(set(ours), self._survey(), head)
            ours = {key: spot.row for key, spot in found.items() if spot.tab == tab.id}
        raise SheetMoved("The columns of the Sheet are being changed. The rows will be checked again in a moment.")

    # --- looking for rows -------------------------------------------------------------------------------------------

    def _search(self, wanted: set[str], survey: _Survey, used: Head | None = None) -> dict[str, _Spot]:
        """Return where rows stand, in whatever tab: in its column of ids, and where the last write put them.

        Args:
            wanted: Ids.
            survey: The spreadsheet.
            used: The head by which they were written, if that is known.
        """
        found: dict[str, _Spot] = {}
        last: dict[tuple[int, int], tuple[int, object]] = {}
        for block in _blocks(self._id_columns(survey, used)):
            for (tab, column, start, end), area in zip(
                block, self._book.read([_block(*each) for each in block], by_columns=True), strict=True
            ):
                ids = area.cells[0] if area.cells else []
                # A sort between two reads could hide a row from both: each begins with the last row of the one before.
                if last.get((tab.id, column), (-1, ""))[0] == start and last[tab.id, column][1] != (
                    ids[0] if ids else ""
                ):
                    raise SheetMoved
                last[tab.id, column] = end - 1, ids[-1] if len(ids) == end - start else ""
                for row, cell in enumerate(ids, start):
                    if cell in wanted:
                        found.setdefault(cell, _Spot(tab.id, row))
                if self._tab and tab.id == self._tab.id and self._head and column == self._head.id_column:
                    # A block without any id lies below the last one.
                    self._end = start + len(ids) if ids else min(self._end, start)
        return found

    def _id_columns(self, survey: _Survey, used: Head | None) -> list[tuple[Tab, int, int]]:
        """Return tab, column and first row of all columns that hold ids; those of our own tab come first.

        What was appended under a filter may have come to stand above the head.
        """
        columns_: list[tuple[Tab, int, int]] = []
        headless = []
        own = self._tab.id if self._tab else None
        for tab in sorted(survey.tabs, key=lambda each: each.id != own):
            head, top = find_head(survey.tops[tab.id]), survey.tops[tab.id]
            if head is not None:
                columns_.append((tab, head.id_column, 0))
            elif top:
                headless.append(tab)
            strays = {
                token.place.get("startColumnIndex", 0) for token in survey.tokens if token.place["sheetId"] == tab.id
            }
            if used is not None and tab.id == own:
                strays.add(used.id_column)
            columns_ += [(tab, each, 0) for each in strays if head is None or each != head.id_column]
        for tab, area in zip(headless, self._book.read([top_of(tab, SEARCHED) for tab in headless]), strict=True):
            columns_ += [(tab, column, 0) for column in columns_with_ids(area.cells)]
        return list(dict.fromkeys(columns_))


def _exchanges(texts: Mapping[str, str], where: Json) -> list[Json]:
    """Return the requests that exchange texts, each the whole content of its cell, wherever they stand."""
    exact = {**where, "matchCase": True, "matchEntireCell": True}
    return [{"findReplace": {"find": old, "replacement": new, **exact}} for old, new in texts.items()]


def _column(index: int) -> Json:
    return {"startColumnIndex": index, "endColumnIndex": index + 1}


def _ids(sheet_id: int, head: Head | None) -> Json:
    """Return the GridRange of a tab's column of ids; that of a new tab is its first one."""
    return {"sheetId": sheet_id, **_column(head.id_column if head else 0)}


def _rows(sheet_id: int, first: int, count: int = 1) -> Json:
    return {"sheetId": sheet_id, "startRowIndex": first, "endRowIndex": first + count}


def _block(tab: Tab, column: int, start: int, end: int) -> Json:
    return {"sheetId": tab.id, "startRowIndex": start, "endRowIndex": end, **_column(column)}


def _runs(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield rows as runs: the first of each, and how many follow one another."""
    first = count = 0
    for row in sorted(set(rows)):
        if count and row == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = row, 1
    if count:
        yield first, count


def _blocks(columns_: Iterable[tuple[Tab, int, int]]) -> Iterator[list[tuple[Tab, int, int, int]]]:
    """Yield what is read in one call: pieces of columns that have at most BLOCK rows together."""
    block: list[tuple[Tab, int, int, int]] = []
    room = BLOCK
    for tab, column, first in columns_:
        start = first
        while start < tab.rows:
            end = min(tab.rows, start + room)
            block.append((tab, column, max(first, start - 1), end))
            start, room = end, room - (end - start)
            if not room:
                yield block
                block, room = [], BLOCK
    if block:
        yield block
