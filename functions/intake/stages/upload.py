"""The files of one request on their way into the bucket: counted, recognized by content, digested, and stored or refused."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from intake import filetypes, log, objects
from intake.errors import IntakeError, Problem, UploadAbandoned
from intake.model import Intake, StoredFile
from intake.multipart import FieldValue, FilePiece, FileStart, Part
from intake.settings import MIB, Limits

if TYPE_CHECKING:
    from intake.ports import Bucket, ObjectWriter, Store

FILES_FIELD = "bill"


class State(Enum):
    """What there is of an upload."""

    NOTHING = auto()  # not even a document
    WRITTEN_DOWN = auto()  # its document, and perhaps objects, which `discard` must delete
    LEFT_ALONE = auto()  # they may belong to an intake by now; if they do not, the sweeper deletes them


class Upload:
    """What one request stores: a document from before the first byte, and the objects of its files.

    Args:
        intake_id: The intake that it may become.
        store: The documents.
        bucket: The objects.
    """

    def __init__(self, intake_id: str, store: Store, bucket: Bucket) -> None:
        self.intake_id = intake_id
        self.id = secrets.token_hex(8)
        self._store = store
        self._bucket = bucket
        self._state = State.NOTHING
        self._version: Any = None
        self._writer: ObjectWriter | None = None

    def begin(self, name: str, content_type: str) -> ObjectWriter:
        """Begin an object; the upload is written down before its first one."""
        if self._state is State.NOTHING:
            self._version = self._store.begin_upload(self.id, self.intake_id)
            self._state = State.WRITTEN_DOWN
        self._writer = self._bucket.create(name, content_type)
        return self._writer

    def end(self, *, keep: bool) -> None:
        """Let the object exist that was begun, or cancel it."""
        if self._writer is None:
            return
        if keep:
            self._writer.close()
        else:
            self._writer.abandon()
        self._writer = None  # Not before: one that could not be closed must be abandoned, or it would try again.

    def accepted_as(self, intake: Intake) -> bool:
        """Make the intake of this upload; False if another request with the same key made it first.

        Raises:
            UploadAbandoned: The sweeper took the upload for abandoned; what was stored has to be deleted.
            TemporaryError: Firestore did not answer, so whether it made the intake is not known. The files may be the
                intake's then and stay where they are: if they are not, the upload is still written down and the
                sweeper deletes them.
        """
        try:
            return self._store.accept(intake, self.id, self._version)
        except UploadAbandoned:
            raise
        except BaseException:
            self._state = State.LEFT_ALONE
            raise

    def discard(self) -> None:
        """Delete what was stored; when that fails, the sweeper does it."""
        writer, self._writer = self._writer, None
        if self._state is not State.WRITTEN_DOWN:
            return
        try:
            if writer is not None:
                writer.abandon()
            self._bucket.delete_all(objects.bills_prefix(self.intake_id, self.id))
            self._store.end_upload(self.id)
        except IntakeError as exc:
            log.error("refused upload not deleted; the sweeper will delete it", exc, intake_id=self.intake_id)


class ReceivedFiles:
    """The files of one request, looked at as they come.

    Args:
        limits: What a submission may hold.
        upload: Where they are stored as long as nothing is wrong; None to store nothing.

    Attributes:
        stored: What is known of each file of a kind that is accepted, in order.
    """

    def __init__(self, limits: Limits, upload: Upload | None = None) -> None:
        self._limits = limits
        self._upload = upload
        self._count = 0
        self._bytes = 0
        self._refused: list[Problem] = []
        self.stored: list[StoredFile] = []

    def receive(self, parts: Iterator[Part]) -> dict[str, str]:
        """Look at the files, store them, and return the answers of the form."""
        answers: dict[str, str] = {}
        for part in parts:
            if isinstance(part, FieldValue):
                answers[part.name] = part.value
            elif isinstance(part, FileStart):
                self._receive_file(part, parts)
        return answers

    def problems(self) -> list[Problem]:
        """Return what is wrong with the files, all of it."""
        problems = list(self._refused)
        if self._count == 0:
            problems.append(Problem("no_file", FILES_FIELD, "Add the utility bill: at least one photo or PDF."))
        if self._count > self._limits.files:
            message = f"You added {self._count} files; the limit is {self._limits.files}. Remove some."
            problems.append(Problem("too_many_files", FILES_FIELD, message))
        if self._bytes > self._limits.upload_bytes:
            size = math.ceil(self._bytes / MIB * 10) / 10  # rounded up, or one byte over would read as the limit
            message = (
                f"The files are {size} MB together; the limit is {self._limits.upload_bytes // MIB} MB. "
                "Remove some, or take the photos at a smaller size."
            )
            problems.append(Problem("upload_too_large", FILES_FIELD, message))
        return problems

    def _receive_file(self, start: FileStart, parts: Iterator[Part]) -> None:
        pieces = _pieces(parts)
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= filetypes.SNIFF_BYTES:
                break
        if not start.named and not head:
            return
        if start.field != FILES_FIELD:
            message = "Files belong in the field for the utility bill. Remove the file from this field."
            self._refused.append(Problem("unexpected_file", start.field, message))
        self._count += 1
        self._store_file(self._count, head, pieces)

    def _store_file(self, number: int, head: bytes, rest: Iterator[bytes]) -> None:
        kind = filetypes.sniff(head)
        if kind is None:
            self._refuse(number, head)
        name, writer = "", None
        # Once anything is wrong the submission will be refused: the rest is only counted, so that all is reported.
        if kind is not None and self._upload is not None:
            name = objects.bill_object(self._upload.intake_id, self._upload.id, number)
            writer = self._upload.begin(name, filetypes.CONTENT_TYPES[kind]) if self._faultless else None
        digest, size = hashlib.sha256(), 0
        for piece in _chain(head, rest):
            digest.update(piece)
            size += len(piece)
            self._bytes += len(piece)
            if writer and self._faultless:
                writer.write(piece)
        if self._upload is not None:
            self._upload.end(keep=self._faultless)
        if kind is not None:
            self.stored.append(StoredFile(name, kind, size, digest.hexdigest()))

    @property
    def _faultless(self) -> bool:
        within = self._count <= self._limits.files and self._bytes <= self._limits.upload_bytes
        return within and not self._refused

    def _refuse(self, number: int, head: bytes) -> None:
        if not head:
            code = "empty_file"
            message = f"File {number} is empty (0 bytes). Take the photo again or choose another file."
        else:
            code, known = "unsupported_file_type", filetypes.foreign(head)
            message = (
                f"File {number} is {known.name}, which is not supported. {known.advice}"
                if known
                else f"File {number} is not a PDF, JPEG, PNG, TIFF, WebP or HEIC. Send a photo or a PDF of the bill."
            )
        self._refused.append(Problem(code, FILES_FIELD, message))


def _pieces(parts: Iterator[Part]) -> Iterator[bytes]:
    """Yield the bytes of the current file and stop at its end."""
    for part in parts:
        if not isinstance(part, FilePiece):
            raise AssertionError("a file is always followed by its pieces")
        yield part.data
        if part.last:
            return


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest
