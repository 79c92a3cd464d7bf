"""Copies the bills into the office's Drive folder. `record` does this after the rows, which never wait for copies.

    row written, copy due ── begun ── folder and files in Drive ── link in the row ── done
         ▲                     │ fails: again after a pause that doubles, then the row says that there is none
         ╰── the sweeper tasks `record` when the time of a copy has come (a crash, a pause, Drive down)

Each thing in Drive carries the intake's id as an app property, and is looked for before it is made; the link takes the place
of a text that names the intake. So every step can be repeated, and a repetition finds what is already there.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING

from intake import log
from intake.clock import OFFICE_TIME, SYSTEM_CLOCK
from intake.errors import BadFile, IntakeError, OutOfTime
from intake.filetypes import CONTENT_TYPES
from intake.model import Intake, StoredFile
from intake.pages.metadata import Part, length_of
from intake.rows import copy_mark
from intake.settings import MIB

if TYPE_CHECKING:
    from intake.cloud.firestore.archive_jobs import Copies, DueCopy
    from intake.ports import Archive, Bucket, Clock

BATCH = 50
"""Copies whose links get into the Sheet in one write."""
AT_ONCE = 4
LARGE_BYTES = 6 * MIB
"""A picture is in memory once while it is copied. Of larger ones (30 MiB at most) there is one at a time: 30 + 3 x 6 MiB is
what the memory of `record` allows beside the rows (infra/functions.toml)."""
RUN_S = 100.0
"""After this long no further copy is begun and no further piece of one is sent, so that the run has ended before the platform
ends it: what was sent last may be tried for three minutes (`cloud.drive`)."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
NAME_LENGTH = 120
EXTENSIONS = {"pdf": "pdf", "jpeg": "jpg", "png": "png", "tiff": "tif", "webp": "webp", "heic": "heic"}
_GAVE_UP = "not copied: Drive was unavailable. Open the bill with its link."
_UNFIT = re.compile(r'[\x00-\x1f\x7f\u2028\u2029<>:"/\\|?*]+')


@dataclass(frozen=True)
class Copied:
    """What became of a copy: what the row is to say, and what is kept of it."""

    intake: Intake
    text: str
    result: Mapping[str, str]


def folder_name(intake: Intake) -> str:
    """Return `YYYY-MM-DD_Account Name_Utility`, without what some computers cannot have in a name of a folder."""
    day = intake.submitted_at.astimezone(OFFICE_TIME).strftime("%Y-%m-%d")
    parts = [_UNFIT.sub("-", intake.form[name])[:NAME_LENGTH].strip(" .") for name in ("account_name", "utility")]
    return "_".join([day, *parts])


def file_name(number: int, file: StoredFile) -> str:
    """Return the name of a file's copy, by its place in the submission."""
    return f"bill-{number:02d}.{EXTENSIONS[file.kind]}"


class DriveArchive:
    """Makes copies; one per process, shared by its threads.

    Args:
        copies: Which are due.
        bucket: The bills.
        drive: Where the copies go.
        fill_in: Replaces texts in the Sheet, found by what is there now, in one write; see `RowWriter`.
        clean: Cleans a picture, given its kind, a file and its number (`SandboxClient.clean`). One thread at a time calls it.
        max_attempts: Times that a copy is begun before it is given up.
        clock: The time.
    """

    def __init__(
        self,
        *,
        copies: Copies,
        bucket: Bucket,
        drive: Archive,
        fill_in: Callable[[Mapping[str, str]], None],
        clean: Callable[[str, IO[bytes], int], list[Part]],
        max_attempts: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._copies = copies
        self._bucket = bucket
        self._drive = drive
        self._fill_in = fill_in
        self._max_attempts = max_attempts
        self._clock = clock
        self._busy = threading.Lock()
        self._wanted = threading.Event()
        self._large = threading.Lock()
        self._cleaning = threading.Lock()
        self._clean = clean

    def copy_due(self) -> None:
        """Make the copies that are due, unless another thread is at it: that one then looks once more.

        What fails is logged and comes again by itself; nothing is raised, since the row is there.
        """
        self._wanted.set()
        until = self._clock.monotonic() + RUN_S
        while self._wanted.is_set() and self._busy.acquire(blocking=False):
            try:
                self._wanted.clear()
                while self._clock.monotonic() < until and self._copy(self._copies.due(self._clock.now(), BATCH), until):
                    continue
            except IntakeError as exc:
                log.error("copies failed; they will be retried", exc)
            finally:
                self._busy.release()

    def _copy(self, due: Sequence[DueCopy], until: float) -> bool:
        """Make some copies and link them; return whether any got to its end, else it is no use to go on."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended = [copied for copied in pool.map(lambda each: self._attempt(each, until), due) if copied is not None]
        if not ended:
            return False
        try:
            self._fill_in({copy_mark(copied.intake.id): copied.text for copied in ended})
        except IntakeError:
            for copied in ended:  # the copies themselves are there: only what Drive refuses counts as an attempt
                self._postpone(copied.intake, FIRST_PAUSE, attempts=0)
            raise
        self._copies.finish([(copied.intake, dict(copied.result)) for copied in ended])
        return True

    def _attempt(self, due: DueCopy, until: float) -> Copied | None:
        """Make one copy; None when another makes it, there is no time left, or it has to be tried again."""
        intake, attempt = due.intake, due.attempts + 1
        try:
            if self._clock.monotonic() >= until or not self._copies.claim(due):
                return None
            if attempt > self._max_attempts:
                log.error("copy given up", intake_id=intake.id, attempts=due.attempts)
                return Copied(intake, _GAVE_UP, {"state": "failed", "why": _GAVE_UP})
            link = self._make(intake, until)
        except BadFile as exc:
            log.error("bill not copied", exc, intake_id=intake.id)
            return Copied(intake, exc.message, {"state": "failed", "why": exc.message})
        except Exception as exc:
            # Unexpected errors too: one bill must not block the others, and attempts are counted.
            log.error("copy failed; it will be retried", exc, intake_id=intake.id, attempt=attempt)
            self._postpone(intake, min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE), attempt)
            return None
        return Copied(intake, link, {"state": "done", "folder": link})

    def _postpone(self, intake: Intake, pause: timedelta, attempts: int) -> None:
        try:
            self._copies.postpone(intake, self._clock.now() + pause, attempts)
        except IntakeError as exc:
            log.error("copy not postponed; it is due again when its claim expires", exc, intake_id=intake.id)

    def _make(self, intake: Intake, until: float) -> str:
        """Make what is missing of a copy and return the link to its folder."""
        folder, there = self._drive.find(intake.id)
        if folder is None:
            folder = self._drive.make_folder(intake.id, folder_name(intake))
        for number, file in enumerate(intake.files, 1):
            if number not in there:
                self._upload(intake, folder.id, number, file, until)
        return folder.link

    def _upload(self, intake: Intake, folder_id: str, number: int, file: StoredFile, until: float) -> None:
        def send(size: int, pieces: Iterable[bytes]) -> None:
            name, content_type = file_name(number, file), CONTENT_TYPES[file.kind]
            self._drive.upload(intake.id, number, folder_id, name, content_type, size, self._in_time(pieces, until))

        if file.kind == "pdf":
            send(file.size, self._bucket.pieces(file.object))
        else:
            with self._large if file.size > LARGE_BYTES else nullcontext(), tempfile.TemporaryFile() as bill:
                self._bucket.fetch(file.object, bill)
                with self._cleaning:
                    parts = self._clean(file.kind, bill, number)
                send(length_of(parts), _written(bill, parts))

    def _in_time(self, pieces: Iterable[bytes], until: float) -> Iterator[bytes]:
        """Yield pieces as long as there is time."""
        for piece in pieces:
            if self._clock.monotonic() >= until:
                raise OutOfTime
            yield piece


def _written(bill: IO[bytes], parts: Iterable[Part]) -> Iterator[bytes]:
    """Yield the bytes of a picture by its parts, a MiB at a time."""
    for part in parts:
        if isinstance(part, bytes):
            yield part
        elif isinstance(part, int):
            yield from (bytes(min(MIB, part - done)) for done in range(0, part, MIB))
        else:
            bill.seek(part[0])
            yield from (bill.read(min(MIB, part[1] - start)) for start in range(*part, MIB))
