"""The `record` stage: intakes that are read become rows of the Sheet, many in one call, each exactly once.

A message is only a nudge: whoever has the turn writes all rows that are due, so a thousand intakes that finish within a
minute need a few calls and stay far below 60 writes a minute.

Exactly once, though an append cannot be made idempotent and its answer can be lost: rows are keyed by intake id. A
process that knows the Sheet (its own last append was answered and marked in Firestore) appends without looking. A
process that does not know (new, or its last flush failed anywhere) first reads the id column and leaves out what is
there. One process appends at a time: `record` is deployed as one instance, and as instances can overlap for a while when
one is replaced, the turn is also a lease in Firestore.

A write that Google did not answer may take effect for as long as Google works on a request; until then this process leaves
the Sheet alone. One that was killed may have been in the middle of a write: whoever takes the turn over from another keeps
back the rows that were due while the other could begin a write, until such a write would have taken effect, and writes the
others at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from intake import log
from intake.errors import SheetSilent, SheetUnavailable
from intake.rows import COPY_COLUMN, Cell, row_of

if TYPE_CHECKING:
    from intake.cloud.firestore import Store
    from intake.cloud.sheets import Ledger
    from intake.records import Intake

FLUSH_ROWS = 500
"""Most rows in one call; a row is about 1 KiB and Google recommends payloads up to 2 MB
(https://developers.google.com/workspace/sheets/api/limits)."""
PAUSE_AFTER_FAILURE_S = 10.0


_KEPT_BACK = "Another instance may have sent the row when it ended. The row is looked for, or written, within minutes."


@dataclass(frozen=True)
class _OthersWrite:
    """The last write that another process can have made.

    Attributes:
        begun_before: When it can have begun at the latest.
        settled_at: Monotonic seconds from which on it takes effect no more.
    """

    begun_before: datetime
    settled_at: float


class Clock(Protocol):
    """Seconds that only go forward, and waiting."""

    def monotonic(self) -> float:
        """Return seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Recorder:
    """Writes the rows that are due; one per process, shared by its threads.

    Args:
        owner: Name of this process, unique among all.
        store: The intakes.
        ledger: The Sheet.
        bill_link_base: See `rows.row_of`.
        bucket: See `rows.row_of`.
        copies: Whether bills are copied to Drive; then each row that is recorded makes its copy due.
        interval_s: Least seconds between two writes to the Sheet.
        lease_s: Seconds that the turn holds without renewal.
        late_write_s: Seconds after which a write that was not answered takes effect no more.
        clock: The time, for waiting between writes.
    """

    def __init__(
        self,
        owner: str,
        *,
        store: Store,
        ledger: Ledger,
        bill_link_base: str,
        bucket: str,
        copies: bool = False,
        interval_s: float,
        lease_s: float,
        late_write_s: float = 0.0,
        clock: Clock = time,
    ) -> None:
        self._owner = owner
        self._store = store
        self._ledger = ledger
        self._bill_link_base = bill_link_base
        self._bucket = bucket
        self._copies = copies
        self._interval_s = interval_s
        self._lease_s = lease_s
        self._late_write_s = late_write_s
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._knows_sheet = False
        self._not_before = float("-inf")
        self._paused_until = float("-inf")
        self._turn_until = float("-inf")
        self._others_write: _OthersWrite | None = None

    def record(self, intake_id: str) -> None:
        """See to it that an intake's row is in the Sheet, together with all others that are due.

        Args:
            intake_id: The intake that the nudge spoke of.

        Raises:
            SheetUnavailable: The Sheet failed, or failed a moment ago and is left in peace.
            TemporaryError: Firestore failed, or another process has the turn.
        """
        with self._one_at_a_time:
            intake = self._store.intake(intake_id)
            if intake is None or intake.status.finished:
                return  # A flush that ran while this nudge waited has taken it along, or it failed.
            self._check_pause()
            while self._flush() == FLUSH_ROWS:
                continue

    def fill_in_copies(self, texts: Mapping[str, str]) -> None:
        """Put what became of copies into their rows, in one write that keeps its distance from all others.

        Args:
            texts: What is to stand in the column of copies, by what stands there now.

        Raises:
            SheetUnavailable: The Sheet failed, or failed a moment ago and is left in peace.
        """
        with self._one_at_a_time:
            self._check_pause()
            self._wait()
            try:
                changed = self._ledger.fill_in(COPY_COLUMN, texts)
            except SheetUnavailable:
                self._pause(PAUSE_AFTER_FAILURE_S)
                raise
        log.info("copies linked", cells=changed, copies=len(texts))

    def _check_pause(self) -> None:
        if self._clock.monotonic() < self._paused_until:
            raise SheetUnavailable

    def _flush(self) -> int:
        """Write one batch of rows and return how many intakes were due."""
        self._wait()
        self._take_turn()
        due = self._store.awaiting_row(FLUSH_ROWS)
        if not due:
            return 0
        self._settle()
        known = self._knows_sheet
        self._knows_sheet = False  # until all of this flush has succeeded
        try:
            present = set() if known else self._ledger.intake_ids()
            kept_back = [intake for intake in due if intake.id not in present and self._may_be_on_its_way(intake)]
            due = [intake for intake in due if intake not in kept_back]
            missing = [intake for intake in due if intake.id not in present]
            if missing:
                if not self._take_turn():
                    # Reading the ids took longer than the turn; another process may have written rows since.
                    raise SheetUnavailable
                base, bucket, copies = self._bill_link_base, self._bucket, self._copies
                self._append([row_of(intake, base, bucket, copies=copies) for intake in missing])
        except SheetUnavailable:
            self._pause(PAUSE_AFTER_FAILURE_S)
            raise
        self._store.mark_recorded(due, to_copy=self._copies)
        self._knows_sheet = True
        log.info("rows recorded", rows=len(missing), already_there=len(due) - len(missing), kept_back=len(kept_back))
        if kept_back:
            raise SheetUnavailable(_KEPT_BACK)
        return len(due)

    def _may_be_on_its_way(self, intake: Intake) -> bool:
        """Tell whether another process may have sent a row that will still come to stand in the Sheet."""
        others = self._others_write
        return others is not None and (intake.updated_at is None or intake.updated_at <= others.begun_before)

    def _settle(self) -> None:
        """When all that others sent has taken effect or never will, look at the Sheet once more."""
        if self._others_write is not None and self._clock.monotonic() >= self._others_write.settled_at:
            self._others_write = None
            self._knows_sheet = False

    def _append(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        try:
            self._ledger.append(rows)
        except SheetSilent:
            self._pause(self._late_write_s)
            raise

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _wait(self) -> None:
        now = self._clock.monotonic()
        if now < self._not_before:
            self._clock.sleep(self._not_before - now)
        self._not_before = self._clock.monotonic() + self._interval_s

    def _take_turn(self) -> bool:
        """Take or renew the turn; return whether it has been ours all the time since it was last taken."""
        now = self._clock.monotonic()
        # The calls up to the next look at the turn end or fail within half a lease, so it cannot run out under them.
        if now < self._turn_until - self._lease_s / 2:
            return True
        unbroken = now < self._turn_until
        if not unbroken:
            self._knows_sheet = False  # Another process may have written in the meantime.
        claim = self._store.claim_sheet(self._owner, self._lease_s)
        if not claim:
            raise SheetUnavailable("Another instance is writing the Sheet. The row will be written in a moment.")
        self._turn_until = now + self._lease_s
        if claim.taken_over is not None:
            begun_before = claim.taken_over - timedelta(seconds=self._lease_s / 2)
            ago_s = (claim.at - begun_before).total_seconds()
            self._others_write = _OthersWrite(begun_before, now + self._late_write_s - ago_s)
        return unbroken
