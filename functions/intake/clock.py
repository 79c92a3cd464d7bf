"""The time of the machine: the one `Clock` that production uses, and the office's time zone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

OFFICE_TIME = ZoneInfo("America/New_York")
"""Where the office is: its days begin there."""


class SystemClock:
    """Implements `intake.ports.Clock`."""

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the date and time, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()
