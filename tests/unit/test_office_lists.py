"""The office's lists: made once, taken over whole or not at all, and what `submit` makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from intake.cloud.sheets.office_tabs import OfficeTabs
from intake.errors import TemporaryError
from intake.form import UTILITIES
from intake.office import tabs
from intake.office.list_sync import ListSync
from intake.office.lists import Agent, Agents, Developer, Options
from intake.office.office_lists import INACTIVE_AGENT, KEPT_S, UNKNOWN_AGENT, OfficeLists
from intake.office.tabs import MAX_ROWS, BadTab

from tests.support.fakes import ANSWERS, Clock, OfficeDocuments
from tests.support.office_sheet import OfficeSheet

SAM = Agent("AG-017", "Sam Example", "sam@example.com", True)
KIM = Agent("AG-018", "Kim Example", "", False)


class Office:
    """A Sheet, what was taken over from it, and the sweep that takes it over."""

    def __init__(self) -> None:
        self.sheet = OfficeSheet()
        self.documents = OfficeDocuments()
        self.list_sync = self.process()

    def process(self) -> ListSync:
        """Return the stage in a new process."""
        return ListSync(OfficeTabs(self.sheet.book()), self.documents)  # type: ignore[arg-type]

    def write(self, title: str, *lines: list[str], start: int = 1) -> None:
        """Let the office type lines into a tab."""
        for row, line in enumerate(lines, start):
            for column, text in enumerate(line):
                self.sheet.type_in(title, row, column, text)

    def note(self, title: str) -> object:
        """Return what a tab says of itself."""
        header = [*self.sheet.header(title), None]
        return header[header.index("Notes") + 1]


@pytest.fixture
def office() -> Office:
    made = Office()
    made.list_sync.sync()
    return made


# --- the tabs -------------------------------------------------------------------------------------------------------------


def test_missing_tabs_are_made_with_a_first_set(office: Office) -> None:
    """Three tabs with heads; the utilities are those that the form knows anyway."""
    assert [tab.title for tab in office.sheet.wire.service.book.tabs] == ["Sheet1", "Utilities", "Developers", "Agents"]
    assert [row["Name"] for row in office.sheet.rows("Utilities")] == list(UTILITIES)
    assert office.sheet.header("Developers") == ["Developer", "Utility", "Active", "Notes"]
    assert office.sheet.header("Agents") == ["ID", "Name", "Email", "Active", "Notes"]
    assert office.documents.offered == Options()
    assert office.documents.listed == Agents()


def test_tabs_are_never_written_over(office: Office) -> None:
    """Another process, and one after a tab was renamed, find the tabs that there are."""
    office.write("Utilities", ["Hudson Power", "yes"])
    properties = {"sheetId": office.sheet.tab("Agents").sheet_id, "title": "People"}
    office.sheet.edit({"updateSheetProperties": {"properties": properties, "fields": "title"}})
    for list_sync in (office.list_sync, office.process()):
        list_sync.sync()
    assert office.sheet.rows("Utilities")[0]["Name"] == "Hudson Power"
    assert [tab.title for tab in office.sheet.wire.service.book.tabs] == ["Sheet1", "Utilities", "Developers", "People"]


def test_a_sweep_without_news_is_one_read(office: Office) -> None:
    """One read of cells, no write to the Sheet and none to Firestore."""
    office.sheet.wire.calls.clear()
    office.documents.faults.calls.clear()
    for _ in range(10):
        assert office.list_sync.sync() == 0
    assert office.sheet.wire.calls == {"values.batchGetByDataFilter": 10, "read": 10}
    assert office.documents.faults.calls == {"options": 10, "agents": 10}


def test_changes_are_taken_over(office: Office) -> None:
    """What the office types is offered, in its order, and each document is written only when it changes."""
    office.write("Utilities", ["Hudson Power", "yes"], ["NYSEG", "no"])
    office.write("Developers", ["Meadow Solar", "NYSEG", ""], ["Meadow Solar", "hudson power", "x"])
    assert office.list_sync.sync() == 1
    assert office.documents.offered == Options(
        ("Hudson Power", *UTILITIES[2:]), (Developer("Meadow Solar", ("Hudson Power",)),)
    )
    office.write("Agents", ["AG-017", "Sam Example", "sam@example.com", "yes"], ["AG-018", "Kim Example", "", "no"])
    assert office.list_sync.sync() == 1
    assert office.documents.listed == Agents((SAM, KIM))


def test_a_bad_tab_keeps_the_last_good_list_and_says_so(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """The note stands in row 1, where no sort moves it; it is written once and goes when the tab is mended."""
    office.write("Agents", ["AG-017", "Sam Example", "sam@example.com", "yes"])
    office.list_sync.sync()
    office.write("Agents", ["ag- 017", "Robin Example", "robin@example.com", "perhaps"], start=2)
    capsys.readouterr()
    assert office.list_sync.sync() == 0
    said = "Not used; the last valid list stays in use. Row 3: write yes or no under Active. Row 3 repeats row 2."
    assert office.note("Agents") == said
    assert office.documents.listed == Agents((SAM,))
    out = capsys.readouterr().out
    assert "office list not synced" in out
    assert "Robin" not in out
    writes = office.sheet.wire.calls["write"]
    office.list_sync.sync()
    assert office.sheet.wire.calls["write"] == writes
    office.write("Agents", ["AG-020", "Robin Example", "robin@example.com", "yes"], start=2)
    assert office.list_sync.sync() == 1
    assert not office.note("Agents")


def test_a_note_finds_its_place_wherever_the_office_moved_things(office: Office) -> None:
    """Columns may be moved and added; without the head Notes it is written again at the right end."""
    office.sheet.insert_column("Utilities", 0)
    office.write("Utilities", ["mine"], start=0)
    office.sheet.type_in("Utilities", 0, 3, "Remarks")
    office.sheet.type_in("Utilities", 1, 2, "maybe")
    office.list_sync.sync()
    assert office.sheet.header("Utilities")[:5] == ["mine", "Name", "Active", "Remarks", "Notes"]
    assert "Row 2: write yes or no under Active." in str(office.note("Utilities"))
    office.sheet.type_in("Utilities", 1, 2, "yes")
    office.list_sync.sync()
    assert not office.note("Utilities")


def test_the_other_lists_are_taken_over_beside_a_bad_one(office: Office) -> None:
    """One tab that cannot be read holds up no other."""
    office.write("Utilities", ["", "yes"], ["", ""])
    office.write("Agents", ["AG-017", "Sam Example", "sam@example.com", "yes"])
    office.sheet.type_in("Utilities", 0, 0, "Nombre")
    office.list_sync.sync()
    assert office.note("Utilities") == (
        "Not used; the last valid list stays in use. Row 1: there is no column Name. Write the name into row 1, over "
        "its column."
    )
    assert office.documents.offered == Options()
    assert office.documents.listed == Agents((SAM,))


@pytest.mark.parametrize("call", ["options", "agents", "set_options", "set_agents"])
def test_firestore_fails(office: Office, call: str) -> None:
    """The next sweep makes up for it."""
    office.write("Utilities", ["Hudson Power", "yes"])
    office.write("Agents", ["AG-017", "Sam Example", "sam@example.com", "yes"])
    office.documents.faults.refuse(call)
    with pytest.raises(TemporaryError):
        office.list_sync.sync()
    office.list_sync.sync()
    assert office.documents.listed == Agents((SAM,))
    assert office.documents.offered is not None
    assert office.documents.offered.utilities[0] == "Hudson Power"


def test_numbers_are_ids_too(office: Office) -> None:
    """An id typed as 0017 stays 0017: the column is plain text."""
    assert office.sheet.tab("Agents").looks_of(0).type == "TEXT"
    office.write("Agents", ["0017", "Sam Example", "", ""])
    office.list_sync.sync()
    assert office.documents.listed is not None
    assert office.documents.listed.listed[0] == Agent("0017", "Sam Example", "", True)


# --- what is read of a tab ------------------------------------------------------------------------------------------------


def test_heads_and_cells_are_read_kindly() -> None:
    """Case, blanks, order of columns, empty lines and the office's own columns do not matter."""
    cells = [["remarks", " ACTIVE ", "name"], [], ["x", "", "  Hudson   Power "], ["only a remark"], ["", "NO", "RG&E"]]
    assert tabs.utilities(cells) == ("Hudson Power",)
    assert tabs.all_utilities(cells) == ("Hudson Power", "RG&E")


@pytest.mark.parametrize(
    ("text", "active"),
    [*((yes, True) for yes in ("yes", "Y", "TRUE", "1", "x", "")), *((no, False) for no in ("no", "N", "FALSE", "0"))],
)
def test_what_means_active(text: str, active: bool) -> None:
    """A line without a word is active: who adds one wants it."""
    assert tabs.agents([["ID", "Name", "Email", "Active"], ["1", "Sam", "", text]])[0].active == active


HEAD = ["Name", "Active"]
BAD: dict[str, tuple[list[list[str]], str]] = {
    "empty": ([], "Row 1: there is no column Name and Active. Write the name into row 1, over its column."),
    "no head": ([["NYSEG", "yes"]], "Row 1: there is no column Name and Active. Write the name"),
    "repeated": ([HEAD, ["NYSEG"], ["nyseg "]], "Row 3 repeats row 2."),
    "none active": ([HEAD, ["NYSEG", "no"]], "No utility is active; write yes under Active for at least one."),
    "long": ([HEAD, ["N" * 201]], "Row 2: Name has more than 200 characters."),
    "many": ([HEAD, *([str(n)] for n in range(MAX_ROWS + 1))], "There are 2001 lines; the limit is 2000."),
    "much wrong": (
        [HEAD, *([f"U{n}", "?"] for n in range(7))],
        "Row 2: write yes or no under Active. Row 3: write yes or no under Active. Row 4: write yes or no under Active. "
        "Row 5: write yes or no under Active. Row 6: write yes or no under Active. And 2 more.",
    ),
}


@pytest.mark.parametrize(("cells", "sentence"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_said(cells: list[list[str]], sentence: str) -> None:
    """Row, column and what to do."""
    with pytest.raises(BadTab) as refusal:
        tabs.utilities(cells)
    assert str(refusal.value).startswith(sentence)


def developers(*lines: list[str]) -> tuple[Developer, ...]:
    return tabs.developers([["Developer", "Utility", "Active"], *lines], ["NYSEG", "RG&E"], ["NYSEG", "RG&E", "Gone"])


def test_developers() -> None:
    """One with Mass Market works with every utility; a line for a utility that is not offered counts for nothing."""
    assert developers(
        ["A", "NYSEG"], ["B", "mass market"], ["A", "rg&e"], ["B", "NYSEG"], ["C", "Gone"], ["D", "NYSEG", "no"]
    ) == (Developer("A", ("NYSEG", "RG&E")), Developer("B", ()))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["A", "Nyesg"], "Row 2: the utility is not in the tab Utilities, and is not Mass Market."),
        (["", "NYSEG"], "Row 2: Developer is empty."),
        (["A", ""], "Row 2: Utility is empty."),
    ],
)
def test_developers_that_cannot_be_taken_over(line: list[str], sentence: str) -> None:
    """A slip of the pen is said, not passed over."""
    with pytest.raises(BadTab, match=sentence):
        developers(line)


def test_documents_are_read_as_they_were_written() -> None:
    """The public one has the shape that the page reads, and nothing of agents; the private one has all."""
    options = Options(("NYSEG",), (Developer("A", ("NYSEG",)), Developer("B")))
    document = options.to_document()
    assert document == {
        "utilities": ["NYSEG"],
        "account_types": ["Small Demand <25 kW", "Large Demand >25 kW", "Mass Market"],
        "developers": [{"name": "A", "utilities": ["NYSEG"]}, {"name": "B", "utilities": []}],
    }
    assert Options.from_document(document) == options
    assert Agents.from_document(Agents((SAM, KIM)).to_document()) == Agents((SAM, KIM))


# --- whom `submit` lets in ------------------------------------------------------------------------------------------------


class Door:
    """A directory over a clock."""

    def __init__(self, *agents: Agent) -> None:
        self.clock = Clock()
        self.documents = OfficeDocuments(Options(), Agents(agents))
        self.office_lists = OfficeLists(self.documents, self.clock.monotonic)  # type: ignore[arg-type]

    def asks(self, typed: str) -> Any:
        """Return the name of who is let in, or why nobody is."""
        agent, problem = self.office_lists.agent(typed)
        return (problem.code, problem.field, problem.message) if problem else agent and agent.name


@pytest.mark.parametrize("typed", ["AG-017", "ag-017", " Ag - 017 ", "ag- 017"])
def test_an_agent_is_known_in_any_spelling(typed: str) -> None:
    """Phones write capitals and blanks as they like."""
    assert Door(SAM).asks(typed) == "Sam Example"


def test_agents_that_are_not_let_in() -> None:
    """Unknown and inactive ones hear what to do."""
    door = Door(SAM, KIM)
    assert door.asks("AG-17") == ("unknown_agent", "agent_id", UNKNOWN_AGENT)
    assert door.asks("ag-018") == ("inactive_agent", "agent_id", INACTIVE_AGENT)


def test_without_a_list_everybody_is_let_in() -> None:
    """An empty list, and none at all, check nothing."""
    assert Door().asks("anybody") is None
    assert OfficeLists(OfficeDocuments()).agent("anybody") == (None, None)  # type: ignore[arg-type]


def test_a_new_agent_is_let_in_at_once() -> None:
    """Somebody who is not known here is looked up afresh, however lately the list was read."""
    door = Door(SAM)
    assert door.asks("AG-018") == ("unknown_agent", "agent_id", UNKNOWN_AGENT)
    door.documents.listed = Agents((SAM, Agent("AG-018", "Kim Example", "", True)))
    assert door.asks("AG-018") == "Kim Example"


def test_who_was_taken_off_the_list_is_out_within_seconds() -> None:
    """The list of an instance is not older than KEPT_S; in between Firestore is not asked."""
    door = Door(SAM)
    for _ in range(50):
        assert door.asks("AG-017") == "Sam Example"
    assert door.documents.faults.calls == {"options": 1, "agents": 1}
    door.documents.listed = Agents((Agent("AG-017", "Sam Example", "", False),))
    door.clock.sleep(KEPT_S)
    assert door.asks("AG-017") == ("inactive_agent", "agent_id", INACTIVE_AGENT)


def test_a_new_utility_may_be_chosen_at_once() -> None:
    """What the page offers a moment after the office wrote it is taken."""
    door = Door()
    assert "Hudson Power" not in door.office_lists.utilities_for({"utility": "NYSEG"})
    door.documents.offered = Options(("Hudson Power",))
    assert door.office_lists.utilities_for({**ANSWERS, "utility": "Hudson Power"}) == ("Hudson Power",)
