"""Pub/Sub on a bad day: messages are lost, doubled, held back, overtaken, and delivered again after they were acknowledged."""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Self

import grpc
import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.pubsub_v1 import PushConfig, ReceivedMessage, SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.local.layout import PROJECT
from infra.local.stack import LocalStack
from tests.support.deliverer import FUNCTIONS, push_body

MAX_ATTEMPTS = 8
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.4, 3.0
PARALLEL = 8
"""Pushes in flight of one subscription."""


@dataclass(order=True)
class Delivery:
    """One delivery that is to be made: when, of what, and the how many-th attempt it is."""

    at: float
    number: int
    topic: str = field(compare=False)
    message: ReceivedMessage = field(compare=False)
    attempt: int = field(compare=False, default=1)


class DeliveryProxy:
    """Takes the push subscriptions over while it is entered, and delivers as badly as Pub/Sub may.

    What fails is delivered again with backoff, under the same message id, as the subscriptions of the product do.

    Args:
        stack: Where.
        seed: Of all that goes wrong here.
    """

    def __init__(self, stack: LocalStack, seed: int) -> None:
        self._stack = stack
        self._luck = random.Random(f"delivery_proxy {seed}")
        self._lock = threading.Lock()
        self._due: list[Delivery] = []
        self._numbers = count()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.active = True
        self.faults: Counter[str] = Counter()
        self.delivered = 0

    def __enter__(self) -> Self:
        self._pools = {topic: ThreadPoolExecutor(PARALLEL, thread_name_prefix=topic) for topic in FUNCTIONS}
        self._channel = grpc.insecure_channel(self._stack.env["PUBSUB_EMULATOR_HOST"])
        self._client = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))
        self.take_over()
        for topic in FUNCTIONS:
            self._threads.append(threading.Thread(target=self._pull, args=(topic,), name=f"pull {topic}"))
        self._threads.append(threading.Thread(target=self._deliver, name="deliver"))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        self._channel.close()

    def take_over(self) -> None:
        """Turn push into pull; also after the emulator has come back."""
        for topic in FUNCTIONS:
            path = f"projects/{PROJECT}/subscriptions/{topic}"
            self._client.modify_push_config(subscription=path, push_config=PushConfig(), timeout=20)

    def _pull(self, topic: str) -> None:
        path = f"projects/{PROJECT}/subscriptions/{topic}"
        while not self._stopping.is_set():
            try:
                received = list(self._client.pull(subscription=path, max_messages=100, timeout=1).received_messages)
                if received:
                    self._client.acknowledge(subscription=path, ack_ids=[message.ack_id for message in received])
            except (GoogleAPICallError, RetryError):
                # Nothing there within a second, or the emulator is being started again.
                self._stopping.wait(0.05)
                continue
            for message in received:
                self._plan(topic, message)

    def _plan(self, topic: str, message: ReceivedMessage) -> None:
        luck, now = self._luck, time.monotonic()
        with self._lock:
            fate = luck.random() if self.active else 1.0
            if fate < 0.03:
                self.faults["message lost"] += 1
            elif fate < 0.09:
                self.faults["delivered twice at once"] += 1
                self._push(now, topic, message)
                self._push(now, topic, message)
            elif fate < 0.15:
                self.faults["held back, others overtake"] += 1
                self._push(now + luck.uniform(0.3, 3.0), topic, message)
            elif fate < 0.21:
                self.faults["again after the ack deadline"] += 1
                self._push(now, topic, message)
                self._push(now + luck.uniform(0.5, 6.0), topic, message)
            else:
                self._push(now, topic, message)

    def _push(self, at: float, topic: str, message: ReceivedMessage, attempt: int = 1) -> None:
        heapq.heappush(self._due, Delivery(at, next(self._numbers), topic, message, attempt))

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                ready = bool(self._due) and self._due[0].at <= time.monotonic()
                delivery = heapq.heappop(self._due) if ready else None
            if delivery is None:
                self._stopping.wait(0.01)
                continue
            self._pools[delivery.topic].submit(self._send, delivery)

    def _send(self, delivery: Delivery) -> None:
        url = f"{self._stack.function_url(FUNCTIONS[delivery.topic])}/projects/{PROJECT}/topics/{delivery.topic}"
        try:
            body = push_body(delivery.topic, delivery.message)
            taken = requests.post(url, json=body, timeout=120).status_code in (102, 200, 201, 202, 204)
        except requests.RequestException:
            taken = False  # the function died under it
        with self._lock:
            self.delivered += 1
            if taken:
                return
            if delivery.attempt >= MAX_ATTEMPTS:
                self.faults["dead-lettered"] += 1
                return
            backoff = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (delivery.attempt - 1))
            self._push(time.monotonic() + backoff, delivery.topic, delivery.message, delivery.attempt + 1)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for delivery."""
        with self._lock:
            return not self._due
