"""Pub/Sub: the two topics, their dead letters, and the subscriptions that Eventarc creates for the functions."""

from __future__ import annotations

from collections.abc import Iterator

from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.grants import of_delivery
from infra.gcp.steps import Item, Lookup, Step, gcloud, resource
from infra.spec import Delivery, FunctionSpec

KEEP = "7d"
"""How long an undelivered message is kept; the sweeper sends a new one within minutes."""


def topics(deployment: Deployment) -> Iterator[Step]:
    """Yield the topics, their dead-letter topics, and a subscription on each of those, without which letters are lost."""
    flag = deployment.project_flag
    for topic_id in TOPICS.values():
        letters = dead(topic_id)
        for name, why in (
            (topic_id, "Carries IDs of intakes, never data."),
            (letters, f"Receives what {topic_id} could not deliver."),
        ):
            yield resource(f"topic {name}", why, "pubsub topics", (deployment.topic(name), flag))
        # `redrive` publishes what it pulled before it acknowledges, so the deadline is long.
        keep = ("--ack-deadline=600", "--message-retention-duration=31d", "--expiration-period=never")
        yield resource(
            f"subscription {letters}",
            "Keeps the dead letters until `deploy.sh redrive` sends them again.",
            "pubsub subscriptions",
            (deployment.subscription(letters), flag),
            (f"--topic={deployment.topic(letters)}", *keep),
            keep,
        )


def delivery(deployment: Deployment, spec: FunctionSpec, topic_id: str, wanted: Delivery) -> Iterator[Item]:
    """Yield how a function's messages are delivered: by the subscription that Eventarc created, with our settings."""
    prefix, flag = topic_id.partition("-")[0].upper(), deployment.project_flag
    trigger, subscription = f"{prefix}_TRIGGER", f"{prefix}_SUBSCRIPTION"
    where = (spec.name, "--gen2", flag, f"--region={deployment.region}", "--format=value(eventTrigger.trigger)")
    made = ("describe", f"${{{trigger}}}", flag, "--format=value(transport.pubsub.subscription)")
    why = f"Eventarc trigger of {spec.name}."
    yield Lookup(trigger, why, gcloud("functions", "describe", *where))
    yield Lookup(
        subscription,
        "Subscription of the trigger, which has no dead letters yet.",
        gcloud("eventarc", "triggers", *made),
    )
    name = f"${{{subscription}}}"
    yield from of_delivery(deployment, topic_id, name)
    update = (
        f"--ack-deadline={wanted.ack_deadline_s}",
        f"--min-retry-delay={wanted.retry_min_backoff_s:g}s",
        f"--max-retry-delay={wanted.retry_max_backoff_s:g}s",
        f"--dead-letter-topic={deployment.topic(dead(topic_id))}",
        f"--max-delivery-attempts={wanted.max_delivery_attempts}",
        f"--message-retention-duration={KEEP}",
        "--expiration-period=never",
    )
    yield Step(
        f"delivery to {spec.name}",
        f"A run may take {spec.timeout_s} s. A failed message is retried with backoff, then becomes a dead letter.",
        (gcloud("pubsub", "subscriptions", "update", name, flag, *update),),
    )
