"""Waking `ocr` while somebody still types, so that its cold start is over when the bill comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intake.cloud.pubsub import TaskPublisher

WAKE_EVERY_S = 60.0
"""An instance of `ocr` stays warm for minutes, and anybody may ask: more messages than this would only cost."""


@dataclass
class WarmUp:
    """Sends wake-up messages, at most one in `WAKE_EVERY_S` from each instance of `submit`.

    Attributes:
        tasks: Carries the message.
        clock: Monotonic seconds.
    """

    tasks: TaskPublisher
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: float = float("-inf")

    def wake(self) -> bool:
        """Wake `ocr` unless that was done a moment ago; return whether a message went out.

        Raises:
            TemporaryError: Pub/Sub did not take the message.
        """
        with self._lock:
            if self.clock() < self._next:
                return False
            self._next = self.clock() + WAKE_EVERY_S
        self.tasks.wake_ocr()
        return True
