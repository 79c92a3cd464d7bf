"""How one process goes about the Sheet: one thing at a time, not too often, and with a pause after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.errors import SheetBlocked, SheetMoved, SheetUnavailable
from intake.rows import COPY_COLUMN

if TYPE_CHECKING:
    from intake.ports import Clock, Sheet, Store

PAUSE_AFTER_FAILURE_S = 10.0
TRIES = 4
"""Times that a write looks again when somebody else is writing as well."""

T = TypeVar("T")


class SheetAccess:
    """Shared by everything in a process that writes to the Sheet.

    Args:
        table: The Sheet.
        store: Where it is noted why the Sheet cannot be written.
        interval_s: Least seconds between two writes.
        clock: The time, for waiting between writes.
    """

    def __init__(self, *, table: Sheet, store: Store, interval_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.table = table
        self.lock = threading.RLock()
        self._store = store
        self._interval_s = interval_s
        self._clock = clock
        self._trouble: str | None = None
        self._not_before = float("-inf")
        self._paused_until = float("-inf")

    def guarded(self, step: Callable[[], T]) -> T:
        """Do something with the Sheet. Retry at once if somebody else wrote in between; pause after any other failure.

        Raises:
            SheetUnavailable: The Sheet failed now, or failed a moment ago and is not tried again yet.
        """
        with self.lock:
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
                        self._note(exc.message)
                    raise
                else:
                    self._note("")
                    return done
            raise AssertionError("the last try either succeeds or raises")

    def wait(self) -> None:
        """Wait until the next write is allowed, and take that turn."""
        now = self._clock.monotonic()
        if now < self._not_before:
            self._clock.sleep(self._not_before - now)
        self._not_before = self._clock.monotonic() + self._interval_s

    def fill_in_copies(self, texts: Mapping[str, str]) -> None:
        """Put what became of copies into their rows, in one write.

        Args:
            texts: What is to stand in the column of copies, by what stands there now.

        Raises:
            SheetUnavailable: See `guarded`.
        """

        def fill_in() -> int:
            self.wait()
            return self.table.fill_in(COPY_COLUMN, texts)

        changed = self.guarded(fill_in)
        log.info("copies linked", cells=changed, copies=len(texts))

    def _note(self, trouble: str) -> None:
        """Have `status` show why the Sheet cannot be written, and the office alerted; each sentence once."""
        if trouble:
            log.error(log.NEEDS_THE_OFFICE, why=trouble)
        if trouble != self._trouble:
            self._store.note_sheet(trouble)
            self._trouble = trouble
