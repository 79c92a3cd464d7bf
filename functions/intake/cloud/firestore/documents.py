"""The documents of one deployment: their names, what a malformed one is treated like, and the connection."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from google.api_core import exceptions as google_exceptions
from google.cloud import firestore

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.model import Intake
from intake.ports import Clock

LOST_RACE = (google_exceptions.FailedPrecondition, google_exceptions.AlreadyExists, google_exceptions.NotFound)
ASIDE_FOR = timedelta(days=1)


class Documents:
    """What the parts of the store share.

    Args:
        project: Google Cloud project id.
        stall_timeout_s: Seconds without progress after which the sweeper should look.
        progress_days: Days that a finished progress document stays readable.
        clock: The time.
    """

    def __init__(self, project: str, stall_timeout_s: float, progress_days: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._db = firestore.Client(project=project)
        self._clock = clock
        self._patience = timedelta(seconds=stall_timeout_s)
        self._keep_progress = timedelta(days=progress_days)

    @property
    def client(self) -> firestore.Client:
        """The connection, for the other documents of the same database."""
        return self._db

    def _sound(self, snapshot: Any, otherwise: Mapping[str, Any]) -> Intake | None:
        """Return the intake of a document. A malformed one is skipped for a day, so that it does not block the others.

        Args:
            snapshot: The document.
            otherwise: What to change in a malformed one besides.
        """
        try:
            return Intake.from_document(snapshot.id, snapshot.to_dict() or {})
        except Exception as exc:  # whatever is wrong with it
            log.error("malformed intake document; skipped for a day", exc, intake_id=snapshot.id)
            self._lay_aside(snapshot, {**otherwise, "check_at": self._clock.now() + ASIDE_FOR})
            return None

    def _lay_aside(self, snapshot: Any, changes: dict[str, Any]) -> None:
        with suppress(*LOST_RACE):
            snapshot.reference.update(changes, option=self._db.write_option(last_update_time=snapshot.update_time))

    def _intake_ref(self, intake_id: str) -> firestore.DocumentReference:
        return self._db.collection("intakes").document(intake_id)

    def _progress_ref(self, intake_id: str) -> firestore.DocumentReference:
        return self._db.collection("progress").document(intake_id)

    def _upload_ref(self, upload_id: str) -> firestore.DocumentReference:
        return self._db.collection("uploads").document(upload_id)

    def _chunk_ref(self, intake_id: str, chunk: int) -> firestore.DocumentReference:
        chunks: firestore.CollectionReference = self._intake_ref(intake_id).collection("chunks")
        return chunks.document(str(chunk))

    def _upload_document(self, intake_id: str) -> dict[str, Any]:
        return {"intake_id": intake_id, "started_at": self._clock.now()}
