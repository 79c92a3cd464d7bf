"""Pub/Sub: the two topics, their dead letters, and the subscriptions that Eventarc makes for the functions."""

from __future__ import annotations

from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Lookup, Step, gcloud
from infra.local.functions import Delivery, FunctionSpec

KEEP = "7d"
"""How long an undelivered nudge is kept; the sweeper sends a new one within minutes anyway."""


def topics(deployment: Deployment) -> list[Step]:
    """Return the topics, their dead-letter topics, and a subscription on each of those, without which letters are lost."""
    flag = deployment.project_flag
    steps = []
    for topic_id in TOPICS.values():
        letters = dead(topic_id)
        for name, why in (
            (topic_id, "Carries the ids of intakes, never data."),
            (letters, f"Takes what {topic_id} could not deliver."),
        ):
            steps.append(
                Step(f"topic {name}", why, (gcloud("pubsub", "topics", "create", deployment.topic(name), flag),))
            )
        where = (deployment.subscription(letters), flag)
        keep = (
            "--ack-deadline=600",  # `redrive` sends on what it has pulled before it acknowledges
            "--message-retention-duration=31d",
            "--expiration-period=never",
        )
        subscriptions = ("pubsub", "subscriptions")
        steps.append(
            Step(
                f"subscription {letters}",
                "Without a subscription a dead-letter topic loses what it gets; `deploy.sh redrive` reads this one.",
                (gcloud(*subscriptions, "create", *where, f"--topic={deployment.topic(letters)}", *keep),),
                (gcloud(*subscriptions, "update", *where, *keep),),
            )
        )
    return steps


def variable(topic_id: str) -> str:
    """Return the name under which a topic's Eventarc subscription is kept."""
    return f"{topic_id.partition('-')[0].upper()}_SUBSCRIPTION"


def find_subscription(deployment: Deployment, function: str, topic_id: str) -> list[Lookup]:
    """Return how the subscription is found that Eventarc has made for a function's trigger."""
    trigger = f"{topic_id.partition('-')[0].upper()}_TRIGGER"
    where = (function, "--gen2", deployment.project_flag, f"--region={deployment.region}")
    of_function = gcloud("functions", "describe", *where, "--format=value(eventTrigger.trigger)")
    of_trigger = gcloud(
        "eventarc",
        "triggers",
        "describe",
        f"${{{trigger}}}",
        deployment.project_flag,
        "--format=value(transport.pubsub.subscription)",
    )
    return [
        Lookup(trigger, f"The Eventarc trigger that the deployment of {function} made.", of_function),
        Lookup(variable(topic_id), "The subscription behind it, which comes without dead letters.", of_trigger),
    ]


def delivery(deployment: Deployment, spec: FunctionSpec, topic_id: str, wanted: Delivery) -> Step:
    """Return how the subscription has to deliver."""
    name = f"${{{variable(topic_id)}}}"
    letters = deployment.topic(dead(topic_id))
    update = gcloud(
        "pubsub",
        "subscriptions",
        "update",
        name,
        deployment.project_flag,
        f"--ack-deadline={wanted.ack_deadline_s}",
        f"--min-retry-delay={wanted.retry_min_backoff_s:g}s",
        f"--max-retry-delay={wanted.retry_max_backoff_s:g}s",
        f"--dead-letter-topic={letters}",
        f"--max-delivery-attempts={wanted.max_delivery_attempts}",
        f"--message-retention-duration={KEEP}",
        "--expiration-period=never",
    )

    return Step(
        f"delivery to {spec.name}",
        f"A run may take {spec.timeout_s} s; what fails is tried again later and later, then goes to the dead letters.",
        (update,),
    )
