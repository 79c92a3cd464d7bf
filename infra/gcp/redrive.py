"""Sending dead letters on their way again, after the cause is mended.

A message carries an intake's id and nothing else, and a step that is done already does nothing: sending one twice is harmless.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from infra.gcp.apply import output
from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Command, gcloud

PULL = 100
_EMPTY_PULLS = 2
"""A pull may answer nothing although there is something (https://cloud.google.com/pubsub/docs/pull); so it is asked again."""
_MOST_PULLS = 1000

Run = Callable[[Command], str]


def redrive(deployment: Deployment, say: Callable[[str], None], run: Run = output) -> int:
    """Publish every dead letter to its topic again, and only then take it off.

    Returns:
        How many messages were sent.

    Raises:
        StepFailed: A command failed; what was not taken off is still among the dead letters.
    """
    total = 0
    for topic_id in TOPICS.values():
        sent = _redrive(deployment, topic_id, run)
        say(f"{topic_id}: {sent} dead letter{'' if sent == 1 else 's'} sent again")
        total += sent
    return total


def _redrive(deployment: Deployment, topic_id: str, run: Run) -> int:
    letters, flag = deployment.subscription(dead(topic_id)), deployment.project_flag
    sent = empty = 0
    for _ in range(_MOST_PULLS):
        answer = run(gcloud("pubsub", "subscriptions", "pull", letters, flag, f"--limit={PULL}", "--format=json"))
        pulled = json.loads(answer or "[]")
        empty = 0 if pulled else empty + 1
        if empty == _EMPTY_PULLS:
            break
        bodies = {base64.b64decode(letter["message"]["data"]).decode() for letter in pulled}
        for body in sorted(bodies):
            run(gcloud("pubsub", "topics", "publish", deployment.topic(topic_id), flag, f"--message={body}"))
        if pulled:
            ids = ",".join(letter["ackId"] for letter in pulled)
            run(gcloud("pubsub", "subscriptions", "ack", letters, flag, f"--ack-ids={ids}"))
            sent += len(pulled)
    return sent
