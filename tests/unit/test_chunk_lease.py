"""A claimed chunk: renewed while the run lives, paid for in advance, given up when it is another's or time is over."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from intake.cloud.drive import CALL_TIMEOUT_S as DRIVE_TIMEOUT_S
from intake.cloud.drive import CHUNK_TRIES
from intake.cloud.vision import CALL_TIMEOUT_S, RETRY_TIMEOUT_S
from intake.errors import BillTooSlow, LeaseLost, OutOfTime, TooManyPictures
from intake.stages.chunk_lease import AHEAD_S, CALLS, PAGES_S, RENEWALS_IN_A_LEASE, SLICE_S, Lease
from intake.stages.deliver import RUN_S as RUN_S_OF_COPIES
from intake.stages.ocr import Ocr

from tests.support.fakes import INTAKE_ID, Clock, Store, an_intake

LEASE_S, RUN_S = 60.0, 400.0


class Desk:
    """A store with one intake, a clock that stands still, and runs over chunks."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store(now=self.clock.now)
        self.store.add(an_intake())

    def run(self, chunk: int = 0, owner: str = "m0") -> Lease:
        """Begin a run over a chunk."""
        held = self.store.claim_chunk(INTAKE_ID, chunk, owner, LEASE_S, SLICE_S)
        assert held is not None
        return Lease(self.store, held, LEASE_S, self.clock.seconds + RUN_S, self.clock)

    @property
    def paid(self) -> float:
        return self.store.spent(INTAKE_ID).paid_s


def test_a_small_bill_pays_once() -> None:
    """What fits into the slice that is paid for with the claim takes no write and no sum."""
    desk = Desk()
    pay = desk.run().payer(PAGES_S)
    pay(0.0)
    pay(SLICE_S - AHEAD_S - 0.01)
    assert (desk.store.faults.calls["renew_chunk"], desk.store.faults.calls["spent"]) == (0, 0)


def test_time_is_paid_for_before_it_is_used() -> None:
    """At any moment a run that is killed has paid for what its worker took, and for some more."""
    desk = Desk()
    pay = desk.run().payer(PAGES_S)
    used = 0.0
    for took in (0.0, 0.1, 0.1, 0.05, 0.9, 0.0, 2.0):
        pay(took)
        used += took
        assert used + AHEAD_S <= desk.paid <= used + AHEAD_S + SLICE_S


def test_calls_are_written_down_with_the_next_sign_of_life() -> None:
    """Calls cost no write of their own, and what a chunk wrote down is known to the run that ends the bill."""
    desk = Desk()
    first = desk.run()
    first.count_call()
    first.count_call()
    assert (first.calls(alone=True), desk.store.faults.calls["spent"]) == (2, 0)
    first.give_back()
    other = desk.run(1, "m1")
    other.count_call()
    assert other.calls(alone=False) == 3
    again = desk.run(0, "m2")
    assert again.calls(alone=True) == 2


def test_a_submission_has_no_more_pictures_read_than_it_may_have_pages() -> None:
    """However its pages are cut up, the OCR is asked so many times and no more."""
    desk = Desk()
    lease = desk.run()
    pay = lease.payer(PAGES_S)
    for _ in range(CALLS):
        lease.count_call()
    pay(SLICE_S)
    lease.count_call()
    with pytest.raises(TooManyPictures, match="more than 500 pieces"):
        pay(SLICE_S)


def test_all_runs_share_what_there_is() -> None:
    """Three chunks and a run that was killed: together they get no more than the limit, give or take a slice each."""
    desk = Desk()
    desk.run(2, "killed").payer(PAGES_S)(PAGES_S / 2)
    used = PAGES_S / 2
    pays = [desk.run(chunk, f"m{chunk}").payer(PAGES_S) for chunk in (0, 1, 2) if chunk != 2]
    with suppress(BillTooSlow):
        for turn in range(1000):
            pays[turn % 2](0.1)
            used += 0.1
    assert PAGES_S - 4 * SLICE_S <= used <= PAGES_S + AHEAD_S


def test_a_run_that_is_killed_again_and_again_comes_to_its_end() -> None:
    """Whoever dies at once has paid his slice; the run after the last one is refused before its worker begins."""
    desk = Desk()
    for death in range(int(1.0 / SLICE_S)):
        desk.run(owner=f"m{death}").payer(1.0)(0.0)
        desk.clock.sleep(LEASE_S)
    with pytest.raises(BillTooSlow):
        desk.run(owner="last").payer(1.0)(0.0)


def test_what_was_not_used_is_given_back() -> None:
    """Others may use it, and have the chunk at once."""
    desk = Desk()
    lease = desk.run()
    lease.payer(PAGES_S)(0.4)
    lease.give_back()
    assert desk.paid == pytest.approx(0.4)
    assert not desk.store.chunk_in_work(INTAKE_ID)


def test_it_is_renewed_while_the_worker_works() -> None:
    """Ten looks a second make a write every sixth of the lease, and the chunk stays ours however long a file takes."""
    desk = Desk()
    pay = desk.run().payer(PAGES_S)
    for _ in range(10 * int(LEASE_S) * 2):
        pay(0.0)
        desk.clock.sleep(0.1)
    assert desk.store.faults.calls["renew_chunk"] in (2 * RENEWALS_IN_A_LEASE - 1, 2 * RENEWALS_IN_A_LEASE)
    assert desk.store.claim_chunk(INTAKE_ID, 0, "another", LEASE_S) is None


def test_what_another_took_over_is_neither_renewed_nor_given_back() -> None:
    """A run that slept finds its chunk with another, or with the next delivery of its own message, and leaves it alone."""
    for successor in ("another", "m0"):
        desk = Desk()
        lease = desk.run()
        desk.clock.sleep(LEASE_S + 1)
        other = desk.run(owner=successor)
        until = desk.store.leases[f"{INTAKE_ID}/0"]
        with pytest.raises(LeaseLost):
            lease.watch()
        with pytest.raises(LeaseLost):
            lease.give_back()
        assert desk.store.leases[f"{INTAKE_ID}/0"] == until
        other.give_back()


def test_it_ends_before_the_platform_ends_it() -> None:
    """From the moment on at which a run must stop, whatever it does next ends it."""
    desk = Desk()
    lease = desk.run()
    desk.clock.sleep(RUN_S - 0.1)
    lease.watch()
    desk.clock.sleep(0.1)
    for step in (lease.watch, lambda: lease.payer(PAGES_S)(0.0)):
        with pytest.raises(OutOfTime):
            step()


def test_runs_end_before_the_platform_ends_them() -> None:
    """What is waited for last has time to end: two minutes for the OCR, three for a piece of a copy (`cloud.drive`)."""
    functions = tomllib.loads((Path(__file__).parents[2] / "infra" / "functions.toml").read_text("utf-8"))["functions"]
    assert Ocr.run_s + CALL_TIMEOUT_S + RETRY_TIMEOUT_S < functions["ocr"]["timeout_s"]
    assert functions["record"]["timeout_s"] > RUN_S_OF_COPIES + 2 * CHUNK_TRIES * DRIVE_TIMEOUT_S
