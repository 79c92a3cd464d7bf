"""The whole product in one process: the real stages and the real `Store`, on memory, each run stopped at every request.

A run of a function is a coroutine (greenlet) that stops before each request it makes. Whoever drives the world decides
which run goes on and how its request ends: it works, it fails before it did anything, its answer is lost, the client
repeats it, or the process is killed before or after. So any interleaving of any runs can be played, thousands in a second.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import intake.log
import intake.stages.chunk_lease
import intake.stages.chunk_run
from google.api_core import exceptions
from greenlet import getcurrent, greenlet
from intake.cloud.firestore.store import Store
from intake.errors import IntakeError
from intake.rate_limits import Caller
from intake.settings import Limits
from intake.stages.extract import Extract
from intake.stages.ocr import Ocr
from intake.stages.record import Record
from intake.stages.submit import Submit
from intake.stages.sweep import UPLOAD_MAX_AGE, Sweeper

from infra.local.sheets.book import Spreadsheet
from tests.faults.in_memory import (
    BAD_BILLS,
    BILLS,
    BucketInMemory,
    NudgesInMemory,
    OpenerInMemory,
    VisionInMemory,
    WorldClock,
    sheet_in_memory,
    submission_body,
)
from tests.support.fakes import OpenGate, some_office_lists
from tests.support.firestore_memory import Memory
from tests.support.recording import a_process

START = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
CHUNK_PAGES, CHUNKS_IN_FLIGHT = 2, 2
LEASE_S = 90.0
STALL_TIMEOUT_S = 120.0
ORDERS = ("go", "fail before", "answer lost", "repeated", "killed before", "killed after", "silent", "killed under way")
LATE_S = (5, 60, 300, 5000, 100_000)
"""Seconds after which a batch of the Sheet may still be carried out, when its caller has given it up or was killed."""
BATCH = "Sheet spreadsheets.batchUpdate"
INTAKE_ID = re.compile("[0-9a-f]{32}")
_STAGES = ("waiting", "reading", "recording", "done", "failed")


class Killed(BaseException):
    """SIGKILL: the run makes no further request, whatever its handlers try."""


class Run:
    """One run of a function, stopped before its next request.

    Args:
        name: What it is.
        step: What it does.
        process: The instance it runs in; one at a time.
    """

    def __init__(self, name: str, step: Callable[[], Any], process: Process) -> None:
        self.name = name
        self.process = process
        self.killed = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.request = ""
        self.begun = START
        self.message: Message | None = None
        self._order = "go"
        self._thread = greenlet(lambda: self._body(step))

    def _body(self, step: Callable[[], Any]) -> None:
        try:
            self.result = step()
        except BaseException as exc:
            self.error = exc

    @property
    def over(self) -> bool:
        return bool(self._thread.dead)

    def go_on(self, order: str = "go") -> None:
        """Let it make its next request, with this outcome, and run to the one after."""
        self._order = order
        self._thread.switch()

    def stop(self, request: str) -> str:
        """Stop before a request until told to go on; called from inside the run."""
        if self.killed:
            raise Killed
        self.request = request
        parent = self._thread.parent
        assert parent is not None
        parent.switch()
        return self._order


@dataclass
class Process:
    """An instance of a function; `made` is what it keeps between runs."""

    name: str
    made: Any = None
    run: Run | None = None


@dataclass
class Message:
    """A nudge on its way."""

    topic: str
    intake_id: str
    chunk: int
    id: str


class _Pool:
    """An executor that does everything at once, in the run's own coroutine."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except BaseException as exc:
            future.set_exception(exc)
        return future

    def shutdown(self, **_kwargs: Any) -> None:
        pass

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass


class World:
    """The product with its environment; `patched` must be entered while it runs."""

    def __init__(self) -> None:
        self.now = self.began = START
        self.db = Memory(self._firestore_call)
        self.objects: dict[str, bytes] = {}
        self.messages: list[Message] = []
        self.sheet = sheet_in_memory(self)
        self.promised: dict[str, str] = {}
        self.requests = 0
        self.runs: list[Run] = []
        self.store = self._new_store()
        self.ocr_processes = [Process(f"ocr {n}") for n in range(2)]
        self.record_processes = [Process(f"record {n}") for n in range(2)]
        self.sweep_process = Process("sweep")
        self._numbers = 0
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._overslept = False
        self._checked: dict[tuple[str, ...], int] = {}
        self.late: list[tuple[datetime, Callable[[], Any]]] = []

    def _new_store(self) -> Store:
        store = Store.__new__(Store)
        store._db = self.db  # type: ignore[assignment]
        store._clock = WorldClock(self)
        store._patience = timedelta(seconds=STALL_TIMEOUT_S)
        store._keep_progress = timedelta(days=30)
        return store

    # --- requests ---------------------------------------------------------------------------------------------------

    def request(self, name: str, effect: Callable[[], Any], failure: Callable[[], Exception]) -> Any:
        """Make a request of the current run: stop, then do what was ordered."""
        run = next((run for run in self.runs if run._thread is getcurrent()), None)
        if run is None:
            return effect()  # the driver itself looks something up
        order = run.stop(name)
        self.requests += 1
        if order in ("silent", "killed under way"):
            self._leave_under_way(name, effect)
            order = "fail before" if order == "silent" else "killed before"
        if order == "killed before":
            self._kill(run)
        if order == "fail before":
            raise failure()
        result = effect()
        if order == "killed after":
            self._kill(run)
        if order == "answer lost":
            raise failure()
        return effect() if order == "repeated" else result

    def _leave_under_way(self, name: str, effect: Callable[[], Any]) -> None:
        """Let a batch be carried out later, when nobody waits for it any more; of other requests that is of no interest."""
        if name == BATCH:
            wait_s = LATE_S[self.requests % len(LATE_S)]
            self.late.append((self.now + timedelta(seconds=wait_s), effect))

    def _kill(self, run: Run) -> None:
        run.killed = True
        run.process.made = None
        raise Killed

    def _firestore_call(self, name: str, effect: Callable[[], Any]) -> Any:
        return self.request(name, effect, lambda: exceptions.ServiceUnavailable("lost"))

    # --- what is done to the world ----------------------------------------------------------------------------------

    def start(self, name: str, step: Callable[[], Any], process: Process, message: Message | None = None) -> Run:
        """Begin a run and take it to its first request; a message that it fails on comes again."""
        run = Run(name, step, process)
        run.message = message
        run.begun = self.now
        process.run = run
        self.runs.append(run)
        self.go_on(run)
        return run

    def go_on(self, run: Run, order: str = "go") -> None:
        """Let a run make one request; look at everything when it stopped again."""
        run.go_on(order)
        if run.over:
            self.runs.remove(run)
            run.process.run = None
            if run.error and run.message:
                self.messages.append(run.message)  # not acknowledged, so it comes again
            # Its upload was swept while it slept. What it stored after that, and could not delete, is left to the bucket's
            # lifecycle rule.
            self._overslept |= run.name == "submit" and bool(run.error) and self.now - run.begun > UPLOAD_MAX_AGE
            if run.error and not isinstance(run.error, IntakeError | Killed):
                raise run.error
        self.check()

    def finish(self, run: Run) -> None:
        """Let a run end in peace."""
        while not run.over:
            self.go_on(run)

    def submit(self, kind: str, key: str) -> Run:
        """Begin a submission."""

        def step() -> None:
            stage = Submit(
                store=self.store,
                bucket=BucketInMemory(self),  # type: ignore[arg-type]
                tasks=NudgesInMemory(self),
                office_lists=some_office_lists(),
                admission=OpenGate(),
                limits=Limits(),
                clock=WorldClock(self),
            )
            body = io.BytesIO(submission_body(kind, key))
            accepted = stage.submit(body, "multipart/form-data; boundary=b", key, Caller("", ""))
            self.promised[accepted.intake_id] = kind

        return self.start("submit", step, Process("submit"))

    def deliver(self, message: Message) -> Run | None:
        """Begin the run that a message asks for, if an instance is free; the message itself is the driver's business."""
        processes = self.ocr_processes if message.topic == "ocr" else self.record_processes
        free = next((process for process in processes if process.run is None), None)
        if free is None:
            return None
        if message.topic == "ocr":
            stage = self._made(free, self._new_ocr)
            return self.start(
                "ocr", lambda: stage.read_chunk(message.intake_id, message.chunk, message.id), free, message
            )
        record = self._made(free, self._new_record)
        return self.start("record", lambda: record.record(message.intake_id), free, message)

    def sweep(self) -> Run | None:
        """Begin a sweep, unless one runs."""
        if self.sweep_process.run is not None:
            return None
        sweeper = Sweeper(
            store=self.store,
            bucket=BucketInMemory(self),  # type: ignore[arg-type]
            tasks=NudgesInMemory(self),
            clock=WorldClock(self),
            chunk_pages=CHUNK_PAGES,
            chunks_in_flight=CHUNKS_IN_FLIGHT,
            stall_timeout_s=STALL_TIMEOUT_S,
            max_attempts=1000,  # no run of chance may use them up: to give up is tested elsewhere
        )
        return self.start("sweep", sweeper.sweep, self.sweep_process)

    @property
    def rows(self) -> list[str]:
        """The ids of all rows of the Sheet, in whatever tab."""
        tabs = self.sheet.wire.service.book.tabs
        return [str(cell) for tab in tabs for row in tab.rows for cell in row if INTAKE_ID.fullmatch(str(cell))]

    def delete_token(self) -> None:
        """Let somebody in the office delete the named range that nobody should delete."""
        self.sheet.wire.service.edit(lambda book: book.named_ranges.clear())

    def filter_rows(self, appends: str) -> None:
        """Let somebody set a filter, or take it away: what is appended is then "lost", on "top", or where it belongs ("")."""

        def edit(book: Spreadsheet) -> None:
            book.filtered_appends = appends
            for tab in book.tabs:
                tab.filtered = bool(appends)

        self.sheet.wire.service.edit(edit)

    def _made(self, process: Process, make: Callable[[], Any]) -> Any:
        process.made = process.made or make()
        return process.made

    def _new_ocr(self) -> Ocr:
        bucket = BucketInMemory(self)
        return Ocr(
            store=self.store,
            bucket=bucket,  # type: ignore[arg-type]
            tasks=NudgesInMemory(self),
            vision=VisionInMemory(self),
            sandbox=OpenerInMemory(),
            extract=Extract(store=self.store, bucket=bucket, sandbox=OpenerInMemory()),  # type: ignore[arg-type]
            admission=OpenGate(),
            clock=WorldClock(self),
            chunk_pages=CHUNK_PAGES,
            chunks_in_flight=CHUNKS_IN_FLIGHT,
            calls_in_flight=4,
            max_pages=500,
            lease_s=LEASE_S,
        )

    def _new_record(self) -> Record:
        return a_process(self.store, self.sheet.table(), WorldClock(self))

    def publish(self, topic: str, intake_id: str, chunk: int = 0) -> None:
        """Send a message on its way."""
        self._numbers += 1
        self.messages.append(Message(topic, intake_id, chunk, f"m{self._numbers}"))

    def pass_time(self, seconds: float) -> None:
        """Put the clock ahead; what was under way takes effect."""
        self.now += timedelta(seconds=seconds)
        due = [effect for at, effect in self.late if at <= self.now]
        self.late = [(at, effect) for at, effect in self.late if at > self.now]
        for effect in due:
            effect()

    # --- what must be true ------------------------------------------------------------------------------------------

    def status(self, intake_id: str) -> str:
        """Return where an intake is, "" if there is none."""
        held = self.db.documents.get(("intakes", intake_id))
        return str(held.fields["status"]) if held else ""

    def check(self) -> None:
        """Check what must be true at every moment."""
        for path, held in self.db.documents.items():
            if path[0] == "progress" and self._checked.get(path) != held.version:
                self._check_progress(path[1], held.fields)
                self._checked[path] = held.version
        doubled = [intake_id for intake_id, rows in Counter(self.rows).items() if rows > 1]
        assert not doubled, f"rows doubled: {doubled}"
        for intake_id in self.promised:
            assert ("progress", intake_id) in self.db.documents, "progress disappeared"

    def _check_progress(self, intake_id: str, document: Mapping[str, Any]) -> None:
        now = (_STAGES.index(document["stage"]), document["percent"], document["pages_done"])
        before = self._seen.get(intake_id, (0, 0, 0))
        assert all(new >= old for new, old in zip(now, before, strict=True)), f"progress went from {before} to {now}"
        assert before[0] < 3 or now[0] == before[0], "one end became another"
        assert ("expire_at" in document) == (now[0] >= 3), "an unfinished progress expires, or a finished one does not"
        self._seen[intake_id] = now

    def quiet(self) -> None:
        """Without further faults everything has to come to its end, and what belongs to nothing has to go."""
        for run in list(self.runs):
            self.finish(run)
        self.filter_rows("")
        for number in range(400):
            if self._all_over():
                break
            # Short steps first: for a while `record` relies on what it knows of the Sheet.
            self.pass_time(STALL_TIMEOUT_S if number > 6 else 15)
            if sweep := self.sweep():
                self.finish(sweep)
            messages, self.messages = self.messages, []
            for message in messages:
                if delivered := self.deliver(message):
                    self.finish(delivered)
        for _, effect in self.late:
            effect()
        self.check_end()

    def _all_over(self) -> bool:
        uploads = any(path[0] == "uploads" for path in self.db.documents)
        intakes = [path[1] for path in self.db.documents if path[0] == "intakes"]
        return not uploads and all(self.status(intake_id) in ("recorded", "failed") for intake_id in intakes)

    def check_end(self) -> None:
        """Check what must be true when all is over."""
        expected: set[str] = set()
        intakes = {
            path[1]: held.fields for path, held in self.db.documents.items() if path[0] == "intakes" and len(path) == 2
        }
        for intake_id in self.promised:
            assert intake_id in intakes, "a promised intake is not there"
        for intake_id, fields in intakes.items():
            kind = fields["form"]["account_name"]
            bad = kind in BAD_BILLS
            assert fields["status"] == ("failed" if bad else "recorded"), f"{kind} ended {fields['status']}"
            assert self.rows.count(intake_id) == (0 if bad else 1), f"{kind}: {self.rows.count(intake_id)} rows"
            assert not bad or fields["error"]["code"] == "broken_file"
            if not bad:
                expected |= {file["object"] for file in fields["files"]}
                expected |= {f"words/{intake_id}/{page:04d}.json" for page in range(1, BILLS[kind] + 1)}
        left = {name for name in self.objects if not (self._overslept and name.startswith("bills/"))} | expected
        assert expected <= set(self.objects), f"gone: {expected - set(self.objects)}"
        assert left == expected, f"left over: {left - expected}"
        assert not any(path[0] == "uploads" for path in self.db.documents), "an upload is still written down"


@contextmanager
def patched(world: World) -> Iterator[World]:
    """Let the stages do without threads and log lines while this is entered: the driver decides what goes on when."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(intake.stages.chunk_run, "ThreadPoolExecutor", _Pool))
        stack.enter_context(
            mock.patch.object(intake.stages.chunk_lease, "SHARE_CALLS", 1)
        )  # A run hands on what is left after a page.
        stack.enter_context(mock.patch.object(intake.log, "write"))
        yield world
