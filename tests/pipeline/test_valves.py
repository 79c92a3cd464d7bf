"""The valves on a real Firestore: what is taken in adds up, and the next one is refused until time has passed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from intake.cloud.firestore.counts import Counts
from intake.model import Status

from tests.support import documents
from tests.support.stacks import quick_stack, running
from tests.support.submitter import Submitter

VALVES = {
    "PAGES_PER_DAY": "10",
    "SUBMISSIONS_PER_HOUR": "2",
    "SUBMISSIONS_PER_HOUR_PEER": "20",
    "ADDRESS_KEY": "a key for tests",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitter]:
    """A stack with small limits."""
    with running(quick_stack(tmp_path_factory.mktemp("guarded"), function_env=VALVES)) as stack:
        yield Submitter(stack)


def age(submitter: Submitter, by: timedelta) -> None:
    """Make every intake older, as if time had passed."""
    for snapshot in submitter.db.collection("intakes").stream():
        snapshot.reference.update({"submitted_at": snapshot.get("submitted_at") - by})


def pages_of_the_day(submitter: Submitter) -> int:
    return Counts(submitter.db).pages_since(datetime.now(UTC) - timedelta(hours=24))


def test_the_valves(guarded: Submitter) -> None:
    """What the OCR is asked counts, for the day and for each client's share of it; submissions count for the hour."""
    guarded.recorded(documents.text_pdf(1))
    guarded.recorded(documents.text_pdf(2))
    held = [snapshot.to_dict() or {} for snapshot in guarded.db.collection("intakes").stream()]
    assert [document["pages"] for document in held] == [0, 0]  # pages without OCR cost nothing
    assert all(re.fullmatch(r"[0-9a-f]{32}", document["client"]) for document in held)
    # The link to the copy leads to the Drive stand-in, which has that address too.
    assert "127.0.0.1" not in str([{name: value for name, value in each.items() if name != "copy"} for each in held])
    assert refusal(guarded) == (429, "too_many_submissions", "600")

    age(guarded, timedelta(hours=1, minutes=1))
    long_bill = guarded.submit(documents.text_pdf(4))  # more than the share of two pages, known once it is opened
    assert failure(guarded, long_bill) == "too_many_pages_from_connection"
    assert pages_of_the_day(guarded) == 0  # what failed gives back what it did not cost

    others = guarded.db.collection("intakes").document("made-up")
    others.set({"status": Status.RECORDED.value, "submitted_at": datetime.now(UTC), "pages": 9})
    longer_bill = guarded.submit(documents.text_pdf(12))  # one page of ten is left, so it is let in
    assert failure(guarded, longer_bill) == "daily_limit_passed"
    age(guarded, timedelta(hours=1, minutes=1))
    others.update({"pages": 10})
    assert refusal(guarded) == (503, "daily_limit", "3600")
    others.delete()

    guarded.recorded(documents.scan_pdf(range(2)))
    assert pages_of_the_day(guarded) == 2
    age(guarded, timedelta(hours=25))
    assert pages_of_the_day(guarded) == 0
    assert guarded.recorded(documents.text_pdf(1))["Status"] in ("ok", "check")


def refusal(submitter: Submitter) -> tuple[int, str, str]:
    """Submit a bill and return how it is refused."""
    answer = submitter.post([documents.text_pdf(1)])
    return answer.status_code, answer.json()["code"], answer.headers["Retry-After"]


def failure(submitter: Submitter, intake_id: str) -> str:
    """Wait for the end of an intake that fails and return its code."""
    ended = submitter.ended(intake_id)
    assert ended["stage"] == "failed"
    return str(ended["error"]["code"])


def test_what_sweep_reports(guarded: Submitter) -> None:
    """Rows that are due and the oldest unfinished intake are counted as they stand in Firestore."""
    counts = Counts(guarded.db)
    intakes = guarded.db.collection("intakes")
    submitted = datetime.now(UTC) - timedelta(days=3)
    for number in range(3):
        document = {"status": Status.READ.value, "submitted_at": submitted + timedelta(hours=number), "pages": 1}
        intakes.document(f"made-up-{number}").set(document)
    try:
        assert counts.rows_due() >= 3
        oldest = counts.oldest_unfinished()
        assert oldest is not None
        assert abs(oldest - submitted) < timedelta(seconds=1)
    finally:
        for number in range(3):
            intakes.document(f"made-up-{number}").delete()
