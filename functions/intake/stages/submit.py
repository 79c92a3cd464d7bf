"""The `submit` stage: a multipart upload becomes stored files, an intake, its progress, and a nudge to `ocr`.

What is kept when, so that a crash at any point loses nothing that was promised and leaves nothing that was not:

    uploads/{upload}   bytes of the files          intakes/{id} + progress/{id}        ocr-requests
    ── written down ── streamed to Storage ── created, and uploads/{upload} deleted ── nudged ──▶ 202
                                               (one atomic commit: the promise)

Before the commit nothing was promised: the caller sees an error or a broken connection, and what was stored is deleted,
at once or, after a crash, by the sweeper that finds uploads/{upload}. After it, the sweeper makes up for a lost nudge.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from intake import filetypes, form, log, objects
from intake.errors import BadIdempotencyKey, BadRequest, IdempotencyKeyReused, IntakeError, Problem, UploadAbandoned
from intake.model import Intake, Status, StoredFile
from intake.multipart import FieldValue, FilePiece, FileStart, Part, read_parts
from intake.settings import MIB, Limits

if TYPE_CHECKING:
    from intake.office.office_lists import OfficeLists
    from intake.ports import Bucket, ObjectWriter, Store, Tasks

FILES_FIELD = "bill"
_KEY = re.compile(r"[A-Za-z0-9-]{32,64}")


@dataclass(frozen=True)
class Accepted:
    """The promise: this intake exists and will end recorded or failed.

    Attributes:
        intake_id: Id of the intake.
        repeated: Whether an earlier request with the same key had already made it.
    """

    intake_id: str
    repeated: bool


def intake_id_for(idempotency_key: str | None) -> str:
    """Return the intake id that belongs to a key, or a random one without a key.

    The id is a digest of the key, so that two requests with one key meet at one document without any index. Who knows
    the id can see the progress, hence keys that can be guessed are refused.

    Args:
        idempotency_key: The Idempotency-Key header, if any.

    Returns:
        32 hex digits.

    Raises:
        BadIdempotencyKey: The key is too short or has other characters than a UUID may have.
    """
    if idempotency_key is None:
        return secrets.token_hex(16)
    if not _KEY.fullmatch(idempotency_key):
        raise BadIdempotencyKey
    return hashlib.sha256(f"intake:{idempotency_key}".encode()).hexdigest()[:32]


def submit(
    stream: IO[bytes],
    content_type: str,
    idempotency_key: str | None,
    *,
    store: Store,
    bucket: Bucket,
    tasks: Tasks,
    office_lists: OfficeLists,
    limits: Limits,
    admit: Callable[[], Mapping[str, str]] = dict,
) -> Accepted:
    """Take in one submission.

    Args:
        stream: The request body; never more than a few hundred KiB of it and one chunk of a file are in memory.
        content_type: The request's Content-Type.
        idempotency_key: What the client calls this submission, the same for every repetition of it.
        store: The intakes.
        bucket: Where the bytes go.
        tasks: Wakes `ocr`.
        office_lists: Who may submit, and for which utilities.
        limits: What a submission may hold.
        admit: Lets a new submission in, or raises; returns what the intake carries of its origin. One that was accepted
            before is not asked again.

    Returns:
        The intake, new or the one that an earlier request with the same key made.

    Raises:
        NotMultipart, MalformedUpload: The body is no form, or broke off.
        BadIdempotencyKey, IdempotencyKeyReused: The key cannot be used.
        DailyQuotaExceeded, TooManySubmissions: It was not admitted.
        BadRequest: Answers or files need mending; carries all problems.
        TemporaryError: Storage or Firestore did not answer.
    """
    intake_id = intake_id_for(idempotency_key)
    earlier = store.intake(intake_id) if idempotency_key else None
    origin = admit() if earlier is None else {}
    upload = _Upload(intake_id, store=store, bucket=bucket, limits=limits, keep=earlier is None)
    try:
        answers = upload.receive(read_parts(stream, content_type))
        # What was accepted once stays accepted, whatever has been taken off the office's lists since.
        clean, problems = form.check(answers, office_lists.utilities_for(answers) if earlier is None else None)
        agent, refused = _agent(clean["agent_id"], office_lists) if earlier is None else (None, [])
        problems = form.in_order([*problems, *refused]) + upload.problems()
        if problems:
            raise BadRequest(problems)
        fingerprint = _fingerprint(clean, upload.files)
        if earlier is None:
            now, files = datetime.now(UTC), tuple(upload.files)
            intake = Intake(intake_id, Status.WAITING, now, clean, files, fingerprint, agent=agent, origin=origin)
            if upload.accepted_as(intake):
                _nudge(tasks, intake_id)
                return Accepted(intake_id, repeated=False)
            earlier = store.intake(intake_id)  # Another request with this key was faster: its files count, not ours.
    except BaseException:
        upload.discard()
        raise
    upload.discard()
    if earlier is None or earlier.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return Accepted(intake_id, repeated=True)


def _agent(agent_id: str, office_lists: OfficeLists) -> tuple[dict[str, str] | None, list[Problem]]:
    """Return who submits by the office's list, and what is wrong with that; nothing about an id that is missing."""
    if not agent_id:
        return None, []
    agent, problem = office_lists.agent(agent_id)
    return {"id": agent.id, "name": agent.name} if agent else None, [problem] if problem else []


def _nudge(tasks: Tasks, intake_id: str) -> None:
    try:
        tasks.ocr(intake_id, [0])
    except IntakeError as exc:
        # The intake is promised and safe; the sweeper wakes it. An error now would make the agent send it again.
        log.error("message to ocr not published; the sweeper will publish it", exc, intake_id=intake_id)


def _fingerprint(answers: Mapping[str, str], files: list[StoredFile]) -> str:
    digest = hashlib.sha256()
    for name in sorted(answers):
        digest.update(f"{name}={answers[name]}\0".encode())
    for file in files:
        digest.update(file.sha256.encode())
    return digest.hexdigest()


@dataclass
class _Upload:
    """The files of one request on their way into the bucket."""

    intake_id: str
    store: Store
    bucket: Bucket
    limits: Limits
    keep: bool  # whether to store the bytes, or only to look at them
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    files: list[StoredFile] = field(default_factory=list)
    _received: int = 0
    _bytes: int = 0
    _file_problems: list[Problem] = field(default_factory=list)
    _written_down: bool = False  # whether there may be objects that `discard` must delete
    _begun: Any = None  # the version of what was written down
    _writer: ObjectWriter | None = None

    def receive(self, parts: Iterator[Part]) -> dict[str, str]:
        """Store the files and return the answers."""
        answers: dict[str, str] = {}
        for part in parts:
            if isinstance(part, FieldValue):
                answers[part.name] = part.value
            elif isinstance(part, FileStart):
                self._receive_file(part, parts)
        return answers

    def accepted_as(self, intake: Intake) -> bool:
        """Make the intake of this upload; False if another request with the same key made it first.

        Raises:
            UploadAbandoned: The sweeper took the upload for abandoned; what was stored has to be deleted.
            TemporaryError: Firestore did not answer, so whether it made the intake is not known. The files may be the
                intake's then and stay where they are: if they are not, the upload is still written down and the
                sweeper deletes them.
        """
        try:
            return self.store.accept(intake, self.id, self._begun)
        except UploadAbandoned:
            raise
        except BaseException:
            self._written_down = False
            raise

    def problems(self) -> list[Problem]:
        """Return what is wrong with the files, all of it."""
        problems = list(self._file_problems)
        if self._received == 0:
            problems.append(Problem("no_file", FILES_FIELD, "Add the utility bill: at least one photo or PDF."))
        if self._received > self.limits.files:
            message = f"You added {self._received} files; the limit is {self.limits.files}. Remove some."
            problems.append(Problem("too_many_files", FILES_FIELD, message))
        if self._bytes > self.limits.upload_bytes:
            size = math.ceil(self._bytes / MIB * 10) / 10  # rounded up, or one byte over would be said to be the limit
            message = (
                f"The files are {size} MB together; the limit is {self.limits.upload_bytes // MIB} MB. "
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
            self._file_problems.append(Problem("unexpected_file", start.field, message))
        self._received += 1
        self._store_file(self._received, head, pieces)

    def _store_file(self, number: int, head: bytes, rest: Iterator[bytes]) -> None:
        kind = filetypes.sniff(head)
        if not head:
            self._refuse(
                "empty_file", f"File {number} is empty (0 bytes). Take the photo again or choose another file."
            )
        elif kind is None:
            known = filetypes.foreign(head)
            self._refuse(
                "unsupported_file_type",
                f"File {number} is {known.name}, which is not supported. {known.advice}"
                if known
                else f"File {number} is not a PDF, JPEG, PNG, TIFF, WebP or HEIC. Send a photo or a PDF of the bill.",
            )
        name = objects.bill_object(self.intake_id, self.id, number)
        # Once anything is wrong the submission will be refused: the rest is only counted, so that all is reported.
        if kind is not None and self._wanted():
            self._begin(name, filetypes.CONTENT_TYPES[kind])
        digest, size = hashlib.sha256(), 0
        for piece in _chain(head, rest):
            digest.update(piece)
            size += len(piece)
            self._bytes += len(piece)
            if self._writer and self._wanted():
                self._writer.write(piece)
        self._finish()
        if kind is not None:
            self.files.append(StoredFile(name, kind, size, digest.hexdigest()))

    def _wanted(self) -> bool:
        within = self._received <= self.limits.files and self._bytes <= self.limits.upload_bytes
        return self.keep and within and not self._file_problems

    def _begin(self, name: str, content_type: str) -> None:
        if not self._written_down:
            self._begun = self.store.begin_upload(self.id, self.intake_id)
            self._written_down = True
        self._writer = self.bucket.create(name, content_type)

    def _finish(self) -> None:
        if self._writer is None:
            return
        if self._wanted():
            self._writer.close()
        else:
            self._writer.abandon()
        self._writer = None  # Not before: one that could not be closed must be abandoned, or it would try again.

    def _refuse(self, code: str, message: str) -> None:
        self._file_problems.append(Problem(code, FILES_FIELD, message))

    def discard(self) -> None:
        """Delete what was stored; when that fails, the sweeper does it."""
        writer, self._writer = self._writer, None
        if not self._written_down:
            return
        try:
            if writer is not None:
                writer.abandon()
            self.bucket.delete_all(objects.bills_prefix(self.intake_id, self.id))
            self.store.end_upload(self.id)
        except IntakeError as exc:
            log.error(
                "refused upload not deleted; the sweeper will delete it",
                exc,
                intake_id=self.intake_id,
            )


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
