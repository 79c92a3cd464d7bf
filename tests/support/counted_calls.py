"""What `counting` wrote down, summed up."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path


class CallsFile:
    """The calls of all functions of a stack, in the order in which they were made.

    Args:
        path: What CALLS_FILE says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def new(self) -> list[dict[str, object]]:
        """Return the calls since the last look."""
        with self.path.open("a+", encoding="ascii") as calls:
            calls.seek(self._offset)
            lines = calls.read().splitlines()
            self._offset = calls.tell()
        return [json.loads(line) for line in lines]


def totals(calls: list[dict[str, object]]) -> Counter[str]:
    """Return how often each product was called, and what is billed: `firestore`, `firestore.writes`, `storage.upload` ..."""
    sums: Counter[str] = Counter()
    for call in calls:
        product = str(call["product"])
        sums[product] += 1
        sums[f"{product}.{call['method']}"] += 1
        for billed in ("reads", "writes", "deletes", "messages", "bytes"):
            sums[f"{product}.{billed}"] += int(str(call.get(billed, 0)))
    return sums
