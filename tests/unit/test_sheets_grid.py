"""The model of the Sheets stand-in: ranges, values, tables, requests, quota, failures, state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.sheets.a1 import Area, Box, column_index, column_letters, format_range, parse_range
from infra.local.sheets.api import Call, route
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import SheetsError, injected
from infra.local.sheets.grid import Tab
from infra.local.sheets.properties import parse_mask, select
from infra.local.sheets.service import Fault, Limits, MinuteQuota, SheetsService
from infra.local.sheets.store import StateFileError, load, save
from infra.local.sheets.tables import append_rows, find_table
from infra.local.sheets.values import Formula, Moment, parse_typed, read_matrix, render

WHOLE_TAB = Area(0, 0, None, None)


def tab_of(*lines: str) -> Tab:
    """Return a tab drawn as text: a dot is an empty cell, other characters are values."""
    tab = Tab(0, "Sheet1")
    tab.write(0, 0, [[None if mark == "." else mark for mark in line] for line in lines])
    return tab


def drawn(tab: Tab) -> list[str]:
    """Return the tab as `tab_of` draws it, without empty ends."""
    return ["".join("." if cell is None else str(cell) for cell in row) for row in tab.rows]


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

    def __call__(self, verb: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        """Return the JSON answer of one call; `ranges` is split at spaces."""
        found = route(verb, "/v4/spreadsheets/book" + path)
        assert found is not None, path
        method, sheet_id, text = found
        ranges = query.pop("ranges", "").split()
        return self.service.run(method, sheet_id, Call(text, query, ranges, body or {}, "http://stand-in"))

    def batch(self, *requests: dict[str, Any]) -> Any:
        """Return the answer of spreadsheets:batchUpdate."""
        return self("POST", ":batchUpdate", {"requests": list(requests)})

    def values(self, text: str = "Sheet1", **query: str) -> list[list[Any]]:
        """Return the values of a range."""
        found: list[list[Any]] = self("GET", f"/values/{text}", None, **query).get("values", [])
        return found

    def put(self, text: str, values: list[list[Any]], option: str = "RAW", **query: str) -> Any:
        """Return the answer of values.update."""
        return self("PUT", f"/values/{text}", {"values": values}, **{"valueInputOption": option, **query})

    def append(self, text: str, values: list[list[Any]], **query: str) -> Any:
        """Return the answer of values.append, RAW."""
        return self("POST", f"/values/{text}:append", {"values": values}, **{"valueInputOption": "RAW", **query})


@pytest.fixture
def client() -> Client:
    """Return a client of an empty spreadsheet "book" without limits."""
    return Client(SheetsService(Spreadsheet("book"), Limits(0, 0), Clock(), lambda: None))


# --- A1 notation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title", "area"),
    [
        ("Sheet1!A1:B2", "Sheet1", Area(0, 0, 2, 2)),
        ("'Bills 2026'!B3", "Bills 2026", Area(2, 1, 3, 2)),
        ("'Jon''s bills'", "Jon's bills", WHOLE_TAB),
        ("Sheet1!A:C", "Sheet1", Area(0, 0, None, 3)),
        ("Sheet1!2:4", "Sheet1", Area(1, 0, 4, None)),
        ("Sheet1!A5:A", "Sheet1", Area(4, 0, None, 1)),
        ("$B$2:aa10", None, Area(1, 1, 10, 27)),
        ("C3:A1", None, Area(0, 0, 3, 3)),
        ("Bills", "Bills", WHOLE_TAB),
        ("CRM26", None, Area(25, 2508, 26, 2509)),
    ],
)
def test_ranges_are_read(text: str, title: str | None, area: Area) -> None:
    """Every documented form of A1 notation names its tab and area."""
    reference = parse_range(text)
    assert (reference.title, reference.area) == (title, area)


@pytest.mark.parametrize("text", ["", "Sheet1!", "Sheet1!A0", "Sheet1!A1:[5", "Sheet1!A", "'open!A1", "Sheet1!B:3"])
def test_what_is_no_range_is_refused_by_name(text: str) -> None:
    """Text that is no range is answered with Google's sentence and the text."""
    with pytest.raises(SheetsError) as refusal:
        parse_range(text)
    assert (refusal.value.code, refusal.value.message) == (400, f"Unable to parse range: {text}")


@given(st.integers(0, 18_277))
def test_column_letters_and_index_are_inverse(index: int) -> None:
    """A column's letters lead back to the column, from A to ZZZ."""
    assert column_index(column_letters(index)) == index


@given(st.text(min_size=1), st.integers(0, 999), st.integers(0, 25))
def test_written_ranges_can_be_read(title: str, row: int, column: int) -> None:
    """A range as answered, whatever the tab is called, is the same range when a client sends it."""
    reference = parse_range(format_range(title, Box(row, column, row + 2, column + 3)))
    assert (reference.title, reference.area) == (title, Area(row, column, row + 2, column + 3))


# --- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "held"),
    [
        ("=1+1", Formula("=1+1")),
        ("00123", 123),
        ("1,234.50", 1234.5),
        ("-.5", -0.5),
        ("true", True),
        ("3/1/2016", Moment(42430, "3/1/2016")),
        ("1900-01-01", Moment(2, "1900-01-01")),
        ("Mar 1 2016", Moment(42430, "Mar 1 2016")),
        ("'00123", "00123"),
        ("555-0100", "555-0100"),
        ("1,23", "1,23"),
        ("2/30/2016", "2/30/2016"),
        (".", "."),
        ("", None),
    ],
)
def test_typed_text_becomes_a_value(typed: str, held: object) -> None:
    """USER_ENTERED reads formulas, numbers, booleans and dates, and leaves other text alone."""
    assert parse_typed(typed) == held


def test_raw_keeps_text_as_it_is() -> None:
    """RAW keeps what looks like a formula, a number or a date as text, and numbers as numbers."""
    sent = ["=1+1", "00123", "3/1/2016", "'x", 5, 2.5, True]
    assert read_matrix([sent], "RAW", "ROWS") == [sent]


def test_numbers_are_doubles() -> None:
    """A number of more digits than a double holds is rounded, as the API's JSON numbers are."""
    assert read_matrix([[12345678901234567890]], "RAW", "ROWS") == [[12345678901234567168.0]]


@pytest.mark.parametrize(
    ("cell", "formatted", "unformatted", "formula"),
    [
        (1234567, "1234567", 1234567, 1234567),
        (0.1 + 0.2, "0.3", 0.1 + 0.2, 0.1 + 0.2),
        (1.23457e17, "1.23457E+17", 1.23457e17, 1.23457e17),
        (True, "TRUE", True, True),
        (Formula("=A1"), "=A1", "=A1", "=A1"),
        (Moment(42430, "3/1/2016"), "3/1/2016", 42430, 42430),
        (None, "", "", ""),
    ],
)
def test_render_options(cell: Any, formatted: object, unformatted: object, formula: object) -> None:
    """Each render option shows a value in its own way."""
    shown = [render(cell, "FORMATTED_VALUE"), render(cell, "UNFORMATTED_VALUE"), render(cell, "FORMULA")]
    assert shown == [formatted, unformatted, formula]


def test_a_cell_holds_fifty_thousand_characters(client: Client) -> None:
    """50,000 characters fit and one more is refused with Google's sentence."""
    client.put("A1", [["x" * 50_000]])
    with pytest.raises(SheetsError, match="more than the maximum of 50000 characters in a single cell"):
        client.put("A1", [["x" * 50_001]])


# --- tables and append -------------------------------------------------------------------------------------

# The example of https://developers.google.com/workspace/sheets/api/guides/values#append_values
GUIDE = ("xyz", "xyz", "...", ".xy", "..yz", ".xyz")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Sheet1", "B7"),
        ("B4", "B7"),
        ("C5:D5", "B7"),
        ("B2:D4", "B7"),
        ("A3:G10", "B7"),
        ("A1", "A3"),
        ("E4", "E4"),
        ("A4", "A4"),
    ],
)
def test_append_finds_the_table_of_the_guide(text: str, start: str) -> None:
    """Appended values start where the API's guide says they do, for each of its ranges."""
    tab = tab_of(*GUIDE)
    _, box, _ = append_rows(tab, parse_range(text).area, [["n"]], insert_rows=False)
    assert format_range("Sheet1", box) == f"Sheet1!{start}"


def test_append_without_a_range_drifts_right() -> None:
    """With gaps in the last row, the last block of it is the table: the known trap of appending to a tab."""
    tab = tab_of("abc..f.h.j")
    table, box, _ = append_rows(tab, WHOLE_TAB, [["n"]], insert_rows=False)
    assert (table, format_range("Sheet1", box)) == (Box(0, 9, 1, 10), "Sheet1!J2")


def test_a_range_on_an_empty_cell_inside_a_table_finds_it() -> None:
    """A cleared corner cell still belongs to the table around it."""
    assert find_table(tab_of(".bc", "abc"), Box(0, 0, 1, 1)) == Box(0, 0, 2, 3)


def test_tables_end_at_an_empty_column_and_row() -> None:
    """An empty column or row, be it short, parts two tables."""
    tab = tab_of("ab.cd", "ab.cd", ".....", "ab...")
    assert find_table(tab, Box(0, 0, 1, 1)) == Box(0, 0, 2, 2)
    assert find_table(tab, Box(0, 3, 1, 4)) == Box(0, 3, 2, 5)
    assert find_table(tab, Box(5, 0, 6, 1)) is None


def test_a_large_table_is_found_whole() -> None:
    """A table with gaps in every row is found from its first cell to its last row."""
    tab = Tab(0, "Sheet1", row_count=30_000)
    tab.write(0, 0, [["h"] * 16])
    tab.write(1, 0, [["id", None, "c", None, None, "f", *["x"] * 10] for _ in range(20_000)])
    assert find_table(tab, Box(0, 0, 1, 1)) == Box(0, 0, 20_001, 16)


def test_append_overwrites_what_lies_below_unless_rows_are_inserted() -> None:
    """OVERWRITE runs over other data below the table; INSERT_ROWS moves it down, whole rows of it."""
    overwritten, inserted = tab_of("ab", "..", "zz"), tab_of("ab", "..", "zz")
    area = Area(0, 0, 1, 1)
    append_rows(overwritten, area, [["n", "n"], ["n", "n"]], insert_rows=False)
    append_rows(inserted, area, [["n", "n"], ["n", "n"]], insert_rows=True)
    assert drawn(overwritten) == ["ab", "nn", "nn"]
    assert drawn(inserted) == ["ab", "nn", "nn", "", "zz"]
    assert (overwritten.row_count, inserted.row_count) == (1000, 1002)


def test_append_grows_the_grid(client: Client) -> None:
    """Rows and columns are added when the appended values need them, and no more."""
    client.put("A1", [["a"]] * 1000)
    answer = client.append("A1", [["n"] * 30])
    tab = client.service.book.tabs[0]
    assert (tab.row_count, tab.column_count) == (1001, 30)
    assert answer["tableRange"] == "Sheet1!A1:A1000"
    assert answer["updates"] == {
        "spreadsheetId": "book",
        "updatedRange": "Sheet1!A1001:AD1001",
        "updatedRows": 1,
        "updatedColumns": 30,
        "updatedCells": 30,
    }


def test_append_to_an_empty_tab_has_no_table(client: Client) -> None:
    """The first rows start at A1, and the answer names no table."""
    answer = client.append("Sheet1", [["a", "b"]], includeValuesInResponse="true")
    assert "tableRange" not in answer
    assert answer["updates"]["updatedData"] == {
        "range": "Sheet1!A1:B1",
        "majorDimension": "ROWS",
        "values": [["a", "b"]],
    }


# --- values methods ----------------------------------------------------------------------------------------


def test_reads_leave_out_empty_ends(client: Client) -> None:
    """Empty trailing cells and rows are left out, empty ones in between are empty strings."""
    client.put("A1", [["a", "", "c", ""], [""], ["", "b"], [""]])
    answer = client("GET", "/values/Sheet1")
    assert answer["range"] == "Sheet1!A1:Z1000"
    assert answer["values"] == [["a", "", "c"], [], ["", "b"]]
    assert client.values("A1:C3", majorDimension="COLUMNS") == [["a"], ["", "", "b"], ["c"]]
    assert "values" not in client("GET", "/values/D1:F9")


def test_null_keeps_a_cell_and_an_empty_string_empties_it(client: Client) -> None:
    """JSON null is skipped and counted out; the empty string clears."""
    client.put("A1", [["a", "b", "c"]])
    answer = client.put("A1", [[None, "", "C"]])
    assert client.values() == [["a", "", "C"]]
    assert answer["updatedCells"] == 2


def test_columns_are_written_as_columns(client: Client) -> None:
    """The dimension COLUMNS lays the lists out downwards."""
    body = {"values": [["a", "b"], ["c"]], "majorDimension": "COLUMNS"}
    client("PUT", "/values/B2", body, valueInputOption="RAW")
    assert client.values() == [[], ["", "a", "c"], ["", "b"]]


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        (
            "A1:B2",
            [["a", "b", "c"]],
            "Requested writing within range [Sheet1!A1:B2], but tried writing to column [C]",
        ),
        ("A1:B2", [["a"]] * 3, "Requested writing within range [Sheet1!A1:B2], but tried writing to row [3]"),
        ("Z1", [["a", "b"]], "Range (Sheet1!Z1:AA1) exceeds grid limits. Max rows: 1000, max columns: 26"),
        (
            "Sheet1!A1001",
            [["a"]],
            "Range (Sheet1!A1001) exceeds grid limits. Max rows: 1000, max columns: 26",
        ),
        ("Nope!A1", [["a"]], "Unable to parse range: Nope!A1"),
    ],
)
def test_writes_stay_inside_their_range_and_the_grid(
    client: Client, text: str, values: list[list[str]], message: str
) -> None:
    """values.update never grows the grid nor leaves its range, and says so in Google's words."""
    with pytest.raises(SheetsError) as refusal:
        client.put(text, values)
    assert (refusal.value.code, refusal.value.message) == (400, message)


def test_a_batch_of_values_is_written_wholly_or_not_at_all(client: Client) -> None:
    """One bad range among many leaves the spreadsheet, and its revision, as they were."""
    data = [{"range": "A1", "values": [["a"]]}, {"range": "Z9", "values": [["b", "c"]]}]
    with pytest.raises(SheetsError):
        client("POST", "/values:batchUpdate", {"valueInputOption": "RAW", "data": data})
    assert client.values() == []
    assert client.service.book.revision == 0
    data[1]["values"] = [["b"]]
    answer = client("POST", "/values:batchUpdate", {"valueInputOption": "RAW", "data": data})
    assert (answer["totalUpdatedCells"], answer["totalUpdatedSheets"], len(answer["responses"])) == (2, 1, 2)


def test_clear_empties_the_part_that_lies_on_the_grid(client: Client) -> None:
    """values.clear and batchClear name the cleared ranges and leave the rest."""
    client.put("A1", [["a", "b", "c"]] * 3)
    assert client("POST", "/values/B1:B2:clear") == {"spreadsheetId": "book", "clearedRange": "Sheet1!B1:B2"}
    cleared = client("POST", "/values:batchClear", {"ranges": ["A3:Z3000", "C1"]})
    assert cleared["clearedRanges"] == ["Sheet1!A3:Z1000", "Sheet1!C1"]
    assert client.values() == [["a"], ["a", "", "c"]]


@pytest.mark.parametrize("values", ["text", [["a"], "b"], [[{"a": 1}]], [[["a"]]]])
def test_values_must_be_lists_of_scalars(client: Client, values: Any) -> None:
    """Anything but a list of lists of strings, numbers and booleans is a 400 that names the place."""
    with pytest.raises(SheetsError) as refusal:
        client.put("A1", values)
    assert refusal.value.code == 400
    assert "values" in refusal.value.message


def test_an_input_option_is_required(client: Client) -> None:
    """A write without valueInputOption, or with an unknown one, is refused."""
    with pytest.raises(SheetsError, match="'valueInputOption' is required but not specified"):
        client("PUT", "/values/A1", {"values": [["a"]]})
    with pytest.raises(SheetsError, match="Invalid value at 'value_input_option'"):
        client.put("A1", [["a"]], "USER_ENTER")


# --- batchUpdate -------------------------------------------------------------------------------------------


def span(dimension: str, start: int, end: int) -> dict[str, Any]:
    """Return a DimensionRange of the first tab."""
    return {"sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end}


def test_rows_and_columns_are_inserted_moved_and_deleted(client: Client) -> None:
    """Dimension requests move cells as they do in a sheet, and change the size of the grid."""
    client.put("A1", [list("abc"), list("def"), list("ghi")])
    client.batch({"insertDimension": {"range": span("COLUMNS", 1, 2)}})
    assert client.values() == [["a", "", "b", "c"], ["d", "", "e", "f"], ["g", "", "h", "i"]]
    client.batch({"moveDimension": {"source": span("COLUMNS", 0, 1), "destinationIndex": 4}})
    assert client.values() == [["", "b", "c", "a"], ["", "e", "f", "d"], ["", "h", "i", "g"]]
    client.batch(
        {"deleteDimension": {"range": span("COLUMNS", 0, 1)}},
        {"deleteDimension": {"range": span("ROWS", 1, 2)}},
        {"moveDimension": {"source": span("ROWS", 1, 2), "destinationIndex": 0}},
        {"insertDimension": {"range": span("ROWS", 1, 3)}},
    )
    assert client.values() == [list("hig"), [], [], list("bca")]
    tab = client.service.book.tabs[0]
    assert (tab.row_count, tab.column_count) == (1001, 26)


def test_sort_puts_numbers_before_text_and_empty_cells_last() -> None:
    """Sorting is stable, knows several keys, and leaves empty cells at the end in both orders."""
    tab = Tab(0, "Sheet1")
    tab.write(0, 0, [["head", "x"], ["b", 1], [None, 2], [10, 3], ["A", 4], [9, 5], ["b", 0]])
    below = Box(1, 0, 1000, 26)
    tab.sort(below, [(0, False), (1, False)])
    assert [row[0] for row in tab.rows] == ["head", 9, 10, "A", "b", "b", None]
    assert [row[1] for row in tab.rows] == ["x", 5, 3, 4, 0, 1, 2]
    tab.sort(below, [(0, True)])
    assert [row[1] for row in tab.rows] == ["x", 0, 1, 4, 3, 5, 2]


def test_tabs_are_added_renamed_resized_moved_and_deleted(client: Client) -> None:
    """The requests behind gspread's add_worksheet, update_title, resize, reorder and del_worksheet work."""
    properties = {"title": "Bills", "gridProperties": {"rowCount": 5, "columnCount": 3}}
    added = client.batch({"addSheet": {"properties": properties}})["replies"][0]["addSheet"]["properties"]
    gid = added["sheetId"]
    assert (added["title"], added["index"]) == ("Bills", 1)
    update = {
        "sheetId": gid,
        "title": "Ledger",
        "index": 0,
        "gridProperties": {"rowCount": 2, "frozenRowCount": 1},
    }
    fields = "title,index,gridProperties/rowCount,gridProperties.frozenRowCount"
    client.batch({"updateSheetProperties": {"properties": update, "fields": fields}})
    sheets = client("GET", "", fields="sheets.properties(title,gridProperties)")["sheets"]
    assert sheets[0]["properties"] == {
        "title": "Ledger",
        "gridProperties": {"rowCount": 2, "columnCount": 3, "frozenRowCount": 1},
    }
    client.batch({"deleteSheet": {"sheetId": gid}})
    assert [tab.title for tab in client.service.book.tabs] == ["Sheet1"]


def test_shrinking_the_grid_loses_what_lay_beyond(client: Client) -> None:
    """Cells outside of a smaller grid are gone, also after it grows again."""
    client.put("A1", [list("abc")] * 3)
    for rows, columns in ((2, 2), (9, 9)):
        size = {"sheetId": 0, "gridProperties": {"rowCount": rows, "columnCount": columns}}
        client.batch({"updateSheetProperties": {"properties": size, "fields": "gridProperties"}})
    assert client.values() == [["a", "b"], ["a", "b"]]


def test_cells_are_written_by_cell_requests(client: Client) -> None:
    """appendCells, updateCells and repeatCell set values; with other fields they only keep the looks."""
    row = {"values": [{"userEnteredValue": {"stringValue": "=x"}}, {"userEnteredValue": {"numberValue": 2}}]}
    formula = {"userEnteredValue": {"formulaValue": "=A1"}}
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    one = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 2}
    client.batch(
        {"appendCells": {"sheetId": 0, "rows": [row], "fields": "userEnteredValue"}},
        {
            "updateCells": {
                "start": {"rowIndex": 1, "columnIndex": 1},
                "rows": [{"values": [formula]}],
                "fields": "*",
            }
        },
        {
            "repeatCell": {
                "range": {**one, "startRowIndex": 2, "endRowIndex": 4},
                "cell": formula,
                "fields": "*",
            }
        },
        {"repeatCell": {"range": one, "cell": bold, "fields": "userEnteredFormat"}},
        {"updateCells": {"range": one, "rows": [{"values": [{"note": "n"}]}], "fields": "note"}},
    )
    assert client.values(valueRenderOption="FORMULA") == [
        ["=x", 2],
        ["", "=A1"],
        ["=A1", "=A1"],
        ["=A1", "=A1"],
    ]
    assert [next(iter(kept)) for kept in client.service.book.tabs[0].formatting] == [
        "repeatCell",
        "updateCells",
    ]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (
            {"makeCoffee": {}},
            400,
            "Invalid JSON payload received. Unknown name \"makeCoffee\" at 'requests[0]': Cannot find field.",
        ),
        ({"deleteSheet": {"sheetId": 0}}, 400, "You can't remove all the sheets in a document."),
        ({"deleteSheet": {"sheetId": 7}}, 400, "Invalid requests[0].deleteSheet: No grid with id: 7"),
        (
            {"addSheet": {"properties": {"title": "Sheet1"}}},
            400,
            'A sheet with the name "Sheet1" already exists.',
        ),
        (
            {"deleteDimension": {"range": span("ROWS", 0, 1000)}},
            400,
            "You can't delete all the rows on the sheet.",
        ),
        ({"deleteDimension": {"range": span("ROWS", 1000, 1001)}}, 400, "Tried to delete row index 1000"),
        (
            {"insertDimension": {"range": span("ROWS", 1000, 1001)}},
            400,
            "must be less than the grid size (1000)",
        ),
        (
            {"addSheet": {"properties": {"gridProperties": {"rowCount": 999_999}}}},
            400,
            "limit of 10000000 cells",
        ),
        ({"sortRange": {"range": {"sheetId": 0}, "sortSpecs": [{"dimensionIndex": 99}]}}, 400, "column 99"),
        ({"insertDimension": "all"}, 400, "an object is expected"),
        ({}, 400, "No request set."),
        ({"mergeCells": {"range": {}}}, 501, "does not carry out mergeCells"),
    ],
)
def test_bad_requests_change_nothing(client: Client, request_: dict[str, Any], code: int, message: str) -> None:
    """A batch with one bad request is refused whole, with the place and the reason."""
    good = {"updateSpreadsheetProperties": {"properties": {"title": "changed"}, "fields": "title"}}
    with pytest.raises(SheetsError) as refusal:
        client.batch(request_, good)
    assert refusal.value.code == code
    assert message in refusal.value.message
    assert client.service.book.title != "changed"


def test_formatting_is_kept_and_the_filter_shown(client: Client) -> None:
    """Requests for looks are accepted and kept, and the basic filter is among the properties."""
    rule = {"ranges": [{"sheetId": 0, "endRowIndex": 9}], "booleanRule": {}}
    client.batch(
        {"addConditionalFormatRule": {"rule": rule, "index": 0}},
        {"autoResizeDimensions": {"dimensions": span("COLUMNS", 0, 3)}},
        {"setBasicFilter": {"filter": {"range": {"sheetId": 0}}}},
    )
    assert len(client.service.book.tabs[0].formatting) == 3
    assert client("GET", "")["sheets"][0]["basicFilter"] == {"range": {"sheetId": 0}}


def test_an_unknown_spreadsheet_is_not_found(client: Client) -> None:
    """Another id is Google's 404, body and all."""
    found = route("GET", "/v4/spreadsheets/other")
    assert found is not None
    with pytest.raises(SheetsError) as refusal:
        client.service.run(found[0], found[1], Call("", {}, [], {}, ""))
    error = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    assert refusal.value.body() == {"error": error}


@pytest.mark.parametrize(
    ("mask", "selected"),
    [
        ("a", {"a": {"b": 1, "c": 2}}),
        ("a/b,d.e", {"a": {"b": 1}, "d": [{"e": 3}, {}]}),
        ("a(b,c),nothing", {"a": {"b": 1, "c": 2}}),
        ("*", {"a": {"b": 1, "c": 2}, "d": [{"e": 3}, {"f": 4}]}),
    ],
)
def test_field_masks_select(mask: str, selected: object) -> None:
    """A field mask keeps what it names, in objects and lists."""
    assert select({"a": {"b": 1, "c": 2}, "d": [{"e": 3}, {"f": 4}]}, parse_mask(mask)) == selected


@pytest.mark.parametrize("mask", ["a(b", "a)", "(a)", "a/", "a,,b", "a b c;"])
def test_broken_field_masks_are_refused(mask: str) -> None:
    """A mask that cannot be read is a 400."""
    with pytest.raises(SheetsError) as refusal:
        parse_mask(mask)
    assert refusal.value.code == 400


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


def test_no_quota_when_zero() -> None:
    """A limit of 0 means none."""
    quota = MinuteQuota(0, Clock())
    assert all(quota.take() for _ in range(200))


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
        {"when": "later"},
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
    """A spreadsheet with every kind of value, several tabs and properties comes back as it was."""
    client.put("A1", [["=1+1", "3/1/2016", "Ünïcode \u2028", True, 2.5, 3, ""], [None, "x"]], "USER_ENTERED")
    client.batch(
        {"addSheet": {"properties": {"title": "Two"}}},
        {"updateSheetProperties": {"properties": {"sheetId": 0, "hidden": True}, "fields": "hidden"}},
        {"setBasicFilter": {"filter": {}}},
    )
    path = tmp_path / "deep" / "sheet.json"
    book = client.service.book
    save(path, book)
    again = load(path, "book")
    assert json.loads("".join(again.to_lines())) == json.loads("".join(book.to_lines()))
    assert [tab.rows for tab in again.tabs] == [tab.rows for tab in book.tabs]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 9}'])
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


# --- formats, notes, find and replace --------------------------------------------------------------------------------------


def form(client: Client, column: int, kind: str, pattern: str) -> None:
    """Give a whole column a number format."""
    cell = {"userEnteredFormat": {"numberFormat": {"type": kind, "pattern": pattern}}}
    place = {"sheetId": 0, "startColumnIndex": column, "endColumnIndex": column + 1}
    client.batch({"repeatCell": {"range": place, "cell": cell, "fields": "userEnteredFormat(numberFormat)"}})


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
    form(client, 1, kind, pattern)
    client.put("A1", [["x", value]])
    assert client.values()[0] == ["x", shown]
    assert client.values(valueRenderOption="UNFORMATTED_VALUE")[0] == ["x", value]
    as_text = client.values(valueRenderOption="UNFORMATTED_VALUE", dateTimeRenderOption="FORMATTED_STRING")[0][1]
    assert as_text == (shown if kind.startswith("DATE") else value)


def test_formats_and_notes_stay_with_their_columns(client: Client, tmp_path: Path) -> None:
    """Inserting, moving and deleting columns takes them along, a new column is like its neighbour, and a file keeps all."""
    form(client, 1, "DATE", "yyyy-mm-dd")
    cell = {"userEnteredValue": {"stringValue": "When"}, "note": "a day"}
    start = {"sheetId": 0, "rowIndex": 0, "columnIndex": 1}
    client.batch({"updateCells": {"start": start, "rows": [{"values": [cell]}], "fields": "userEnteredValue,note"}})
    span = {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1}
    client.batch({"insertDimension": {"range": span}})
    tab = client.service.book.tabs[0]
    assert [(looks.type, looks.note) for looks in tab.looks] == [("", ""), ("", ""), ("DATE", "a day")]
    after = {**span, "startIndex": 3, "endIndex": 4}
    client.batch({"insertDimension": {"range": after, "inheritFromBefore": True}})
    assert [looks.note for looks in client.service.book.tabs[0].looks] == ["", "", "a day", ""]
    assert client.service.book.tabs[0].looks_of(3).type == "DATE"
    source = {**span, "startIndex": 2, "endIndex": 3}
    client.batch({"moveDimension": {"source": source, "destinationIndex": 0}})
    client.batch({"deleteDimension": {"range": {**span, "startIndex": 1, "endIndex": 2}}})
    book = client.service.book
    assert book.tabs[0].looks_of(0).note == "a day"
    save(tmp_path / "state.json", book)
    assert load(tmp_path / "state.json", "book").tabs[0].looks == book.tabs[0].looks


def test_notes_below_the_first_row_are_not_carried_out(client: Client) -> None:
    """Rather a 501 than a note that is lost."""
    start = {"sheetId": 0, "rowIndex": 1, "columnIndex": 0}
    request_ = {
        "updateCells": {"start": start, "rows": [{"values": [{"note": "x"}]}], "fields": "userEnteredValue,note"}
    }
    with pytest.raises(SheetsError) as refusal:
        client.batch(request_)
    assert refusal.value.code == 501


@pytest.mark.parametrize(
    ("options", "after", "reply"),
    [
        (
            {"find": "ab", "matchCase": True, "matchEntireCell": True, "sheetId": 0},
            [["X", "abc", "AB"], ["=ab", "X"]],
            {"valuesChanged": 2, "rowsChanged": 2, "sheetsChanged": 1, "occurrencesChanged": 2},
        ),
        (
            {"find": "AB", "matchEntireCell": True, "sheetId": 0},
            [["X", "abc", "X"], ["=ab", "X"]],
            {"valuesChanged": 3, "rowsChanged": 2, "sheetsChanged": 1, "occurrencesChanged": 3},
        ),
        (
            {"find": "b", "matchCase": True, "range": {"sheetId": 0, "endRowIndex": 1}},
            [["aX", "aXc", "AB"], ["=ab", "ab"]],
            {"valuesChanged": 2, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 2},
        ),
        ({"find": "nothing", "allSheets": True}, [["ab", "abc", "AB"], ["=ab", "ab"]], {}),
    ],
)
def test_find_and_replace(
    client: Client, options: dict[str, Any], after: list[list[str]], reply: dict[str, int]
) -> None:
    """Cells are exchanged by what they hold; formulas are left alone unless asked for."""
    client.put("A1", [["ab", "abc", "AB"], ["=ab", "ab"]], "USER_ENTERED")
    answer = client.batch({"findReplace": {"replacement": "X", **options}})
    assert answer["replies"] == [{"findReplace": reply}]
    assert client.values() == after


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"find": "a", "replacement": "b"}, 400),
        ({"find": "a", "sheetId": 0, "allSheets": True}, 400),
        ({"find": "", "sheetId": 0}, 400),
        ({"find": "a+", "searchByRegex": True, "sheetId": 0}, 501),
        ({"find": "a", "sheetId": 99}, 400),
    ],
)
def test_find_and_replace_that_is_refused(client: Client, request_: dict[str, Any], code: int) -> None:
    """A scope that is missing, doubled or unknown, nothing to find, and what is not carried out."""
    with pytest.raises(SheetsError) as refusal:
        client.batch({"findReplace": request_})
    assert refusal.value.code == code
