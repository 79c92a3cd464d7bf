"""The `record` stage: each row once and only once, few writes, whatever the Sheet does."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from intake.errors import SheetBlocked, SheetMoved, SheetUnavailable, TemporaryError
from intake.model import Status
from intake.stages.record import Record
from intake.stages.sheet_access import PAUSE_AFTER_FAILURE_S
from intake.stages.sheet_rows import FLUSH_ROWS

from tests.support.fakes import ANSWERS, INTAKE_ID, Clock, Sheet, SheetOfProcess, Store, an_intake
from tests.support.recording import INTERVAL_S, a_process


class Office:
    """A Sheet, a store and any number of processes that write, on one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store(now=self.clock.now)
        self.sheet = Sheet(self.clock)

    def process(self) -> Record:
        """Start a process: it knows nothing of what others did."""
        return a_process(self.store, SheetOfProcess(self.sheet), self.clock)

    def finish(self, count: int, start: int = 0) -> list[str]:
        """Let some intakes be read; return their ids."""
        ids = [f"{number:032x}" for number in range(start, start + count)]
        for number, intake_id in enumerate(ids, start):
            intake = an_intake(intake_id, status=Status.READ, file_pages=(1,), updated_at=self.clock.now())
            self.store.add(replace(intake, submitted_at=intake.submitted_at + timedelta(seconds=number)))
        return ids

    @property
    def rows(self) -> list[str]:
        return [row["Intake ID"] for row in self.sheet.rows]

    def status(self, intake_id: str) -> Status:
        return self.store.intakes[intake_id].status

    def settle(self, process: Record, ids: list[str], tries: int = 100) -> None:
        """Deliver the message of each intake again and again, as Pub/Sub does, until it is handled."""
        for intake_id in ids:
            for _ in range(tries):
                try:
                    process.record(intake_id)
                    break
                except TemporaryError:  # and nothing else: only these are delivered again with any hope
                    self.clock.sleep(5)
            else:
                raise AssertionError("not recorded in spite of many tries")


@pytest.fixture
def office() -> Office:
    return Office()


# --- the usual way --------------------------------------------------------------------------------------------------------


def test_one_intake(office: Office) -> None:
    """A read intake gets its row and is done."""
    (intake_id,) = office.finish(1)
    office.process().record(intake_id)
    assert (office.rows, office.status(intake_id)) == ([intake_id], Status.RECORDED)
    assert office.sheet.faults.calls == {"find_rows": 1, "append": 1}


def test_many_intakes_are_one_write(office: Office) -> None:
    """Whoever comes first takes all that are due along, oldest first; the other tasks find nothing to do."""
    ids = office.finish(300)
    process = office.process()
    for intake_id in reversed(ids):
        process.record(intake_id)
    assert office.rows == ids
    assert office.sheet.faults.calls["append"] == 1


def test_full_batch_exactly(office: Office) -> None:
    """500 rows go in one write; 501 take two."""
    ids = office.finish(FLUSH_ROWS)
    office.process().record(ids[0])
    assert len(office.sheet.written_at) == 1
    ids = office.finish(FLUSH_ROWS + 1, start=1000)
    office.process().record(ids[0])
    assert len(office.sheet.written_at) == 3
    assert len(set(office.rows)) == len(office.rows) == 2 * FLUSH_ROWS + 1


def test_interval_between_writes(office: Office) -> None:
    """However fast intakes come, writes keep their distance, so 60 a minute are never passed."""
    process = office.process()
    for number in range(100):
        office.settle(process, office.finish(1, start=number))
    writes = office.sheet.written_at
    assert len(writes) == 100
    assert min(later - earlier for earlier, later in itertools.pairwise(writes)) >= INTERVAL_S - 1e-9
    assert max(sum(1 for at in writes if start <= at < start + 60) for start in writes) <= 60


def test_first_write_does_not_wait(office: Office) -> None:
    """A process that has not written for a while writes at once."""
    process = office.process()
    office.settle(process, office.finish(1))
    office.clock.sleep(30)
    before = office.clock.seconds
    office.settle(process, office.finish(1, start=1))
    assert office.clock.seconds == before


def test_ids_are_read_once_a_process(office: Office) -> None:
    """A process that knows the Sheet appends without looking."""
    process = office.process()
    for number in range(5):
        office.settle(process, office.finish(1, start=number))
    assert office.sheet.faults.calls["find_rows"] == 1


@pytest.mark.parametrize("status", [Status.RECORDED, Status.FAILED])
def test_nudge_for_a_finished_intake(office: Office, status: Status) -> None:
    """A nudge that comes late touches nothing."""
    office.store.add(an_intake(status=status))
    office.process().record(INTAKE_ID)
    assert office.sheet.faults.calls == {}


def test_nudge_that_comes_early(office: Office) -> None:
    """An intake that is not read yet gets no row."""
    office.store.add(an_intake(status=Status.READING))
    office.process().record(INTAKE_ID)
    assert (office.rows, office.status(INTAKE_ID)) == ([], Status.READING)


# --- trouble --------------------------------------------------------------------------------------------------------------


def test_over_quota(office: Office) -> None:
    """Rows that Google refused are written later; in between the Sheet is left in peace."""
    ids = office.finish(2)
    process = office.process()
    office.sheet.over_quota()
    with pytest.raises(SheetUnavailable):
        process.record(ids[0])
    calls = dict(office.sheet.faults.calls)
    office.clock.sleep(PAUSE_AFTER_FAILURE_S - 0.1)
    with pytest.raises(SheetUnavailable):
        process.record(ids[1])
    assert office.sheet.faults.calls == calls
    office.clock.sleep(0.2)
    process.record(ids[1])
    assert sorted(office.rows) == ids


@pytest.mark.parametrize("seed", range(20))
def test_exactly_once_whatever_happens(office: Office, seed: int) -> None:
    """Through lost answers, refusals and restarts every intake has one row in the end."""
    rng = random.Random(seed)
    process = office.process()
    ids: list[str] = []
    for _ in range(40):
        new = office.finish(rng.randint(0, 3), start=len(ids))
        ids += new
        for _fault in range(rng.randint(0, 2)):
            faults, call, error = rng.choice(
                [
                    (office.sheet.faults, "append", SheetUnavailable),
                    (office.sheet.faults, "find_rows", SheetUnavailable),
                    (office.store.faults, "mark_recorded", TemporaryError),
                    (office.store.faults, "awaiting_row", TemporaryError),
                ]
            )
            rng.choice([faults.refuse, faults.lose_answer])(call, error=error)
        for intake_id in rng.sample(ids, min(3, len(ids))):
            with contextlib.suppress(TemporaryError):
                process.record(intake_id)
        if rng.random() < 0.15:
            process = office.process()
        office.clock.sleep(rng.choice([0, 0.3, 3, 30, 200]))
    office.settle(process, ids)
    assert sorted(office.rows) == sorted(ids)
    assert {office.status(intake_id) for intake_id in ids} <= {Status.RECORDED}


# --- several processes ------------------------------------------------------------------------------------------------------


def test_another_process_writes_in_between(office: Office) -> None:
    """Whoever has not written last looks for the rows again before he writes, in the same run."""
    first, second = office.process(), office.process()
    for number in range(6):
        office.settle((first, second)[number % 2], office.finish(1, start=number), tries=1)
    assert len(office.rows) == len(set(office.rows)) == 6
    assert office.sheet.faults.calls["find_rows"] == 6


def test_another_process_writes_all_the_time(office: Office) -> None:
    """A flush that always comes too late gives up for now, without a pause for the next one."""
    ids, process = office.finish(1), office.process()
    office.sheet.faults.refuse("append", 4, SheetMoved)
    with pytest.raises(SheetMoved):
        process.record(ids[0])
    process.record(ids[0])
    assert office.rows == ids


def test_rows_that_are_swallowed(office: Office) -> None:
    """A row that was not seen after the write is not recorded, and is written again."""
    ids, process = office.finish(3), office.process()
    office.sheet.swallows = 1
    with pytest.raises(SheetUnavailable, match="not in the Sheet"):
        process.record(ids[0])
    assert sorted(office.status(intake_id) for intake_id in ids) == [Status.READ, Status.RECORDED, Status.RECORDED]
    office.settle(process, ids)
    assert sorted(office.rows) == ids


# --- no row waits for another -----------------------------------------------------------------------------------------------


def refused_while_whole(*ids: str) -> Any:
    return lambda row: row["Intake ID"] in ids and row["Pages"] != ""


@pytest.mark.parametrize("bad", [(0,), (3,), (0, 6), tuple(range(7))])
def test_a_row_that_google_refuses(office: Office, bad: tuple[int, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """It is found and written short, with Status check and the reason; all others are written whole, at once."""
    ids = office.finish(7)
    office.sheet.refuses = refused_while_whole(*(ids[number] for number in bad))
    office.process().record(ids[6])
    assert sorted(office.rows) == ids
    for number, intake_id in enumerate(ids):
        row = next(row for row in office.sheet.rows if row["Intake ID"] == intake_id)
        assert row["Business Entity"] == ANSWERS["business_entity"]
        assert (row["Pages"] == "") == (number in bad)
        if number in bad:
            assert row["Status"] == "check"
            assert "is incomplete: Google refused what is in it." in row["Attention"]
    assert {office.status(intake_id) for intake_id in ids} == {Status.RECORDED}
    writes = office.sheet.written_at
    assert min(later - earlier for earlier, later in itertools.pairwise(writes)) >= INTERVAL_S - 1e-9


def test_a_single_row_whose_answers_are_refused(office: Office) -> None:
    """It is settled at once, though no other row shows that the Sheet takes rows: nothing from outside is left in it."""
    (intake_id,) = office.finish(1)
    office.sheet.refuses = lambda row: row["Business Entity"] != ""
    office.process().record(intake_id)
    (row,) = office.sheet.rows
    assert (row["Intake ID"], row["Status"], office.status(intake_id)) == (intake_id, "check", Status.RECORDED)
    assert row["Attention"].startswith("This row is incomplete: Google refused what is in it.")
    assert {name for name, cell in row.items() if cell} == {"Intake ID", "Submitted", "Status", "Attention"}
    assert office.store.sheet_trouble == [""]


def test_a_row_that_is_refused_even_short(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """It is set aside with a line that alerts, and comes again a day later; all others go on."""
    ids, process = office.finish(5), office.process()
    office.sheet.refuses = lambda row: row["Intake ID"] == ids[2]
    process.record(ids[0])
    assert sorted(office.rows) == [*ids[:2], *ids[3:]]
    assert office.status(ids[2]) is Status.ASIDE
    assert '"message": "the Sheet needs attention"' in capsys.readouterr().out
    writes = len(office.sheet.written_at)
    office.settle(process, office.finish(1, start=9))
    assert len(office.sheet.written_at) == writes + 1


def test_a_sheet_that_refuses_every_row(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """When no row is taken it is not the rows: all stay due, and the reason is said."""
    ids, process = office.finish(3), office.process()
    office.sheet.refuses = lambda _: True
    with pytest.raises(SheetBlocked):
        process.record(ids[0])
    assert {office.status(intake_id) for intake_id in ids} == {Status.READ}
    assert len(office.store.sheet_trouble) == 1
    assert '"message": "the Sheet needs attention"' in capsys.readouterr().out
    office.sheet.refuses = lambda _: False
    office.settle(process, ids)
    assert office.store.sheet_trouble[1:] == [""]
    assert sorted(office.rows) == ids


def test_a_row_that_cannot_be_made(office: Office) -> None:
    """An exception while one row is made concerns that row: it is written short; when even that fails it is set aside."""
    ids = office.finish(4)
    odd = office.store.intakes[ids[1]]
    office.store.intakes[ids[1]] = replace(odd, reading={"fields": {"kwh": "no mapping"}})
    office.store.intakes[ids[2]] = replace(odd, id=ids[2], form=None)  # type: ignore[arg-type]
    office.process().record(ids[0])
    assert sorted(office.rows) == [ids[0], ids[1], ids[3]]
    short = next(row for row in office.sheet.rows if row["Intake ID"] == ids[1])
    assert (short["Status"], short["Business Entity"]) == ("check", ANSWERS["business_entity"])
    assert office.status(ids[2]) is Status.ASIDE


def test_threads_of_one_process(office: Office) -> None:
    """TaskPublisher that come at the same time in one process share one write."""
    ids = office.finish(50)
    process = office.process()
    threads = [threading.Thread(target=process.record, args=(intake_id,)) for intake_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(office.rows) == ids
    assert office.sheet.faults.calls["append"] == 1


def test_log_has_numbers_only(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written is logged as counts."""
    ids: list[str] = office.finish(2)
    office.process().record(ids[0])
    out = capsys.readouterr().out
    assert '"rows": 2, "already_there": 0' in out
    assert not any(value in out for value in ANSWERS.values() if len(value) > 3)
