"""The `sweep` stage: what stopped goes on, what cannot go on fails, what was abandoned is deleted."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from intake.errors import GaveUp, SheetUnavailable
from intake.model import Intake, Status
from intake.objects import words_object
from intake.ports import StaleUpload
from intake.stages.chunk_lease import Lease
from intake.stages.sweep import BATCH, LONGEST_PAUSE, UPLOAD_MAX_AGE, Sweeper, Swept

from tests.support.fakes import INTAKE_ID, Bucket, DeliveryJobs, Store, TaskPublisher, an_intake

STALL_TIMEOUT_S = 120.0
MAX_ATTEMPTS = 4


class Yard:
    """The stage with everything it depends on in memory. Intakes of 2026 are long due."""

    def __init__(self) -> None:
        self.store, self.bucket, self.tasks = Store(), Bucket(), TaskPublisher()
        self.sweeper = Sweeper(
            store=self.store,
            bucket=self.bucket,
            tasks=self.tasks,
            chunk_pages=4,
            chunks_in_flight=4,
            stall_timeout_s=STALL_TIMEOUT_S,
            max_attempts=MAX_ATTEMPTS,
        )

    def stopped(self, status: Status, pages: int = 0, done: int = 0, **changes: Any) -> Intake:
        """Put an intake in place that is due, with some of its pages done."""
        intake = self.store.add(an_intake(status=status, file_pages=(pages,) if pages else (), **changes))
        for page in range(1, done + 1):
            self.bucket.objects[words_object(INTAKE_ID, page)] = b""
        self.due()
        return intake

    def due(self) -> None:
        """Let the time pass until the intake is looked at again."""
        self.store.check_at[INTAKE_ID] = datetime.now(UTC) - timedelta(seconds=1)

    def pause(self) -> timedelta:
        """Return how long the intake is left alone now."""
        return self.store.check_at[INTAKE_ID] - datetime.now(UTC)

    @property
    def intake(self) -> Intake:
        return self.store.intakes[INTAKE_ID]


@pytest.fixture
def yard() -> Yard:
    return Yard()


def test_waiting(yard: Yard) -> None:
    """An intake whose first message was lost is woken with its first chunk."""
    yard.stopped(Status.WAITING)
    assert yard.sweeper.sweep() == Swept(woken=1)
    assert yard.tasks.to_ocr == [(INTAKE_ID, 0)]


def test_reading(yard: Yard) -> None:
    """Only the chunks that have pages left are woken."""
    yard.stopped(Status.READING, pages=14, done=6)
    yard.bucket.objects[words_object(INTAKE_ID, 13)] = b""
    yard.bucket.objects[words_object(INTAKE_ID, 14)] = b""
    yard.sweeper.sweep()
    assert yard.tasks.to_ocr == [(INTAKE_ID, 1), (INTAKE_ID, 2)]


def test_all_pages_read_but_not_finished(yard: Yard) -> None:
    """Where only the last step is missing the first chunk is woken, which does it."""
    yard.stopped(Status.READING, pages=5, done=5)
    yard.sweeper.sweep()
    assert yard.tasks.to_ocr == [(INTAKE_ID, 0)]


def test_read(yard: Yard) -> None:
    """An intake whose row is missing wakes `record`."""
    yard.stopped(Status.READ, pages=1, done=1)
    assert yard.sweeper.sweep() == Swept(woken=1)
    assert (yard.tasks.to_ocr, yard.tasks.to_sheet) == ([], [INTAKE_ID])


def test_work_in_flight_is_left_alone(yard: Yard) -> None:
    """An intake of which somebody holds a chunk is not woken, and it costs no attempt."""
    yard.stopped(Status.READING, pages=8, attempts=2)
    yard.store.claim_chunk(INTAKE_ID, 1, "somebody", 90)
    assert yard.sweeper.sweep() == Swept(in_work=1)
    assert (yard.tasks.to_ocr, yard.intake.attempts) == ([], 2)
    assert yard.pause() > timedelta(seconds=STALL_TIMEOUT_S - 5)


def test_pauses_grow(yard: Yard) -> None:
    """Each time without progress the pause doubles, up to an hour."""
    yard.stopped(Status.READING, pages=8)
    pauses = []
    for _ in range(MAX_ATTEMPTS):
        yard.due()
        yard.sweeper.sweep()
        pauses.append(round(yard.pause().total_seconds()))
    assert pauses == [120, 240, 480, 960]
    assert yard.intake.attempts == MAX_ATTEMPTS


def test_headway_resets_the_attempts(yard: Yard) -> None:
    """Pages that were read since the last look make it the first attempt again."""
    yard.stopped(Status.READING, pages=8, done=3, attempts=MAX_ATTEMPTS, pages_seen=2)
    assert yard.sweeper.sweep() == Swept(woken=1)
    assert (yard.intake.attempts, yard.intake.pages_seen) == (1, 3)


@pytest.mark.parametrize("status", [Status.WAITING, Status.READING])
def test_given_up(yard: Yard, status: Status) -> None:
    """After the last attempt the intake fails with a reason; its files are kept, as the reason says."""
    intake = yard.stopped(status, pages=8, attempts=MAX_ATTEMPTS)
    yard.bucket.objects[intake.files[0].object] = b"bill"
    assert yard.sweeper.sweep() == Swept(failed=1)
    assert yard.intake.status is Status.FAILED
    assert yard.intake.error == {"code": "gave_up", "message": GaveUp().message}
    assert (yard.tasks.to_ocr, yard.tasks.to_sheet) == ([], [])
    assert yard.bucket.objects
    assert yard.sweeper.sweep() == Swept()


@pytest.mark.parametrize("attempts", [MAX_ATTEMPTS, 10_000])
def test_a_row_is_never_given_up(yard: Yard, capsys: pytest.CaptureFixture[str], attempts: int) -> None:
    """An intake that is read is woken for ever, once an hour, and the log says that it takes long."""
    yard.stopped(Status.READ, attempts=attempts)
    assert replace(yard.sweeper, stall_timeout_s=3000.0).sweep() == Swept(woken=1)
    assert yard.tasks.to_sheet == [INTAKE_ID]
    assert yard.pause() > LONGEST_PAUSE - timedelta(seconds=5)
    assert "row still not written" in capsys.readouterr().out


def test_an_upload_that_became_an_intake_while_it_was_swept(yard: Yard) -> None:
    """Its files stay: only what can no longer become an intake is deleted."""
    yard.bucket.objects[f"bills/{INTAKE_ID}/u1/01"] = b"bill"
    yard.store.uploads["u1"] = begun = StaleUpload("u1", INTAKE_ID, datetime.now(UTC) - 2 * UPLOAD_MAX_AGE)
    found = yard.store.stale_uploads

    def accepted_meanwhile(before: datetime, limit: int) -> list[StaleUpload]:
        stale = found(before, limit)
        assert yard.store.accept(an_intake(), "u1", begun)
        return stale

    yard.store.stale_uploads = accepted_meanwhile  # type: ignore[method-assign]
    yard.sweeper.sweep()
    assert yard.bucket.objects


def test_read_in_the_moment_it_is_given_up(yard: Yard) -> None:
    """An intake whose last page comes in while the sweeper gives it up is read, and nobody calls it failed."""
    intake = yard.stopped(Status.READING, pages=8, attempts=MAX_ATTEMPTS)
    found = yard.store.due_for_check

    def then_read(now: datetime, limit: int) -> list[Any]:
        due = found(now, limit)
        assert yard.store.finish_reading(intake, {}, [], "", 0)
        return due

    yard.store.due_for_check = then_read  # type: ignore[method-assign]
    assert yard.sweeper.sweep().failed == 0
    assert yard.intake.status is Status.READ


@pytest.mark.parametrize(
    ("part", "call"),
    [("store", "chunk_in_work"), ("bucket", "names"), ("tasks", "ocr"), ("store", "postpone_check")],
)
def test_one_intake_fails(yard: Yard, part: str, call: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What fails with one intake is logged and counted; the others are swept, and it comes again next time."""
    yard.stopped(Status.READING, pages=1)
    yard.store.add(an_intake("f" * 32, status=Status.READ))
    getattr(yard, part).faults.refuse(call)
    swept = yard.sweeper.sweep()
    assert (swept.errors, swept.woken) == (1, 1)
    assert "intake not swept" in capsys.readouterr().out
    assert len(yard.store.check_at) == 2


def test_one_sweep_is_bounded(yard: Yard) -> None:
    """A sweep looks at so many intakes; the rest is found by the next."""
    for number in range(BATCH + 5):
        yard.store.add(an_intake(f"{number:032x}", status=Status.READ))
    assert yard.sweeper.sweep() == Swept(woken=BATCH)
    assert yard.sweeper.sweep() == Swept(woken=5)


# --- uploads ----------------------------------------------------------------------------------------------------------------


def abandoned(yard: Yard, upload: str = "u1", age: timedelta = UPLOAD_MAX_AGE + timedelta(seconds=5)) -> None:
    """Put an upload in place that began some time ago, with a file."""
    yard.store.uploads[upload] = StaleUpload(upload, INTAKE_ID, datetime.now(UTC) - age)
    yard.bucket.objects[f"bills/{INTAKE_ID}/{upload}/01"] = b"bill"


def test_abandoned_upload(yard: Yard) -> None:
    """What an upload left that never became an intake is deleted."""
    abandoned(yard)
    assert yard.sweeper.sweep() == Swept(uploads=1)
    assert (yard.bucket.objects, yard.store.uploads) == ({}, {})


def test_upload_that_may_still_run(yard: Yard) -> None:
    """An upload that may still be going on is left alone."""
    abandoned(yard, age=UPLOAD_MAX_AGE - timedelta(seconds=5))
    assert yard.sweeper.sweep() == Swept()
    assert yard.bucket.objects


def test_upload_that_lost_against_another(yard: Yard) -> None:
    """The files of the upload that became the intake stay, and so do its pages."""
    intake = yard.store.add(an_intake(status=Status.RECORDED, file_pages=(1,)))
    kept = {intake.files[0].object: b"bill", words_object(INTAKE_ID, 1): b"words"}
    yard.store.check_at.clear()
    yard.bucket.objects.update(kept)
    abandoned(yard, "loser")
    assert yard.sweeper.sweep() == Swept(uploads=1)
    assert yard.bucket.objects == kept


def test_refused_intake_whose_files_were_not_deleted(yard: Yard) -> None:
    """Files and pages of a refused bill are deleted when the run that refused it died before it could."""
    intake = yard.store.add(an_intake(status=Status.READING, file_pages=(3,)))
    yard.bucket.objects.update({intake.files[0].object: b"bill", words_object(INTAKE_ID, 2): b"words"})
    assert yard.store.fail(intake, GaveUp(), discard_files=True)
    yard.store.uploads["u1"] = replace(yard.store.uploads["u1"], version=datetime.now(UTC) - timedelta(hours=2))
    assert yard.sweeper.sweep() == Swept(uploads=1)
    assert (yard.bucket.objects, yard.store.uploads) == ({}, {})


def test_calls_that_were_in_flight_when_a_bill_failed(yard: Yard) -> None:
    """They count for the day like those before, once no run is left that could make more."""
    intake = yard.store.add(an_intake(status=Status.READING, file_pages=(9,)))
    runs = []
    for chunk, calls in ((0, 2), (1, 3)):
        held = yard.store.claim_chunk(INTAKE_ID, chunk, f"m{chunk}", 90.0)
        runs.append(Lease(yard.store, held, 90.0, math.inf))  # type: ignore[arg-type]
        for _ in range(calls):
            runs[chunk].count_call()
    assert yard.store.fail(intake, GaveUp(), runs[0].calls(alone=False), discard_files=True)
    assert yard.store.calls[INTAKE_ID] == 2
    runs[1].give_back()
    yard.store.uploads["u1"] = replace(yard.store.uploads["u1"], version=datetime.now(UTC) - timedelta(hours=2))
    assert yard.sweeper.sweep() == Swept(uploads=1)
    assert yard.store.calls[INTAKE_ID] == 5


def test_upload_cannot_be_deleted(yard: Yard, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be deleted now stays written down."""
    abandoned(yard, "one")
    abandoned(yard, "two")
    yard.bucket.faults.refuse("delete_all")
    assert yard.sweeper.sweep() == Swept(uploads=1, errors=1)
    assert "abandoned upload not deleted" in capsys.readouterr().out
    assert yard.sweeper.sweep() == Swept(uploads=1)
    assert yard.bucket.objects == {}


# --- copies and lists -----------------------------------------------------------------------------------------------------


class Lists:
    """The office's lists; `error` fails them."""

    error: Exception | None = None

    def sync(self) -> int:
        if self.error:
            raise self.error
        return 2


def with_errands(yard: Yard) -> tuple[Sweeper, DeliveryJobs, Lists]:
    """Return a sweeper that looks after copies and lists as well."""
    copies, lists = DeliveryJobs(yard.store), Lists()
    return replace(yard.sweeper, queues=[copies], lists=lists), copies, lists  # type: ignore[arg-type]


def test_copies_that_are_due_are_woken_by_one_nudge(yard: Yard) -> None:
    """`record` makes all copies that are due, whichever it is told of; later ones wait for their time."""
    sweeper, _, _ = with_errands(yard)
    now = datetime.now(UTC)
    for number in range(3):
        yard.store.add(an_intake(f"{number:032x}", status=Status.RECORDED))
        at = now + timedelta(hours=number - 1, seconds=-1)
        yard.store.deliveries["copy"][f"{number:032x}"] = {"attempts": 0, "at": at}
    yard.store.check_at.clear()
    assert sweeper.sweep() == Swept(deliveries=2, lists=2)
    assert yard.tasks.to_sheet == ["0" * 32]


def test_nothing_is_left_undone_when_an_errand_fails(yard: Yard, capsys: pytest.CaptureFixture[str]) -> None:
    """A Sheet that is away fails neither the sweep nor the copies, and is said."""
    sweeper, copies, lists = with_errands(yard)
    lists.error = SheetUnavailable()
    yard.stopped(Status.WAITING)
    assert sweeper.sweep() == Swept(woken=1, errors=1)
    assert "lists not swept" in capsys.readouterr().out
    copies.faults.refuse("due")
    lists.error = None
    assert sweeper.sweep() == Swept(lists=2, errors=1)
