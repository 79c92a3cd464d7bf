"""Failures ordered by tests, and counts. Google's quota of 12,000 queries a minute is out of reach here, so there is none.

https://developers.google.com/workspace/drive/api/guides/limits
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from infra.local.drive.errors import INJECTABLE, DriveError, invalid

METHODS = ("list", "create", "get", "begin", "put")


@dataclass
class Fault:
    """A failure for the next calls of a method.

    Attributes:
        method: One of METHODS, or "" for any.
        calls: How many calls it still hits.
        status: HTTP status; 0 drops the connection.
        reason: Google's name for the failure.
        when: "before" (nothing happened) or "after" (it happened and the caller is told otherwise).
    """

    method: str = ""
    calls: int = 1
    status: int = 503
    reason: str = "backendError"
    when: str = "before"

    def check(self) -> None:
        """Raise 400 when the order makes no sense."""
        known = self.status == 0 or (self.status, self.reason) in INJECTABLE
        if not known or self.when not in ("before", "after") or self.method not in ("", *METHODS) or self.calls < 1:
            raise invalid(f"A fault is one of {sorted(INJECTABLE)} or status 0, before or after, of {METHODS}.")

    def error(self) -> DriveError | None:
        """Return what the caller is told; None for a dropped connection."""
        return INJECTABLE[self.status, self.reason] if self.status else None


class Traffic:
    """Counts calls and lets some fail."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._faults: list[Fault] = []

    def order(self, orders: object) -> None:
        """Replace the failures still to come.

        Raises:
            DriveError: 400, when an order is not understood.
        """
        if not isinstance(orders, list):
            raise invalid("faults must be a list.")
        try:
            faults = [Fault(**order) for order in orders]
        except TypeError as exc:
            raise invalid(f"A fault is not understood: {exc}.") from exc
        for fault in faults:
            fault.check()
        self._faults = faults

    def pending(self) -> list[dict[str, Any]]:
        """Return the failures still to come."""
        return [asdict(fault) for fault in self._faults]

    def stats(self) -> dict[str, int]:
        """Return how many calls of each method came in."""
        return dict(self._calls)

    def admit(self, method: str) -> Fault | None:
        """Count a call and return the failure that hits it, if any."""
        self._calls[method] += 1
        for fault in self._faults:
            if fault.method in ("", method):
                fault.calls -= 1
                if not fault.calls:
                    self._faults.remove(fault)
                return fault
        return None
