"""Counts of intakes, pages and age, added up by Firestore from the intakes themselves.

An aggregation costs one read for each 1,000 index entries (https://firebase.google.com/docs/firestore/pricing), and needs a
composite index in production: infra/gcp/storage.py lists them. The emulator asks for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake.cloud.failures import firestore_call
from intake.model import Status


class Counts:
    """Counts over the intakes of a deployment.

    Args:
        client: The database.
    """

    def __init__(self, client: firestore.Client) -> None:
        self._intakes = client.collection("intakes")

    @firestore_call
    def pages_since(self, since: datetime, clients: Sequence[str] = ()) -> int:
        """Return what all intakes since a time count for: one page, then their pages, in the end their calls of the OCR.

        Args:
            since: From when on.
            clients: Only intakes that carry one of these hashes, at most 30; none for all intakes.
        """
        query = self._intakes.where(filter=FieldFilter("submitted_at", ">=", since))
        if clients:
            query = query.where(filter=FieldFilter("client", "in", list(clients)))
        return _value(query.sum("pages", alias="n"))

    @firestore_call
    def submissions_since(self, field: str, hashes: Sequence[str], since: datetime, most: int) -> int:
        """Return how many intakes carry one of some hashes, and no more than is asked for.

        Args:
            field: `client` or `peer`.
            hashes: The same address in the hours that matter.
            since: From when on.
            most: Where counting may stop.
        """
        query = self._intakes.where(filter=FieldFilter(field, "in", list(hashes)))
        return _value(query.where(filter=FieldFilter("submitted_at", ">=", since)).limit(most).count(alias="n"))

    @firestore_call
    def oldest_unfinished(self) -> datetime | None:
        """Return when the oldest unfinished intake was submitted, or None if all are finished; those set aside do not count."""
        unfinished = [status.value for status in Status if not status.finished and status is not Status.ASIDE]
        query = self._intakes.where(filter=FieldFilter("status", "in", unfinished)).order_by("submitted_at").limit(1)
        submitted = [(snapshot.to_dict() or {})["submitted_at"] for snapshot in query.select(["submitted_at"]).stream()]
        return submitted[0] if submitted else None

    @firestore_call
    def rows_due(self) -> int:
        """Return how many intakes are read and have no row yet."""
        return _value(self._intakes.where(filter=FieldFilter("status", "==", Status.READ.value)).count(alias="n"))


def _value(aggregation: Any) -> int:
    """Return the one number of an aggregation; the sum of nothing may come as 0 or None."""
    return int(aggregation.get()[0][0].value or 0)
