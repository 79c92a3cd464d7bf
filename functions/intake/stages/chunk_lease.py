"""The lease of a chunk of pages while a run of `ocr` works on it: renewed, paid for and given back.

Code that waits calls `watch`, and code that uses the worker pays for its processor time, in advance and a slice at a time.
So a run that is killed has paid, and the time of a submission is bounded over all runs, files and pages. The sum is kept in
the documents of the chunks, since those are written anyway and no two runs write the same one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from intake.clock import SYSTEM_CLOCK
from intake.contract import seconds
from intake.errors import BillTooSlow, LeaseLost, OutOfTime, TooManyPictures

if TYPE_CHECKING:
    from intake.ports import ChunkLease, Clock, Store

PAGES_S = seconds("pages_cpu_s")
"""Maximum seconds of processor time for opening and drawing all pages of a submission."""
BILL_S = seconds("bill_cpu_s")
"""Maximum seconds in all, reading the fields among it."""
SLICE_S = 0.25
"""What is paid for at once: much more would be lost where 20 instances hold a slice each, much less would be many writes."""
CALLS = 500
"""Maximum pictures of a submission that the OCR is asked about: as many as it may have pages, however they are cut up."""
AHEAD_S = 0.1
"""How much of a slice is left when the next is paid for: what the worker takes between two looks at it."""
SHARE_S = 1.0
"""Seconds of processor time after which a run hands the rest of its chunk on, so that others can run in between. Eight
pages that are drawn take as long; each further run fetches and opens the file again."""
SHARE_CALLS = 16
"""Calls of the OCR after which it does so: two for each page of a chunk. Cut into the most pieces there are, eight pages
would take 192, and an instance for a minute."""
RENEWALS_IN_A_LEASE = 6
"""How often a lease is renewed in the time that it holds: each is a write, and five sixths are left for the slowest page."""


class Lease:
    """The claim of one run.

    Args:
        store: The intakes.
        held: The claim.
        lease_s: Seconds until it expires if it is not renewed.
        until: When the run must have ended, in the clock's monotonic seconds.
        clock: The time.
    """

    def __init__(
        self, store: Store, held: ChunkLease, lease_s: float, until: float, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._store = store
        self._held = held
        self._lease_s = lease_s
        self._until = until
        self._clock = clock
        self._renewed_at = clock.monotonic()
        self._left_s = SLICE_S
        self._calls = 0
        self._used_s, self._run_calls = 0.0, 0
        # The first run over the first chunk has no other run beside or before it.
        self._first = self._summed = held.chunk == 0 and held.paid_s <= SLICE_S

    def watch(self) -> None:
        """Go on only while there is time; renew the lease when a part of it is over.

        Raises:
            OutOfTime: The run must end now.
            LeaseLost: Another run is at it.
            TemporaryError: Firestore did not answer.
        """
        now = self._clock.monotonic()
        if now >= self._until:
            raise OutOfTime
        if now - self._renewed_at >= self._lease_s / RENEWALS_IN_A_LEASE:
            self._renew(0)

    def payer(self, limit_s: float) -> Callable[[float], None]:
        """Return the callback for the processor time of the sandbox's worker; see `process.Pay`.

        Args:
            limit_s: Most seconds that the submission may have taken, all runs together; more raises BillTooSlow.
        """
        return partial(self._pay, limit_s)

    def _pay(self, limit_s: float, seconds: float) -> None:
        self.watch()
        self._left_s -= seconds
        self._used_s += seconds
        while self._left_s < AHEAD_S:
            self._renew(SLICE_S)
            self._left_s += SLICE_S
            self._summed = False
        if not self._summed:
            self._summed = True
            spent = self._store.spent(self._held.intake_id)
            if spent.paid_s > limit_s:
                raise BillTooSlow(seconds=round(limit_s))
            if spent.calls + self._calls > CALLS:
                raise TooManyPictures(limit=CALLS)

    def count_call(self) -> None:
        """Count a call of the OCR; it is recorded with the next renewal."""
        self._calls += 1
        self._run_calls += 1

    @property
    def had_its_share(self) -> bool:
        """Whether this run has taken so much that others should run first."""
        return self._used_s >= SHARE_S or self._run_calls >= SHARE_CALLS

    def calls(self, *, alone: bool) -> int:
        """Return the calls that the submission has taken so far, and write those of this run down if others may add to them.

        Args:
            alone: Whether it has no other chunk.
        """
        if alone and self._first:
            return self._held.calls + self._calls
        with contextlib.suppress(LeaseLost):
            self._renew(0)
        return self._store.spent(self._held.intake_id).calls + self._calls

    def give_back(self) -> None:
        """Let others have the chunk at once, and the time that was paid for and not used."""
        self._renew(-max(self._left_s, 0), 0)
        self._left_s = 0

    def _renew(self, pay_s: float, lease_s: float | None = None) -> None:
        self._renewed_at = self._clock.monotonic()
        lease_s = self._lease_s if lease_s is None else lease_s
        self._held = self._store.renew_chunk(self._held, lease_s, pay_s, self._calls)
        self._calls = 0
