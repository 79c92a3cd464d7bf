"""A campaign: submissions through the real components while everything fails, then quiet, then a check of the invariants."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud.firestore_v1.base_query import FieldFilter
from intake.stages.sweep import UPLOAD_MAX_AGE

from infra.local.stack import LocalStack, StackOptions
from tests.faults import invariants
from tests.faults.agents import UPLOAD_BYTES, Agents
from tests.faults.delivery_proxy import DeliveryProxy
from tests.faults.injector import FaultInjector
from tests.faults.outages import Outages
from tests.faults.progress_monitor import ProgressMonitor, wait_until
from tests.support.stacks import quick_stack, running
from tests.support.submitter import Submitter

SWEEP_EVERY_S = 1.0
LEASE_S = 5.0
"""Longer than any service hangs here, and than what a stage does without a sign of life."""
STALL_TIMEOUT_S = 2.0
COPY_HOLD_S = 15.0
NEVER_SPENT = 1_000_000
"""Of the quotas, so that they count and never refuse; and of attempts, as the hours between them are minutes here."""
QUIET_DEADLINE_S = 180.0
"""How long nothing may come to its end when all is quiet."""
EXTRA = 12
"""Submissions at a time that are added while boundaries are not struck."""
UPLOADS_END_WITHIN_S = 20.0
SOON_S = 8.0
"""An intake whose next check is further away than this is checked now."""


@dataclass(frozen=True)
class Plan:
    """What a campaign does.

    Attributes:
        seed: Of everything that is drawn.
        submissions: How many.
        outage_s: Seconds that the Sheet's quota stays used up.
        coverage_s: Longest time to go on sending after the last submission while boundaries were passed and not struck.
    """

    seed: int
    submissions: int
    outage_s: float
    coverage_s: float


@dataclass(frozen=True)
class Outcome:
    """What came of it: figures by name, faults by kind, boundaries that no fault struck, and broken promises."""

    plan: Plan
    figures: Counter[str]
    faults: Counter[str]
    spared: list[str]
    wrong: list[str]
    seconds: float


@dataclass
class Campaign:
    """The parts of a running campaign, and what its operator does."""

    plan: Plan
    submitter: Submitter
    agents: Agents
    injector: FaultInjector
    delivery_proxy: DeliveryProxy

    def unfinished(self) -> int:
        """Return how many intakes are neither recorded nor failed, or recorded without a copy."""
        return len(self._unfinished())

    def left(self) -> int:
        """Return how much has to come to its end, or to go."""
        return self.unfinished() + len(self.uploads())

    def uploads(self) -> list[Any]:
        """Return what is written down of uploads that are no intakes."""
        return list(self.submitter.db.collection("uploads").stream())

    def put_clock_ahead(self) -> None:
        """Spare the campaign the hours of waiting: what the sweeper would look at later, it looks at now.

        Uploads count as begun two hours ago when nothing is being uploaded, open intakes are due for a look, those that can
        never go on have had all attempts but the last, copies need not wait after a failure, and the progress of one that is
        done has expired.
        """
        now = datetime.now(UTC)
        past, soon = now - timedelta(hours=2), now + timedelta(seconds=SOON_S)
        held = now + timedelta(seconds=COPY_HOLD_S)
        try:
            for upload in self.uploads():
                # Once only: the sweeper takes an upload as it saw it, and one that is always changed could never be taken.
                age = now - (upload.to_dict() or {})["started_at"]
                if timedelta(seconds=UPLOADS_END_WITHIN_S) < age < UPLOAD_MAX_AGE:
                    upload.reference.update({"started_at": past})
            for intake_id, intake in self._unfinished().items():
                if "copy_at" in intake:
                    if intake["copy_at"] > held:  # not in work, but put off
                        self._set("intakes", intake_id, {"copy_at": past})
                elif intake_id in self.injector.doomed and intake["attempts"] < NEVER_SPENT:
                    self._set("intakes", intake_id, {"check_at": past, "attempts": NEVER_SPENT})
                elif intake["check_at"] > soon:
                    self._set("intakes", intake_id, {"check_at": past})
            self._let_one_expire(past)
        except (GoogleAPICallError, RetryError, requests.RequestException):
            return  # Firestore hangs at the moment

    def _let_one_expire(self, past: datetime) -> None:
        """Ask for a progress that has expired: it is then made from the intake."""
        recorded = self.submitter.db.collection("intakes").where(filter=FieldFilter("status", "==", "recorded"))
        for snapshot in recorded.limit(1).stream():
            self._set("progress", snapshot.id, {"expire_at": past})
            requests.get(f"{self.submitter.stack.url}/progress/{snapshot.id}", timeout=30)

    def _unfinished(self) -> dict[str, dict[str, Any]]:
        """Return the intakes that wait for the sweeper or for their copy; no others have these times."""
        ever = datetime.fromtimestamp(0, UTC)
        found: dict[str, dict[str, Any]] = {}
        for name in ("check_at", "copy_at"):
            query = self.submitter.db.collection("intakes").where(filter=FieldFilter(name, ">", ever))
            found |= {snapshot.id: snapshot.to_dict() or {} for snapshot in query.select(["attempts", name]).stream()}
        return found

    def _set(self, collection: str, name: str, changes: dict[str, object]) -> None:
        self.submitter.db.collection(collection).document(name).update(changes)


def run(plan: Plan, say: Callable[[str], None] = print) -> Outcome:
    """Run a campaign on a stack of its own."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        FaultInjector(plan.seed, Path(folder) / "injector") as injector,
        running(_options(Path(folder), injector)) as stack,
        DeliveryProxy(stack, plan.seed) as delivery_proxy,
    ):
        agents = Agents(stack, plan.seed, injector.doomed)
        submitter = Submitter(stack)
        campaign = Campaign(plan, submitter, agents, injector, delivery_proxy)
        with (
            ProgressMonitor(stack, lambda: [one.intake_id for one in agents.sent if one.accepted]) as progress_monitor,
            _sweeping(stack),
        ):
            # The first sweep makes the office's tabs, which people then write into.
            wait_until(lambda: stack.sweep().ok, QUIET_DEADLINE_S)
            injector.active = True
            with Outages(stack, delivery_proxy, plan.seed, plan.outage_s) as outages:
                agents.run(plan.submissions)
                say(f"{plan.submissions} submissions answered after {time.monotonic() - started:.0f} s")
                _until_ended(campaign)
            say(f"faults end after {time.monotonic() - started:.0f} s")
            injector.active = delivery_proxy.active = False
            _in_quiet(campaign)
        found = invariants.check(submitter, agents.sent, injector.record)
    spared = injector.spared()
    figures = Counter({"submissions sent": len(agents.sent)}) + found.figures
    figures["looks at progress"] = progress_monitor.looks
    figures["boundaries passed"] = len(injector.record.struck)
    figures["of them struck by a fault"] = len(injector.record.struck) - len(spared)
    return Outcome(
        plan,
        figures,
        injector.record.faults + delivery_proxy.faults + outages.faults + agents.faults,
        spared,
        wrong=agents.wrong + progress_monitor.wrong + found.wrong,
        seconds=time.monotonic() - started,
    )


def _options(folder: Path, injector: FaultInjector) -> StackOptions:
    return quick_stack(
        folder / "stack",
        ocr_workers=2,
        source=Path(__file__).with_name("faulty.py"),
        vision_args=("--recordings", str(folder / "recordings"), "--mode", "record"),
        function_env={
            "FAULT_INJECTOR": str(injector.address),
            "FAULTS_UPLOAD_BYTES": str(UPLOAD_BYTES),
            "LEASE_SECONDS": str(LEASE_S),
            "PATIENCE_SECONDS": str(STALL_TIMEOUT_S),
            "COPY_HOLD_SECONDS": str(COPY_HOLD_S),
            "COPY_MAX_ATTEMPTS": str(NEVER_SPENT),
            "MAX_ATTEMPTS": str(NEVER_SPENT),
            "PAGES_PER_DAY": str(NEVER_SPENT),
            "SUBMISSIONS_PER_HOUR": str(NEVER_SPENT),
            "SUBMISSIONS_PER_HOUR_PEER": str(NEVER_SPENT),
            "ADDRESS_KEY": "of the campaign",
        },
    )


@contextmanager
def _sweeping(stack: LocalStack) -> Iterator[None]:
    """Call `sweep` regularly, as Cloud Scheduler does."""
    stopping = threading.Event()

    def sweep() -> None:
        while not stopping.wait(SWEEP_EVERY_S):
            try:
                stack.sweep()
            except requests.RequestException:
                continue  # it died: the scheduler calls again

    thread = threading.Thread(target=sweep, name="scheduler")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _until_ended(campaign: Campaign) -> None:
    """Go on under faults until every intake has ended and each boundary was struck, or the time for that is up."""
    until = time.monotonic() + campaign.plan.coverage_s
    campaign.injector.eager = True
    while time.monotonic() < until:
        campaign.put_clock_ahead()
        unfinished, spared = campaign.unfinished(), campaign.injector.spared()
        if not spared and not unfinished:
            return
        if spared and unfinished < EXTRA:
            campaign.agents.run(EXTRA)
        time.sleep(0.5)


def _in_quiet(campaign: Campaign) -> None:
    """Without any fault: what is still open has to end, copies have to be made, and what belongs to nothing has to go."""
    wait_until(lambda: campaign.delivery_proxy.idle, QUIET_DEADLINE_S)
    left, until = campaign.left(), time.monotonic() + QUIET_DEADLINE_S
    while left and time.monotonic() < until:
        campaign.put_clock_ahead()
        time.sleep(0.5)
        if (now_left := campaign.left()) < left:
            left, until = now_left, time.monotonic() + QUIET_DEADLINE_S
