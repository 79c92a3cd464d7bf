"""What `status` says of one function, wherever it was found out."""

from __future__ import annotations

from dataclasses import dataclass


class Unknown(Exception):
    """The status cannot be found out; the message says why and what to do."""


@dataclass(frozen=True)
class FunctionStatus:
    """One function in the last hour; None where there is nothing to tell.

    Attributes:
        name: The function.
        revision: What is deployed.
        instances: Instances that run.
        calls: Requests and events.
        errors: Those that ended with a fault of ours.
        p50_ms: Median duration, ms.
        p99_ms: Duration that 99 of 100 stay below, ms.
        peak_mb: Most memory, MiB.
        limit_mb: Memory at which an instance is killed, MiB.
    """

    name: str
    revision: str
    instances: int
    calls: int
    errors: int
    p50_ms: float | None
    p99_ms: float | None
    peak_mb: float | None
    limit_mb: int
