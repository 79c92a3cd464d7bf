"""infra/functions.toml as values: what every function is given, locally and in production."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FUNCTIONS_TOML = Path(__file__).with_name("functions.toml")


@dataclass(frozen=True)
class FunctionSpec:
    """One function of infra/functions.toml, where the fields are explained.

    Attributes:
        name: Name of the function in functions/main.py.
        trigger: "http" or the name of the environment variable of its topic.
        memory_mb: Memory of an instance, MiB.
        timeout_s: Longest run, seconds.
        concurrency: Requests at once in an instance.
        max_instances: Instances at most.
        threads: gunicorn threads.
        cpu: vCPUs of an instance, in production.
        public: Whether anybody may call it, in production.
        generation: Execution environment of Cloud Run, 1 or 2, in production.
        environment: Variables of the process, beside those that name the project's resources.
    """

    name: str
    trigger: str
    memory_mb: int
    timeout_s: int
    concurrency: int
    max_instances: int
    threads: int
    cpu: int = 1
    public: bool = False
    generation: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """How the push subscriptions deliver; seconds and a count.

    Attributes:
        ack_deadline_s: Time a push may take.
        retry_min_backoff_s: Least wait before another attempt.
        retry_max_backoff_s: Longest wait before another attempt.
        max_delivery_attempts: Attempts before the dead-letter topic; Pub/Sub takes 5 to 100.
    """

    ack_deadline_s: int
    retry_min_backoff_s: float
    retry_max_backoff_s: float
    max_delivery_attempts: int


def load(path: Path = FUNCTIONS_TOML) -> tuple[dict[str, FunctionSpec], Delivery]:
    """Return the functions by name, in the order of the file, and the delivery settings.

    Raises:
        TypeError: A key is missing or unknown; the message names it.
    """
    with path.open("rb") as file:
        document = tomllib.load(file)
    specs = {name: FunctionSpec(name=name, **values) for name, values in document["functions"].items()}
    return specs, Delivery(**document["delivery"])


def dead(topic_id: str) -> str:
    """Return the id of a topic's dead-letter topic, which is also that of the subscription on it."""
    return f"{topic_id}-dead"
