"""In-memory stand-ins for everything behind `intake.cloud`, with failures on order.

Each behaves as the real one promises to; `faults` makes a call fail before it did anything (`refuse`) or after it did
all of it (`lose_answer`), which are the two ways in which a network fails.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import IO, Any

from intake.errors import (
    IntakeError,
    LeaseLost,
    LocationNotRemoved,
    RowsRefused,
    SheetMoved,
    SheetUnavailable,
    TemporaryError,
    UploadAbandoned,
)
from intake.extraction import Reading, read_bill
from intake.model import Intake, PageWords, Progress, Quad, Stage, Status, StoredFile, Word
from intake.office.lists import Agent, Agents, Options
from intake.office.office_lists import OfficeLists
from intake.pages import Document, open_document
from intake.pages.metadata import Part, Unreadable, without_location
from intake.pages.sandbox.process import Pay, pay_nothing
from intake.ports import ChunkLease, Due, DueDelivery, Ended, Spent, StaleUpload
from intake.rate_limits import Caller

from infra.contract import examples

SUBMITTED = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
INTAKE_ID = "0123456789abcdef0123456789abcdef"
ANSWERS = {
    **examples(),
    "agent_id": "AG-17",
    "business_entity": "Finger Lakes Widgets LLC",
    "account_name": "Finger Lakes Widgets",
    "contact_name": "Robin Example",
    "title": "Owner",
    "phone": "607-555-0123",
    "email": "robin@example.com",
    "utility": "NYSEG",
    "account_type": "Mass Market",
    "developer": "Meadow Solar",
}


def an_intake(intake_id: str = INTAKE_ID, *kinds: str, **changes: Any) -> Intake:
    """Return a submitted intake with one file of each kind (a PDF when none is named)."""
    files = [
        StoredFile(f"bills/{intake_id}/u1/{number:02d}", kind, 9, "ab" * 32)
        for number, kind in enumerate(kinds or ("pdf",), 1)
    ]
    return replace(Intake(intake_id, Status.WAITING, SUBMITTED, dict(ANSWERS), files, "f" * 64), **changes)


class Faults:
    """Failures on order, and a count of all calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._refused: dict[str, list[BaseException]] = {}
        self._lost: dict[str, list[BaseException]] = {}

    def refuse(self, call: str, times: int = 1, error: Callable[[], BaseException] = TemporaryError) -> None:
        """Let the next calls fail before they do anything."""
        self._refused.setdefault(call, []).extend(error() for _ in range(times))

    def lose_answer(self, call: str, times: int = 1, error: Callable[[], BaseException] = TemporaryError) -> None:
        """Let the next calls do their work and then fail."""
        self._lost.setdefault(call, []).extend(error() for _ in range(times))

    @contextmanager
    def __call__(self, call: str) -> Iterator[None]:
        """Surround the body of a call."""
        self.calls[call] += 1
        if self._refused.get(call):
            raise self._refused[call].pop(0)
        yield
        if self._lost.get(call):
            raise self._lost[call].pop(0)


@dataclass
class Store:
    """The documents. Every change is atomic, as Firestore's commits are."""

    intakes: dict[str, Intake] = field(default_factory=dict)
    progresses: dict[str, Progress] = field(default_factory=dict)
    uploads: dict[str, StaleUpload] = field(default_factory=dict)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    paid: dict[str, Spent] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    bill_keys: dict[str, str] = field(default_factory=dict)
    check_at: dict[str, datetime] = field(default_factory=dict)
    deliveries: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    sheet_trouble: list[str] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def add(self, intake: Intake) -> Intake:
        """Put an intake in place as if it had come here the usual way."""
        self.intakes[intake.id] = intake
        stage = {Status.WAITING: Stage.WAITING, Status.READING: Stage.READING}.get(intake.status, Stage.RECORDING)
        self.progresses[intake.id] = Progress(stage, intake.submitted_at, intake.submitted_at, pages_total=intake.pages)
        self.check_at[intake.id] = intake.submitted_at
        return intake

    def intake(self, intake_id: str) -> Intake | None:
        with self.faults("intake"):
            return self.intakes.get(intake_id)

    def progress(self, intake_id: str) -> Progress | None:
        with self.faults("progress"):
            return self.progresses.get(intake_id)

    def due_for_check(self, now: datetime, limit: int) -> list[Due]:
        with self.faults("due_for_check"):
            due = sorted((at, key) for key, at in self.check_at.items() if at <= now)
            return [Due(self.intakes[key], self.intakes[key]) for _, key in due[:limit]]

    def awaiting_row(self, limit: int) -> list[Intake]:
        with self.faults("awaiting_row"):
            found = [intake for intake in self.intakes.values() if intake.status is Status.READ][:limit]
            return sorted(found, key=lambda intake: intake.submitted_at)

    def begin_upload(self, upload_id: str, intake_id: str) -> StaleUpload:
        with self.faults("begin_upload"):
            self.uploads[upload_id] = upload = StaleUpload(upload_id, intake_id, self.now())
            return upload

    def abandon_upload(self, upload: StaleUpload) -> bool:
        with self.faults("abandon_upload"):
            if self.uploads.get(upload.id) is not upload:
                return False
            self.uploads[upload.id] = replace(upload)
            return True

    def end_upload(self, upload_id: str) -> None:
        with self.faults("end_upload"):
            self.uploads.pop(upload_id, None)

    def accept(self, intake: Intake, upload_id: str, begun: object) -> bool:
        with self.faults("accept"):
            if intake.id in self.intakes:
                return False
            if self.uploads.get(upload_id) is not begun:
                raise UploadAbandoned
            self.add(intake)
            self.uploads.pop(upload_id, None)
            return True

    def stale_uploads(self, before: datetime, limit: int) -> list[StaleUpload]:
        with self.faults("stale_uploads"):
            return [upload for upload in self.uploads.values() if upload.version < before][:limit]

    def claim_chunk(
        self, intake_id: str, chunk: int, owner: str, lease_s: float, pay_s: float = 0
    ) -> ChunkLease | None:
        with self.faults("claim_chunk"):
            key = f"{intake_id}/{chunk}"
            if not self._claim(key, owner, lease_s):
                return None
            paid_s, calls = self.paid.get(key, Spent(0.0, 0))
            self.paid[key] = Spent(paid_s + pay_s, calls)
            return ChunkLease(intake_id, chunk, self.leases[key], *self.paid[key])

    def renew_chunk(self, lease: ChunkLease, lease_s: float, pay_s: float = 0, calls: int = 0) -> ChunkLease:
        with self.faults("renew_chunk"):
            key = f"{lease.intake_id}/{lease.chunk}"
            if self.leases[key] is not lease.version:
                raise LeaseLost
            self.leases[key] = (lease.version[0], self.now() + timedelta(seconds=lease_s))
            self.paid[key] = Spent(lease.paid_s + pay_s, lease.calls + calls)
            return ChunkLease(lease.intake_id, lease.chunk, self.leases[key], *self.paid[key])

    def spent(self, intake_id: str) -> Spent:
        with self.faults("spent"):
            chunks = [spent for key, spent in self.paid.items() if key.startswith(intake_id)]
            return Spent(sum(chunk.paid_s for chunk in chunks), sum(chunk.calls for chunk in chunks))

    def chunk_in_work(self, intake_id: str) -> bool:
        with self.faults("chunk_in_work"):
            return any(k.startswith(intake_id) and until > self.now() for k, (_, until) in self.leases.items())

    def start_reading(self, intake: Intake, file_pages: Sequence[int]) -> bool:
        with self.faults("start_reading"):
            return self._advance(intake.id, {Status.WAITING}, status=Status.READING, file_pages=tuple(file_pages))

    def show_pages_done(self, intake: Intake, count: Callable[[], int]) -> None:
        with self.faults("show_pages_done"):
            self.shown.append(count())

    def earlier_of_same_bill(self, intake: Intake, bill_key: str) -> list[Intake]:
        with self.faults("earlier_of_same_bill"):
            same = [other for other in self.intakes.values() if self.bill_keys.get(other.id) == bill_key]
            return [other for other in same if other.id != intake.id and other.submitted_at <= intake.submitted_at]

    def finish_reading(
        self,
        intake: Intake,
        reading: Mapping[str, Any],
        attention: Sequence[Mapping[str, str]],
        bill_key: str,
        calls: int,
    ) -> bool:
        with self.faults("finish_reading"):
            self.calls[intake.id], self.bill_keys[intake.id] = calls, bill_key
            noted = [dict(note) for note in attention]
            return self._advance(
                intake.id, {Status.READING}, status=Status.READ, reading=dict(reading), attention=noted
            )

    def fail(self, intake: Intake, error: IntakeError, calls: int = 0, *, discard_files: bool = False) -> bool:
        with self.faults("fail"):
            self.calls[intake.id] = calls
            reason = {"code": error.code, "message": error.message}
            if not self._advance(intake.id, {Status.WAITING, Status.READING}, status=Status.FAILED, error=reason):
                return False
            if discard_files:
                self.uploads[intake.upload_id] = StaleUpload(intake.upload_id, intake.id, self.now())
            return True

    def count_late_calls(self, intake_id: str) -> None:
        with self.faults("count_late_calls"):
            self.calls[intake_id] = max(self.calls[intake_id], self.spent(intake_id).calls)

    def set_aside(self, intake_id: str) -> None:
        with self.faults("set_aside"):
            self.intakes[intake_id] = replace(self.intakes[intake_id], status=Status.ASIDE)

    def put_back(self, due: Due) -> None:
        with self.faults("put_back"):
            self.intakes[due.intake.id] = replace(due.intake, status=Status.READ)

    def note_sheet(self, trouble: str) -> None:
        with self.faults("note_sheet"):
            self.sheet_trouble.append(trouble)

    def mark_recorded(self, intakes: Sequence[Intake], *, then: Collection[str] = ()) -> None:
        with self.faults("mark_recorded"):
            for intake in intakes:
                self.intakes[intake.id] = replace(self.intakes[intake.id], status=Status.RECORDED)
                for name in then:
                    self.deliveries[name][intake.id] = {"state": "due", "attempts": 0, "at": self.now()}
                self.check_at.pop(intake.id, None)

    def postpone_check(self, due: Due, check_at: datetime, attempts: int, pages_seen: int) -> None:
        with self.faults("postpone_check"):
            if self.intakes[due.intake.id] == due.version:
                self.intakes[due.intake.id] = replace(due.intake, attempts=attempts, pages_seen=pages_seen)
                self.check_at[due.intake.id] = check_at

    def _advance(self, intake_id: str, expected: set[Status], **changes: Any) -> bool:
        if self.intakes[intake_id].status not in expected:
            return False
        self.intakes[intake_id] = advanced = replace(
            self.intakes[intake_id], attempts=0, updated_at=self.now(), **changes
        )
        if advanced.status.finished:
            self.check_at.pop(intake_id, None)
        return True

    def _claim(self, key: str, owner: str, lease_s: float) -> bool:
        now, (holder, until) = self.now(), self.leases.get(key, (owner, self.now()))
        if holder != owner and until > now:
            return False
        self.leases[key] = (owner, now + timedelta(seconds=lease_s))
        return True


@dataclass
class DeliveryJobs:
    """How far the deliveries to one destination are."""

    store: Store
    name: str = "copy"
    hold: timedelta = timedelta(seconds=330)
    faults: Faults = field(default_factory=Faults)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """What is known of each delivery, by intake."""
        return self.store.deliveries[self.name]

    def due(self, now: datetime, limit: int) -> list[DueDelivery]:
        with self._lock, self.faults("due"):
            due = sorted((job["at"], key) for key, job in self.jobs.items() if "at" in job and job["at"] <= now)
            return [
                DueDelivery(self.store.intakes[key], self.jobs[key], self.jobs[key]["attempts"])
                for _, key in due[:limit]
            ]

    def claim(self, due: DueDelivery) -> bool:
        with self._lock, self.faults("claim"):
            if self.jobs[due.intake.id] is not due.version:
                return False
            self._note(due.intake.id, attempts=due.attempts + 1, at=self.store.now() + self.hold)
            return True

    def postpone(self, intake: Intake, at: datetime, attempts: int) -> None:
        with self._lock, self.faults("postpone"):
            self._note(intake.id, attempts=attempts, at=at)

    def finish(self, ended: Sequence[Ended]) -> None:
        with self._lock, self.faults("finish"):
            for each in ended:
                state = {"state": "failed", "why": each.reason} if each.reason else {"state": "done", **each.kept}
                self._note(each.intake.id, **state)
                self.jobs[each.intake.id].pop("at", None)

    def _note(self, intake_id: str, **changes: Any) -> None:
        self.jobs[intake_id] = {**self.jobs[intake_id], **changes}


@dataclass
class Writer:
    """A resumable upload. As with the real one, an upload that is neither closed nor abandoned ends itself later."""

    bucket: Bucket
    name: str
    data: bytearray = field(default_factory=bytearray)
    open: bool = True
    generation: int | None = None

    def write(self, piece: bytes) -> None:
        assert self.open, "written to after its end"
        with self.bucket.faults("write"):
            self.data += piece

    def close(self) -> None:
        with self.bucket.faults("close"):
            self.finish()
        self.open = False  # not when the answer was lost: the client does not know then

    def finish(self) -> None:
        """Make the object exist, if it has the version that was asked for."""
        if self.generation not in (None, self.bucket.generation(self.name)):
            raise TemporaryError
        self.bucket.generations[self.name] += 1
        self.bucket.objects[self.name] = bytes(self.data)

    def abandon(self) -> None:
        assert self.open, "abandoned after its end"
        with self.bucket.faults("abandon"):
            self.open = False


@dataclass
class Bucket:
    """The objects, by name."""

    objects: dict[str, bytes] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    reads: Counter[str] = field(default_factory=Counter)
    generations: Counter[str] = field(default_factory=Counter)
    _writers: list[Writer] = field(default_factory=list)

    def create(self, name: str, content_type: str) -> Writer:
        assert content_type
        self._writers.append(Writer(self, name))
        return self._writers[-1]

    def collect_garbage(self) -> None:
        """Do what Python's collector does to the real client's writers: each that is still open finishes itself."""
        for writer in self._writers:
            if writer.open:
                writer.finish()

    def read(self, name: str) -> bytes:
        with self.faults("read"):
            self.reads[name] += 1
            if name not in self.objects:
                raise TemporaryError
            return self.objects[name]

    def fetch(self, name: str, file: IO[bytes]) -> None:
        file.write(self.read(name))

    def pieces(self, name: str, generation: int | None = None) -> Iterator[bytes]:
        data = self.read(name)
        assert generation in (None, self.generation(name)), "somebody else has written it"
        yield from (data[start : start + 7] for start in range(0, len(data), 7))

    def generation(self, name: str) -> int:
        with self.faults("generation"):
            return self.generations[name] if name in self.objects else 0

    def replace(self, name: str, content_type: str, generation: int) -> Writer:
        writer = self.create(name, content_type)
        writer.generation = generation
        return writer

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        with self.faults("write_json"):
            self.objects[name] = json.dumps(data).encode()

    def names(self, prefix: str) -> list[str]:
        with self.faults("names"):
            return sorted(name for name in self.objects if name.startswith(prefix))

    def delete_all(self, prefix: str) -> None:
        with self.faults("delete_all"):
            for name in [name for name in self.objects if name.startswith(prefix)]:
                del self.objects[name]


@dataclass
class TaskPublisher:
    """The messages that went out."""

    to_ocr: list[tuple[str, int]] = field(default_factory=list)
    to_sheet: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def ocr(self, intake_id: str, chunks: Sequence[int]) -> None:
        with self.faults("ocr"):
            self.to_ocr.extend((intake_id, chunk) for chunk in chunks)

    def sheet(self, intake_id: str) -> None:
        with self.faults("sheet"):
            self.to_sheet.append(intake_id)


WHOLE = Quad(0, 0, 1, 0, 1, 1, 0, 1)


@dataclass
class Vision:
    """An OCR that reads one word, `seen`, as large as the picture; `answer` may raise or wait instead."""

    answer: Callable[[bytes], list[Word]] = lambda _: [Word("seen", WHOLE, 0.9)]
    pictures: list[bytes] = field(default_factory=list)

    def words(self, picture: bytes) -> list[Word]:
        self.pictures.append(picture)
        return self.answer(picture)


class SandboxClient:
    """Opens files in this process, as the worker does in its own."""

    def open(self, kind: str, file: IO[bytes], number: int, pay: Pay = pay_nothing) -> Document:
        pay(0.0)
        file.seek(0)
        return open_document(kind, file.read(), number)

    def read_fields(self, words: IO[bytes], day: date, pay: Pay = pay_nothing) -> Reading | None:
        pay(0.0)
        words.seek(0)
        return read_bill([PageWords.from_dict(json.loads(line)) for line in words], day)

    def clean(self, kind: str, file: IO[bytes], number: int, pay: Pay = pay_nothing) -> list[Part]:
        file.seek(0)
        try:
            return without_location(kind, file.read())
        except Unreadable as exc:
            raise LocationNotRemoved(number) from exc


@dataclass
class OfficeDocuments:
    """The office's lists as they were taken over; None before."""

    offered: Options | None = None
    listed: Agents | None = None
    faults: Faults = field(default_factory=Faults)

    def options(self) -> Options | None:
        with self.faults("options"):
            return self.offered

    def agents(self) -> Agents | None:
        with self.faults("agents"):
            return self.listed

    def set_options(self, options: Options) -> None:
        with self.faults("set_options"):
            self.offered = options

    def set_agents(self, agents: Agents) -> None:
        with self.faults("set_agents"):
            self.listed = agents


def some_office_lists(*agents: Agent, utilities: tuple[str, ...] = Options().utilities) -> OfficeLists:
    """Return the directory of an office with some agents, or none."""
    return OfficeLists(OfficeDocuments(Options(utilities), Agents(agents)))  # type: ignore[arg-type]


@dataclass
class Sheet:
    """What several processes write: rows, a note of when each write came, and who wrote last."""

    clock: Clock
    rows: list[dict[str, Any]] = field(default_factory=list)
    written_at: list[float] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    holder: object = None
    refuses: Callable[[Mapping[str, Any]], bool] = lambda _: False
    swallows: int = 0

    def over_quota(self, times: int = 1) -> None:
        """Let the next writes be refused with what Google says when the minute's quota is used up."""
        self.faults.refuse("append", times, SheetUnavailable)


class SheetOfProcess:
    """One process's view of a Sheet, which takes its writes only while nobody else has written."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    @property
    def held(self) -> bool:
        return self.sheet.holder is self

    def find_rows(self, rows: Mapping[str, Any]) -> set[str]:
        with self.sheet.faults("find_rows"):
            self.sheet.holder = self
            return {row["Intake ID"] for row in self.sheet.rows} & set(rows)

    def append(self, rows: Sequence[Mapping[str, Any]]) -> set[str]:
        self.sheet.written_at.append(self.sheet.clock.monotonic())
        if not self.held:
            raise SheetMoved
        try:
            with self.sheet.faults("append"):
                if any(map(self.sheet.refuses, rows)):
                    raise RowsRefused
                taken = list(rows)[self.sheet.swallows :]
                self.sheet.swallows = 0
                self.sheet.rows.extend(dict(row) for row in taken)
                return {row["Intake ID"] for row in taken}
        except RowsRefused:
            raise
        except IntakeError:
            self.sheet.holder = None
            raise

    def fill_in(self, column: str, texts: Mapping[str, str]) -> int:
        self.sheet.written_at.append(self.sheet.clock.monotonic())
        changed = 0
        with self.sheet.faults("fill_in"):
            for row in self.sheet.rows:
                if row.get(column) in texts:
                    row[column] = texts[row[column]]
                    changed += 1
        return changed


class OpenGate:
    """Lets everybody in."""

    def admit(self, _caller: Caller) -> dict[str, str]:
        return {}

    def take_pages(self, intake: Intake, pages: int) -> None:
        """Refuse nothing."""


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, /) -> None:
        self.seconds += seconds

    def now(self) -> datetime:
        """Return the same time as a date, for the store."""
        return SUBMITTED + timedelta(seconds=self.seconds)
