"""The office at work: lists, copies and corrections on the whole stack, with Google's own quota of the Sheet."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from intake.cloud.sheets.client import new_tab_id
from intake.office.office_lists import UNKNOWN_AGENT
from intake.rows import COPY_COLUMN
from PIL import ExifTags, Image

from infra.local.sheets.a1 import column_letters
from tests.support import documents
from tests.support.stacks import quick_stack, running
from tests.support.submitter import ANSWERS, Submitter, wait_for

BURST = 20


class Office:
    """Somebody who works in the Sheet and looks into Drive."""

    def __init__(self, submitter: Submitter) -> None:
        self.submitter = submitter
        self.sheets, self.drive = submitter.stack.control["sheets"], submitter.stack.control["drive"]

    def edit(self, action: str, tab: str = "Intakes", **edit: Any) -> None:
        """Do something in a tab."""
        answer = requests.put(f"{self.sheets}/control/grid", json={"action": action, "tab": tab, **edit}, timeout=10)
        assert answer.status_code == 200, answer.text

    def grid(self, tab: str = "Intakes") -> dict[str, Any]:
        """Return a tab as it is."""
        found: dict[str, Any] = requests.get(f"{self.sheets}/control/grid", params={"tab": tab}, timeout=10).json()
        return found

    def column(self, name: str) -> str:
        """Return the letters of a column."""
        return column_letters(self.grid()["values"][0].index(name))

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows by the names of their columns."""
        header, *rows = self.grid()["values"]
        return [dict(zip(header, row, strict=False)) for row in rows]

    def row(self, intake_id: str) -> dict[str, Any]:
        """Return the one row of an intake."""
        (row,) = [row for row in self.rows() if row.get("Intake ID") == intake_id]
        return row

    def write(self, tab: str, row: int, *cells: str) -> None:
        """Type a line into a tab."""
        for column, text in enumerate(cells):
            self.edit("set_cell", tab, cell=f"{column_letters(column)}{row}", value=text)

    def sweep(self) -> dict[str, int]:
        """Let the scheduler's minute come."""
        answer = self.submitter.stack.sweep()
        answer.raise_for_status()
        swept: dict[str, int] = answer.json()
        return swept

    def items(self, intake_id: str) -> list[dict[str, Any]]:
        """Return what Drive has of an intake."""
        found = requests.get(f"{self.drive}/control/items", timeout=10).json()["items"]
        return [item for item in found if item["appProperties"]["intake_id"] == intake_id]

    def content(self, item: dict[str, Any]) -> bytes:
        """Return the bytes of a file in Drive."""
        address = f"{self.submitter.stack.env['DRIVE_EMULATOR_HOST']}/drive/v3/files/{item['id']}"
        return requests.get(address, params={"alt": "media", "supportsAllDrives": "true"}, timeout=10).content

    def linked(self, intake_id: str) -> str:
        """Wait for the link of an intake's copy and return it."""

        def look() -> str | None:
            link = str(self.row(intake_id)[COPY_COLUMN])
            return link if link.startswith("http") else None

        return wait_for(f"the link of {intake_id}", look)

    def recorded(self, *files: bytes, **answers: str) -> str:
        """Let an agent submit files; return the id once the row is there."""
        answer = self.submitter.post(files, {**ANSWERS, **answers})
        assert answer.status_code == 202, answer.text
        intake_id = str(answer.json()["intake_id"])
        assert self.submitter.ended(intake_id)["stage"] == "done"
        return intake_id


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office with a stack of its own, since it turns the Sheet upside down."""
    options = quick_stack(
        tmp_path_factory.mktemp("office"),
        sheets_args=(),  # 60 reads and 60 writes a minute, as Google's
        function_env={"SHEET_WRITE_INTERVAL_SECONDS": "1.1", "PATIENCE_SECONDS": "5"},
    )
    with running(options) as stack:
        yield Office(Submitter(stack))


def photo_with_place() -> bytes:
    """Return a photo as a phone makes it: turned, and with the place where it was taken."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (42.0, 26.0, 38.29), 3: "W", 4: (76.0, 29.0, 48.91)})
    buffer = io.BytesIO()
    turned = documents.page_picture(70).transpose(Image.Transpose.ROTATE_90)
    turned.save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def test_the_lists_are_made_and_taken_over(office: Office) -> None:
    """The first sweep makes the tabs; what the office writes is offered by the next one, to everybody but for the agents."""
    assert office.sweep()["lists"] == 2
    assert [row[0] for row in office.grid("Utilities")["values"]][:3] == ["Name", "NYSEG", "RG&E"]
    assert office.sweep()["lists"] == 0
    office.write("Utilities", 9, "Hudson Power", "yes")
    office.write("Developers", 2, "Meadow Solar", "Hudson Power", "yes")
    office.write("Developers", 3, "Anywhere Solar", "Mass Market", "yes")
    assert office.sweep()["lists"] == 1
    offered = office.submitter.db.collection("public").document("form-options").get().to_dict()
    assert offered is not None
    assert offered["utilities"][-1] == "Hudson Power"
    assert offered["developers"] == [
        {"name": "Meadow Solar", "utilities": ["Hudson Power"]},
        {"name": "Anywhere Solar", "utilities": []},
    ]
    assert office.recorded(documents.text_pdf(1), utility="Hudson Power")


def test_agents_are_let_in_by_the_list(office: Office) -> None:
    """Who is not on it is told so at the field; who is has the name in the row; without lines everybody may again."""
    office.write("Agents", 2, "AG-017", "Sam Example", "sam@example.com", "yes")
    office.sweep()
    stranger = {**ANSWERS, "agent_id": "AG-18"}

    def knows_the_list() -> bool:
        # An instance goes by what it has read for some seconds; with a wrong number no intake can come of the question.
        answer = office.submitter.post([documents.text_pdf(1)], {**stranger, "phone": "1"}).json()
        return "unknown_agent" in {error["code"] for error in answer["errors"]}

    try:
        wait_for("submit to know the list", knows_the_list)
        refused = office.submitter.post([documents.text_pdf(1)], stranger)
        assert refused.status_code == 422
        assert refused.json()["errors"] == [{"code": "unknown_agent", "field": "agent_id", "message": UNKNOWN_AGENT}]
        row = office.row(office.recorded(documents.text_pdf(1), agent_id=" ag- 017"))
        assert (row["Agent ID"], row["Agent Name"]) == ("AG-017", "Sam Example")
        office.write("Agents", 3, "AG-018", "", "", "")
        office.sweep()
        notes = office.grid("Agents")["values"][0]
        assert notes[notes.index("Notes") + 1] == ("Not used; the last valid list stays in use. Row 3: Name is empty.")
        public = office.submitter.db.collection("public").document("form-options").get().to_dict()
        assert "Sam Example" not in str(public)
    finally:
        office.edit("delete_row", "Agents", row=3)
        office.edit("delete_row", "Agents", row=2)
        office.sweep()
    # An instance that knows the list goes by it for some seconds more; this id it has never heard of.
    assert office.recorded(documents.text_pdf(1), agent_id="anybody")


def test_a_bill_is_copied_without_its_place(office: Office) -> None:
    """Folder and files in Drive, the link in the row; the photo still stands upright and says nothing of where it was taken."""
    photo, bill = photo_with_place(), documents.text_pdf(1)
    intake_id = office.recorded(photo, bill, account_name="MAPLE FARM")
    link = office.linked(intake_id)
    folder, *files = office.items(intake_id)
    assert link.endswith(f"/drive/folders/{folder['id']}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_MAPLE FARM_NYSEG", folder["name"])
    assert [file["name"] for file in files] == ["bill-01.jpg", "bill-02.pdf"]
    copied = Image.open(io.BytesIO(office.content(files[0])))
    assert dict(copied.getexif()) == {ExifTags.Base.Orientation: 6}
    assert copied.tobytes() == Image.open(io.BytesIO(photo)).tobytes()
    assert office.content(files[1]) == bill
    assert "bill-01.jpg" in requests.get(link, timeout=10).text


def test_the_office_works_while_bills_come_in(office: Office) -> None:
    """It sorts, filters, inserts, renames, corrects and deletes meanwhile: every bill has one row, right, and its own link."""
    first = [office.recorded(documents.text_pdf(1)) for _ in range(3)]
    for intake_id in first:
        office.linked(intake_id)
    kept, deleted, corrected = first

    def line(intake_id: str) -> int:
        return 2 + [row.get("Intake ID") for row in office.rows()].index(intake_id)

    with ThreadPoolExecutor(8) as pool:
        coming = [pool.submit(office.submitter.submit, documents.text_pdf(1)) for _ in range(BURST)]
        office.edit("set_cell", cell=f"{office.column('Account Number')}{line(corrected)}", value="00123456789")
        office.edit("sort", column=office.column("Submitted"), descending=True)
        office.edit("insert_column", before=office.column("Account Name"))
        office.edit("filter", column=office.column("Status"), hidden=["check"])
        office.edit("set_cell", cell=f"{office.column('Contact Name')}1", value="Whom to call")
        office.edit("sort", column=office.column("Intake ID"))
        office.edit("delete_row", row=line(deleted))
        office.edit("move_column", column=office.column("Status"), before="A")
        ids = [future.result() for future in coming]
    for intake_id in ids:
        assert office.submitter.ended(intake_id)["stage"] == "done"
        office.edit("sort", column=office.column("Submitted"), descending=intake_id < "8")
    links = {intake_id: office.linked(intake_id) for intake_id in ids}
    for intake_id, link in links.items():
        assert link.endswith(office.items(intake_id)[0]["id"])
        row = office.row(intake_id)
        assert (row["Account Name"], row["Phone"], row["Pages"]) == (ANSWERS["account_name"], ANSWERS["phone"], 1)
        assert ANSWERS["contact_name"] in (row.get("Contact Name"), row.get("Whom to call"))
    assert office.row(corrected)["Account Number"] == "00123456789"
    assert office.row(kept)["Intake ID"] == kept
    assert deleted not in [row.get("Intake ID") for row in office.rows()]
    notes = office.grid()["notes"]
    assert "If you renamed the old one" in notes[office.column("Contact Name")]
    stats = requests.get(f"{office.sheets}/stats", timeout=10).json()
    assert stats["over_quota"] == {"reads": 0, "writes": 0}


def test_a_quota_that_is_used_up(office: Office) -> None:
    """While Google refuses every write nothing is lost, and afterwards nothing is there twice."""
    fault = {"calls": 2, "kind": "write", "status": 429}
    requests.put(f"{office.sheets}/control", json={"faults": [fault]}, timeout=10).raise_for_status()
    ids = {office.submitter.submit(documents.text_pdf(1)) for _ in range(5)}
    # TaskPublisher that came while the Sheet was left in peace may be dead letters by now: the sweeper makes up for them.
    for _ in range(12):  # not oftener: each sweep reads the office's lists, and the quota is Google's
        office.sweep()
        with contextlib.suppress(AssertionError):
            wait_for("the rows", lambda: ids <= set(office.submitter.rows(ids)), 10)
            break
    assert sorted(office.submitter.rows(ids)) == sorted(ids)
    assert requests.get(f"{office.sheets}/control", timeout=10).json()["faults"] == []


def test_the_sheet_was_formatted_once(office: Office) -> None:
    """After all that nobody's formatting was touched again: the product set its filter once."""
    formatting = office.grid()["formatting"]
    mine = [request for request in formatting if "setBasicFilter" in request and "filterSpecs" not in str(request)]
    assert len(mine) == 1
    assert mine[0]["setBasicFilter"]["filter"]["range"]["sheetId"] == new_tab_id("Intakes")
