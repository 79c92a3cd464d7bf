"""What is printed on a specimen bill stands in the row and in the progress, and what is wrong is said at once."""

from __future__ import annotations

import requests

from tests.specimens.bill import Specimen
from tests.specimens.camera import photograph_specimen
from tests.specimens.catalogue import make
from tests.support.submitter import ANSWERS, Submitter


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
    """Page without PoD ID and use, form in another name: the agent is told both, and the row says the same."""
    specimen = make(23, "nyseg", "residential")
    intake_id = submit(submitter, specimen, specimen.pdf([1]), account_name="SOMEBODY ELSE ENTIRELY")
    attention = {item["code"]: item["message"] for item in submitter.progress(intake_id)["attention"]}
    assert attention["wrong_page"].startswith("This is page 1; ")
    assert "page 3" in attention["wrong_page"]
    row = submitter.table.find(intake_id)
    assert row is not None
    assert row["Status"] == "check"
    assert str(row["Attention"]).splitlines() == list(attention.values())
    assert "name_differs" in attention


def test_the_same_bill_again_names_the_first_submission(submitter: Submitter) -> None:
    """The same file, and another photo of the same bill, are both noticed; both still get their rows."""
    specimen = make(24, "nyseg", "residential")
    first = submit(submitter, specimen, specimen.pdf())
    for bill in (specimen.pdf(), specimen.pdf([3])):
        again = submit(submitter, specimen, bill)
        notes = [i["message"] for i in submitter.progress(again)["attention"] if i["code"] == "already_submitted"]
        assert len(notes) == 1
        assert first in notes[0]


def test_progress_is_answered_from_the_intake_when_its_document_expired(submitter: Submitter) -> None:
    """Firestore deletes old progress documents; a known id is still no 404, and says what was read."""
    specimen = make(26, "rge", "residential")
    intake_id = submit(submitter, specimen, specimen.pdf())
    before = submitter.progress(intake_id)
    submitter.db.collection("progress").document(intake_id).delete()
    after = requests.get(f"{submitter.stack.url}/progress/{intake_id}", timeout=10).json()
    assert (after["stage"], after["fields"], after["attention"]) == ("done", before["fields"], before["attention"])
