"""Pub/Sub: tasks that carry ids and never data. Losing or repeating one changes nothing in the end."""

from __future__ import annotations

import json
from collections.abc import Iterable

import grpc
from google.api_core import exceptions as google_exceptions
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from intake.errors import UpstreamError

PUBLISH_TIMEOUT_S = 15.0


class TaskPublisher:
    """Publishes to the two topics.

    The generated client is used, not the batching one on top of it: a function must know before it ends that the
    message is out, and threads that publish later are frozen between requests.

    Args:
        project: Google Cloud project id.
        ocr_topic: Topic id of the messages to `ocr`.
        sheet_topic: Topic id of the messages to `record`.
        endpoint: host:port of an emulator, or "" for Google's.
    """

    def __init__(self, project: str, ocr_topic: str, sheet_topic: str, endpoint: str = "") -> None:
        transport = PublisherGrpcTransport(channel=grpc.insecure_channel(endpoint)) if endpoint else None
        self._client = PublisherClient(transport=transport)
        self._ocr_topic = f"projects/{project}/topics/{ocr_topic}"
        self._sheet_topic = f"projects/{project}/topics/{sheet_topic}"

    def ocr(self, intake_id: str, chunks: Iterable[int]) -> None:
        """Ask for chunks of an intake to be read, one message each, in one call.

        Raises:
            UpstreamError: Pub/Sub did not take them.
        """
        self._publish(self._ocr_topic, [{"intake_id": intake_id, "chunk": chunk} for chunk in chunks])

    def wake_ocr(self) -> None:
        """Have an instance of `ocr` started that has nothing to do yet.

        Raises:
            UpstreamError: Pub/Sub did not take it.
        """
        self._publish(self._ocr_topic, [{"wake": True}])

    def sheet(self, intake_id: str) -> None:
        """Ask for an intake's row to be written.

        Raises:
            UpstreamError: Pub/Sub did not take it.
        """
        self._publish(self._sheet_topic, [{"intake_id": intake_id}])

    def _publish(self, topic: str, bodies: list[dict[str, object]]) -> None:
        if not bodies:
            return
        messages = [PubsubMessage(data=json.dumps(body).encode()) for body in bodies]
        try:
            self._client.publish(topic=topic, messages=messages, timeout=PUBLISH_TIMEOUT_S)
        except (google_exceptions.GoogleAPICallError, google_exceptions.RetryError, GoogleAuthError) as exc:
            raise UpstreamError from exc
