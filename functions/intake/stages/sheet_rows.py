"""Rows of the Sheet as a destination of deliveries. They are their own queue: a row is due while its intake is `read`.

Exactly once, though an append cannot be made idempotent and its answer can be lost: rows are keyed by intake id, every write
is refused when somebody else has written since its sender looked (`cloud.sheets.token`), and an intake counts as recorded only
when its id was seen in the Sheet. A process that does not know what stands there (new, or its last batch failed anywhere)
looks for the rows first. So any number of processes may run, stand still and go on: `record` is deployed as one instance to
save quota.

No row waits for another: a batch that Google refuses for its contents is halved until the one row is found. That row is
written shortened, and then without anything from outside. If Google refuses even that, the fault is the Sheet's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from intake import log
from intake.errors import IntakeError, RowsRefused, SheetBlocked, SheetUnavailable
from intake.ports import DueDelivery, Ended
from intake.rows import Cell, row_of, short_row

if TYPE_CHECKING:
    from intake.model import Intake
    from intake.ports import Store
    from intake.stages.sheet_access import SheetAccess

FLUSH_ROWS = 500
"""Maximum rows in one call; a row is about 2 KiB and Google recommends payloads up to 2 MB
(https://developers.google.com/workspace/sheets/api/limits)."""
_NOT_SEEN = "Rows were written but are not in the Sheet. They will be written again."
_ASIDE = "The row of an intake cannot be written, not even shortened. Enter it by hand. It is tried again once a day."

Row = Mapping[str, Cell]


class SheetRows:
    """Destination and queue of the rows; one per process.

    Args:
        store: The intakes.
        sheet: The Sheet.
        bill_link_base: See `rows.row_of`.
        bucket: See `rows.row_of`.
        then: Names of the destinations to which a recorded intake is delivered next.
        copies: Whether bills are copied to Drive: the row has a column for the link.
    """

    batch = group = FLUSH_ROWS
    at_once = 1

    def __init__(
        self,
        *,
        store: Store,
        sheet: SheetAccess,
        bill_link_base: str,
        bucket: str,
        then: Collection[str] = (),
        copies: bool = False,
    ) -> None:
        self._store = store
        self._sheet = sheet
        self._bill_link_base = bill_link_base
        self._bucket = bucket
        self._then = then
        self._copies = copies
        self._knows_sheet = False
        self._failure: IntakeError | None = None

    # --- the queue --------------------------------------------------------------------------------------------------

    def due(self, now: datetime, limit: int) -> Sequence[DueDelivery]:  # noqa: ARG002 - rows wait for no time
        """Return intakes that are read, once the Sheet may be written again."""
        self._sheet.wait()
        return [DueDelivery(intake, None) for intake in self._store.awaiting_row(limit)]

    def claim(self, due: DueDelivery) -> bool:  # noqa: ARG002
        """Claim nothing: the Sheet itself refuses a write when another process has written."""
        return True

    def postpone(self, intake: Intake, at: datetime, attempts: int) -> None:
        """Do nothing: a row stays due until it is seen, and the sweeper tasks `record` when its time has come."""

    def finish(self, ended: Sequence[Ended]) -> None:
        """Mark intakes recorded whose rows are there, and set those aside that cannot be written.

        Raises:
            SheetBlocked: It is the Sheet that takes no row.
            SheetUnavailable: Rows were written and not seen.
        """
        self._store.mark_recorded([each.intake for each in ended if not each.reason], then=self._then)
        for each in ended:
            if each.reason:
                log.error(log.NEEDS_THE_OFFICE, why=_ASIDE, intake_id=each.intake.id)
                self._store.set_aside(each.intake.id)
        if self._failure:
            raise self._failure
        self._knows_sheet = True

    # --- the destination --------------------------------------------------------------------------------------------

    def deliver(self, intakes: Sequence[Intake], until: float) -> list[Ended]:  # noqa: ARG002 - one write is short
        """Write the rows that are not there, and return what became of each that is seen or refused."""
        rows: dict[str, Row] = {}
        ended: list[Ended] = []
        for intake in intakes:
            row = self._row(intake)
            if row:
                rows[intake.id] = row
            else:
                ended.append(Ended(intake, reason="its row cannot be made"))
        known = self._knows_sheet and self._sheet.table.held
        self._knows_sheet, self._failure = False, None  # until all of this batch has succeeded
        there = set() if known else self._sheet.table.find_rows(rows)
        missing = {key: row for key, row in rows.items() if key not in there}
        by_id = {intake.id: intake for intake in intakes}
        written, refused = self._write(missing, by_id) if missing else (set(), {})
        if refused and not written:
            exc = next(iter(refused.values()))
            self._failure = SheetBlocked(exc.message)  # not the row, for nothing of it was in what was refused last
        else:
            ended += [Ended(by_id[key], reason=exc.message) for key, exc in refused.items()]
            if len(there) + len(written) + len(refused) < len(rows):
                self._failure = SheetUnavailable(_NOT_SEEN)
        log.info("rows recorded", rows=len(written), already_there=len(there), set_aside=len(ended))
        ended += [Ended(by_id[key]) for key in there | written]
        if self._failure and not ended:
            raise self._failure
        return ended

    def conclude(self, ended: Sequence[Ended]) -> None:
        """Do nothing more."""

    def _write(self, rows: Mapping[str, Row], intakes: Mapping[str, Intake]) -> tuple[set[str], dict[str, RowsRefused]]:
        """Write rows, in halves where Google refuses them; return which were seen afterwards, and which are refused alone."""
        try:
            return self._sheet.table.append(list(rows.values())), {}
        except RowsRefused as exc:
            self._sheet.wait()
            keys = list(rows)
            if len(keys) > 1:
                log.warning("rows refused; the batch is split", rows=len(keys), why=exc.message)
                halves = keys[: len(keys) // 2], keys[len(keys) // 2 :]
                written, refused = self._write({key: rows[key] for key in halves[0]}, intakes)
                self._sheet.wait()
                more, others = self._write({key: rows[key] for key in halves[1]}, intakes)
                return written | more, {**refused, **others}
            log.error("row refused", exc, intake_id=keys[0])
            return self._write_short(intakes[keys[0]])

    def _write_short(self, intake: Intake) -> tuple[set[str], dict[str, RowsRefused]]:
        """Write the row of an intake that was refused whole: short, and then without the answers of the form."""
        refused: dict[str, RowsRefused] = {}
        for answers in (True, False):
            cells = short_row(intake, "Google refused what is in it.", answers=answers, copies=self._copies)
            try:
                return self._sheet.table.append([cells]), {}
            except RowsRefused as exc:
                log.error("short row refused", exc, intake_id=intake.id, answers=answers)
                refused = {intake.id: exc}
                self._sheet.wait()
        return set(), refused

    def _row(self, intake: Intake) -> Row | None:
        """Return an intake's row, or its short one; None when neither can be made."""
        try:
            return row_of(intake, self._bill_link_base, self._bucket, copies=self._copies)
        except Exception as exc:  # whatever is wrong with it concerns this intake only
            log.error("row shortened", exc, intake_id=intake.id)
        try:
            return short_row(intake, "something in it is not as expected.", copies=self._copies)
        except Exception as exc:  # as above
            log.error("row not made", exc, intake_id=intake.id)
            return None
