"""The valves on a real Firestore: what is taken in adds up, and the next one is refused until time has passed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from intake.cloud.counts import Counts
from intake.records import Status

from tests.pipeline import documents
from tests.pipeline.conftest import quick_stack, running
from tests.pipeline.submitter import Submitter

VALVES = {
    "PAGES_PER_DAY": "6",
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


def test_the_valves(guarded: Submitter) -> None:
    """Two of an hour from one address, then 429; six pages of a day, then 503; a long bill ends with the reason."""
    counts = Counts(guarded.db)
    first = guarded.recorded(documents.text_pdf(2))
    second = guarded.recorded(documents.text_pdf(3))
    assert (first["Pages"], second["Pages"]) == (2, 3)
    held = [snapshot.to_dict() for snapshot in guarded.db.collection("intakes").stream()]
    assert sorted(document["pages"] for document in held) == [2, 3]
    assert all(re.fullmatch(r"[0-9a-f]{32}", document["client"]) for document in held)
    # The link to the copy leads to the Drive stand-in, which has that address too.
    assert "127.0.0.1" not in str([{name: value for name, value in each.items() if name != "copy"} for each in held])

    third = guarded.post([documents.text_pdf(1)])
    assert (third.status_code, third.json()["code"], third.headers["Retry-After"]) == (
        429,
        "too_many_submissions",
        "600",
    )

    age(guarded, timedelta(hours=1, minutes=1))
    assert counts.pages_since(datetime.now(UTC) - timedelta(hours=24)) == 5
    long_bill = guarded.submit(documents.text_pdf(8))  # 5 pages were taken: one is left, so it is let in
    ended = guarded.ended(long_bill)
    assert (ended["stage"], ended["error"]["code"]) == ("failed", "daily_limit_passed")
    assert guarded.objects(f"bills/{long_bill}/") == []

    spent = guarded.post([documents.text_pdf(1)])
    assert (spent.status_code, spent.json()["code"], spent.headers["Retry-After"]) == (503, "daily_limit", "3600")

    age(guarded, timedelta(hours=24))
    assert counts.pages_since(datetime.now(UTC) - timedelta(hours=24)) == 0
    assert guarded.recorded(documents.text_pdf(1))["Status"] in ("ok", "check")


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
