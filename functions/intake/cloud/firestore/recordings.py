"""An intake whose row is due: from read to recorded, or aside for a day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from google.api_core import exceptions as google_exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake import log
from intake.cloud.failures import firestore_call
from intake.cloud.firestore.documents import ASIDE_FOR, LOST_RACE, Documents
from intake.model import Intake, Progress, Stage, Status
from intake.ports import Due

COMMIT_INTAKES = 100
"""Intakes in one commit: two writes each; a commit may hold 10 MiB (https://cloud.google.com/firestore/quotas)."""


class Recordings(Documents):
    """Changes of intakes whose rows are due."""

    @firestore_call
    def awaiting_row(self, limit: int) -> list[Intake]:
        """Return intakes that are read and not yet recorded, oldest submission first among those found."""
        query = self._db.collection("intakes").where(filter=FieldFilter("status", "==", Status.READ.value))
        found = query.limit(limit).stream()
        aside = {"status": Status.ASIDE.value}
        intakes = [intake for snapshot in found if (intake := self._sound(snapshot, aside))]
        return sorted(intakes, key=lambda intake: intake.submitted_at)

    @firestore_call
    def set_aside(self, intake_id: str) -> None:
        """Set an intake aside: its row is no longer due; the sweeper makes it due again once a day."""
        snapshot = self._intake_ref(intake_id).get(field_paths=["status"])
        if (snapshot.to_dict() or {}).get("status") == Status.READ.value:
            self._lay_aside(snapshot, {"status": Status.ASIDE.value, "check_at": self._clock.now() + ASIDE_FOR})

    @firestore_call
    def put_back(self, due: Due) -> None:
        """Make the row of an intake due again that was set aside; nothing is changed if it has moved on."""
        changes = {"status": Status.READ.value, "check_at": self._clock.now() + self._patience}
        with suppress(*LOST_RACE):
            self._intake_ref(due.intake.id).update(changes, option=self._db.write_option(last_update_time=due.version))

    @firestore_call
    def note_sheet(self, trouble: str) -> None:
        """Keep the sentence that says why the Sheet cannot be written; "" when it can."""
        self._db.collection("office").document("sheet").set({"trouble": trouble, "updated_at": self._clock.now()})

    @firestore_call
    def mark_recorded(self, intakes: Sequence[Intake], *, then: Collection[str] = ()) -> None:
        """Mark intakes whose rows are in the Sheet as recorded and their progress as done.

        Doing it twice changes nothing but the times.

        Args:
            intakes: Read intakes.
            then: Names of the destinations to which they are due next, in the same commit; see `delivery_jobs`.
        """
        for start in range(0, len(intakes), COMMIT_INTAKES):
            now = self._clock.now()
            batch = self._db.batch()
            part = intakes[start : start + COMMIT_INTAKES]
            for intake in part:
                done = {"status": Status.RECORDED.value, "updated_at": now, "check_at": firestore.DELETE_FIELD}
                for name in then:
                    done |= {name: {"state": "due", "attempts": 0}, f"{name}_at": now}
                batch.update(self._intake_ref(intake.id), done)
                progress = Progress(
                    Stage.DONE,
                    intake.submitted_at,
                    now,
                    intake.pages,
                    intake.pages,
                    fields=intake.shown_fields(),
                    attention=intake.attention,
                    expire_at=now + self._keep_progress,
                )
                batch.set(self._progress_ref(intake.id), progress.to_document())
            try:
                batch.commit()
            except google_exceptions.NotFound:
                if len(part) == 1:
                    log.error("an intake document was deleted; its row stays", intake_id=part[0].id)
                else:
                    for intake in part:
                        self.mark_recorded([intake], then=then)
