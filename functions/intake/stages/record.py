"""The `record` stage: intakes that are read become rows of the Sheet, many in one call, each exactly once.

A message is only a nudge: whoever comes first writes all rows that are due, so a thousand intakes that finish within a minute
need a few calls and stay far below 60 writes a minute.

Exactly once, though an append cannot be made idempotent and its answer can be lost: rows are keyed by intake id, every write is
refused when somebody else has written since its sender looked (`cloud.sheet_token`), and an intake counts as recorded only when
its id was seen in the Sheet. A process that does not know what stands there (new, or its last flush failed anywhere) looks for
the rows first. So any number of processes may run, stand still and go on: `record` is deployed as one instance to save quota.

No row waits for another: what Google refuses for its contents is halved until the one row is found. That one is written short,
and then without anything that came from outside; when even that is refused it is not the row but the Sheet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.errors import RowsRefused, SheetBlocked, SheetMoved, SheetUnavailable
from intake.rows import COPY_COLUMN, Cell, row_of, short_row

if TYPE_CHECKING:
    from intake.model import Intake
    from intake.ports import Clock, Sheet, Store

FLUSH_ROWS = 500
"""Maximum rows in one call; a row is about 2 KiB and Google recommends payloads up to 2 MB
(https://developers.google.com/workspace/sheets/api/limits)."""
PAUSE_AFTER_FAILURE_S = 10.0
TRIES = 4
"""Times that a flush looks again when somebody else is writing as well."""
_NOT_SEEN = "Rows were written but are not in the Sheet. They will be written again."
_ASIDE = "The row of an intake cannot be written, not even shortened. Enter it by hand. It is tried again once a day."

Row = Mapping[str, Cell]
T = TypeVar("T")


class RowWriter:
    """Writes the rows that are due; one per process, shared by its threads.

    Args:
        store: The intakes.
        table: The Sheet.
        bill_link_base: See `rows.row_of`.
        bucket: See `rows.row_of`.
        copies: Whether bills are copied to Drive; then each row that is recorded makes its copy due.
        interval_s: Least seconds between two writes to the Sheet.
        clock: The time, for waiting between writes.
    """

    def __init__(
        self,
        *,
        store: Store,
        table: Sheet,
        bill_link_base: str,
        bucket: str,
        copies: bool = False,
        interval_s: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._table = table
        self._bill_link_base = bill_link_base
        self._bucket = bucket
        self._copies = copies
        self._interval_s = interval_s
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._knows_sheet = False
        self._trouble: str | None = None
        self._not_before = float("-inf")
        self._paused_until = float("-inf")

    def record(self, intake_id: str) -> None:
        """See to it that an intake's row is in the Sheet, together with all others that are due.

        Args:
            intake_id: The intake that the nudge spoke of.

        Raises:
            SheetUnavailable: The Sheet failed, or failed a moment ago and is left in peace.
            TemporaryError: Firestore failed.
        """
        with self._one_at_a_time:
            intake = self._store.intake(intake_id)
            if intake is None or intake.status.finished:
                return  # A flush that ran while this nudge waited has taken it along, or it failed.
            while self._guarded(self._flush) == FLUSH_ROWS:
                continue

    def fill_in_copies(self, texts: Mapping[str, str]) -> None:
        """Put what became of copies into their rows, in one write that keeps its distance from all others.

        Args:
            texts: What is to stand in the column of copies, by what stands there now.

        Raises:
            SheetUnavailable: The Sheet failed, or failed a moment ago and is left in peace.
        """

        def fill_in() -> int:
            self._wait()
            return self._table.fill_in(COPY_COLUMN, texts)

        with self._one_at_a_time:
            changed = self._guarded(fill_in)
        log.info("copies linked", cells=changed, copies=len(texts))

    def _guarded(self, step: Callable[[], T]) -> T:
        """Do something with the Sheet, again at once when somebody else came in between; pause after any other failure."""
        if self._clock.monotonic() < self._paused_until:
            raise SheetUnavailable
        for attempt in range(1, TRIES + 1):
            try:
                done = step()
            except SheetMoved:
                if attempt == TRIES:
                    raise
            except SheetUnavailable as exc:
                self._paused_until = self._clock.monotonic() + PAUSE_AFTER_FAILURE_S
                if isinstance(exc, SheetBlocked):
                    self._say(exc.message)
                raise
            else:
                self._say("")
                return done
        raise AssertionError("the last try either succeeds or raises")

    def _say(self, trouble: str) -> None:
        """Have `status` show why the Sheet cannot be written, and the office alerted; each sentence once."""
        if trouble:
            log.error(log.NEEDS_THE_OFFICE, why=trouble)
        if trouble != self._trouble:
            self._store.note_sheet(trouble)
            self._trouble = trouble

    def _flush(self) -> int:
        """Write one batch of rows and return how many intakes were due."""
        self._wait()
        due = self._store.awaiting_row(FLUSH_ROWS)
        if not due:
            return 0
        rows = {intake.id: row for intake in due if (row := self._row(intake))}
        known = self._knows_sheet and self._table.held
        self._knows_sheet = False  # until all of this flush has succeeded
        there = set() if known else self._table.find_rows(rows)
        missing = {key: row for key, row in rows.items() if key not in there}
        written, refused = self._write(missing, {intake.id: intake for intake in due}) if missing else (set(), {})
        self._store.mark_recorded([intake for intake in due if intake.id in there | written], to_copy=self._copies)
        for key, exc in refused.items():
            if not written:
                raise SheetBlocked(exc.message)  # not the row, for nothing of it was in what was refused last
            self._set_aside(key, exc)
        if len(there) + len(written) + len(refused) < len(rows):
            raise SheetUnavailable(_NOT_SEEN)
        self._knows_sheet = True
        log.info(
            "rows recorded", rows=len(written), already_there=len(there), set_aside=len(due) - len(there) - len(written)
        )
        return len(due)

    def _write(self, rows: Mapping[str, Row], intakes: Mapping[str, Intake]) -> tuple[set[str], dict[str, RowsRefused]]:
        """Write rows, in halves where Google refuses them; return which were seen afterwards, and which are refused alone."""
        try:
            return self._table.append(list(rows.values())), {}
        except RowsRefused as exc:
            self._wait()
            keys = list(rows)
            if len(keys) > 1:
                log.warning("rows refused; the batch is split", rows=len(keys), why=exc.message)
                halves = keys[: len(keys) // 2], keys[len(keys) // 2 :]
                written, refused = self._write({key: rows[key] for key in halves[0]}, intakes)
                self._wait()
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
                return self._table.append([cells]), {}
            except RowsRefused as exc:
                log.error("short row refused", exc, intake_id=intake.id, answers=answers)
                refused = {intake.id: exc}
                self._wait()
        return set(), refused

    def _row(self, intake: Intake) -> Row | None:
        """Return an intake's row, or its short one; None when neither can be made, and then it is set aside."""
        try:
            return row_of(intake, self._bill_link_base, self._bucket, copies=self._copies)
        except Exception as exc:  # whatever is wrong with it concerns this intake only
            log.error("row shortened", exc, intake_id=intake.id)
        try:
            return short_row(intake, "something in it is not as expected.", copies=self._copies)
        except Exception as exc:  # as above
            self._set_aside(intake.id, exc)
            return None

    def _set_aside(self, intake_id: str, exc: Exception) -> None:
        log.error(log.NEEDS_THE_OFFICE, exc, why=_ASIDE, intake_id=intake_id)
        self._store.set_aside(intake_id)

    def _wait(self) -> None:
        now = self._clock.monotonic()
        if now < self._not_before:
            self._clock.sleep(self._not_before - now)
        self._not_before = self._clock.monotonic() + self._interval_s
