"""infra/functions.toml as values: what each function gets, locally and in production. The file explains each field."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FUNCTIONS_TOML = Path(__file__).with_name("functions.toml")


@dataclass(frozen=True)
class FunctionSpec:
    """One function; `cpu`, `public`, and `generation` matter in production only."""

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
    """How the push subscriptions deliver. Pub/Sub allows 5 to 100 attempts."""

    ack_deadline_s: int
    retry_min_backoff_s: float
    retry_max_backoff_s: float
    max_delivery_attempts: int


@dataclass(frozen=True)
class RateLimits:
    """Limits of the public form: pages in 24 hours, and submissions of one client address or through one proxy."""

    pages_per_day: int
    submissions_per_hour: int
    submissions_per_hour_peer: int


@dataclass(frozen=True)
class Retention:
    """Days that words, bills, and deleted objects are kept."""

    words_days: int
    bills_days: int
    deleted_days: int


@dataclass(frozen=True)
class Settings:
    """All of functions.toml; `runtime` is the runtime ID of Cloud Run functions."""

    functions: Mapping[str, FunctionSpec]
    delivery: Delivery
    rate_limits: RateLimits
    retention: Retention
    runtime: str


def load(path: Path = FUNCTIONS_TOML) -> tuple[dict[str, FunctionSpec], Delivery]:
    """Return the functions by name, in the order of the file, and the delivery settings.

    Raises:
        TypeError: A key is missing or unknown; the message names it.
    """
    document = _read(path)
    return _functions(document), Delivery(**document["delivery"])


def read() -> Settings:
    """Return the whole file.

    Raises:
        TypeError: A key is missing or unknown; the message names it.
    """
    document = _read(FUNCTIONS_TOML)
    return Settings(
        _functions(document),
        Delivery(**document["delivery"]),
        RateLimits(**document["rate_limits"]),
        Retention(**document["retention"]),
        document["build"]["runtime"],
    )


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _functions(document: dict[str, Any]) -> dict[str, FunctionSpec]:
    return {name: FunctionSpec(name=name, **values) for name, values in document["functions"].items()}


def dead(topic_id: str) -> str:
    """Return the ID of a topic's dead-letter topic, which is also the ID of the subscription on it."""
    return f"{topic_id}-dead"
