"""Firestore: how far the copy of each recorded bill is, which is part of `intakes/{id}`.

    copy      {"state": "due" | "done" | "failed", "attempts": n, "folder": link, "why": sentence}
    copy_at   when the copy is to be begun (again); a copy that is done or failed has none, so the query finds due ones only

A run claims a copy by moving `copy_at` ahead with a conditional write: one run wins, and if it crashes the copy is due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google_exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.cloud.failures import firestore_call
from intake.model import Intake
from intake.ports import Clock


@dataclass(frozen=True)
class DueCopy:
    """A copy that is due, and the version of the intake's document that was seen."""

    intake: Intake
    version: Any

    @property
    def attempts(self) -> int:
        """How often the copy was begun before."""
        return int((self.intake.copy or {}).get("attempts", 0))


class Copies:
    """The copies of one deployment.

    Args:
        client: The database.
        hold_s: Seconds for which a copy that was begun is left alone.
        clock: The time.
    """

    def __init__(self, client: firestore.Client, hold_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._db = client
        self._hold = timedelta(seconds=hold_s)

    @firestore_call
    def due(self, now: datetime, limit: int) -> list[DueCopy]:
        """Return copies whose time has come, longest due first."""
        query = self._db.collection("intakes").where(filter=FieldFilter("copy_at", "<=", now))
        found = query.order_by("copy_at").limit(limit).stream()
        return [DueCopy(intake, snapshot.update_time) for snapshot in found if (intake := self._sound(snapshot))]

    def _sound(self, snapshot: Any) -> Intake | None:
        """Return the intake of a document; the copy of one that is malformed is due again in a day."""
        try:
            return Intake.from_document(snapshot.id, snapshot.to_dict() or {})
        except Exception as exc:  # whatever is wrong with it
            log.error("malformed intake document; its copy is skipped for a day", exc, intake_id=snapshot.id)
            snapshot.reference.update({"copy_at": self._clock.now() + timedelta(days=1)})
            return None

    @firestore_call
    def claim(self, due: DueCopy) -> bool:
        """Begin a copy; False if another has begun it since it was seen, or the document has changed otherwise."""
        changes = {"copy.attempts": due.attempts + 1, "copy_at": self._clock.now() + self._hold}
        option = self._db.write_option(last_update_time=due.version)
        try:
            self._ref(due.intake).update(changes, option=option)
        except (google_exceptions.FailedPrecondition, google_exceptions.NotFound):
            return False
        return True

    @firestore_call
    def postpone(self, intake: Intake, copy_at: datetime, attempts: int) -> None:
        """Set when a copy that did not succeed is begun again, and how often in a row it failed."""
        self._ref(intake).update({"copy_at": copy_at, "copy.attempts": attempts})

    @firestore_call
    def finish(self, ended: Sequence[tuple[Intake, dict[str, str]]]) -> None:
        """Note what became of copies, once their rows say it, in one commit."""
        batch = self._db.batch()
        for intake, result in ended:
            changes = {f"copy.{name}": value for name, value in result.items()}
            batch.update(self._ref(intake), {**changes, "copy_at": firestore.DELETE_FIELD})
        try:
            batch.commit()
        except google_exceptions.NotFound:
            if len(ended) == 1:
                log.error("an intake document was deleted; its copy stays", intake_id=ended[0][0].id)
            else:
                for each in ended:
                    self.finish([each])

    def _ref(self, intake: Intake) -> firestore.DocumentReference:
        return self._db.collection("intakes").document(intake.id)
