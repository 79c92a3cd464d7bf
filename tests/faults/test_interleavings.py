"""Whatever runs meet and wherever they fail, every submission ends once: the real stages and the real store, on memory.

Here hypothesis looks for the shortest way to break that. `python -m tests.faults.interleavings` plays many more by chance.
"""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.faults.interleavings import key, play
from tests.faults.world import BILLS, ORDERS, World, patched


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
    def sweep(self) -> None:
        """The scheduler calls."""
        self.world.sweep()

    @rule(seconds=st.sampled_from((1, 20, 100, 200, 4000)))
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
    max_examples=60, stateful_step_count=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_interleavings_that_once_ended_wrong() -> None:
    """Each was played by chance and showed a defect: progress that went back, words left behind, a lost file."""
    for seed in ("find/6", "find/18", "find/100"):
        play(seed)


def test_interleavings_by_chance() -> None:
    """Many others come to their end."""
    for number in range(150):
        play(f"short/{number}")
