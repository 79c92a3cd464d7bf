"""Uploads that have begun and are not yet intakes, and how one becomes an intake."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.cloud.firestore_v1.base_query import FieldFilter

from intake.cloud.failures import firestore_call
from intake.cloud.firestore.documents import LOST_RACE, Documents
from intake.errors import UploadAbandoned
from intake.model import Intake, Progress, Stage
from intake.ports import StaleUpload


class Uploads(Documents):
    """The documents `uploads/{upload}`."""

    @firestore_call
    def begin_upload(self, upload_id: str, intake_id: str) -> Any:
        """Record an upload before its first byte, so that it can always be found and deleted.

        Returns:
            The version of what was written, for `accept`.
        """
        return self._upload_ref(upload_id).set(self._upload_document(intake_id)).update_time

    @firestore_call
    def abandon_upload(self, upload: StaleUpload) -> bool:
        """Make sure that an upload can no longer become an intake; only then may its objects be deleted.

        Returns:
            False if it became one just now, or another sweep handles it.
        """
        option = self._db.write_option(last_update_time=upload.version)
        try:
            self._upload_ref(upload.id).update({"abandoned": True}, option=option)
        except LOST_RACE:
            return False
        return True

    @firestore_call
    def end_upload(self, upload_id: str) -> None:
        """Forget an upload whose objects are gone or belong to an intake."""
        self._upload_ref(upload_id).delete()

    @firestore_call
    def accept(self, intake: Intake, upload_id: str, begun: Any) -> bool:
        """Make an intake of an upload, in one commit.

        Args:
            intake: The new intake.
            upload_id: The upload that brought its files.
            begun: What `begin_upload` returned.

        Returns:
            False if another request with the same key made it first; nothing is changed then.

        Raises:
            UploadAbandoned: This request paused so long that its upload was given up; it is not an intake.
            UpstreamError: Firestore did not answer.
        """
        batch = self._db.batch()
        check_at = intake.submitted_at + self._patience
        batch.create(self._intake_ref(intake.id), {**intake.to_document(), "check_at": check_at})
        progress = Progress(Stage.WAITING, intake.submitted_at, intake.submitted_at)
        batch.create(self._progress_ref(intake.id), progress.to_document())
        # A function can be frozen and resume an hour later: an upload that the sweeper has abandoned must not become an intake.
        batch.delete(self._upload_ref(upload_id), option=self._db.write_option(last_update_time=begun))
        try:
            batch.commit()
        except LOST_RACE as exc:
            existing = self._intake_ref(intake.id).get()
            if not existing.exists:
                raise UploadAbandoned from exc
            # The client repeats a commit whose answer was lost; then the document that is in the way may be our own.
            return bool((existing.to_dict() or {})["files"] == intake.to_document()["files"])
        return True

    @firestore_call
    def stale_uploads(self, before: datetime, limit: int) -> list[StaleUpload]:
        """Return uploads that began before a time and were neither accepted nor discarded."""
        query = self._db.collection("uploads").where(filter=FieldFilter("started_at", "<", before))
        found = query.order_by("started_at").limit(limit).stream()
        return [StaleUpload(s.id, (s.to_dict() or {})["intake_id"], s.update_time) for s in found]
