"""Copies of the bills in the office's Drive folder: a destination of deliveries.

    claimed ── folder and files in Drive ── link in the row ── finished

Each thing in Drive carries the intake's id as an app property, and is looked for before it is made; the link takes the place
of a text that names the intake. So every step can be repeated, and a repetition finds what is already there.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING

from intake import log
from intake.clock import OFFICE_TIME, SYSTEM_CLOCK
from intake.errors import BadFile, OutOfTime
from intake.filetypes import CONTENT_TYPES
from intake.model import Intake, StoredFile
from intake.pages.metadata import Part, length_of
from intake.ports import Ended
from intake.rows import copy_mark
from intake.settings import MIB

if TYPE_CHECKING:
    from intake.ports import Archive, Bucket, Cleaner, Clock
    from intake.stages.sheet_access import SheetAccess

LARGE_BYTES = 6 * MIB
"""A picture is in memory once while it is copied. Of larger ones (30 MiB at most) there is one at a time: 30 + 3 x 6 MiB is
what the memory of `record` allows beside the rows (infra/functions.toml)."""
NAME_LENGTH = 120
EXTENSIONS = {"pdf": "pdf", "jpeg": "jpg", "png": "png", "tiff": "tif", "webp": "webp", "heic": "heic"}
GAVE_UP = "not copied: Drive was unavailable. Open the bill with its link."
_UNFIT = re.compile(r'[\x00-\x1f\x7f\u2028\u2029<>:"/\\|?*]+')


def folder_name(intake: Intake) -> str:
    """Return `YYYY-MM-DD_Account Name_Utility`, without what some computers cannot have in a name of a folder."""
    day = intake.submitted_at.astimezone(OFFICE_TIME).strftime("%Y-%m-%d")
    parts = [_UNFIT.sub("-", intake.form[name])[:NAME_LENGTH].strip(" .") for name in ("account_name", "utility")]
    return "_".join([day, *parts])


def file_name(number: int, file: StoredFile) -> str:
    """Return the name of a file's copy, by its place in the submission."""
    return f"bill-{number:02d}.{EXTENSIONS[file.kind]}"


class DriveArchive:
    """Makes copies; one per process.

    Args:
        bucket: The bills.
        drive: Where the copies go.
        sheet: Gets the links.
        cleaner: Cleans pictures. One thread at a time calls it.
        clock: The time.
    """

    batch = 50
    group = 1
    at_once = 4

    def __init__(
        self, *, bucket: Bucket, drive: Archive, sheet: SheetAccess, cleaner: Cleaner, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._bucket = bucket
        self._drive = drive
        self._sheet = sheet
        self._cleaner = cleaner
        self._clock = clock
        self._large = threading.Lock()
        self._cleaning = threading.Lock()

    def deliver(self, intakes: Sequence[Intake], until: float) -> list[Ended]:
        """Copy bills.

        Raises:
            DriveUnavailable, TemporaryError: Drive or Storage did not answer, or there is no time left.
        """
        return [self._copied(intake, until) for intake in intakes]

    def conclude(self, ended: Sequence[Ended]) -> None:
        """Put the links, or why there is none, into the rows.

        Raises:
            SheetUnavailable: The Sheet failed.
        """
        links = {copy_mark(each.intake.id): each.reason or each.kept["folder"] for each in ended}
        self._sheet.fill_in_copies(links)

    def _copied(self, intake: Intake, until: float) -> Ended:
        try:
            return Ended(intake, kept={"folder": self._make(intake, until)})
        except BadFile as exc:
            log.error("bill not copied", exc, intake_id=intake.id)
            return Ended(intake, reason=exc.message)

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
                    parts = self._cleaner.clean(file.kind, bill, number)
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
