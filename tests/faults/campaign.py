"""A campaign: submissions through the real components while everything fails, then quiet, then the verdict."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import firestore

from infra.local.stack import LocalStack, StackOptions
from tests.faults.agents import Agents
from tests.faults.courier import Courier
from tests.faults.referee import Rates, Referee
from tests.faults.verdict import Verdict, judge
from tests.faults.weather import Weather
from tests.faults.witness import Witness, wait_until
from tests.pipeline.conftest import quick_stack, running
from tests.pipeline.submitter import Submitter

SWEEP_EVERY_S = 1.0
LEASE_S = 8.0
PATIENCE_S = 2.0
QUIET_DEADLINE_S = 180.0
EXTRA = 12
"""Submissions at a time that are added while boundaries are not covered."""
UPLOADS_END_WITHIN_S = 20.0
SOON_S = 8.0
"""An intake whose next look is further away than this is looked at now."""


@dataclass(frozen=True)
class Plan:
    """What a campaign does.

    Attributes:
        seed: Of everything that is drawn.
        submissions: How many.
        rates: How likely faults are.
        outage_s: Seconds that the Sheet's quota stays used up.
        coverage_s: Seconds to go on sending after the last submission while boundaries are not covered.
    """

    seed: int
    submissions: int
    rates: Rates = field(default_factory=Rates)
    outage_s: float = 12.0
    coverage_s: float = 60.0


@dataclass
class Outcome:
    """What came of it; see `verdict.Verdict`."""

    plan: Plan
    verdict: Verdict
    faults: Counter[str]
    boundaries: int
    uncovered: list[str]
    wire: int
    wire_struck: int
    strangers: list[str]
    seconds: float
    looks: int
    sent: int
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled, stuck, orphaned or otherwise wrong."""
        return not self.wrong


@dataclass
class Campaign:
    """The parts of a running campaign, and what its operator does."""

    plan: Plan
    submitter: Submitter
    agents: Agents
    referee: Referee
    courier: Courier
    _expired: bool = False

    def unfinished(self) -> int:
        """Return how many intakes are neither recorded nor failed."""
        return sum(intake["status"] not in ("recorded", "failed") for intake in self._intakes().values())

    def uploads(self) -> list[firestore.DocumentSnapshot]:
        """Return what is written down of uploads that are no intakes."""
        return list(self.submitter.db.collection("uploads").stream())

    def put_clock_ahead(self) -> None:
        """Spare the campaign the hours of waiting: what the sweeper would look at later, it looks at now.

        Uploads count as begun two hours ago when nothing is being uploaded, open intakes are due for a look, those that can
        never go on have had all attempts but the last, and the progress of one that is done has expired.
        """
        past = datetime.now(UTC) - timedelta(hours=2)
        try:
            for upload in self.uploads():
                if (upload.to_dict() or {})["started_at"] < datetime.now(UTC) - timedelta(seconds=UPLOADS_END_WITHIN_S):
                    upload.reference.update({"started_at": past})
            soon = datetime.now(UTC) + timedelta(seconds=SOON_S)
            for intake_id, intake in self._intakes().items():
                finished = intake["status"] in ("recorded", "failed")
                if intake_id in self.referee.doomed and not finished and intake["attempts"] < 10:
                    self._set("intakes", intake_id, {"check_at": past, "attempts": 10})
                elif not finished and intake["check_at"] > soon:
                    self._set("intakes", intake_id, {"check_at": past})
                elif intake["status"] == "recorded" and not self._expired:
                    self._set("progress", intake_id, {"expire_at": past})
                    requests.get(f"{self.submitter.stack.url}/progress/{intake_id}", timeout=30)
                    self._expired = not self.referee.fresh("intake/progress_view.py")
        except (GoogleAPICallError, RetryError, requests.RequestException):
            return  # Firestore hangs at the moment

    def _intakes(self) -> dict[str, dict[str, Any]]:
        found = self.submitter.db.collection("intakes").select(["status", "attempts", "check_at"]).stream()
        return {snapshot.id: snapshot.to_dict() or {} for snapshot in found}

    def _set(self, collection: str, name: str, changes: dict[str, object]) -> None:
        self.submitter.db.collection(collection).document(name).update(changes)


def run(plan: Plan, say: Callable[[str], None] = print) -> Outcome:
    """Run a campaign on a stack of its own."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        Referee(plan.seed, Path(folder) / "referee", plan.rates) as referee,
        running(_options(Path(folder), referee)) as stack,
        Courier(stack, plan.seed) as courier,
    ):
        agents = Agents(stack, plan.seed, referee.doomed)
        submitter = Submitter(stack)
        campaign = Campaign(plan, submitter, agents, referee, courier)
        with (
            Witness(stack, lambda: [one.intake_id for one in agents.sent if one.accepted]) as witness,
            _sweeping(stack),
        ):
            referee.active = True
            with Weather(stack, courier, plan.seed, plan.outage_s) as weather:
                agents.run(plan.submissions)
                say(f"{plan.submissions} submissions answered after {time.monotonic() - started:.0f} s")
                _until_ended(campaign)
            say(f"faults end after {time.monotonic() - started:.0f} s")
            referee.active = courier.active = False
            _in_quiet(campaign)
        verdict = judge(submitter, agents.sent, referee.book)
    book = referee.book
    faults = book.faults + courier.faults + weather.faults + agents.faults
    return Outcome(
        plan,
        verdict,
        faults,
        boundaries=len(referee.boundaries),
        uncovered=[f"{moment} {place}" for place, moment in referee.uncovered()],
        wire=len([key for key in book.asked if key in book.wire]),
        wire_struck=len([kinds for kinds in book.wire.values() if kinds]),
        strangers=sorted(book.strangers),
        seconds=time.monotonic() - started,
        looks=witness.looks,
        sent=len(agents.sent),
        wrong=agents.wrong + witness.wrong + verdict.wrong + [f"not on the list of calls: {x}" for x in book.strangers],
    )


def _options(folder: Path, referee: Referee) -> StackOptions:
    return quick_stack(
        folder / "stack",
        ocr_workers=2,
        source=Path(__file__).with_name("faulty.py"),
        vision_args=("--recordings", str(folder / "recordings"), "--mode", "record"),
        function_env={
            "FAULTS_REFEREE": str(referee.address),
            "LEASE_SECONDS": str(LEASE_S),
            "PATIENCE_SECONDS": str(PATIENCE_S),
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
    """Go on under faults until every intake has ended and every boundary was struck, or the time for that is up."""
    until = time.monotonic() + campaign.plan.coverage_s
    while time.monotonic() < until:
        campaign.put_clock_ahead()
        uncovered, unfinished = campaign.referee.uncovered(), campaign.unfinished()
        if not uncovered and not unfinished:
            return
        if uncovered and unfinished < EXTRA:
            campaign.agents.run(EXTRA)
        time.sleep(0.5)


def _in_quiet(campaign: Campaign) -> None:
    """Without any fault: what is still open has to end, and what belongs to nothing has to go."""
    wait_until(lambda: campaign.courier.idle, QUIET_DEADLINE_S)

    def over() -> bool:
        campaign.put_clock_ahead()
        return not campaign.unfinished() and not campaign.uploads()

    wait_until(over, QUIET_DEADLINE_S, pause_s=0.5)
