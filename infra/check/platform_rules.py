"""What Vision, Storage, and Pub/Sub do."""

from __future__ import annotations

import contextlib
import functools
import io
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from infra import spec
from infra.check.assumptions import CLOUD, assumption
from infra.check.target import Target, Wrong
from infra.gcp.deployment import TOPICS, dead

TIMEOUT_S = 30
_PULL_S = 2
DEAD_LETTER_S = 240.0
"""Roles of Pub/Sub's own account on new topics need a minute or two to become effective."""
PRINTED = "Account N01-234-5678"
NUMBER = "N01-234-5678"


@assumption("cloud/vision.py", f"{CLOUD}/vision/docs/fulltext-annotations")
def vision(target: Target) -> str:
    """Vision returns a hyphen inside a number as a word of its own, and confidences between 0 and 1."""
    import grpc
    from google.cloud import vision as google_vision
    from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorGrpcTransport
    from intake.cloud.vision import Vision
    from PIL import Image, ImageDraw, ImageFont

    picture, file = Image.new("L", (1200, 160), 255), io.BytesIO()
    ImageDraw.Draw(picture).text((40, 40), PRINTED, fill=0, font=ImageFont.load_default(72))
    picture.save(file, "PNG")
    endpoint = target.services.settings.vision_endpoint
    transport = ImageAnnotatorGrpcTransport(channel=grpc.insecure_channel(endpoint)) if endpoint else None
    client = google_vision.ImageAnnotatorClient(transport=transport)
    feature = google_vision.Feature(type_=google_vision.Feature.Type.DOCUMENT_TEXT_DETECTION)
    image = google_vision.Image(content=file.getvalue())
    request = google_vision.AnnotateImageRequest(image=image, features=[feature])
    answer = client.batch_annotate_images(requests=[request], timeout=TIMEOUT_S).responses[0]
    words = [
        word
        for page in answer.full_text_annotation.pages
        for block in page.blocks
        for paragraph in block.paragraphs
        for word in paragraph.words
    ]
    texts = ["".join(symbol.text for symbol in word.symbols) for word in words]
    ours = [word.text for word in Vision(endpoint).words(file.getvalue())]
    if NUMBER not in ours:
        raise Wrong(f"our words are {ours}, {NUMBER} was printed; Vision's are {texts}")
    if "-" not in texts:
        raise Wrong(f"its words are {texts}")
    sure = [word.confidence for word in words]
    if not all(0 < value <= 1 for value in sure):
        raise Wrong(f"confidences of words are {sure}")
    return f"{' | '.join(texts)}; confidences {min(sure):.2f} to {max(sure):.2f}"


@assumption("cloud/storage.py", f"{CLOUD}/storage/docs/request-preconditions")
def created_once(target: Target) -> str:
    """Storage answers 412 if an object that must not exist exists."""
    from google.api_core.exceptions import NotFound, PreconditionFailed
    from google.cloud import storage

    config = target.services.settings
    blob = storage.Client(project=config.project).bucket(config.bucket).blob(f"words/check-{secrets.token_hex(8)}")
    try:
        blob.upload_from_string(b"1", if_generation_match=0)
        blob.upload_from_string(b"2", if_generation_match=0)
    except PreconditionFailed:
        return "412 the second time"
    finally:
        with contextlib.suppress(NotFound):
            blob.delete()
    raise Wrong("the second one was accepted")


@assumption("infra/gcp/messaging.py", f"{CLOUD}/eventarc/docs/retry-events")
def subscriptions(target: Target) -> str:
    """The subscriptions of the event functions have the dead letters, attempts, deadline, and backoff of functions.toml."""
    wanted, shown = spec.read().delivery, []
    publisher, subscriber = target.pubsub()
    project = target.services.settings.project
    for topic in TOPICS.values():
        names = list(publisher.list_topic_subscriptions(topic=f"projects/{project}/topics/{topic}"))
        if len(names) != 1:
            raise Wrong(f"{topic} has {len(names)} subscriptions")
        held = subscriber.get_subscription(subscription=names[0])
        policy, retry = held.dead_letter_policy, held.retry_policy
        found = {
            "pushes": bool(held.push_config.push_endpoint),
            "dead letters": policy.dead_letter_topic.rpartition("/")[2],
            "attempts": policy.max_delivery_attempts,
            "deadline": held.ack_deadline_seconds,
            "backoff": [retry.minimum_backoff.seconds, retry.maximum_backoff.seconds],
        }
        expected = {
            "pushes": True,
            "dead letters": dead(topic),
            "attempts": wanted.max_delivery_attempts,
            "deadline": wanted.ack_deadline_s,
            # The local stack waits less.
            "backoff": [wanted.retry_min_backoff_s, wanted.retry_max_backoff_s]
            if target.deployment
            else found["backoff"],
        }
        if found != expected:
            raise Wrong(f"the subscription of {topic} has {found}, not {expected}")
        shown.append(f"{topic}: {held.ack_deadline_seconds} s, {policy.max_delivery_attempts} attempts")
    return "; ".join(shown)


@assumption("stages/ocr.py, stages/record.py", f"{CLOUD}/pubsub/docs/handling-failures", DEAD_LETTER_S + 60)
def dead_letters(target: Target) -> str:
    """A rejected message is delivered again, and becomes a dead letter after the last attempt."""
    with _scratch_topics(target) as (publisher, subscriber, topic, pulled, letters):
        publisher.publish(request={"topic": topic, "messages": [{"data": b"check"}]}, timeout=TIMEOUT_S)
        began, refused = time.monotonic(), 0
        while time.monotonic() - began < DEAD_LETTER_S:
            for message in _pull(subscriber, pulled):
                refused += 1
                back = {"subscription": pulled, "ack_ids": [message.ack_id], "ack_deadline_seconds": 0}
                subscriber.modify_ack_deadline(request=back)
            for letter in _pull(subscriber, letters):
                attempts = letter.message.attributes.get("CloudPubSubDeadLetterSourceDeliveryCount", "?")
                return f"after {attempts} attempts, {refused} of them seen"
    raise Wrong(f"rejected {refused} times, and no dead letter after {DEAD_LETTER_S:.0f} s")


@contextlib.contextmanager
def _scratch_topics(target: Target) -> Iterator[tuple[Any, Any, str, str, str]]:
    project, name = target.services.settings.project, f"intake-check-{secrets.token_hex(6)}"
    publisher, subscriber = target.pubsub()
    topics = [f"projects/{project}/topics/{name}{end}" for end in ("", "-dead")]
    pulls = [f"projects/{project}/subscriptions/{name}{end}" for end in ("", "-dead")]
    with (
        contextlib.ExitStack() as made
    ):  # deletions are registered first: a request without an answer may have succeeded
        for kind, names in (("topic", topics), ("subscription", pulls)):
            for each in names:
                delete = getattr(publisher if kind == "topic" else subscriber, f"delete_{kind}")
                made.callback(_without, functools.partial(delete, **{kind: each}))
        for topic in topics:
            publisher.create_topic(name=topic)
        subscriber.create_subscription(request={"name": pulls[1], "topic": topics[1]})
        policy = {"dead_letter_topic": topics[1], "max_delivery_attempts": 5}
        subscriber.create_subscription(request={"name": pulls[0], "topic": topics[0], "dead_letter_policy": policy})
        if target.deployment:
            number = target.google("projects", "describe", project, "--format=value(projectNumber)").strip()
            agent = f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
            for client, resource, role in (
                (publisher, topics[1], "roles/pubsub.publisher"),
                (subscriber, pulls[0], "roles/pubsub.subscriber"),
            ):
                bindings = {"bindings": [{"role": role, "members": [agent]}]}
                client.set_iam_policy(request={"resource": resource, "policy": bindings})
        yield publisher, subscriber, topics[0], pulls[0], pulls[1]


def _without(delete: Callable[[], None]) -> None:
    from google.api_core.exceptions import NotFound

    with contextlib.suppress(NotFound):
        delete()


def _pull(subscriber: Any, name: str) -> list[Any]:
    from google.api_core.exceptions import DeadlineExceeded

    try:
        return list(subscriber.pull(subscription=name, max_messages=10, timeout=_PULL_S, retry=None).received_messages)
    except DeadlineExceeded:  # nothing there
        return []
