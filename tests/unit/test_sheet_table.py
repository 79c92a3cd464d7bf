"""The table in a Sheet that people work in: columns and rows go where they like, nothing is lost and nothing is doubled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from intake.cloud.sheets.client import reason
from intake.cloud.sheets.table import SheetTable
from intake.errors import RowsRefused, SheetBlocked, SheetMoved, SheetUnavailable
from intake.model import Intake
from intake.rows import COPY_COLUMN, Cell, columns, copy_mark, row_of

from infra.local.sheets.book import MAX_CELLS
from tests.support.fakes import INTAKE_ID, Clock, an_intake
from tests.support.office_sheet import OfficeSheet

IDS = [f"{number:032x}" for number in range(1, 6)]
NAMES = [column.name for column in columns(copies=True)]


def intake(intake_id: str = INTAKE_ID, **form: str) -> Intake:
    made = an_intake(intake_id)
    found = {"kwh": {"value": int(intake_id[-1], 16) * 100, "confidence": 0.9, "page": 1}}
    return replace(made, form={**made.form, **form}, reading={"fields": found, "diagnostics": {}}, file_pages=(1,))


def row(intake_id: str = INTAKE_ID, **form: str) -> dict[str, Cell]:
    return row_of(intake(intake_id, **form), "https://x/", "bills", copies=True)


def put(table: SheetTable, rows: list[dict[str, Cell]]) -> None:
    """Write rows as `record` does: looking first where that is needed, and again when somebody else came in between."""
    missing = {str(row["Intake ID"]): row for row in rows}
    for _ in range(4):
        try:
            if not table.held:
                missing = {key: row for key, row in missing.items() if key not in table.find_rows(missing)}
            assert table.append(list(missing.values())) == set(missing) if missing else True
        except SheetMoved:
            continue
        return
    raise SheetMoved


def found_by(table: SheetTable, *ids: str) -> set[str]:
    """Return which of some rows a process finds."""
    return table.find_rows({each: row(each) for each in ids})


@pytest.fixture
def sheet() -> OfficeSheet:
    return OfficeSheet()


def filled(cells: dict[str, Cell]) -> dict[str, Cell]:
    """Return the cells of a row that hold something."""
    return {name: cell for name, cell in cells.items() if cell != ""}


def found(sheet: OfficeSheet, intake_id: str) -> dict[str, Any]:
    """Return the one row of an intake, without empty cells and without what is the office's own."""
    rows = [row for row in sheet.rows() if intake_id in row.values()]
    assert len(rows) == 1
    return {name: cell for name, cell in rows[0].items() if cell is not None and name in NAMES}


# --- a new Sheet ----------------------------------------------------------------------------------------------------------


def test_a_new_sheet_is_dressed_in_one_write(sheet: OfficeSheet) -> None:
    """Header, frozen row, filter, widths, formats and highlights come with the tab, in the same step."""
    put(sheet.table(), [row()])
    assert sheet.wire.calls["spreadsheets.batchUpdate"] == 2  # the tab with the token, and the row
    tab = sheet.tab("Intakes")
    assert sheet.header() == NAMES
    assert tab.grid_looks["frozenRowCount"] == 1
    kinds = [kind for request in tab.formatting for kind in request]
    assert kinds.count("setBasicFilter") == 1
    assert kinds.count("updateDimensionProperties") == len(NAMES)
    assert {tab.looks_of(NAMES.index(name)).type for name in ("Account Number", "PoD ID", "Phone")} == {"TEXT"}
    assert tab.looks_of(NAMES.index("Submitted")).type == "DATE_TIME"
    assert tab.looks_of(NAMES.index("Period Start")).type == "DATE"
    assert tab.looks_of(NAMES.index("kWh")).type == "NUMBER"
    rules = [
        request["addConditionalFormatRule"]["rule"] for request in tab.formatting if "addConditional" in str(request)
    ]
    attention = NAMES.index("Attention")
    assert any(
        rule["booleanRule"]["condition"]["type"] == "NOT_BLANK"
        and rule["ranges"][0]["startColumnIndex"] == attention
        and rule["ranges"][0]["endColumnIndex"] == attention + 1
        for rule in rules
    )


def test_an_old_sheet_is_not_dressed_again(sheet: OfficeSheet) -> None:
    """What the office has made of the looks stays."""
    put(sheet.table(), [row(IDS[0])])
    looks = list(sheet.tab("Intakes").formatting)
    put(sheet.table(), [row(IDS[1])])
    assert sheet.tab("Intakes").formatting == looks


def test_an_empty_tab_of_the_offices_own_is_dressed(sheet: OfficeSheet) -> None:
    """A tab of the right title that somebody made by hand gets header and looks."""
    sheet.edit({"addSheet": {"properties": {"title": "Intakes"}}})
    put(sheet.table(), [row()])
    assert sheet.header() == NAMES
    assert sheet.tab("Intakes").grid_looks["frozenRowCount"] == 1


def test_the_row_is_read_back_as_people_see_it(sheet: OfficeSheet) -> None:
    """Numbers come back as numbers and dates as dates, not as day numbers."""
    table = sheet.table()
    put(table, [row()])
    back = table.find(INTAKE_ID)
    assert back is not None
    assert (back["Submitted"], back["kWh"], back["Pages"]) == ("2026-03-14 11:09:26", 1500, 1)


def test_office_columns_say_that_they_are_the_offices(sheet: OfficeSheet) -> None:
    """The head of a column that may be corrected has a note."""
    put(sheet.table(office_columns=("kWh",)), [row()])
    tab = sheet.tab("Intakes")
    assert "can correct this column by hand" in tab.looks_of(NAMES.index("kWh")).note
    assert tab.looks_of(NAMES.index("Phone")).note == ""


# --- people at work -------------------------------------------------------------------------------------------------------


def test_a_renamed_column_is_added_again_with_a_note(sheet: OfficeSheet) -> None:
    """The office renames one of ours: its values stay, new ones get a new column, and a note says why."""
    put(sheet.table(), [row(IDS[0])])
    sheet.type_in("Intakes", 0, NAMES.index("kWh"), "Monthly use")
    put(sheet.table(), [row(IDS[1])])
    first, second = sheet.rows()
    assert first["Monthly use"] == 100
    assert (second["Monthly use"], second["kWh"]) == (None, 200)
    tab = sheet.tab("Intakes")
    assert sheet.header() == [*(name if name != "kWh" else "Monthly use" for name in NAMES), "kWh"]
    assert "If you renamed the old one" in tab.looks_of(len(NAMES)).note
    assert tab.looks_of(len(NAMES)).type == "NUMBER"


def test_a_link_the_office_wrote_itself_stays(sheet: OfficeSheet) -> None:
    """A cell that the office has taken into its own hands is not written over."""
    table = sheet.table()
    put(table, [row(IDS[0])])
    sheet.type_in("Intakes", 1, NAMES.index(COPY_COLUMN), "see the other folder")
    assert table.fill_in(COPY_COLUMN, {copy_mark(IDS[0]): "https://drive/one"}) == 0
    assert found(sheet, IDS[0])[COPY_COLUMN] == "see the other folder"


def test_an_office_column_is_never_written_later(sheet: OfficeSheet) -> None:
    """A column that the settings give to the office is written with the row and not again."""
    table = sheet.table(office_columns=(COPY_COLUMN,))
    put(table, [row(IDS[0])])
    assert table.fill_in(COPY_COLUMN, {copy_mark(IDS[0]): "https://drive/one"}) == 0
    assert found(sheet, IDS[0])[COPY_COLUMN] == copy_mark(IDS[0])


# --- while a row is being written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 5, NAMES.index("kWh"), len(NAMES) - 1])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_column_is_renamed_and_another_inserted_during_a_flush(sheet: OfficeSheet, when: str, place: int) -> None:
    """What belongs to a column that lost its name in that moment goes to the one that is added for it: no cell is lost."""

    def edit() -> None:
        sheet.type_in("Intakes", 0, NAMES.index("kWh"), "Monthly use")
        sheet.insert_column("Intakes", place)

    table = sheet.table()
    put(table, [row(IDS[0])])
    getattr(sheet.wire, when)["spreadsheets.batchUpdate"] = edit
    put(table, [row(IDS[1]), row(IDS[2])])
    shown = {each: next(line for line in sheet.rows() if each in line.values()) for each in IDS[:3]}
    assert shown[IDS[0]]["Monthly use"] == row(IDS[0])["kWh"]
    for each in IDS[1:3]:
        uses = [shown[each].get("kWh"), shown[each]["Monthly use"]]
        assert row(each)["kWh"] in uses
        rest = {name: cell for name, cell in found(sheet, each).items() if name != "kWh"}
        assert rest == {name: cell for name, cell in filled(row(each)).items() if name != "kWh"}


def test_columns_that_never_rest(sheet: OfficeSheet) -> None:
    """When columns change faster than rows can be put right, the flush fails and is looked at again."""
    table = sheet.table()
    put(table, [row(IDS[0])])

    def again() -> None:
        sheet.insert_column("Intakes", 1)
        sheet.wire.before["spreadsheets.batchUpdate"] = again

    sheet.wire.before["spreadsheets.batchUpdate"] = again
    with pytest.raises(SheetUnavailable, match="Somebody else changed"):
        put(table, [row(IDS[1])])
    del sheet.wire.before["spreadsheets.batchUpdate"]
    assert found_by(sheet.table(), *IDS) >= {IDS[0]}


def test_one_read_a_write_when_rows_come_all_the_time() -> None:
    """Writing without a break reads the header once a write; after a rest it is read before and after."""
    clock = Clock()
    sheet = OfficeSheet(clock.monotonic)
    table = sheet.table()
    put(table, [row(IDS[0])])
    sheet.wire.calls.clear()
    for each in IDS[1:]:
        clock.sleep(1.1)
        put(table, [row(each)])
    assert (sheet.wire.calls["read"], sheet.wire.calls["write"]) == (4, 4)
    clock.sleep(10)
    put(table, [row(INTAKE_ID)])
    assert (sheet.wire.calls["read"], sheet.wire.calls["write"]) == (6, 5)


# --- what the office does to whole tabs ---------------------------------------------------------------------------------


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def ids_in(sheet: OfficeSheet, title: str) -> list[str]:
    """Return the ids of a tab's rows, in their order."""
    return [str(cell) for cells in sheet.tab(title).rows for cell in cells if cell in IDS]


def test_a_tab_is_archived_and_a_new_one_begun() -> None:
    """What is called Intakes gets the rows, formatted when it is empty; links still find their rows in the old one."""
    clock = Clock()
    sheet = OfficeSheet(clock.monotonic)
    table = sheet.table()
    put(table, [row(IDS[0])])
    archive = {"sheetId": sheet.tab("Intakes").sheet_id, "title": "Intakes 2026"}
    sheet.edit({"updateSheetProperties": {"properties": archive, "fields": "title"}})
    sheet.edit({"addSheet": {"properties": {"title": "Intakes"}}})
    before = list(sheet.tab("Intakes 2026").rows)
    clock.sleep(3)
    for each in IDS[1:4]:
        put(table, [row(each)])
    assert sheet.tab("Intakes 2026").rows == before
    assert sheet.header() == NAMES
    assert ids_in(sheet, "Intakes") == IDS[1:4]
    assert table.fill_in(COPY_COLUMN, {copy_mark(IDS[0]): "https://drive/one"}) == 1
    assert found_by(sheet.table(), *IDS) == set(IDS[:4])


@pytest.mark.parametrize("head", ["deleted", "renamed"])
def test_a_tab_without_a_head_is_left_alone(sheet: OfficeSheet, head: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Another tab is begun beside it, and somebody is told; once the head is back rows go on in the first one."""
    put(sheet.table(), [row(IDS[0]), row(IDS[1])])
    if head == "deleted":
        sheet.delete_row("Intakes", 0)
    else:
        sheet.type_in("Intakes", 0, 0, "Number")
    before = list(sheet.tab("Intakes").rows)
    for each in IDS[2:4]:
        put(sheet.table(), [row(each)])
    assert sheet.tab("Intakes").rows == before
    assert ids_in(sheet, "Intakes (2)") == IDS[2:4]
    assert said(capsys).count('"message": "the Sheet needs attention"') == 1
    assert found_by(sheet.table(), *IDS) == set(IDS[:4])
    if head == "renamed":
        sheet.type_in("Intakes", 0, 0, "Intake ID")
        put(sheet.table(), [row(IDS[4])])
        assert ids_in(sheet, "Intakes") == [*IDS[:2], IDS[4]]


@pytest.mark.parametrize("appends", ["lost", "top"])
def test_rows_under_a_filter(sheet: OfficeSheet, appends: str) -> None:
    """A row that is not there afterwards does not count; one that stands elsewhere is found."""
    table = sheet.table()
    put(table, [row(IDS[0])])
    book = sheet.wire.service.book
    book.tabs[1].filtered, book.filtered_appends = True, appends
    table.find_rows({IDS[1]: row(IDS[1])})
    assert table.append([row(IDS[1])]) == (set() if appends == "lost" else {IDS[1]})


def test_a_row_that_came_to_stand_above_the_head(sheet: OfficeSheet) -> None:
    """Under a title and a filter a row may come to stand between them and the head: it is seen, and not written again."""
    put(sheet.table(), [row(IDS[0])])
    span = {"sheetId": sheet.tab("Intakes").sheet_id, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}
    sheet.edit({"insertDimension": {"range": span}})
    book = sheet.wire.service.book
    book.titled("Intakes").filtered, book.filtered_appends = True, "top"  # type: ignore[union-attr]
    table = sheet.table()
    table.find_rows({IDS[1]: row(IDS[1])})
    assert table.append([row(IDS[1])]) == {IDS[1]}
    assert sheet.table().find_rows({IDS[1]: row(IDS[1])}) == {IDS[1]}


@pytest.mark.parametrize(
    ("trouble", "what"),
    [("protected", "A range of the Sheet is protected"), ("full", "The Sheet is full: move older tabs")],
)
def test_a_sheet_that_takes_nothing(sheet: OfficeSheet, trouble: str, what: str) -> None:
    """Google's own words stand behind what to do; nothing of a row does."""
    table = sheet.table()
    put(table, [row(IDS[0])])
    tab = sheet.wire.service.book.titled("Intakes")
    assert tab is not None
    if trouble == "protected":
        tab.protected = True
    else:
        for each in sheet.wire.service.book.tabs:
            each.row_count = 2 if each is tab else (MAX_CELLS - 2 * tab.column_count) // each.column_count
    with pytest.raises(SheetBlocked, match=what) as refusal:
        put(table, [row(IDS[1])])
    assert "Google answered 400: " in refusal.value.message
    assert table.held


def test_a_row_too_long_for_google(sheet: OfficeSheet) -> None:
    """It is told from everything else, and the token stays ours."""
    table = sheet.table()
    put(table, [row(IDS[0])])
    with pytest.raises(RowsRefused, match="maximum of 50000 characters in a single cell"):
        table.append([{**row(IDS[1]), "Attention": "x" * 50_001}])
    put(table, [row(IDS[2])])
    assert ids_in(sheet, "Intakes") == [IDS[0], IDS[2]]


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("Invalid value at 'requests[0].x' (TYPE_STRING), \"Robin Example\"", "Invalid value at …"),
        ("Cell 12345678901 of robin@example.com: https://x/y", "Cell … of …: …"),
        ("Invalid requests[1].appendCells: Deadline exceeded.", "Invalid requests[1].appendCells: Deadline exceeded."),
    ],
)
def test_googles_reason_is_kept_without_values(message: str, kept: str) -> None:
    """What may be a value of a cell is left out."""
    assert reason(message).startswith(kept)
    assert not any(value in reason(message) for value in ("Robin", "12345678901", "robin@", "https"))
