"""Which copies are due and which are ended, on Firestore in memory: a document that is odd or gone stops no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from intake.cloud.firestore.delivery_jobs import DeliveryJobs
from intake.model import Status
from intake.ports import Ended

from tests.support.fakes import SUBMITTED, an_intake
from tests.support.firestore_memory import Held, Memory

KEPT = {"folder": "https://drive/folder"}


@pytest.fixture
def db() -> Memory:
    return Memory(lambda _, effect: effect())


def copies(db: Memory) -> DeliveryJobs:
    return DeliveryJobs(db, "copy", 60)  # type: ignore[arg-type]


def put(db: Memory, number: int, copy_at: datetime, **changes: Any) -> str:
    """Put a recorded intake whose copy is due at some time; return its id."""
    intake = an_intake(f"{number:032x}", status=Status.RECORDED)
    db.documents["intakes", intake.id] = db.held({**intake.to_document(), "copy_at": copy_at, **changes})
    return intake.id


def held(db: Memory, key: str) -> Held:
    return db.documents["intakes", key]


def test_a_malformed_document_stops_no_copy(db: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    """It is left alone for a day, with its id in the log and nothing that stands in it; all others are due, longest first."""
    odd = put(db, 1, SUBMITTED, status="no such status", form={"contact_name": "Robin Example"})
    later, sooner = put(db, 2, SUBMITTED + timedelta(seconds=2)), put(db, 3, SUBMITTED + timedelta(seconds=1))
    put(db, 4, datetime.now(UTC) + timedelta(hours=1))
    now = datetime.now(UTC)
    due = copies(db).due(now, 10)
    assert [each.intake.id for each in due] == [sooner, later]
    put_off: datetime = held(db, odd).fields["copy_at"]
    assert timedelta(hours=23) < put_off - now < timedelta(hours=25)
    said = capsys.readouterr().out
    assert odd in said
    assert "Robin" not in said


def test_a_copy_is_begun_once(db: Memory) -> None:
    """Who saw it before another began it does not begin it; nor does anybody once its document is gone."""
    key, now = put(db, 1, SUBMITTED), datetime.now(UTC)
    (first,), (second,) = copies(db).due(now, 1), copies(db).due(now, 1)
    assert copies(db).claim(first)
    assert not copies(db).claim(second)
    assert copies(db).due(now, 1) == []
    del db.documents["intakes", key]
    assert not copies(db).claim(first)


def test_ended_copies_are_due_no_more(db: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    """A document that was deleted meanwhile is said and keeps no other from its end."""
    keys = [put(db, number, SUBMITTED) for number in range(3)]
    due = copies(db).due(datetime.now(UTC), 10)
    del db.documents["intakes", keys[1]]
    copies(db).finish([Ended(each.intake, kept=KEPT) for each in due])
    assert list(db.documents) == [("intakes", keys[0]), ("intakes", keys[2])]
    for key in (keys[0], keys[2]):
        assert "copy_at" not in held(db, key).fields
        assert held(db, key).fields["copy.state"] == "done"
    said = capsys.readouterr().out
    assert said.count("was deleted") == 1
    assert keys[1] in said
