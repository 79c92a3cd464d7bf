"""Whatever runs meet and wherever they fail, every submission ends once: the real stages and the real store, on memory.

Here hypothesis looks for the shortest way to break that. `python -m tests.faults.interleavings` plays many more by chance.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from intake.errors import BrokenFile
from intake.model import Intake, Stage

from tests.faults.in_memory import BILLS
from tests.faults.interleavings import key, play
from tests.faults.world import BATCH, ORDERS, Run, World, patched


class Pipeline(RuleBasedStateMachine):
    """The product with everything that may happen to it, one request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self._patches = ExitStack()
        self._patches.enter_context(patched(self.world))

    @rule(number=st.integers(0, len(BILLS) - 1))
    def submit(self, number: int) -> None:
        """A bill is submitted; the same number is the same submission again."""
        self.world.submit(list(BILLS)[number], key(number))

    @precondition(lambda self: self.world.messages)
    @rule(number=st.integers(0, 20), again=st.booleans())
    def deliver(self, number: int, again: bool) -> None:
        """A message comes, in any order; perhaps it will come again."""
        message = self.world.messages[number % len(self.world.messages)]
        if self.world.deliver(message) and not again:
            self.world.messages.remove(message)

    @precondition(lambda self: self.world.messages)
    @rule(number=st.integers(0, 20))
    def lose(self, number: int) -> None:
        """A message never comes."""
        self.world.messages.pop(number % len(self.world.messages))

    @precondition(lambda self: self.world.runs)
    @rule(number=st.integers(0, 20), order=st.sampled_from(ORDERS), further=st.integers(0, 12))
    def go_on(self, number: int, order: str, further: int) -> None:
        """A run makes its next request, which may fail in every way, and some more that work."""
        run = self.world.runs[number % len(self.world.runs)]
        self.world.go_on(run, order)
        for _ in range(further):
            if not run.over:
                self.world.go_on(run)

    @rule()
    def delete_token(self) -> None:
        """Somebody deletes the named range."""
        self.world.delete_token()

    @rule(appends=st.sampled_from(("", "lost", "top")))
    def filter_rows(self, appends: str) -> None:
        """Somebody sets a filter, under which rows are lost or come to stand on top, or takes it away."""
        self.world.filter_rows(appends)

    @rule()
    def sweep(self) -> None:
        """The scheduler calls."""
        self.world.sweep()

    @rule(seconds=st.sampled_from((1, 20, 100, 200, 4000, 200_000)))
    def wait(self, seconds: int) -> None:
        """Time passes, also under runs that hang."""
        self.world.pass_time(seconds)

    def teardown(self) -> None:
        """All is quiet: everything has to come to its end."""
        try:
            self.world.quiet()
        finally:
            self._patches.close()


TestPipeline = Pipeline.TestCase
TestPipeline.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_interleavings_that_once_ended_wrong() -> None:
    """Each was played by chance and showed a defect: a lost file, words left behind, a lost file again, a doubled row."""
    for seed in ("find/100", "find/854", "find/1972", "try/948"):
        play(seed)


def being_read(world: World) -> Intake:
    """Submit a bill of five pages, whose reading has begun."""
    world.finish(world.submit("five pages", key(1)))
    (intake_id,) = world.promised
    intake = world.store.intake(intake_id)
    assert intake is not None
    assert world.store.start_reading(intake, [5])
    return replace(intake, file_pages=(5,))


def test_a_bill_fails_while_its_pages_are_counted_up() -> None:
    """Progress does not go back when another run shows a page in the midst of the commit that ends the bill."""
    world = World()
    with patched(world):
        intake = being_read(world)
        failing = world.start("ocr", lambda: world.store.fail(intake, BrokenFile(1), 0), world.ocr_processes[0])
        while failing.request != "Commit":
            world.go_on(failing)
        world.pass_time(2)
        world.store.show_pages_done(intake, lambda: 3)
        world.check()
        world.finish(failing)
        progress = world.store.progress(intake.id)
    assert progress is not None
    assert (progress.stage, progress.pages_done, progress.percent) == (Stage.FAILED, 3, 100)


def test_pages_are_counted_only_to_be_shown() -> None:
    """Counting the saved pages lists Storage, so a run does not count when another has shown them a moment ago."""
    world = World()
    counted = []

    def count() -> int:
        counted.append(3)
        return 3

    with patched(world):
        intake = being_read(world)
        world.store.show_pages_done(intake, count)
        assert counted == []
        world.pass_time(2)
        world.store.show_pages_done(intake, count)
        world.store.show_pages_done(intake, count)
        progress = world.store.progress(intake.id)
    assert counted == [3]
    assert progress is not None
    assert progress.pages_done == 3


def test_interleavings_by_chance() -> None:
    """Many others come to their end."""
    for number in range(40):
        play(f"short/{number}")


def one_bill(at: int = -1, order: str = "go") -> list[str]:
    """Take a bill through all runs to its end, where request number `at` ends as ordered; return the requests made."""
    world, made = World(), list[str]()

    def finish(run: Run) -> None:
        while not run.over:
            made.append(f"{run.name}: {run.request}")
            world.go_on(run, order if len(made) - 1 == at else "go")

    with patched(world):
        finish(world.submit("one page", key(1)))
        for _ in range(3):  # ocr, record, and once more what failed; the rest is the sweeper's
            if world.messages and (run := world.deliver(world.messages.pop(0))):
                finish(run)
        world.quiet()
    return made


def test_a_bill_makes_few_requests() -> None:
    """At most 12 commits to Firestore, one call of the OCR, two messages, and two writes to the Sheet: token and row."""
    made = Counter(request.partition(": ")[2] for request in one_bill())
    assert made["Commit"] <= 12
    assert (made["Annotate"], made["Publish"], made[BATCH]) == (1, 2, 2)


@pytest.mark.parametrize("order", ORDERS[1:])
def test_any_request_may_fail_in_any_way(order: str) -> None:
    """Whichever single request of a bill fails, is lost or repeated, or kills its process, the bill ends once."""
    requests = one_bill()
    assert {request.partition(":")[0] for request in requests} == {"submit", "ocr", "record"}
    for at in range(len(requests)):
        one_bill(at, order)


def test_one_malformed_document_concerns_that_intake_only() -> None:
    """The others get their rows, the sweeper goes on, and the malformed one is left alone for a day."""
    world = World()
    with patched(world):
        for number in range(3):
            world.finish(world.submit("one page", key(number)))
        odd, *others = world.promised
        path = ("intakes", odd)
        fields = {name: value for name, value in world.db.documents[path].fields.items() if name != "form"}
        world.db.documents[path] = world.db.held({**fields, "status": "read"})
        del world.promised[odd]
        world.messages = [message for message in world.messages if message.intake_id != odd]
        for _ in range(8):
            for message in list(world.messages):
                world.messages.remove(message)
                if run := world.deliver(message):
                    world.finish(run)
            world.pass_time(200)
            if sweep := world.sweep():
                world.finish(sweep)
        assert {world.status(each) for each in others} == {"recorded"}
        assert sorted(world.rows) == sorted(others)
        assert world.status(odd) == "aside"


def test_a_deleted_document_holds_no_other_up() -> None:
    """Rows of a batch are marked one by one when the document of one of them is gone."""
    world = World()
    with patched(world):
        for number in range(3):
            world.finish(world.submit("one page", key(number)))
        intakes = [world.store.intake(each) for each in world.promised]
        gone, *others = [each for each in intakes if each is not None]
        del world.db.documents["intakes", gone.id]
        world.store.mark_recorded([gone, *others])
        assert {world.status(each.id) for each in others} == {"recorded"}
