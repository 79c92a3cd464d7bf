"""The `record` stage: intakes that are read become rows of the Sheet, many in one call, and then go wherever else they go.

A message only wakes: whoever comes first writes all rows that are due, so a thousand intakes that finish within a minute
need a few calls and stay far below 60 writes a minute. The other deliveries come after the rows and never hold one up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intake import log
from intake.errors import IntakeError

if TYPE_CHECKING:
    from intake.ports import Store
    from intake.stages.deliver import Deliveries
    from intake.stages.sheet_access import SheetAccess


@dataclass(frozen=True, kw_only=True)
class Record:
    """Delivers what is due; one per process, shared by its threads.

    Attributes:
        store: The intakes.
        sheet: The Sheet.
        rows: The deliveries of rows to it.
        deliveries: The deliveries that follow when a row is recorded.
    """

    store: Store
    sheet: SheetAccess
    rows: Deliveries
    deliveries: Sequence[Deliveries] = ()

    def record(self, intake_id: str) -> None:
        """See to it that an intake's row is in the Sheet, together with all others that are due; then deliver the rest.

        Args:
            intake_id: The intake that the message spoke of.

        Raises:
            SheetUnavailable: The Sheet failed now, or failed a moment ago and is not tried again yet.
            TemporaryError: Firestore failed.
        """
        with self.sheet.lock:
            intake = self.store.intake(intake_id)
            # A batch that ran while this message waited has taken it along, or it failed.
            if intake is not None and not intake.status.finished:
                self.sheet.guarded(self.rows.run)
        for deliveries in self.deliveries:
            try:
                deliveries.run()
            except IntakeError as exc:  # the row is there, and what is due comes again by itself
                log.error("deliveries failed; they will be retried", exc)
