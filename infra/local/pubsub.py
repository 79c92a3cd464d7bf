"""Topics, push subscriptions and dead-letter topics on Google's Pub/Sub emulator.

What the emulator has (0.8.20, tried): push in Pub/Sub's wrapped JSON, which functions-framework turns into a CloudEvent whose
source is the topic when the endpoint's path ends in projects/P/topics/T; redelivery on any answer but 102, 200, 201, 203
and 204; the retry policy's backoff, doubling from its minimum to its maximum, plus about a second; dead-letter topics with
the CloudPubSubDeadLetterSource attributes after max_delivery_attempts.

What it has not: more than two pushes in flight a subscription, whatever the function could take (production grows with its
success); any timeout for a push that is never answered; Eventarc's ids in the event (message id and publish time are there);
identity tokens, permissions, quotas; memory over a restart, so the sweeper is what goes on with intakes left unfinished.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.spec import Delivery

_DEAD = "-dead"


def create(address: str, project: str, endpoints: Mapping[str, str], delivery: Delivery) -> None:
    """Create every topic with its push subscription, dead-letter topic and that one's pull subscription.

    Args:
        address: host:port of the emulator.
        project: Project id.
        endpoints: URL that the pushes of a topic go to, by topic id.
        delivery: Ack deadline, backoff and attempts.
    """
    with grpc.insecure_channel(address) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for topic_id, endpoint in endpoints.items():
            topic = _topic(publisher, project, topic_id)
            dead_topic = _topic(publisher, project, topic_id + _DEAD)
            subscriber.create_subscription(
                request={"name": _subscription_path(project, topic_id + _DEAD), "topic": dead_topic}
            )
            subscriber.create_subscription(
                request={
                    "name": _subscription_path(project, topic_id),
                    "topic": topic,
                    "ack_deadline_seconds": delivery.ack_deadline_s,
                    "push_config": {"push_endpoint": f"{endpoint}/{topic}"},
                    "retry_policy": {
                        "minimum_backoff": timedelta(seconds=delivery.retry_min_backoff_s),
                        "maximum_backoff": timedelta(seconds=delivery.retry_max_backoff_s),
                    },
                    "dead_letter_policy": {
                        "dead_letter_topic": dead_topic,
                        "max_delivery_attempts": delivery.max_delivery_attempts,
                    },
                },
            )


def _subscription_path(project: str, subscription_id: str) -> str:
    return f"projects/{project}/subscriptions/{subscription_id}"


def _topic(publisher: PublisherClient, project: str, topic_id: str) -> str:
    path = f"projects/{project}/topics/{topic_id}"
    publisher.create_topic(request={"name": path})
    return path
