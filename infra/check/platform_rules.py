"""What the rest of Google does: Vision, Storage, Pub/Sub, Firestore, Hosting, App Check and the functions' machines."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import requests

from infra.check.target import NotHere, Target, Wrong
from infra.gcp import settings
from infra.gcp.deployment import ROOT, TOPICS, dead
from infra.gcp.steps import gcloud

TIMEOUT_S = 30
_PULL_S = 2
DEAD_LETTER_S = 240.0
"""Roles of Pub/Sub's own account on new topics need a minute or two until they count."""
PRINTED = "Account N01-234-5678"
NUMBER = "N01-234-5678"


def vision(target: Target) -> str:
    """Marks inside a word are words of their own, and letters and words come with confidences between 0 and 1."""
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


def created_once(target: Target) -> str:
    """An object that must not exist yet is refused when it does, with 412."""
    from google.api_core.exceptions import PreconditionFailed
    from google.cloud import storage  # type: ignore[attr-defined]

    config = target.services.settings
    blob = storage.Client(project=config.project).bucket(config.bucket).blob(f"words/check-{secrets.token_hex(8)}")
    blob.upload_from_string(b"1", if_generation_match=0)
    try:
        blob.upload_from_string(b"2", if_generation_match=0)
    except PreconditionFailed:
        return "412 the second time"
    finally:
        blob.delete()
    raise Wrong("the second one was taken")


def sheet_errors(target: Target) -> str:
    """A refusal of the Sheets API is JSON with code, message and status."""
    from gspread.exceptions import APIError
    from intake.cloud.sheets_client import Book

    book = Book(target.book.client, "1" + secrets.token_hex(20))
    try:
        book.change([])
    except APIError as exc:
        body = exc.response.json().get("error", {})
        if {"code", "message", "status"} <= set(body):
            return f"{body['code']} {body['status']}"
        raise Wrong(f"its body has {sorted(body)}") from exc
    raise Wrong("a spreadsheet that does not exist was changed")


def subscriptions(target: Target) -> str:
    """The subscriptions of the event functions have dead letters, attempts, deadline and backoff as functions.toml says."""
    wanted, shown = settings.read().delivery, []
    publisher, subscriber = _pubsub(target)
    project = target.services.settings.project
    for topic in TOPICS.values():
        names = list(publisher.list_topic_subscriptions(topic=f"projects/{project}/topics/{topic}"))
        if len(names) != 1:
            raise Wrong(f"{topic} has {len(names)} subscriptions")
        held = subscriber.get_subscription(subscription=names[0])
        policy = held.dead_letter_policy
        if not held.push_config.push_endpoint or policy.dead_letter_topic.rpartition("/")[2] != dead(topic):
            raise Wrong(f"the subscription of {topic} does not push, or has no dead letters")
        if policy.max_delivery_attempts != wanted.max_delivery_attempts:
            raise Wrong(f"the subscription of {topic} has {policy.max_delivery_attempts} attempts")
        if held.ack_deadline_seconds != wanted.ack_deadline_s:
            raise Wrong(f"the subscription of {topic} has a deadline of {held.ack_deadline_seconds} s")
        shown.append(f"{topic}: {held.ack_deadline_seconds} s, {policy.max_delivery_attempts} attempts")
    return "; ".join(shown)


def dead_letters(target: Target) -> str:
    """A message that is refused is delivered again, and after the last attempt it is in the dead letters.

    Shown with two topics of its own, which are deleted again.
    """
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
    raise Wrong(f"refused {refused} times and not in the dead letters after {DEAD_LETTER_S:.0f} s")


@contextlib.contextmanager
def _scratch_topics(target: Target) -> Iterator[tuple[Any, Any, str, str, str]]:
    project, name = target.services.settings.project, f"intake-check-{secrets.token_hex(6)}"
    publisher, subscriber = _pubsub(target)
    topics = [f"projects/{project}/topics/{name}{end}" for end in ("", "-dead")]
    pulls = [f"projects/{project}/subscriptions/{name}{end}" for end in ("", "-dead")]
    try:
        for topic in topics:
            publisher.create_topic(name=topic)
        subscriber.create_subscription(request={"name": pulls[1], "topic": topics[1]})
        policy = {"dead_letter_topic": topics[1], "max_delivery_attempts": 5}
        subscriber.create_subscription(request={"name": pulls[0], "topic": topics[0], "dead_letter_policy": policy})
        if target.deployment:
            describe = gcloud("projects", "describe", project, "--format=value(projectNumber)")
            agent = f"serviceAccount:service-{target.google(describe).strip()}@gcp-sa-pubsub.iam.gserviceaccount.com"
            for client, resource, role in (
                (publisher, topics[1], "roles/pubsub.publisher"),
                (subscriber, pulls[0], "roles/pubsub.subscriber"),
            ):
                bindings = {"bindings": [{"role": role, "members": [agent]}]}
                client.set_iam_policy(request={"resource": resource, "policy": bindings})
        yield publisher, subscriber, topics[0], pulls[0], pulls[1]
    finally:
        for pull in pulls:
            subscriber.delete_subscription(subscription=pull)
        for topic in topics:
            publisher.delete_topic(topic=topic)


def _pubsub(target: Target) -> tuple[Any, Any]:
    """Return a publisher and a subscriber."""
    import grpc
    from google.pubsub_v1 import PublisherClient, SubscriberClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    endpoint = target.services.settings.pubsub_endpoint
    if not endpoint:
        return PublisherClient(), SubscriberClient()
    channel = grpc.insecure_channel(endpoint)
    publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    return publisher, SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))


def _pull(subscriber: Any, name: str) -> list[Any]:
    from google.api_core.exceptions import DeadlineExceeded

    try:
        return list(subscriber.pull(subscription=name, max_messages=10, timeout=_PULL_S, retry=None).received_messages)
    except DeadlineExceeded:  # nothing there
        return []


def rules(target: Target) -> str:
    """Firestore gives a stranger one progress document by its id, and neither a list nor an intake."""
    host = target.env.get("FIRESTORE_EMULATOR_HOST", "")
    base = f"http://{host}" if host else "https://firestore.googleapis.com"
    documents = f"{base}/v1/projects/{target.services.settings.project}/databases/(default)/documents"
    unknown = secrets.token_hex(16)
    wanted = {f"intakes/{unknown}": 403, "progress": 403, f"progress/{unknown}": 404}
    found = {path: requests.get(f"{documents}/{path}", timeout=TIMEOUT_S).status_code for path in wanted}
    if found != wanted:
        raise Wrong(f"it answers {list(found.values())}, not {list(wanted.values())}")
    return "an intake 403, the list 403, an unknown progress 404"


def headers(target: Target) -> str:
    """The page comes with the headers of infra/firebase.json."""
    answer = requests.get(target.url, timeout=TIMEOUT_S)
    document = json.loads((ROOT / "infra" / "firebase.json").read_text("utf-8"))
    wanted = next(rule["headers"] for rule in document["hosting"]["headers"] if rule["source"] == "**")
    missing = [header["key"] for header in wanted if header["key"] not in answer.headers]
    if missing:
        raise Wrong(f"without {', '.join(missing)}")
    return f"{len(wanted)} headers"


def client_address(_target: Target, intake: dict[str, Any]) -> str:
    """Behind Hosting the agent's address is not that of Hosting's edge."""
    if not intake.get("client") or not intake.get("peer"):
        raise NotHere("no addresses are counted here")
    if intake["client"] == intake["peer"]:
        raise Wrong("agent and edge have the same address: all agents would share one limit")
    return "two addresses, kept as keyed hashes"


def app_check(target: Target) -> str:
    """Where App Check is on, a submission without a token is refused."""
    if "APP_CHECK_KEY" not in _function(target, "submit")["serviceConfig"]["environmentVariables"]:
        raise NotHere("App Check is off")
    answer = requests.post(f"{target.url}/submit", data=b"", timeout=TIMEOUT_S)
    if answer.status_code not in (401, 403):
        raise Wrong(f"{answer.status_code}")
    return f"{answer.status_code}"


def machines(target: Target) -> str:
    """Each function has the memory, the time and the generation that infra/functions.toml says."""
    shown = []
    for name, spec in settings.read().functions.items():
        held = _function(target, name)["serviceConfig"]
        if not held["availableMemory"].startswith(str(spec.memory_mb)) or held["timeoutSeconds"] != spec.timeout_s:
            raise Wrong(f"{name} has {held['availableMemory']} and {held['timeoutSeconds']} s")
        service = json.loads(target.google(gcloud("run", "services", "describe", name, *_where(target))))
        annotations = service["spec"]["template"]["metadata"]["annotations"]
        generation = annotations.get("run.googleapis.com/execution-environment", "not set")
        if generation != f"gen{spec.generation}":
            raise Wrong(f"{name} runs in {generation}")
        shown.append(f"{name} {held['availableMemory']} {generation}")
    return ", ".join(shown)


def _function(target: Target, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(target.google(gcloud("functions", "describe", name, "--gen2", *_where(target))))
    return found


def _where(target: Target) -> tuple[str, ...]:
    if target.deployment is None:
        raise NotHere("only on Google Cloud")
    return (target.deployment.project_flag, f"--region={target.deployment.region}", "--format=json")
