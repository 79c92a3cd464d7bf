"""Pub/Sub at its worst: the test delivers the messages itself, as often, as late and in what order it likes."""

from __future__ import annotations

import base64
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

import grpc
import requests
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import PushConfig, ReceivedMessage, SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.local.layout import PROJECT
from infra.local.stack import LocalStack

_ACK_DEADLINE_S = 600.0
FUNCTIONS = {"ocr-requests": "ocr", "sheet-requests": "record"}


class Deliverer:
    """Takes the push subscriptions over while it is entered.

    Every message is acknowledged when it is pulled: what a dying function loses stays lost.

    Args:
        stack: Where.
        copies: Deliveries of each message.
        shuffle: Seed of the order in which pulled messages and their copies go out; None keeps the order.
        parallel: Deliveries at a time.
    """

    def __init__(self, stack: LocalStack, *, copies: int = 1, shuffle: int | None = None, parallel: int = 4) -> None:
        self._stack = stack
        self._copies = copies
        self._order = None if shuffle is None else random.Random(shuffle)
        self._parallel = parallel
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.delivered = 0

    def __enter__(self) -> Self:
        self._channel = grpc.insecure_channel(self._stack.env["PUBSUB_EMULATOR_HOST"])
        self._client = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))
        self._pushes = {}
        for topic in FUNCTIONS:
            path = f"projects/{PROJECT}/subscriptions/{topic}"
            self._pushes[path] = self._client.get_subscription(subscription=path).push_config
            self._client.modify_push_config(subscription=path, push_config=PushConfig())
            self._threads.append(threading.Thread(target=self._pump, args=(path, topic)))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for path, push in self._pushes.items():
            self._client.modify_push_config(subscription=path, push_config=push)
        self._channel.close()

    def _pump(self, subscription: str, topic: str) -> None:
        with ThreadPoolExecutor(self._parallel) as pool:
            while not self._stopping.is_set():
                try:
                    pulled = self._client.pull(subscription=subscription, max_messages=100, timeout=2)
                except DeadlineExceeded:
                    continue
                received = list(pulled.received_messages)
                if not received:
                    continue
                self._client.acknowledge(subscription=subscription, ack_ids=[message.ack_id for message in received])
                deliveries = received * self._copies
                if self._order is not None:
                    self._order.shuffle(deliveries)
                # Not waited for: `record` may make copies for minutes, and Pub/Sub pushes on meanwhile.
                for delivery in deliveries:
                    pool.submit(self._send(topic), delivery).add_done_callback(Future.result)

    def _send(self, topic: str) -> Callable[[ReceivedMessage], None]:
        url = f"{self._stack.function_url(FUNCTIONS[topic])}/projects/{PROJECT}/topics/{topic}"

        def send(received: ReceivedMessage) -> None:
            with suppress(requests.ConnectionError):  # The function died under it: that is what some tests are about.
                requests.post(url, json=push_body(topic, received), timeout=_ACK_DEADLINE_S)
            self.delivered += 1

        return send


def push_body(topic: str, received: ReceivedMessage) -> dict[str, object]:
    """Return what Pub/Sub posts to a push endpoint for a message."""
    message = {
        "data": base64.b64encode(received.message.data).decode(),
        "messageId": received.message.message_id,
        "publishTime": "2026-11-23T12:00:00Z",
    }
    return {"subscription": topic, "message": message}
