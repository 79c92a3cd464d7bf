"""The model of the Sheets stand-in: what Google does with the requests that the functions make, quota, failures, state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.sheets.api import route
from infra.local.sheets.book import MAX_CELLS, Spreadsheet
from infra.local.sheets.errors import SheetsError, injected
from infra.local.sheets.service import Fault, Limits, MinuteQuota, SheetsService
from infra.local.sheets.store import StateFileError, load, save
from infra.local.sheets.values import Formula, parse_typed, render

NAME = "Somebody_writes"
COLUMN_B = {"sheetId": 0, "startColumnIndex": 1, "endColumnIndex": 2}


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


class Client:
    """Calls the methods of the API on a service, without HTTP."""

    def __init__(self, service: SheetsService) -> None:
        self.service = service

    def __call__(self, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON answer of one call."""
        found = route(verb, "/v4/spreadsheets/book" + path)
        assert found is not None, path
        return self.service.run(*found, body or {})

    def batch(self, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        """Carry out a batch and return its replies."""
        replies: list[dict[str, Any]] = self("POST", ":batchUpdate", {"requests": list(requests)})["replies"]
        return replies

    def read(self, *areas: dict[str, int], **options: str) -> list[Any]:
        """Return the values of areas, in their order."""
        body = {"dataFilters": [{"gridRange": area} for area in areas], **options}
        found = self("POST", "/values:batchGetByDataFilter", body)["valueRanges"]
        by_filter = {json.dumps(each["dataFilters"][0]["gridRange"]): each["valueRange"] for each in found}
        return [by_filter[json.dumps(area)].get("values", []) for area in areas]

    def rows(self) -> list[list[Any]]:
        """Return all values of the first tab."""
        values: list[list[Any]] = self.read({"sheetId": 0}, valueRenderOption="UNFORMATTED_VALUE")[0]
        return values


@pytest.fixture
def client() -> Client:
    return Client(SheetsService(Spreadsheet("book"), Limits(0, 0), Clock()))


def append(*lines: tuple[Any, ...]) -> dict[str, Any]:
    """Return a request that appends rows of texts and numbers."""
    kinds = {str: "stringValue", int: "numberValue", float: "numberValue", bool: "boolValue"}
    rows = [
        {"values": [{} if cell == "" else {"userEnteredValue": {kinds[type(cell)]: cell}} for cell in line]}
        for line in lines
    ]
    return {"appendCells": {"sheetId": 0, "rows": rows, "fields": "userEnteredValue"}}


def named(range_id: str, name: str = NAME, **place: int) -> dict[str, Any]:
    """Return a request that adds a named range."""
    return {"addNamedRange": {"namedRange": {"namedRangeId": range_id, "name": name, "range": place or COLUMN_B}}}


def unnamed(range_id: str) -> dict[str, Any]:
    """Return a request that deletes a named range."""
    return {"deleteNamedRange": {"namedRangeId": range_id}}


def span(dimension: str, start: int, end: int) -> dict[str, Any]:
    return {"sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end}


# --- the swap of a named range ----------------------------------------------------------------------------------------------


def test_a_batch_swaps_a_named_range_or_does_nothing(client: Client) -> None:
    """An unknown id and a name that is taken are refused, and nothing of their batch is carried out."""
    client.batch(named("one"), append(("first",)))
    client.batch(unnamed("one"), append(("second",)), named("two"))
    for late in ((unnamed("one"), append(("late",)), named("three")), (append(("late",)), named("three"))):
        with pytest.raises(
            SheetsError, match=r"No named range with id: one|a named range with that name already exists"
        ) as no:
            client.batch(*late)
        assert no.value.code == 400
    assert client.rows() == [["first"], ["second"]]
    (found,) = client("GET", "")["namedRanges"]
    assert (found["namedRangeId"], found["name"]) == ("two", NAME)


@pytest.mark.parametrize(
    ("edit", "columns"),
    [
        ({"insertDimension": {"range": span("COLUMNS", 0, 2)}}, (3, 4)),
        ({"insertDimension": {"range": span("COLUMNS", 2, 3)}}, (1, 2)),
        ({"deleteDimension": {"range": span("COLUMNS", 0, 1)}}, (0, 1)),
        ({"moveDimension": {"source": span("COLUMNS", 1, 2), "destinationIndex": 4}}, (3, 4)),
        ({"insertDimension": {"range": span("ROWS", 0, 2)}}, (1, 2)),
    ],
)
def test_a_named_range_follows_its_column(client: Client, edit: dict[str, Any], columns: tuple[int, int]) -> None:
    """It moves with insertions, deletions and moves."""
    client.batch(named("one"), edit)
    place = client("GET", "")["namedRanges"][0]["range"]
    assert (place["startColumnIndex"], place["endColumnIndex"]) == columns


@pytest.mark.parametrize(
    "edit", [{"deleteDimension": {"range": span("COLUMNS", 1, 2)}}, {"deleteSheet": {"sheetId": 0}}]
)
def test_a_broken_named_range_keeps_its_name(client: Client, edit: dict[str, Any]) -> None:
    """When its column or tab is deleted nothing lists or deletes it, and its name stays taken."""
    client.batch({"addSheet": {"properties": {"title": "Two", "sheetId": 2}}}, named("one"), edit)
    assert "namedRanges" not in client("GET", "")
    for again in (unnamed("one"), named("two", sheetId=2)):
        with pytest.raises(SheetsError):
            client.batch(again)
    client.batch(named("two", NAME + "_2", sheetId=2))


def test_a_duplicated_tab_brings_its_named_ranges(client: Client) -> None:
    """The copy's range has an id of its own, and is named with its tab."""
    client.batch(named("one"), {"duplicateSheet": {"sourceSheetId": 0, "newSheetName": "Copy"}})
    assert [each["name"] for each in client("GET", "")["namedRanges"]] == [NAME, f"'Copy'!{NAME}"]


# --- cells -------------------------------------------------------------------------------------------------------------------


def test_rows_go_below_the_last_one_that_holds_anything(client: Client) -> None:
    """Also below an empty row, and below what somebody keeps in another column; the grid grows as needed."""
    start = {"sheetId": 0, "rowIndex": 998, "columnIndex": 5}
    note = {"values": [{"userEnteredValue": {"stringValue": "note"}}]}
    client.batch({"updateCells": {"start": start, "rows": [note], "fields": "userEnteredValue"}})
    client.batch(append(("a", 1, "", True), ("=1+1", 2.5)))
    assert client.read({"sheetId": 0, "startRowIndex": 998}, valueRenderOption="UNFORMATTED_VALUE") == [
        [["", "", "", "", "", "note"], ["a", 1, "", True], ["=1+1", 2.5]]
    ]
    assert client("GET", "")["sheets"][0]["properties"]["gridProperties"]["rowCount"] == 1001


@pytest.mark.parametrize(
    ("appends", "rows"), [("lost", ["head", "a"]), ("top", ["head", "b", "a"]), ("", ["head", "a", "b"])]
)
def test_what_is_appended_under_a_filter(client: Client, appends: str, rows: list[str]) -> None:
    """It can be lost, or come to stand on top, and the answer is the same."""
    client.batch(append(("head",), ("a",)))
    client.service.book.tabs[0].filtered = True
    client.service.book.filtered_appends = appends
    assert client.batch(append(("b",))) == [{}]
    assert [row[0] for row in client.rows()] == rows


def test_areas_are_read_by_tab_and_place(client: Client) -> None:
    """Empty ends are left out, columns come as columns, and with each range the filter it was asked by."""
    client.batch(append(("a", 1), ("", 2), ("c", "")))
    columns = client.read(
        {"sheetId": 0, "startColumnIndex": 1, "endColumnIndex": 2},
        COLUMN_B | {"endRowIndex": 1},
        majorDimension="COLUMNS",
    )
    assert columns == [[["1", "2"]], [["1"]]]
    with pytest.raises(SheetsError, match="exceeds grid limits"):
        client.read({"sheetId": 0, "startRowIndex": 1000})
    with pytest.raises(SheetsError, match="No grid with id: 7"):
        client.read({"sheetId": 7})


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (append(("x" * 50_001,)), "more than the maximum of 50000 characters"),
        (append(("x",) * 27), "beyond the last requested column"),
        ({"addSheet": {"properties": {"title": "Sheet1"}}}, "already exists"),
        ({"insertDimension": {"range": span("COLUMNS", 0, 1), "inheritFromBefore": True}}, "inheritFromBefore"),
        (
            {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": MAX_CELLS // 26}},
            "above the limit of 10000000",
        ),
        ({"updateCells": {}}, "Invalid value"),
    ],
)
def test_bad_requests_change_nothing(client: Client, request_: dict[str, Any], message: str) -> None:
    """A batch with one of them is refused whole, in Google's words."""
    with pytest.raises(SheetsError, match=message) as refusal:
        client.batch(append(("kept out",)), request_)
    assert refusal.value.code == 400
    assert client.rows() == []


def test_what_is_not_carried_out_says_so(client: Client) -> None:
    """A request that nobody makes is 501, never accepted and lost."""
    with pytest.raises(SheetsError) as refusal:
        client.batch({"mergeCells": {}})
    assert refusal.value.code == 501


def test_a_protected_tab_is_the_offices(client: Client) -> None:
    """The API is refused in Google's words; people go on."""
    client.service.book.tabs[0].protected = True
    with pytest.raises(SheetsError, match="protected cell or object"):
        client.batch(append(("a",)))
    client.service.edit_requests([append(("a",))])
    assert client.rows() == [["a"]]


def test_sort_puts_numbers_before_text_and_empty_cells_last(client: Client) -> None:
    """As people see it, in either direction."""
    client.batch(append(("b",), ("",), (2,), ("A",), (10,)))
    for order, sorted_ in (("ASCENDING", [2, 10, "A", "b"]), ("DESCENDING", ["b", "A", 10, 2])):
        client.batch({"sortRange": {"range": {"sheetId": 0}, "sortSpecs": [{"sortOrder": order}]}})
        assert [row[0] for row in client.rows()] == sorted_


def test_whole_cells_are_found_in_all_tabs_and_replaced_as_typed(client: Client) -> None:
    """The reply counts cells, and is empty when there are none."""
    mark = "a text that is longer than any number is shown"
    client.batch(append((mark, "x"), (f"{mark}!",)), {"duplicateSheet": {"sourceSheetId": 0}})
    find = {"find": mark, "replacement": "=A1", "allSheets": True, "matchCase": True, "matchEntireCell": True}
    assert client.batch({"findReplace": find}) == [{"findReplace": {"valuesChanged": 2, "occurrencesChanged": 2}}]
    assert client.service.book.tabs[1].rows == [(Formula("=A1"), "x"), (f"{mark}!",)]
    assert client.batch({"findReplace": find}) == [{"findReplace": {}}]


@pytest.mark.parametrize(
    ("typed", "held"),
    [
        ("=1+1", Formula("=1+1")),
        ("00123", 123),
        ("1,234.50", 1234.5),
        ("-.5", -0.5),
        ("true", True),
        ("'00123", "00123"),
        ("555-0100", "555-0100"),
        ("1,23", "1,23"),
        (".", "."),
        ("", None),
    ],
)
def test_typed_text_becomes_a_value(typed: str, held: object) -> None:
    """USER_ENTERED reads formulas, numbers and booleans, and leaves other text alone."""
    assert parse_typed(typed) == held


@pytest.mark.parametrize(
    ("cell", "formatted", "unformatted", "formula"),
    [
        (1234567, "1234567", 1234567, 1234567),
        (0.1 + 0.2, "0.3", 0.1 + 0.2, 0.1 + 0.2),
        (1.23457e17, "1.23457E+17", 1.23457e17, 1.23457e17),
        (True, "TRUE", True, True),
        (Formula("=A1"), "=A1", "=A1", "=A1"),
        (None, "", "", ""),
    ],
)
def test_render_options(cell: Any, formatted: object, unformatted: object, formula: object) -> None:
    """Each render option shows a value in its own way."""
    shown = [render(cell, "FORMATTED_VALUE"), render(cell, "UNFORMATTED_VALUE"), render(cell, "FORMULA")]
    assert shown == [formatted, unformatted, formula]


@pytest.mark.parametrize(
    ("kind", "pattern", "value", "shown"),
    [
        ("DATE", "yyyy-mm-dd", 46351, "2026-11-25"),
        ("DATE_TIME", "yyyy-mm-dd hh:mm:ss", 46351.46488426, "2026-11-25 11:09:26"),
        ("NUMBER", "#,##0", 1234.4, "1,234"),
        ("PERCENT", "0%", 0.955, "96%"),
        ("NUMBER", "0.0E+0", 1234, "1234"),
    ],
)
def test_a_columns_format_shows_its_numbers(client: Client, kind: str, pattern: str, value: float, shown: str) -> None:
    """A formatted read shows the number by the format; an unformatted one is the number, unless dates are asked as text."""
    cell = {"userEnteredFormat": {"numberFormat": {"type": kind, "pattern": pattern}}}
    client.batch({"repeatCell": {"range": COLUMN_B, "cell": cell, "fields": "userEnteredFormat"}}, append(("x", value)))
    assert client.read(COLUMN_B) == [[[shown]]]
    assert client.rows() == [["x", value]]
    as_text = client.read(COLUMN_B, valueRenderOption="UNFORMATTED_VALUE", dateTimeRenderOption="FORMATTED_STRING")
    assert as_text == [[[shown if kind.startswith("DATE") else value]]]


# --- quota, failures, state --------------------------------------------------------------------------------


def test_the_quota_is_refilled_every_minute() -> None:
    """Sixty requests pass, the next is refused until a minute after the first."""
    clock = Clock()
    quota = MinuteQuota(60, clock)
    assert [quota.take() for _ in range(61)] == [True] * 60 + [False]
    clock.now += 59.9
    assert not quota.take()
    clock.now += 0.1
    assert quota.take()


def test_the_429_is_googles() -> None:
    """The body names code, status, quota metric and limit as Google's does."""
    error = injected(429, "write", 60).body()["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["message"].startswith(
        "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per user'"
    )
    assert error["details"][0]["metadata"]["quota_limit_value"] == "60"


def test_faults_hit_only_their_kind_and_number_of_calls(client: Client) -> None:
    """Two failures ordered for writes hit two writes and no read."""
    service = client.service
    service.order_faults([Fault.from_json({"calls": 2, "kind": "write", "status": 503})])
    assert service.next_fault("read") is None
    assert [bool(service.next_fault("write")) for _ in range(3)] == [True, True, False]
    assert service.pending_faults() == []


@pytest.mark.parametrize(
    "order",
    [
        {"status": 418},
        {"calls": 0},
        {"kind": "both"},
        {"when": "never"},
        {"delay_ms": -1},
        {"status": 500, "disconnect": True},
        {"typo": 1},
        "500",
    ],
)
def test_orders_that_make_no_sense_are_refused(order: object) -> None:
    """A mistyped order for a failure is an error, not a test that passes for nothing."""
    with pytest.raises(SheetsError):
        Fault.from_json(order)


def test_the_state_file_holds_everything(client: Client, tmp_path: Path) -> None:
    """A spreadsheet with every kind of value, several tabs, named ranges and looks comes back as it was."""
    client.batch(
        append(("Ünïcode \u2028", True, 2.5, 3, ""), ("", "x")),
        {"addSheet": {"properties": {"title": "Two"}}},
        named("one"),
    )
    client.service.edit(lambda book: book.tabs[1].write(0, 0, [[Formula("=1+1")]]))
    path = tmp_path / "deep" / "sheet.json"
    book = client.service.book
    save(path, book)
    again = load(path, "book")
    assert json.loads("".join(again.to_lines())) == json.loads("".join(book.to_lines()))
    assert [tab.rows for tab in again.tabs] == [tab.rows for tab in book.tabs]
    assert again.named_ranges == book.named_ranges
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_state_file_is_left_alone(tmp_path: Path, content: str) -> None:
    """A file that is no state file is named in a plain message and not touched."""
    path = tmp_path / "sheet.json"
    path.write_text(content)
    with pytest.raises(StateFileError, match=r"is damaged or of another program"):
        load(path, "book")
    assert path.read_text() == content


def test_the_state_of_another_spreadsheet_is_not_taken(tmp_path: Path) -> None:
    """A state file of another id is refused with the way out."""
    path = tmp_path / "sheet.json"
    save(path, Spreadsheet("other"))
    with pytest.raises(StateFileError, match="Start with --sheet-id other"):
        load(path, "book")
