"""What the libraries raise when a token cannot be had is a passing trouble, in every adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from google.auth.exceptions import RefreshError, TransportError
from intake.cloud.firestore.counts import Counts
from intake.cloud.firestore.delivery_jobs import DeliveryJobs
from intake.cloud.firestore.store import Store
from intake.cloud.pubsub import TaskPublisher
from intake.cloud.storage import Bucket
from intake.cloud.vision import Vision
from intake.errors import TemporaryError

from tests.support.fakes import INTAKE_ID, SUBMITTED


class WithoutToken:
    """A client of any library whose every call fails before it is sent, as when the metadata server does not answer."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> WithoutToken:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> WithoutToken:
        return self

    def get(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise self._error("no token")

    stream = publish = batch_annotate_images = download_as_bytes = upload_from_string = list_blobs = get
    open = get


def made(kind: type[Any], client: WithoutToken) -> Any:
    """Return an adapter on a client that was never made."""
    adapter = object.__new__(kind)
    for name in ("_db", "_client", "_bucket", "_intakes"):
        setattr(adapter, name, client)
    adapter._at = "copy_at"
    return adapter


CALLS: dict[str, Callable[[WithoutToken], object]] = {
    "documents": lambda client: made(Store, client).intake(INTAKE_ID),
    "a query": lambda client: made(Store, client).due_for_check(SUBMITTED, 1),
    "copies": lambda client: made(DeliveryJobs, client).due(SUBMITTED, 1),
    "counts": lambda client: made(Counts, client).rows_due(),
    "an object": lambda client: made(Bucket, client).read("words"),
    "an object in pieces": lambda client: list(made(Bucket, client).pieces("bill")),
    "names": lambda client: made(Bucket, client).names("words/"),
}


@pytest.mark.parametrize("error", [RefreshError, TransportError])
@pytest.mark.parametrize("what", CALLS)
def test_no_token(what: str, error: type[Exception]) -> None:
    """Firestore and Storage: the message is delivered again."""
    with pytest.raises(TemporaryError):
        CALLS[what](WithoutToken(error))


@pytest.mark.parametrize("error", [RefreshError, TransportError])
def test_no_token_for_messages_and_pictures(error: type[Exception]) -> None:
    """Pub/Sub and Vision: likewise."""
    tasks, vision = made(TaskPublisher, WithoutToken(error)), made(Vision, WithoutToken(error))
    tasks._sheet_topic, vision._retry = "topic", None
    with pytest.raises(TemporaryError):
        tasks.sheet(INTAKE_ID)
    with pytest.raises(TemporaryError):
        vision.words(b"picture")
