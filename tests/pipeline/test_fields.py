"""What is printed on a specimen bill stands in the row and in the progress, and what is wrong is said at once."""

from __future__ import annotations

import pymupdf
import pytest
import requests
from PIL import Image

from tests.specimens.bill import Specimen
from tests.specimens.camera import photograph_specimen
from tests.specimens.catalogue import make
from tests.support import documents
from tests.support.lettering import Line, detail_page, header, service
from tests.support.submitter import ANSWERS, Submitter

LETTER: list[Line] = [(0.1, 0.1 + 0.02 * row, "Dear Orla, the choir meets on Sunday in the hall") for row in range(5)]
GAS: list[Line] = [
    *header(),
    *service(0.14, kind="Gas Service - Residential", pod="N02000012345678"),
    (0.1, 0.2, "Gas Delivery Charges"),
]
TWO_BILLS: list[Line] = [*detail_page(), (0.62, 0.7, "Account Number:"), (0.86, 0.7, "1009-8765-432")]


def answers_for(specimen: Specimen, **changes: str) -> dict[str, str]:
    """Return the answers of an agent who has this bill before him."""
    truth = specimen.truth
    return {**ANSWERS, "account_name": truth.customer_name, "utility": truth.utility, **changes}


def submit(submitter: Submitter, specimen: Specimen, *files: bytes, **changes: str) -> str:
    answer = submitter.post(files, answers_for(specimen, **changes))
    assert answer.status_code == 202, answer.text
    intake_id = str(answer.json()["intake_id"])
    assert submitter.ended(intake_id)["stage"] == "done"
    return intake_id


def lettered(lines: list[Line]) -> bytes:
    """Return a PDF of long paper with these lines as its text layer."""
    with pymupdf.open() as document:
        sheet = document.new_page(width=612, height=1010)
        for left, y, text in lines:
            sheet.insert_text((612 * left, 1010 * y), text, fontname="cour", fontsize=8.6)
        return bytes(document.tobytes())


def digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def test_the_fields_of_a_digital_bill_stand_in_the_row(submitter: Submitter) -> None:
    """Account, PoD ID, use and the rest, each in its column and ready for filtering."""
    specimen = make(21, "rge", "time_of_use")
    truth = specimen.truth
    row = submitter.table.find(submit(submitter, specimen, specimen.pdf()))
    assert row is not None
    assert row["Utility (read)"] == "RG&E"
    assert row["Account Number"] == digits(truth.account_number)
    assert row["PoD ID"] == truth.pod_id
    assert row["kWh"] == truth.kwh
    assert row["Period"] == f"{truth.period_start} to {truth.period_end}"
    assert (row["Period Start"], row["Period End"]) == (f"{truth.period_start}", f"{truth.period_end}")
    assert row["Service Address"] == truth.service_address
    assert row["Customer Name"] == truth.customer_name
    assert float(row["Confidence"]) >= 0.85


def test_a_photographed_bill_is_read_and_nothing_is_made_up(submitter: Submitter) -> None:
    """From a phone photo the account number comes right; any other field is right or empty."""
    specimen = make(22, "nyseg", "residential")
    truth = specimen.truth
    photo = photograph_specimen(specimen, 3, 22, "sharp")
    intake_id = submit(submitter, specimen, photo.jpeg)
    row = submitter.table.find(intake_id)
    assert row is not None
    assert row["Account Number"] == digits(truth.account_number)
    assert row["PoD ID"] in (truth.pod_id, "")
    assert row["kWh"] in (truth.kwh, "")
    progress = submitter.progress(intake_id)
    assert progress["fields"]["account_number"]["value"] == digits(truth.account_number)
    assert "\n".join(item["message"] for item in progress["attention"]) == row["Attention"]


def test_page_1_alone_is_sent_back_at_once(submitter: Submitter) -> None:
    """The page without PoD ID and use: the agent is told which one to photograph, and the row says check."""
    specimen = make(23, "nyseg", "residential")
    intake_id = submit(submitter, specimen, specimen.pdf([1]))
    attention = {item["code"]: item["message"] for item in submitter.progress(intake_id)["attention"]}
    assert attention["wrong_page"].startswith("This is page 1; ")
    assert "page 3" in attention["wrong_page"]
    row = submitter.table.find(intake_id)
    assert row is not None
    assert row["Status"] == "check"
    assert attention["wrong_page"] in str(row["Attention"])


@pytest.mark.parametrize(
    ("code", "field", "file"),
    [
        ("not_a_bill", "", lettered(LETTER)),
        ("unreadable", "", documents.jpeg(Image.new("RGB", (600, 800), "white"))),
        ("gas_only", "", lettered(GAS)),
        ("account_cut_off", "account_number", lettered(detail_page(account="1001-23"))),
        ("old_bill", "statement_date", lettered(detail_page())),
        ("low_confidence", "account_number", lettered(TWO_BILLS)),
    ],
    ids=["not a bill", "unreadable", "gas only", "account cut off", "old bill", "low confidence"],
)
def test_what_is_to_be_looked_at_is_said_at_once(submitter: Submitter, code: str, field: str, file: bytes) -> None:
    """The agent's page and the office's row say the same, and the row's Status asks for a look."""
    answer = submitter.post([file], ANSWERS)
    intake_id = str(answer.json()["intake_id"])
    assert submitter.ended(intake_id)["stage"] == "done"
    noted = submitter.progress(intake_id)["attention"]
    [message] = [item["message"] for item in noted if (item["code"], item["field"]) == (code, field)]
    row = submitter.table.find(intake_id)
    assert row is not None
    assert message in str(row["Attention"]).splitlines()
    assert row["Status"] == "check"


def test_the_same_bill_again_names_the_first_submission(submitter: Submitter) -> None:
    """The same file, and another photo of the same bill, are both noticed; both still get their rows."""
    specimen = make(24, "nyseg", "residential")
    first = submit(submitter, specimen, specimen.pdf())
    for bill in (specimen.pdf(), specimen.pdf([3])):
        again = submit(submitter, specimen, bill)
        notes = [i["message"] for i in submitter.progress(again)["attention"] if i["code"] == "already_submitted"]
        assert len(notes) == 1
        assert first in notes[0]


def test_a_form_that_does_not_fit_the_bill_is_noticed(submitter: Submitter) -> None:
    """Another utility and another name in the form than on the bill."""
    specimen = make(25, "national_grid", "residential")
    intake_id = submit(submitter, specimen, specimen.pdf(), utility="NYSEG", account_name="SOMEBODY ELSE ENTIRELY")
    codes = {item["code"] for item in submitter.progress(intake_id)["attention"]}
    assert {"utility_differs", "name_differs"} <= codes


def test_progress_is_answered_from_the_intake_when_its_document_expired(submitter: Submitter) -> None:
    """Firestore deletes old progress documents; a known id is still no 404, and says what was read."""
    specimen = make(26, "rge", "residential")
    intake_id = submit(submitter, specimen, specimen.pdf())
    before = submitter.progress(intake_id)
    submitter.db.collection("progress").document(intake_id).delete()
    after = requests.get(f"{submitter.stack.url}/progress/{intake_id}", timeout=10).json()
    assert (after["stage"], after["fields"], after["attention"]) == ("done", before["fields"], before["attention"])
