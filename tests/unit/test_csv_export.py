"""The CSV export: each recorded intake once in its month's file, whatever fails and whoever else writes."""

from __future__ import annotations

import contextlib
import csv
import io
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from intake.cloud.csv_export import FORMULA_SIGNS, GAVE_UP, CsvExport
from intake.errors import TemporaryError
from intake.model import Intake, Status
from intake.rows import columns
from intake.stages.deliver import Deliveries, Retries

from tests.support.fakes import ANSWERS, SUBMITTED, Bucket, Clock, DeliveryJobs, Sheet, SheetOfProcess, Store, an_intake
from tests.support.recording import a_process

FILE = "exports/2026-03.csv"


class Office:
    """The `record` stage with the export switched on, on one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store, self.bucket = Store(now=self.clock.now), Bucket()
        self.sheet = Sheet(self.clock)
        self.jobs = DeliveryJobs(self.store, "export")
        export = CsvExport(self.bucket, "bills", "https://storage/")  # type: ignore[arg-type]
        self.export = Deliveries(queue=self.jobs, destination=export, retries=Retries(50, GAVE_UP), clock=self.clock)
        table = SheetOfProcess(self.sheet)
        self.record = a_process(self.store, table, self.clock, then=["export"], deliveries=[self.export])

    def finish(self, number: int, **changes: object) -> Intake:
        """Let an intake be read."""
        intake = an_intake(f"{number:032x}", status=Status.READ, file_pages=(1,))
        return self.store.add(replace(intake, **changes))  # type: ignore[arg-type]

    def table(self, name: str = FILE) -> list[dict[str, str]]:
        """Return the lines of a file by the names of its columns."""
        return list(csv.DictReader(io.StringIO(self.bucket.objects[name].decode(), newline="")))

    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.sleep(60)
            with contextlib.suppress(TemporaryError):
                self.export.run()


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_recorded_intake_is_exported(office: Office) -> None:
    """One line below the names of the columns, days and times as ISO 8601, several files on several lines of a cell."""
    intake = office.finish(1, files=an_intake("1", "pdf", "pdf").files)
    office.record.record(intake.id)
    (line,) = office.table()
    assert list(line) == [column.name for column in columns(copies=False)]
    assert (line["Intake ID"], line["Submitted"], line["Account Name"]) == (
        intake.id,
        "2026-03-14 11:09:26",
        ANSWERS["account_name"],
    )
    assert line["Bill (link)"].count("https://storage/bills/") == 2
    assert office.jobs.jobs[intake.id] == {"state": "done", "attempts": 1, "object": FILE}


def test_months_are_the_offices(office: Office) -> None:
    """What comes in New York's last evening of a month belongs to that month."""
    for number, day in enumerate((datetime(2026, 4, 1, 3, 59, tzinfo=UTC), datetime(2026, 4, 1, 4, 0, tzinfo=UTC))):
        office.finish(number, submitted_at=day)
    office.record.record(f"{0:032x}")
    assert [len(office.table(name)) for name in (FILE, "exports/2026-04.csv")] == [1, 1]


@pytest.mark.parametrize("sign", FORMULA_SIGNS)
def test_a_cell_is_never_a_formula(office: Office, sign: str) -> None:
    """A name that a spreadsheet would carry out begins with an apostrophe; a number stays one."""
    office.finish(1, form={**ANSWERS, "account_name": f'{sign}HYPERLINK("https://evil.example")'})
    office.record.record(f"{1:032x}")
    (line,) = office.table()
    assert line["Account Name"] in ("", f'\'{sign}HYPERLINK("https://evil.example")')


def test_a_redelivery_changes_nothing(office: Office) -> None:
    """A run that died after it wrote is repeated, and the intake is there once."""
    for number in range(3):
        office.finish(number, form={**ANSWERS, "account_name": 'Two\nlines, "quoted" Ångström'})
    office.jobs.faults.lose_answer("claim", 3)
    office.bucket.faults.lose_answer("close")
    office.record.record(f"{0:032x}")
    office.jobs.faults.refuse("finish", 2)
    office.pass_time(120)
    assert sorted(line["Intake ID"] for line in office.table()) == [f"{number:032x}" for number in range(3)]
    assert {line["Account Name"] for line in office.table()} <= {"", 'Two\nlines, "quoted" Ångström'}
    assert all(job["state"] == "done" for job in office.jobs.jobs.values())


def test_somebody_else_writes_in_between(office: Office) -> None:
    """The file is not overwritten: the export is attempted again on what is there then."""
    office.finish(1)
    office.record.record(f"{1:032x}")
    before = office.bucket.objects[FILE]
    office.finish(2)
    pieces = office.bucket.pieces

    def overtaken(name: str, generation: int | None = None):  # type: ignore[no-untyped-def]
        yield from pieces(name, generation)
        office.bucket.generations[FILE] += 1
        office.bucket.pieces = pieces  # type: ignore[method-assign]

    office.bucket.pieces = overtaken  # type: ignore[method-assign]
    office.record.record(f"{2:032x}")
    assert office.bucket.objects[FILE] == before
    office.pass_time(3)
    assert len(office.table()) == 2


def test_a_file_with_other_columns_is_continued_with_those(office: Office) -> None:
    """A column that came or went since the month began does not shift any cell."""
    office.bucket.objects[FILE] = b"Account Name,Gone,Intake ID\r\nEarlier,x,abc\r\n"
    office.bucket.generations[FILE] = 1
    intake = office.finish(1)
    office.record.record(intake.id)
    assert office.table()[1] == {"Account Name": ANSWERS["account_name"], "Gone": "", "Intake ID": intake.id}


def test_an_intake_without_a_line_keeps_no_other_back(office: Office) -> None:
    """What cannot be put into a line is given up with a reason; the others of its batch are there."""
    office.finish(1, reading={"fields": {"kwh": {"value": object()}}})
    office.finish(2)
    office.store.mark_recorded(list(office.store.intakes.values()), then=["export"])
    office.export.run()
    assert [line["Intake ID"] for line in office.table()] == [f"{2:032x}"]
    assert office.jobs.jobs[f"{1:032x}"]["state"] == "failed"


@pytest.mark.parametrize("seed", range(5))
def test_exactly_once_whatever_fails(office: Office, seed: int) -> None:
    """Through failures and lost answers of Storage and Firestore each intake has one line."""
    rng, count = random.Random(seed), 0
    for _ in range(15):
        for _ in range(rng.randint(0, 3)):
            office.finish(count, submitted_at=SUBMITTED + timedelta(days=rng.choice([0, 30])))
            count += 1
        for _ in range(rng.randint(0, 2)):
            source, call = rng.choice(
                [(office.bucket.faults, each) for each in ("generation", "read", "write", "close")]
                + [(office.jobs.faults, each) for each in ("due", "claim", "postpone", "finish")]
            )
            rng.choice([source.refuse, source.lose_answer])(call, error=TemporaryError)
        if count:
            office.record.record(f"{count - 1:032x}")
        office.clock.sleep(rng.choice([1, 60, 400]))
    for _ in range(60):
        office.pass_time(7)
    ids = [line["Intake ID"] for name in (FILE, "exports/2026-04.csv") for line in office.table(name)]
    assert sorted(ids) == [f"{number:032x}" for number in range(count)]
