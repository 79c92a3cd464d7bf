"""Copies in Drive: every bill once, after its row and never before, whatever Drive, the Sheet and Firestore do."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import IO, Any

import pytest
from intake.cloud.sheets.office_tabs import OfficeTabs
from intake.errors import DriveUnavailable, SheetUnavailable, TemporaryError
from intake.model import Status
from intake.ports import Folder
from intake.rows import COPY_COLUMN, copy_mark
from intake.stages import archive, deliver
from intake.stages.archive import GAVE_UP, DriveArchive, folder_name
from intake.stages.deliver import Deliveries, Retries
from intake.stages.record import Record

from infra.local.sheets.service import Limits
from tests.support.fakes import (
    ANSWERS,
    Bucket,
    Clock,
    DeliveryJobs,
    Faults,
    SandboxClient,
    Sheet,
    SheetOfProcess,
    Store,
    an_intake,
)
from tests.support.office_sheet import OfficeSheet
from tests.support.recording import a_process

MAX_ATTEMPTS = 4


@dataclass
class Drive:
    """The office's folder; `faults` as everywhere. What is made after a lost answer is there."""

    folders: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    files: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, intake_id: str) -> tuple[Folder | None, set[int]]:
        with self.lock, self.faults("find"):
            made = self.folders.get(intake_id)
            numbers = {number for owner, number in self.files if owner == intake_id}
            return (Folder(made[0], f"https://drive/{made[0]}") if made else None), numbers

    def make_folder(self, intake_id: str, name: str) -> Folder:
        with self.lock, self.faults("make_folder"):
            made = f"folder of {intake_id}"
            self.folders.setdefault(intake_id, []).append(made)
            self.names.append(name)
        return Folder(made, f"https://drive/{made}")

    def upload(
        self,
        intake_id: str,
        number: int,
        folder_id: str,
        name: str,
        content_type: str,
        size: int,
        pieces: Iterable[bytes | memoryview],
    ) -> None:
        content = b"".join(pieces)
        assert len(content) == size
        with self.lock, self.faults("upload"):
            self.files.setdefault((intake_id, number), []).append(content)


class Nothing:
    """No rows are due."""

    def run(self) -> None:
        pass


class Office:
    """`record` with its rows and copies, on one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store(now=self.clock.now)
        self.sheet, self.bucket, self.drive = Sheet(self.clock), Bucket(), Drive()
        self.copies = DeliveryJobs(self.store)
        self.record = self.process()
        self.archive = self.a_copier()

    def process(self, table: object = None) -> Record:
        table = table or SheetOfProcess(self.sheet)
        return a_process(self.store, table, self.clock, copies=True, then=["copy"])  # type: ignore[arg-type]

    def a_copier(self, max_attempts: int = MAX_ATTEMPTS) -> Deliveries:
        archive = DriveArchive(
            bucket=self.bucket,
            drive=self.drive,
            sheet=self.record.sheet,
            cleaner=SandboxClient(),
            clock=self.clock,
        )
        retries = Retries(max_attempts, GAVE_UP)
        return Deliveries(queue=self.copies, destination=archive, retries=retries, clock=self.clock)

    def copy_due(self) -> None:
        """Make the copies that are due, as the stage does after the rows."""
        replace(self.record, deliveries=[self.archive], rows=Nothing()).record("0")  # type: ignore[arg-type]

    def finish(self, count: int, *kinds: str, start: int = 0) -> list[str]:
        """Let some intakes be read; return their ids."""
        ids = [f"{number:032x}" for number in range(start, start + count)]
        for intake_id in ids:
            intake = an_intake(intake_id, *kinds, status=Status.READ, file_pages=(1,))
            self.store.add(intake)
            for file in intake.files:
                self.bucket.objects[file.object] = b"%PDF-1.7 "[: file.size]
        return ids

    def handle(self, intake_id: str) -> None:
        """Handle a message, as main.record does."""
        self.record.record(intake_id)
        self.copy_due()

    def cell(self, intake_id: str) -> Any:
        """Return what the row of an intake says of its copy."""
        (row,) = [row for row in self.sheet.rows if row["Intake ID"] == intake_id]
        return row[COPY_COLUMN]

    def copied(self, intake_id: str) -> bool:
        """Return whether an intake has one folder with each file once, linked in its one row, and nothing to do."""
        intake = self.store.intakes[intake_id]
        contents = [self.drive.files.get((intake_id, number)) for number in range(1, len(intake.files) + 1)]
        return (
            len(self.drive.folders.get(intake_id, [])) == 1
            and all(content is not None and len(content) == 1 for content in contents)
            and str(self.cell(intake_id)).startswith("https://drive/")
            and self.copies.jobs[intake_id]["state"] == "done"
            and "at" not in self.copies.jobs[intake_id]
        )

    def pass_time(self, minutes: int) -> None:
        """Let the scheduler sweep every minute: it tasks `record` while a copy is due."""
        for _ in range(minutes):
            self.clock.sleep(60)
            if self.copies.due(self.clock.now(), 1):
                self.copy_due()


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_copy(office: Office) -> None:
    """The row comes first; then folder, files and link."""
    (intake_id,) = office.finish(1, "pdf", "pdf")
    office.record.record(intake_id)
    assert office.cell(intake_id) == copy_mark(intake_id)
    office.copy_due()
    assert office.copied(intake_id)
    assert office.drive.names == ["2026-03-14_Finger Lakes Widgets_NYSEG"]
    assert office.copies.jobs[intake_id] == {
        "state": "done",
        "attempts": 1,
        "folder": f"https://drive/folder of {intake_id}",
    }


@pytest.mark.parametrize(
    ("account_name", "name"),
    [
        ("A/B <C>: D\\E?", "2026-03-14_A-B -C- D-E-_NYSEG"),
        ("..", "2026-03-14__NYSEG"),
        ("N" * 200, f"2026-03-14_{'N' * 120}_NYSEG"),
        ("Ångström Bäckerei", "2026-03-14_Ångström Bäckerei_NYSEG"),
    ],
)
def test_names_of_folders(account_name: str, name: str) -> None:
    """A folder's name is one that every computer can have, which syncs Drive."""
    assert folder_name(an_intake(form={**ANSWERS, "account_name": account_name})) == name


def test_the_folder_has_the_offices_date() -> None:
    """A bill that comes in the evening in New York belongs to that day."""
    intake = an_intake()
    evening = replace(intake, submitted_at=intake.submitted_at.replace(hour=2))
    assert folder_name(evening).startswith("2026-03-13_")


@pytest.mark.parametrize("call", ["find", "make_folder", "upload"])
@pytest.mark.parametrize("how", ["refuse", "lose_answer"])
def test_drive_fails(office: Office, call: str, how: str) -> None:
    """The row is there all the same; the copy is made after a pause, once, also when only the answer was lost."""
    (intake_id,) = office.finish(1, "pdf", "pdf")
    getattr(office.drive.faults, how)(call, error=DriveUnavailable)
    office.handle(intake_id)
    assert office.store.intakes[intake_id].status is Status.RECORDED
    assert office.cell(intake_id) == copy_mark(intake_id)
    assert office.copies.jobs[intake_id]["at"] == office.clock.now() + Retries(1, "").first_pause
    office.pass_time(2)
    assert office.copied(intake_id)


def test_drive_is_down_for_an_hour(office: Office) -> None:
    """Pauses double, so a Drive that is down is not asked for every bill all the time; then all are copied."""
    office.archive = office.a_copier(max_attempts=10)
    ids = office.finish(30)
    office.drive.faults.refuse("find", 10_000, DriveUnavailable)
    office.handle(ids[0])
    office.pass_time(60)
    asked = office.drive.faults.calls["find"]
    assert len(ids) <= asked <= 7 * len(ids)
    office.drive.faults = Faults()
    office.pass_time(70)
    assert all(map(office.copied, ids))


def test_a_copy_is_given_up(office: Office) -> None:
    """After the last attempt the row says so, and nothing is left to do."""
    (intake_id,) = office.finish(1)
    office.drive.faults.refuse("find", 10_000, DriveUnavailable)
    office.handle(intake_id)
    office.pass_time(60)
    assert office.cell(intake_id) == "not copied: Drive was unavailable. Open the bill with its link."
    assert office.copies.jobs[intake_id]["state"] == "failed"
    assert "at" not in office.copies.jobs[intake_id]
    assert office.drive.faults.calls["find"] == MAX_ATTEMPTS


def test_a_picture_that_cannot_be_cleaned_is_not_copied(office: Office) -> None:
    """Rather no copy than one that says where a customer lives; the row says what to do."""
    (intake_id,) = office.finish(1, "pdf", "jpeg")
    office.handle(intake_id)
    assert str(office.cell(intake_id)).startswith(
        "File 2 was not copied because it might still say where it was taken."
    )
    assert (intake_id, 2) not in office.drive.files


def test_a_bug_in_one_copy_does_not_hold_up_the_others(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody thought of is logged, counted and given up; the other bills are copied meanwhile."""
    first, second = office.finish(2)
    broken = office.store.intakes[first]
    strange = replace(broken.files[0], kind="papyrus")
    office.store.intakes[first] = replace(broken, files=[strange])
    office.handle(second)
    assert office.copied(second)
    assert "delivery failed; it will be retried" in capsys.readouterr().out
    office.pass_time(60)
    assert office.copies.jobs[first]["state"] == "failed"


def test_the_sheet_is_down_for_hours_at_the_link(office: Office) -> None:
    """A copy that was made is never given up because its row cannot be reached."""
    (intake_id,) = office.finish(1)
    office.record.record(intake_id)
    office.sheet.faults.refuse("fill_in", 1000, SheetUnavailable)
    office.copy_due()
    office.pass_time(300)
    office.sheet.faults = Faults()
    office.pass_time(2)
    assert office.copied(intake_id)


def test_another_process_makes_the_copy(office: Office) -> None:
    """Two instances for a while: one begins each copy, the other leaves it alone."""
    ids = office.finish(DriveArchive.batch)
    office.record.record(ids[0])
    others = [office.a_copier() for _ in range(3)]
    threads = [threading.Thread(target=archive.run) for archive in [office.archive, *others]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert all(map(office.copied, ids))


def test_a_process_dies_while_it_copies(office: Office) -> None:
    """The hold passes, and another finds what there is already."""
    (intake_id,) = office.finish(1, "pdf", "pdf", "pdf")
    office.record.record(intake_id)
    (due,) = office.copies.due(office.clock.now(), 1)
    assert office.copies.claim(due)
    folder = office.drive.make_folder(intake_id, "name")
    office.drive.upload(intake_id, 1, folder.id, "bill-01.pdf", "application/pdf", 3, [b"one"])
    office.copy_due()
    assert not office.copied(intake_id)
    office.pass_time(10)
    assert office.copied(intake_id)


def test_nudges_meanwhile_do_not_wait(office: Office) -> None:
    """While one thread copies, others come back at once, and what they came for is not forgotten."""
    ids = office.finish(1)
    office.record.record(ids[0])
    more = office.finish(1, start=1)
    find, entered, go_on = office.drive.find, threading.Event(), threading.Event()

    def slow(intake_id: str) -> Any:
        entered.set()
        assert go_on.wait(20)
        return find(intake_id)

    office.drive.find = slow  # type: ignore[method-assign]
    copying_thread = threading.Thread(target=office.copy_due)
    copying_thread.start()
    assert entered.wait(20)
    office.handle(more[0])
    assert not office.copied(more[0])
    go_on.set()
    copying_thread.join(20)
    assert all(map(office.copied, [*ids, *more]))


def test_a_large_picture_is_alone_in_memory(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pictures over the limit there is one at a time, however many bills are copied at once."""
    monkeypatch.setattr(archive, "LARGE_BYTES", 4)
    alive, most, lock = 0, 0, threading.Lock()
    fetch = office.bucket.fetch

    def counted(name: str, file: IO[bytes]) -> None:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        try:
            fetch(name, file)
        finally:
            threading.Event().wait(0.01)
            with lock:
                alive -= 1

    office.bucket.fetch = counted  # type: ignore[method-assign]
    ids = office.finish(8, "jpeg")
    for intake_id in ids:
        for file in office.store.intakes[intake_id].files:
            office.bucket.objects[file.object] = b"\xff\xd8\xff\xda\x00\x02\xff\xd9"
    office.handle(ids[0])
    assert all(map(office.copied, ids))
    assert most == 1


# --- a thousand a minute, and no quota at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_exactly_once_whatever_happens(office: Office, seed: int) -> None:
    """Through failures and lost answers everywhere, each bill has one row, one folder, each file once, and its link."""
    rng = random.Random(seed)
    ids: list[str] = []
    sources: list[tuple[Any, tuple[str, ...], type[Exception]]] = [
        (office.drive, ("find", "make_folder", "upload"), DriveUnavailable),
        (office.sheet, ("append", "intake_ids", "fill_in"), SheetUnavailable),
        (office.copies, ("due", "claim", "postpone", "finish"), TemporaryError),
        (office.store, ("mark_recorded", "awaiting_row"), TemporaryError),
    ]
    for _ in range(30):
        ids += office.finish(rng.randint(0, 3), *rng.choices(["pdf"], k=rng.randint(1, 3)), start=len(ids))
        for _ in range(rng.randint(0, 2)):
            source, calls, error = rng.choice(sources)
            rng.choice([source.faults.refuse, source.faults.lose_answer])(rng.choice(calls), error=error)
        for intake_id in rng.sample(ids, min(3, len(ids))):
            with contextlib.suppress(TemporaryError):
                office.handle(intake_id)
        if rng.random() < 0.2:
            office.clock.sleep(100)
            office.record = office.process()
        office.archive = office.a_copier(max_attempts=50)
        office.pass_time(rng.choice([0, 1, 4]))
    for source, _, _ in sources:
        source.faults = Faults()
    office.clock.sleep(100)
    for intake_id in ids:
        office.handle(intake_id)
    office.pass_time(30)
    assert sorted(row["Intake ID"] for row in office.sheet.rows) == sorted(ids)
    assert all(map(office.copied, ids))


def test_logs_hold_nothing_of_a_submission(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of folders are a customer's: they never get into a log."""
    ids = office.finish(2)
    office.drive.faults.refuse("upload", error=DriveUnavailable)
    office.handle(ids[0])
    out = capsys.readouterr().out
    assert "delivery failed" in out
    assert not any(value in out for value in ANSWERS.values() if len(value) > 3)


def test_no_copy_is_begun_when_the_time_is_up(office: Office) -> None:
    """A slow Drive does not let a run go on until the platform ends it; the rest is for the next run."""
    ids = office.finish(12)
    find = office.drive.find

    def slow(intake_id: str) -> Any:
        with office.drive.lock:
            office.clock.sleep(deliver.RUN_S / 3)
        return find(intake_id)

    office.drive.find = slow  # type: ignore[method-assign]
    office.record.record(ids[0])
    office.copy_due()
    done = sum(map(office.copied, ids))
    assert 0 < done <= 3 + DriveArchive.at_once
    office.drive.find = find  # type: ignore[method-assign]
    office.pass_time(10)
    assert all(map(office.copied, ids))


def test_a_thousand_a_minute_within_googles_quota(office: Office) -> None:
    """The same with the Sheet's real client against 60 reads and 60 writes a minute, with sweeps that read the lists."""
    book = OfficeSheet(office.clock.monotonic, Limits(60, 60))
    office.record = office.process(book.table())
    office.archive = office.a_copier()
    lists = OfficeTabs(book.book())
    ids: list[str] = []
    next_sweep = 0.0
    while len(ids) < 1000:
        due = min(1000, int((office.clock.seconds + 1) * 1000 / 60))
        ids += office.finish(due - len(ids), start=len(ids))
        office.handle(ids[-1])
        if office.clock.seconds >= next_sweep:
            lists.read()
            next_sweep += 60
        if len(ids) % 7 == 0:
            book.sort("Intakes", len(ids) % 12, descending=bool(len(ids) % 2))
        office.clock.sleep(0.2)
    assert office.clock.seconds < 65
    rows = {row["Intake ID"]: row for row in book.rows()}
    assert len(book.rows()) == len(rows) == 1000
    for intake_id, row in rows.items():
        assert row[COPY_COLUMN] == f"https://drive/folder of {intake_id}"
    assert book.wire.service.stats()["over_quota"] == {"reads": 0, "writes": 0}
    print(f"\n1,000 rows and links in {office.clock.seconds:.0f} s: {dict(book.wire.calls)}")
