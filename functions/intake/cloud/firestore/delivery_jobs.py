"""Firestore: how far the delivery of each recorded intake to one destination is, which is part of `intakes/{id}`.

    NAME      {"state": "due" | "done" | "failed", "attempts": n, "why": reason, and what the destination keeps}
    NAME_at   when the delivery is to be begun (again); one that has ended has none, so the query finds due ones only

A run claims a delivery by moving `NAME_at` ahead with a conditional write: one run wins, and if it crashes the delivery is due
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google_exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.cloud.failures import firestore_call
from intake.model import Intake
from intake.ports import Clock, DueDelivery, Ended


class DeliveryJobs:
    """The deliveries to one destination.

    Args:
        client: The database.
        name: Name of the destination, such as `copy`.
        hold_s: Seconds for which a delivery that was begun is left alone.
        clock: The time.
    """

    def __init__(self, client: firestore.Client, name: str, hold_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._db = client
        self._name = name
        self._at = f"{name}_at"
        self._hold = timedelta(seconds=hold_s)
        self._clock = clock

    @firestore_call
    def due(self, now: datetime, limit: int) -> list[DueDelivery]:
        """Return deliveries whose time has come, longest due first."""
        query = self._db.collection("intakes").where(filter=FieldFilter(self._at, "<=", now))
        found = query.order_by(self._at).limit(limit).stream()
        return [due for snapshot in found if (due := self._sound(snapshot))]

    def _sound(self, snapshot: Any) -> DueDelivery | None:
        """Return the delivery of a document; that of one that is malformed is due again in a day."""
        document = snapshot.to_dict() or {}
        try:
            attempts = int((document.get(self._name) or {}).get("attempts", 0))
            return DueDelivery(Intake.from_document(snapshot.id, document), snapshot.update_time, attempts)
        except Exception as exc:  # whatever is wrong with it
            log.error("malformed intake document; its delivery is skipped for a day", exc, intake_id=snapshot.id)
            snapshot.reference.update({self._at: self._clock.now() + timedelta(days=1)})
            return None

    @firestore_call
    def claim(self, due: DueDelivery) -> bool:
        """Begin a delivery; False if another has begun it since it was seen, or the document has changed otherwise."""
        changes = {f"{self._name}.attempts": due.attempts + 1, self._at: self._clock.now() + self._hold}
        option = self._db.write_option(last_update_time=due.version)
        try:
            self._ref(due.intake).update(changes, option=option)
        except (google_exceptions.FailedPrecondition, google_exceptions.NotFound):
            return False
        return True

    @firestore_call
    def postpone(self, intake: Intake, at: datetime, attempts: int) -> None:
        """Set when a delivery that did not succeed is begun again, and how often in a row it failed."""
        self._ref(intake).update({self._at: at, f"{self._name}.attempts": attempts})

    @firestore_call
    def finish(self, ended: Sequence[Ended]) -> None:
        """Note what became of deliveries, in one commit."""
        batch = self._db.batch()
        for each in ended:
            state = {"state": "failed", "why": each.reason} if each.reason else {"state": "done", **each.kept}
            changes = {f"{self._name}.{key}": value for key, value in state.items()}
            batch.update(self._ref(each.intake), {**changes, self._at: firestore.DELETE_FIELD})
        try:
            batch.commit()
        except google_exceptions.NotFound:
            if len(ended) == 1:
                log.error("an intake document was deleted; what was delivered stays", intake_id=ended[0].intake.id)
            else:
                for each in ended:
                    self.finish([each])

    def _ref(self, intake: Intake) -> firestore.DocumentReference:
        return self._db.collection("intakes").document(intake.id)
