"""The engine of all deliveries: what is due is claimed, attempted, tried again after a pause, or given up with a reason.

    due ── claimed ── attempted ── concluded ── finished
     ▲                    │ fails: due again after a pause that doubles, in the end given up with a reason
     ╰── the sweeper tasks `record` when the time of a delivery has come (a crash, a pause, a destination that is down)

An attempt may be repeated at any time, after a crash at any point: each destination finds out what is there already.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.errors import IntakeError
from intake.ports import DueDelivery, Ended

if TYPE_CHECKING:
    from intake.model import Intake
    from intake.ports import Clock, DeliveryQueue, Destination

RUN_S = 100.0
"""After this long no further attempt is begun, so that the run has ended before the platform ends it."""


@dataclass(frozen=True)
class Retries:
    """What becomes of a delivery that fails.

    Attributes:
        max_attempts: Times that it is begun before it is given up.
        gave_up: The reason that is given then.
        first_pause: Until the second attempt; each further pause is twice as long.
        longest_pause: At most.
    """

    max_attempts: int
    gave_up: str
    first_pause: timedelta = timedelta(minutes=1)
    longest_pause: timedelta = timedelta(hours=1)


class Deliveries:
    """Delivers to one destination; one per process, shared by its threads.

    Args:
        queue: What is due.
        destination: Where it goes.
        retries: What becomes of a delivery that fails; None where it stays due and the caller has to hear of the failure.
        clock: The time.
    """

    def __init__(
        self,
        *,
        queue: DeliveryQueue,
        destination: Destination,
        retries: Retries | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._queue = queue
        self._destination = destination
        self._retries = retries
        self._clock = clock
        self._busy = threading.Lock()
        self._wanted = threading.Event()

    def run(self) -> None:
        """Deliver what is due, unless another thread is at it: that one then looks once more.

        Raises:
            IntakeError: The queue could not be asked, or the destination failed as a whole; what is due stays due.
        """
        self._wanted.set()
        until = self._clock.monotonic() + RUN_S
        while self._wanted.is_set() and self._busy.acquire(blocking=False):
            try:
                self._wanted.clear()
                while self._clock.monotonic() < until and self._round(until):
                    continue
            finally:
                self._busy.release()

    def _round(self, until: float) -> bool:
        """Attempt one batch; return whether more may be due and it is of use to go on."""
        due = self._queue.due(self._clock.now(), self._destination.batch)
        ended = list(self._attempts(due, until))
        if ended:
            self._conclude(ended)
        return len(due) == self._destination.batch and bool(ended)

    def _attempts(self, due: Sequence[DueDelivery], until: float) -> Iterator[Ended]:
        size, at_once = self._destination.group, self._destination.at_once
        groups = [due[start : start + size] for start in range(0, len(due), size)]
        if at_once == 1:
            for group in groups:
                yield from self._attempt(group, until)
        else:
            with ThreadPoolExecutor(at_once, thread_name_prefix="delivery") as pool:
                for ended in pool.map(self._attempt, groups, [until] * len(groups)):
                    yield from ended

    def _attempt(self, group: Sequence[DueDelivery], until: float) -> Sequence[Ended]:
        """Make one attempt; deliveries that another process makes, or that have to be tried again, are not in the answer."""
        try:
            if self._clock.monotonic() >= until:
                return []
            claimed = [due for due in group if self._queue.claim(due)]
            given_up = [self._given_up(due) for due in claimed if self._is_over(due)]
            rest = [due.intake for due in claimed if not self._is_over(due)]
            return [*given_up, *(self._destination.deliver(rest, until) if rest else [])]
        except Exception as exc:
            if self._retries is None:
                raise
            # Unexpected errors too: one intake must not block the others, and attempts are counted.
            for due in group:
                attempt = due.attempts + 1
                log.error("delivery failed; it will be retried", exc, intake_id=due.intake.id, attempt=attempt)
                pause = min(self._retries.first_pause * 2 ** (attempt - 1), self._retries.longest_pause)
                self._postpone(due.intake, pause, attempt)
            return []

    def _is_over(self, due: DueDelivery) -> bool:
        return self._retries is not None and due.attempts >= self._retries.max_attempts

    def _given_up(self, due: DueDelivery) -> Ended:
        log.error("delivery given up", intake_id=due.intake.id, attempts=due.attempts)
        return Ended(due.intake, reason=self._retries.gave_up if self._retries else "")

    def _conclude(self, ended: Sequence[Ended]) -> None:
        try:
            self._destination.conclude(ended)
        except IntakeError:
            # What was delivered is there: only what the destination itself refuses counts as an attempt.
            for each in ended:
                if self._retries is not None:
                    self._postpone(each.intake, self._retries.first_pause, attempts=0)
            raise
        self._queue.finish(ended)

    def _postpone(self, intake: Intake, pause: timedelta, attempts: int) -> None:
        try:
            self._queue.postpone(intake, self._clock.now() + pause, attempts)
        except IntakeError as exc:
            log.error("delivery not postponed; it is due again when its claim expires", exc, intake_id=intake.id)
