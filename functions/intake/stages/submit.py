"""The `submit` stage: a multipart upload becomes stored files, an intake, its progress, and a task for `ocr`.

The order of writes, so that a crash at any point loses nothing that was promised and leaves nothing else behind:

    uploads/{upload}   bytes of the files          intakes/{id} + progress/{id}        ocr-requests
    ── written down ── streamed to Storage ── created, and uploads/{upload} deleted ── published ──▶ 202
                                               (one atomic commit: the promise)

Before the commit nothing was promised: the caller sees an error or a broken connection, and what was stored is deleted,
at once or, after a crash, by the sweeper that finds uploads/{upload}. After it, the sweeper makes up for a lost message.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from intake import form, log
from intake.clock import SYSTEM_CLOCK
from intake.errors import BadIdempotencyKey, BadRequest, IdempotencyKeyReused, IntakeError, Problem
from intake.model import Intake, Status, StoredFile
from intake.multipart import read_parts
from intake.settings import Limits
from intake.stages.upload import ReceivedFiles, Upload

if TYPE_CHECKING:
    from intake.office.office_lists import OfficeLists
    from intake.ports import Bucket, Clock, Gate, Store, Tasks
    from intake.rate_limits import Caller

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


@dataclass(frozen=True, kw_only=True)
class Submit:
    """Takes submissions in.

    Attributes:
        store: The intakes.
        bucket: Where the bytes go.
        tasks: Sends messages to `ocr`.
        office_lists: Who may submit, and for which utilities.
        admission: Lets new submissions in, or raises.
        limits: What a submission may hold.
        clock: The time.
    """

    store: Store
    bucket: Bucket
    tasks: Tasks
    office_lists: OfficeLists
    admission: Gate
    limits: Limits
    clock: Clock = SYSTEM_CLOCK

    def submit(self, stream: IO[bytes], content_type: str, idempotency_key: str | None, caller: Caller) -> Accepted:
        """Accept one submission.

        Args:
            stream: The request body; never more than a few hundred KiB of it and one chunk of a file are in memory.
            content_type: The request's Content-Type.
            idempotency_key: What the client calls this submission, the same for every repetition of it.
            caller: Where the request comes from.

        Returns:
            The intake, new or the one that an earlier request with the same key made.

        Raises:
            NotMultipart, MalformedUpload: The body is not a form, or is cut off.
            BadIdempotencyKey, IdempotencyKeyReused: The key cannot be used.
            DailyQuotaExceeded, TooManySubmissions: It was not admitted.
            BadRequest: Answers or files have problems; carries all of them.
            TemporaryError: Storage or Firestore did not answer.
        """
        intake_id = intake_id_for(idempotency_key)
        earlier = self.store.intake(intake_id) if idempotency_key else None
        if earlier is not None:
            return self._repeat(earlier, stream, content_type)
        origin = self.admission.admit(caller)
        upload = Upload(intake_id, self.store, self.bucket)
        try:
            intake = self._received(upload, stream, content_type, origin)
            accepted = upload.accepted_as(intake)
        except BaseException:
            upload.discard()
            raise
        if not accepted:
            upload.discard()  # Another request with this key was faster: its files count, not ours.
            return _the_same(self.store.intake(intake_id), intake.fingerprint)
        self._wake_ocr(intake_id)
        return Accepted(intake_id, repeated=False)

    def _repeat(self, earlier: Intake, stream: IO[bytes], content_type: str) -> Accepted:
        """Compare a request with the intake that its key made before; nothing of it is stored.

        What was accepted once stays accepted, whatever was taken off the office's lists since.
        """
        files = ReceivedFiles(self.limits)
        clean, problems = form.check(files.receive(read_parts(stream, content_type)), None)
        _refuse(form.in_order(problems) + files.problems())
        return _the_same(earlier, _fingerprint(clean, files.stored))

    def _received(self, upload: Upload, stream: IO[bytes], content_type: str, origin: Mapping[str, str]) -> Intake:
        """Store the files of a request, check it, and return the intake that it becomes."""
        files = ReceivedFiles(self.limits, upload)
        answers = files.receive(read_parts(stream, content_type))
        clean, problems = form.check(answers, self.office_lists.utilities_for(answers))
        agent, refused = self._agent(clean["agent_id"])
        _refuse(form.in_order([*problems, *refused]) + files.problems())
        return Intake(
            upload.intake_id,
            Status.WAITING,
            self.clock.now(),
            clean,
            tuple(files.stored),
            _fingerprint(clean, files.stored),
            agent=agent,
            origin=origin,
        )

    def _agent(self, agent_id: str) -> tuple[dict[str, str] | None, list[Problem]]:
        """Return who submits by the office's list, and what is wrong with that; nothing about an id that is missing."""
        if not agent_id:
            return None, []
        agent, problem = self.office_lists.agent(agent_id)
        return {"id": agent.id, "name": agent.name} if agent else None, [problem] if problem else []

    def _wake_ocr(self, intake_id: str) -> None:
        try:
            self.tasks.ocr(intake_id, [0])
        except IntakeError as exc:
            # The intake is promised and safe; the sweeper resumes it. An error now would make the agent send it again.
            log.error("message to ocr not published; the sweeper will publish it", exc, intake_id=intake_id)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadRequest(problems)


def _the_same(earlier: Intake | None, fingerprint: str) -> Accepted:
    """Return the earlier intake of a key, if it holds the same answers and files."""
    if earlier is None or earlier.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return Accepted(earlier.id, repeated=True)


def _fingerprint(answers: Mapping[str, str], files: Sequence[StoredFile]) -> str:
    digest = hashlib.sha256()
    for name in sorted(answers):
        digest.update(f"{name}={answers[name]}\0".encode())
    for file in files:
        digest.update(file.sha256.encode())
    return digest.hexdigest()
