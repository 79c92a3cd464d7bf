"""What `sweep` logs each minute for the alerts: the oldest unfinished intake, the rows that are due, the pages of the day.

infra/monitoring/metrics reads the fields of the line; they are part of its contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.rate_limits import DAY

if TYPE_CHECKING:
    from intake.cloud.firestore.counts import Counts
    from intake.ports import Clock

NEARLY = 0.8
"""Share of the day's pages at which an alert is sent, while there is time to act."""


@dataclass(frozen=True)
class BacklogMetrics:
    """Logs the backlog.

    Attributes:
        counts: Counts of intakes and pages.
        pages_per_day: The budget; 0 for none.
        clock: The time.
    """

    counts: Counts
    pages_per_day: int
    clock: Clock = SYSTEM_CLOCK

    def report(self) -> None:
        """Write the line.

        Raises:
            TemporaryError: Firestore did not answer.
        """
        now = self.clock.now()
        oldest = self.counts.oldest_unfinished()
        pages = self.counts.pages_since(now - DAY)
        log.info(
            "backlog",
            oldest_s=max(0, round((now - oldest).total_seconds())) if oldest else 0,
            rows_due=self.counts.rows_due(),
            pages_day=pages,
        )
        if self.pages_per_day and pages >= NEARLY * self.pages_per_day:
            log.warning("page quota nearly used up", pages_day=pages, pages_per_day=self.pages_per_day)
