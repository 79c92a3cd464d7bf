"""Firestore adds up intakes: how many, how many pages, how old. Nothing is kept for it but the intakes themselves.

An aggregation costs one read for each 1,000 index entries (https://firebase.google.com/docs/firestore/pricing), and needs a
composite index in production: infra/gcp/storage.py lists them. The emulator asks for none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from google.api_core import exceptions as google_exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake.errors import TemporaryError
from intake.records import Status

P = ParamSpec("P")
R = TypeVar("R")


def _wrapped(method: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except (google_exceptions.GoogleAPICallError, google_exceptions.RetryError) as exc:
            raise TemporaryError from exc

    return call


class Counts:
    """What the intakes of a deployment come to.

    Args:
        client: The database.
    """

    def __init__(self, client: firestore.Client) -> None:
        self._intakes = client.collection("intakes")

    @_wrapped
    def pages_since(self, since: datetime) -> int:
        """Return the pages of all intakes since a time; one that is not counted yet is one page."""
        return _value(self._intakes.where(filter=FieldFilter("submitted_at", ">=", since)).sum("pages", alias="n"))

    @_wrapped
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

    @_wrapped
    def oldest_unfinished(self) -> datetime | None:
        """Return when the oldest unfinished intake was submitted, or None if all are finished."""
        unfinished = [status.value for status in Status if not status.finished]
        query = self._intakes.where(filter=FieldFilter("status", "in", unfinished)).order_by("submitted_at").limit(1)
        submitted = [(snapshot.to_dict() or {})["submitted_at"] for snapshot in query.select(["submitted_at"]).stream()]
        return submitted[0] if submitted else None

    @_wrapped
    def rows_due(self) -> int:
        """Return how many intakes are read and have no row yet."""
        return _value(self._intakes.where(filter=FieldFilter("status", "==", Status.READ.value)).count(alias="n"))


def _value(aggregation: Any) -> int:
    """Return the one number of an aggregation; the sum of nothing may come as 0 or None."""
    return int(aggregation.get()[0][0].value or 0)
