"""Opening the form wakes the functions, cheaply and without any work."""

from __future__ import annotations

import base64
import json
import sys
from types import SimpleNamespace
from typing import Any

import functions_framework
import pytest
from intake.warm_up import WAKE_EVERY_S, WarmUp
from werkzeug.test import Client

from tests.support.deployment import SOURCE, Deployment


class Topic:
    """Counts the wake-up messages."""

    def __init__(self) -> None:
        self.messages = 0

    def wake_ocr(self) -> None:
        self.messages += 1


def test_many_openings_are_one_message() -> None:
    """However many forms are opened within a minute, one message goes out; after it another."""
    topic, now = Topic(), [100.0]
    warm_up = WarmUp(topic, clock=lambda: now[0])  # type: ignore[arg-type]
    assert [warm_up.wake() for _ in range(5)] == [True, False, False, False, False]
    now[0] += WAKE_EVERY_S
    assert warm_up.wake()
    assert topic.messages == 2


@pytest.fixture
def topic(deployment: Deployment) -> Topic:
    """Return what a deployment's warm_up publishes to."""
    topic = Topic()
    deployment.services.warm_up = WarmUp(topic)  # type: ignore[arg-type]
    return topic


def test_opening_the_form_takes_nothing_in(deployment: Deployment, topic: Topic) -> None:
    """POST /submit?wake=1 is 204 and leaves no trace but the message, whatever its body."""
    answer = deployment.function("submit").post("/submit?wake=1", data=b"x" * 100_000)
    assert answer.status_code == 204
    assert topic.messages == 1
    assert deployment.bucket.objects == {}
    assert deployment.tasks.to_ocr == []


def test_only_a_post_wakes(deployment: Deployment, topic: Topic) -> None:
    """Neither a link nor a crawler wakes anything."""
    assert deployment.function("submit").get("/submit?wake=1").status_code == 405
    assert topic.messages == 0


def _delivered(client: Client, body: dict[str, Any]) -> int:
    data = base64.b64encode(json.dumps(body).encode()).decode()
    headers = {
        "ce-id": "1",
        "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "Content-Type": "application/json",
    }
    return client.post("/", json={"message": {"data": data}}, headers=headers).status_code


@pytest.mark.parametrize("function", ["ocr", "record"])
def test_a_wake_up_message_is_acknowledged_and_does_nothing(deployment: Deployment, function: str) -> None:
    """It is never delivered again, and no page is read and no row written because of it."""
    assert _delivered(deployment.function(function), {"wake": True}) == 200
    assert deployment.read_chunk.calls == []
    assert deployment.record.calls == []


def test_a_wake_up_makes_the_clients_of_ocr(deployment: Deployment) -> None:
    """What costs time at a cold start is done when the bill comes."""
    made: list[str] = []

    class Services(SimpleNamespace):
        @property
        def ocr(self) -> None:
            made.append("ocr")

    client = functions_framework.create_app("ocr", SOURCE).test_client()
    sys.modules["main"].services = Services()  # type: ignore[attr-defined]
    assert _delivered(client, {"wake": True}) == 200
    assert made == ["ocr"]
