"""The status of the local stack: functions from their logs, dead letters from the Pub/Sub emulator."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from infra.function_status import FunctionStatus
from infra.local.layout import instance_names
from infra.local.processes import Identity
from infra.spec import dead, load

WINDOW = timedelta(hours=1)
_MOST_LETTERS = 1000
_MOST_INSTANCES = 100
_PULL_TIMEOUT_S = 5.0


def functions(logs: Path, children: Mapping[str, Identity]) -> list[FunctionStatus]:
    """Return what the logs of the last hour say of each function.

    A line with `ms` is the end of one invocation (functions/main.py); every line carries `rss_mb`.

    Args:
        logs: Folder of the logs.
        children: Processes of the stack by name.
    """
    since = datetime.now(UTC) - WINDOW
    found = []
    for name, spec in load()[0].items():
        instances = [instance for instance in instance_names(name, _MOST_INSTANCES) if instance in children]
        lines = [line for instance in instances for line in _lines(logs / f"{instance}.log", since)]
        durations = sorted(line["ms"] for line in lines if "ms" in line)
        found.append(
            FunctionStatus(
                name,
                "local",
                sum(children[instance].process() is not None for instance in instances),
                len(durations),
                sum("ms" in line and line.get("severity") == "ERROR" for line in lines),
                percentile(durations, 0.5),
                percentile(durations, 0.99),
                max((line["rss_mb"] for line in lines if "rss_mb" in line), default=None),
                spec.memory_mb,
            )
        )
    return found


def percentile(values: list[float], part: float) -> float | None:
    """Return the smallest value that a part of the sorted values does not exceed (nearest rank), or None without any."""
    return values[max(0, math.ceil(part * len(values)) - 1)] if values else None


def _lines(path: Path, since: datetime) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines that our code wrote since a time."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            if not text.startswith("{"):
                continue
            try:
                line = json.loads(text)
                written = datetime.fromisoformat(line["time"])
            except (ValueError, KeyError, TypeError):
                continue  # a line of somebody else, or one that is still being written
            if written >= since:
                yield line


def topics(env: Mapping[str, str]) -> list[str]:
    """Return the topics of a stack."""
    return [env["OCR_TOPIC"], env["SHEET_TOPIC"]]


def dead_letters(env: Mapping[str, str]) -> dict[str, int | None]:
    """Count the dead letters by looking at them; each is put back at once."""
    counts: dict[str, int | None] = {}
    with grpc.insecure_channel(env["PUBSUB_EMULATOR_HOST"]) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for topic in topics(env):
            name = f"projects/{env['GOOGLE_CLOUD_PROJECT']}/subscriptions/{dead(topic)}"
            request = {"subscription": name, "max_messages": _MOST_LETTERS, "return_immediately": True}
            letters = subscriber.pull(request=request, timeout=_PULL_TIMEOUT_S).received_messages
            counts[topic] = len(letters)
            if letters:
                ids = [letter.ack_id for letter in letters]
                subscriber.modify_ack_deadline(
                    request={"subscription": name, "ack_ids": ids, "ack_deadline_seconds": 0}, timeout=_PULL_TIMEOUT_S
                )
    return counts
