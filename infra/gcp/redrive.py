"""Sending dead letters again after their cause is fixed.

A message carries only an intake's ID, and a step that is done does nothing, so sending one twice is harmless.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from infra.gcp.apply import output
from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Command, gcloud

_EMPTY_PULLS = 2
"""A pull may return nothing although there are messages (https://cloud.google.com/pubsub/docs/pull), so it is repeated."""


def redrive(deployment: Deployment, run: Callable[[Command], str] = output) -> None:
    """Publish every dead letter to its topic again, and only then acknowledge it.

    Raises:
        StepFailed: A command failed; letters that were not acknowledged stay.
    """
    for topic_id in TOPICS.values():
        sent = _redrive(deployment, topic_id, run)
        print(f"{topic_id}: {sent} dead letter{'' if sent == 1 else 's'} sent again")


def _redrive(deployment: Deployment, topic_id: str, run: Callable[[Command], str]) -> int:
    letters, flag = deployment.subscription(dead(topic_id)), deployment.project_flag
    sent = empty = 0
    while empty < _EMPTY_PULLS:
        answer = run(gcloud("pubsub", "subscriptions", "pull", letters, flag, "--limit=100", "--format=json"))
        pulled = json.loads(answer or "[]")
        if not pulled:
            empty += 1
            continue
        empty, sent = 0, sent + len(pulled)
        for body in sorted({base64.b64decode(letter["message"]["data"]).decode() for letter in pulled}):
            run(gcloud("pubsub", "topics", "publish", deployment.topic(topic_id), flag, f"--message={body}"))
        ids = ",".join(letter["ackId"] for letter in pulled)
        run(gcloud("pubsub", "subscriptions", "ack", letters, flag, f"--ack-ids={ids}"))
    return sent
