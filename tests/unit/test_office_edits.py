"""The office does anything to its Sheet while rows come in, and no row is lost, doubled or misplaced.

Hypothesis looks for the shortest way to break that: edits between two flushes and in the middle of one, processes that end at
any moment, answers that are lost, and a Sheet in which rows are lost under a filter. No cell of the office's own is touched.
"""

from __future__ import annotations

import contextlib
import itertools
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from intake.cloud.sheets.client import new_tab_id
from intake.errors import TemporaryError
from intake.model import Status
from intake.rows import ID_COLUMN, Column, columns, copy_mark, row_of

from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import SheetsError
from infra.local.sheets.grid import Tab
from infra.local.sheets.requests import apply_request
from tests.support.fakes import Clock, Store, an_intake
from tests.support.office_sheet import OfficeSheet
from tests.support.recording import a_process

OURS: tuple[Column, ...] = columns(copies=True)
PLACES = st.integers(0, 40)


class Gone(BaseException):
    """The process was killed."""


def folded(name: object) -> str:
    """Return a name without case, blanks and width; written here once more, so that a fault there is seen."""
    return "" if name is None else "".join(unicodedata.normalize("NFKC", str(name)).split()).lower()


def head_of(tab: Tab) -> tuple[int, list[str]] | None:
    """Return row and names of a tab's head."""
    tops = ((row, list(map(folded, cells))) for row, cells in enumerate(tab.rows[:20]))
    return next(((row, names) for row, names in tops if folded(ID_COLUMN) in names), None)


def request(book: Spreadsheet, **body: Any) -> None:
    """Do something as people do it; what Google does not let them do does not happen."""
    with contextlib.suppress(SheetsError):
        apply_request(book, body, 0, by_office=True)


def span(tab: Tab, dimension: str, at: int, count: int = 1) -> dict[str, Any]:
    return {"sheetId": tab.sheet_id, "dimension": dimension, "startIndex": at, "endIndex": at + count}


class Office:
    """The edits; each takes the spreadsheet, the tab with the rows, a number, and a text that is nobody else's."""

    def insert_column(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        at = n % (len(OURS) + 1)
        request(book, insertDimension={"range": span(tab, "COLUMNS", at)})
        tab.write(n % 5, at, [[own]])

    def insert_several_columns_at_the_left(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        request(book, insertDimension={"range": span(tab, "COLUMNS", 0, 3)})

    def delete_a_column(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        request(book, deleteDimension={"range": span(tab, "COLUMNS", n % len(OURS))})

    def move_a_column(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        request(
            book, moveDimension={"source": span(tab, "COLUMNS", n % len(OURS)), "destinationIndex": (n * 7) % len(OURS)}
        )

    def rename_a_column(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        if head := head_of(tab):
            tab.write(head[0], n % len(head[1]), [[own]])

    def spell_a_column_otherwise(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        if head := head_of(tab):
            at = n % len(head[1])
            name = next((column.name for column in OURS if folded(column.name) == head[1][at]), None)
            if name:
                tab.write(
                    head[0], at, [[(f"{name} ", name.upper(), f" {name.lower()}", name.replace(" ", "\u3000"))[n % 4]]]
                )

    def put_a_title_above_the_head(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        request(book, insertDimension={"range": span(tab, "ROWS", 0, 1 + n % 3)})
        tab.write(0, n % 3, [[own]])

    def delete_the_first_row(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        request(book, deleteDimension={"range": span(tab, "ROWS", 0)})

    def insert_blank_rows(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        request(book, insertDimension={"range": span(tab, "ROWS", 1 + n % 5, 1 + n % 2)})

    def delete_a_row(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        request(book, deleteDimension={"range": span(tab, "ROWS", 1 + n % 5)})

    def delete_the_rows_that_are_empty(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        tab.resize(max(1, len(tab.rows)), tab.column_count)

    def sort(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        head = head_of(tab)
        place = {"sheetId": tab.sheet_id, "startRowIndex": head[0] + 1 if head else 1}
        order = "DESCENDING" if n % 2 else "ASCENDING"
        request(book, sortRange={"range": place, "sortSpecs": [{"dimensionIndex": n % len(OURS), "sortOrder": order}]})

    def rename_the_tab(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        if not book.titled(f"Intakes 20{n:02}"):
            tab.title = f"Intakes 20{n:02}"

    def archive_the_tab(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        self.rename_the_tab(book, tab, n, own)
        request(book, addSheet={"properties": {"title": "Intakes"}})

    def call_it_intakes_again(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        if not book.titled("Intakes"):
            tab.title = "Intakes"

    def duplicate_the_tab(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        request(book, duplicateSheet={"sourceSheetId": tab.sheet_id, "newSheetName": f"Copy {n} of {tab.title}"})

    def delete_the_tab(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        request(book, deleteSheet={"sheetId": tab.sheet_id})

    def write_a_note_beside(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        tab.resize(tab.row_count, max(tab.column_count, len(OURS) + 5))
        tab.write(n % 6, len(OURS) + 3, [[own]])

    def write_a_note_below(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        at = len(tab.rows) + n % 4
        tab.resize(max(tab.row_count, at + 1), tab.column_count)
        tab.write(at, n % 3, [[own]])

    def correct_a_cell(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        head = head_of(tab)
        if head and len(tab.rows) > head[0] + 1 and folded("kWh") in head[1]:
            tab.write(head[0] + 1 + n % (len(tab.rows) - head[0] - 1), head[1].index(folded("kWh")), [[own]])

    def write_into_any_cell(self, book: Spreadsheet, tab: Tab, n: int, own: str) -> None:
        head = head_of(tab)
        if head and len(tab.rows) > head[0] + 1:
            tab.write(head[0] + 1 + n % (len(tab.rows) - head[0] - 1), (n * 3) % len(OURS), [[own]])

    def copy_a_row_below(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        if (head := head_of(tab)) and len(tab.rows) > head[0] + 1:
            source = tab.rows[head[0] + 1 + n % (len(tab.rows) - head[0] - 1)]
            tab.resize(max(tab.row_count, len(tab.rows) + 1), tab.column_count)
            tab.write(len(tab.rows), 0, [list(source)])

    def repeat_the_head(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        if head := head_of(tab):
            names = tab.rows[head[0]]
            request(book, insertDimension={"range": span(tab, "ROWS", head[0] + 1 + n % 4)})
            tab.write(head[0] + 1 + n % 4, 0, [list(names)])

    def copy_a_column(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        at = n % len(OURS)
        request(book, insertDimension={"range": span(tab, "COLUMNS", at)})
        for row, cells in enumerate(list(tab.rows)):
            if at + 1 < len(cells):
                tab.write(row, at, [[cells[at + 1]]])

    def clear_the_tab(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        tab.rows.clear()

    def move_the_tab_to_the_end(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        book.tabs.append(book.tabs.pop(book.tabs.index(tab)))

    def rename_the_token(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        for number, each in enumerate(book.named_ranges):
            each.name = f"Office_{n}_{number}"

    def delete_the_token(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        book.named_ranges.clear()

    def set_a_filter(self, book: Spreadsheet, tab: Tab, n: int, _own: str) -> None:
        tab.filtered, book.filtered_appends = True, ("lost", "top")[n % 2]

    def take_the_filter_away(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        tab.filtered = False

    def protect_the_tab(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        tab.protected = True

    def lift_the_protection(self, book: Spreadsheet, tab: Tab, _n: int, _own: str) -> None:
        tab.protected = False


EDITS = {name: getattr(Office(), name) for name in vars(Office) if not name.startswith("_")}
COLUMN_EDITS = ("insert_column", "insert_several_columns_at_the_left", "move_a_column", "delete_a_column")
ENDINGS = ("answer lost", "killed before", "killed after")
MOMENTS = ("now", "before the next write", "after the next write", "before the next read")
_METHODS = {
    "before the next write": ("before", "spreadsheets.batchUpdate"),
    "after the next write": ("after", "spreadsheets.batchUpdate"),
    "before the next read": ("before", "values.batchGetByDataFilter"),
}


class Year(RuleBasedStateMachine):
    """What a year in the office may bring."""

    @initialize()
    def open(self) -> None:
        """A new Sheet."""
        self.clock = Clock()
        self.store = Store(now=self.clock.now)
        self.sheet = OfficeSheet(self.clock.monotonic)
        self.wire = self.sheet.wire
        self.numbers = itertools.count()
        self.written: Counter[str] = Counter()
        self.thrown_away: set[str] = set()
        self.cut: set[str] = set()
        self.linked: set[str] = set()
        self.edited = False
        self.ending = ""
        self.wire.around = self.call
        self.start()
        self.other = self.process
        self.start()

    def start(self) -> None:
        self.process = a_process(self.store, self.sheet.table(), self.clock, copies=True)

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def some_bills(self, count: int) -> None:
        self.bills(count)

    def bills(self, count: int) -> None:
        for _ in range(count):
            number = next(self.numbers)
            made = an_intake(f"{number:032x}", status=Status.READ, file_pages=(1,), updated_at=self.clock.now())
            found = {"kwh": {"value": 1000 + number, "confidence": 0.9, "page": 1}}
            submitted = made.submitted_at + timedelta(seconds=number)
            self.store.add(replace(made, submitted_at=submitted, reading={"fields": found, "diagnostics": {}}))

    @rule(
        edit=st.sampled_from(sorted(EDITS)),
        n=PLACES,
        moment=st.sampled_from(MOMENTS),
        ending=st.sampled_from(("", *ENDINGS)),
    )
    def office(self, edit: str, n: int, moment: str, ending: str) -> None:
        """Somebody edits, now or in the middle of a flush."""
        if moment == "now":
            self.edit(edit, n)
            return
        self.bills(1)
        self.record()  # so that the next write is that of a row
        when, method = _METHODS[moment]
        getattr(self.wire, when)[method] = lambda: self.edit(edit, n)
        self.bills(1)
        self.ending = ending
        self.record()
        self.ending = ""
        self.record()

    @rule(edit=st.sampled_from(COLUMN_EDITS), n=PLACES, ending=st.sampled_from(("", "", "killed after")))
    def columns_move(self, edit: str, n: int, ending: str) -> None:
        """Somebody moves columns between the reading of the head and the writing of a row."""
        self.office(edit, n, "before the next write", ending)

    @rule()
    def flush(self) -> None:
        """A message comes."""
        self.record()

    @rule(ending=st.sampled_from(ENDINGS), edit=st.sampled_from(sorted(EDITS)), n=PLACES)
    def bad_flush(self, ending: str, edit: str, n: int) -> None:
        """A message comes, the run that it starts ends badly at its next write, and somebody edits before the next one."""
        self.bills(1)
        self.record()
        self.bills(1)
        self.ending = ending
        self.record()
        self.ending = ""
        self.edit(edit, n)
        self.record()

    @rule(ending=st.sampled_from(("", *ENDINGS)))
    def links(self, ending: str) -> None:
        """Copies are made: their links take the place of the marks."""
        self.ending = ending
        self.link()
        self.ending = ""

    @rule()
    def new_process(self) -> None:
        """The platform replaces the instance."""
        self.start()

    @rule()
    def other_process(self) -> None:
        """A message comes to an instance that has stood still meanwhile."""
        self.process, self.other = self.other, self.process

    @rule(seconds=st.sampled_from((1, 4, 60)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.clock.sleep(seconds)

    # --- how it is watched --------------------------------------------------------------------------------------------

    def edit(self, name: str, n: int) -> None:
        """Do an edit where the rows are; note which ids it threw away."""
        before = self.ids()

        def change(book: Spreadsheet) -> None:
            tab = book.titled("Intakes") or next(
                (tab for tab in book.tabs if tab.title.startswith("Intakes")), book.tabs[0]
            )
            EDITS[name](book, tab, n, f"office {next(self.numbers)}")

        with contextlib.suppress(SheetsError):
            self.wire.service.edit(change)
        self.edited = True
        if name in ("delete_a_column", "rename_a_column", "clear_the_tab"):
            self.cut |= set(before)
        self.thrown_away |= {each for each in before if self.ids()[each] < before[each]}

    def call(self, name: str, effect: Callable[[], requests.Response]) -> requests.Response:
        """Carry out a call; what it changes is ours alone."""
        if name != "spreadsheets.batchUpdate":
            return effect()
        if self.ending == "killed before":
            raise Gone
        ids, own, tabs, found = self.ids(), self.own(), self.tabs(), self.usable()
        held = {tab.sheet_id: self.ids_in(tab) for tab in self.wire.service.book.tabs}
        answer = effect()
        assert self.own() == own, "a cell of the office's was touched"
        assert self.tabs() == tabs or not found or self.edited, f"a tab was made though there is {found}"
        self.written += self.ids() - ids
        grown = {
            tab.title for tab in self.wire.service.book.tabs if self.ids_in(tab) - held.get(tab.sheet_id, Counter())
        }
        assert grown <= set(found) or not found or self.edited, f"rows went to {grown} though there is {found}"
        if self.ending == "killed after":
            raise Gone
        if self.ending:
            raise requests.ConnectionError
        return answer

    def cells(self) -> Counter[object]:
        return Counter(cell for tab in self.wire.service.book.tabs for row in tab.rows for cell in row)

    def tabs(self) -> list[int]:
        return [tab.sheet_id for tab in self.wire.service.book.tabs]

    def usable(self) -> list[str]:
        """Return the titles of tabs to which rows can go on: what is called by the title, else what it was before."""
        book = self.wire.service.book
        known = {new_tab_id("Intakes"), *(each.sheet_id for each in book.named_ranges if not each.broken)}
        named = [tab for tab in book.tabs if folded(tab.title) == "intakes"]
        among = named or [tab for tab in book.tabs if tab.sheet_id in known]
        return [tab.title for tab in among if head_of(tab) or not tab.rows]

    def ids(self) -> Counter[str]:
        """Return how often each intake's id stands anywhere."""
        return Counter({str(cell): count for cell, count in self.cells().items() if str(cell) in self.store.intakes})

    def ids_in(self, tab: Tab) -> Counter[str]:
        """Return how often each intake's id stands in a tab."""
        return Counter(str(cell) for row in tab.rows for cell in row if str(cell) in self.store.intakes)

    def own(self) -> Counter[object]:
        """Return what the office has written."""
        return Counter({cell: count for cell, count in self.cells().items() if str(cell).startswith("office ")})

    def record(self) -> None:
        due = {key for key, each in self.store.intakes.items() if each.status is Status.READ}
        if not due:
            return
        self.edited = False
        try:
            with contextlib.suppress(TemporaryError):
                self.process.record(min(due))
        except Gone:
            self.start()
        self.clock.sleep(20)
        for key in due:
            if self.store.intakes[key].status is Status.RECORDED:
                self.check_row(key)

    def link(self) -> None:
        recorded = {key for key, each in self.store.intakes.items() if each.status is Status.RECORDED}
        self.edited = False
        try:
            self.process.sheet.fill_in_copies({copy_mark(key): f"https://copy/{key}" for key in recorded - self.linked})
            self.linked |= recorded
        except Gone:
            self.start()
        except TemporaryError:
            pass
        self.clock.sleep(20)

    def check_row(self, key: str) -> None:
        """Check that a row that was recorded just now stands under its heads."""
        if key in self.thrown_away:
            return
        expected = row_of(self.store.intakes[key], "https://storage.example.com/", "bills", copies=True)
        standing = [
            (tab, row)
            for tab in self.wire.service.book.tabs
            for row in tab.rows
            if key in row and head_of(tab) is not None
        ]
        for tab, row in standing[:1]:
            head = head_of(tab)
            assert head is not None
            for name, cell in expected.items():
                if folded(name) in head[1]:
                    place = head[1].index(folded(name))
                    found = row[place] if place < len(row) and row[place] is not None else ""
                    fits = found == cell or str(found).startswith("office ") or (found == "" and key in self.cut)
                    assert fits, f"{name}: {found!r} and not {cell!r}"

    @invariant()
    def nothing_is_doubled(self) -> None:
        """What was written twice was thrown away in between."""
        if hasattr(self, "written"):
            doubled = {key for key, count in self.written.items() if count > 1} - self.thrown_away
            assert not doubled, f"doubled: {doubled}"

    @invariant()
    def links_are_there(self) -> None:
        """What was linked holds its mark no more, wherever the row stands."""
        if hasattr(self, "linked"):
            cells = self.cells()
            left = {key for key in self.linked if copy_mark(key) in cells}
            assert not left, f"without a link: {left}"

    def teardown(self) -> None:
        """Nobody edits any more: all rows get written."""
        if not hasattr(self, "wire"):
            return
        self.wire.before.clear()
        self.wire.after.clear()
        for tab in self.wire.service.book.tabs:
            tab.filtered = tab.protected = False
        for _ in range(4):
            self.record()
        self.start()
        self.link()
        assert self.linked == set(self.store.intakes), "no link could be filled in"
        statuses = {each.status for each in self.store.intakes.values()}
        assert statuses <= {Status.RECORDED}, statuses
        for key in self.store.intakes:
            assert self.written[key] == 1 or key in self.thrown_away, f"{key} was written {self.written[key]} times"


TestYear = Year.TestCase
TestYear.settings = settings(
    max_examples=300, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
