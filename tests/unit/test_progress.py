"""The `progress` stage: what a known id is answered, and that only an unknown one is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from intake.errors import TemporaryError
from intake.model import Progress, Stage, Status
from intake.stages.progress import ShowProgress

from tests.support.fakes import INTAKE_ID, SUBMITTED, Store, an_intake


@pytest.fixture
def store() -> Store:
    return Store()


def shown(store: Store) -> dict[str, object]:
    """Return what the submitter sees, which must be JSON."""
    seen: dict[str, object] = json.loads(json.dumps(ShowProgress(store=store).view(INTAKE_ID)))
    return seen


def test_reading(store: Store) -> None:
    """The progress document is shown as it is, with times as text and without its time of expiry."""
    store.add(an_intake(status=Status.READING, file_pages=(5,)))
    store.progresses[INTAKE_ID] = Progress(Stage.READING, SUBMITTED, SUBMITTED + timedelta(seconds=4), 2, 5)
    assert shown(store) == {
        "intake_id": INTAKE_ID,
        "stage": "reading",
        "submitted_at": "2026-03-14T15:09:26.000+00:00",
        "updated_at": "2026-03-14T15:09:30.000+00:00",
        "pages_done": 2,
        "pages_total": 5,
        "percent": 39,
        "error": None,
        "fields": {},
        "attention": [],
    }


@pytest.mark.parametrize("deleted", [False, True], ids=["still there", "deleted"])
@pytest.mark.parametrize(
    ("status", "stage", "done", "percent"),
    [
        (Status.WAITING, "waiting", 0, 0),
        (Status.READING, "reading", 0, 5),
        (Status.READ, "recording", 5, 95),
        (Status.RECORDED, "done", 5, 100),
        (Status.FAILED, "failed", 0, 100),
    ],
)
def test_expired(store: Store, status: Status, stage: str, done: int, percent: int, deleted: bool) -> None:
    """Once the progress document is over, the intake itself answers: a known id is never unknown."""
    reason = {"code": "gave_up", "message": "It did not work."} if status is Status.FAILED else None
    store.add(an_intake(status=status, file_pages=(5,), error=reason))
    store.progresses[INTAKE_ID] = Progress(Stage.DONE, SUBMITTED, SUBMITTED, expire_at=datetime.now(UTC))
    if deleted:
        del store.progresses[INTAKE_ID]
    seen = shown(store)
    assert (seen["stage"], seen["pages_done"], seen["percent"], seen["error"]) == (stage, done, percent, reason)


@pytest.mark.parametrize("call", ["progress", "intake"])
def test_firestore_down(store: Store, call: str) -> None:
    """While Firestore does not answer nobody is told that the id is unknown."""
    store.faults.refuse(call)
    with pytest.raises(TemporaryError):
        ShowProgress(store=store).view(INTAKE_ID)


@pytest.mark.parametrize("status", list(Status))
def test_every_state_has_a_stage(store: Store, status: Status) -> None:
    """An intake is shown in whatever state it is, also when its progress document is gone."""
    store.add(an_intake(status=status, file_pages=(1,), error={"code": "x", "message": "y"}))
    assert shown(store)["stage"] in set(Stage)
