"""The assumptions about Google that no stand-in can prove. `./deploy.sh check --table` prints them for docs/deploy.md."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from infra.check.target import NotHere, Target, Wrong

LIMIT_S = 90.0
OK, WRONG, NOT_HERE = "ok", "WRONG", "not here"
SHEETS = "https://developers.google.com/workspace/sheets/api"
DRIVE = "https://developers.google.com/workspace/drive/api/guides"
CLOUD = "https://cloud.google.com"

Proof = Callable[[Target], str]


@dataclass(frozen=True)
class Assumption:
    """One thing that Google has to do.

    Attributes:
        code: Where the code relies on it.
        source: Where it is documented.
        prove: Shows it and returns what it saw; the first line of its docstring says what Google has to do.
        limit_s: Seconds after which it counts as wrong.
    """

    code: str
    source: str
    prove: Proof
    limit_s: float

    @property
    def name(self) -> str:
        """Name of the proof."""
        return self.prove.__name__

    @property
    def text(self) -> str:
        """What Google has to do."""
        return (self.prove.__doc__ or "").partition("\n")[0].removesuffix(".")


ASSUMPTIONS: list[Assumption] = []
"""All of them, once `infra.check.__main__` is imported."""


def assumption(code: str, source: str, limit_s: float = LIMIT_S) -> Callable[[Proof], Proof]:
    """Add a proof to the list."""

    def listed(prove: Proof) -> Proof:
        ASSUMPTIONS.append(Assumption(code, source, prove, limit_s))
        return prove

    return listed


def table() -> Iterator[str]:
    """Yield the lines of the table in docs/deploy.md."""
    yield "| what Google does | code that relies on it | documentation | proof |"
    yield "|---|---|---|---|"
    for each in ASSUMPTIONS:
        yield f"| {each.text} | `{each.code}` | {each.source} | `{each.name}` |"


def step(name: str, work: Callable[[], str], limit_s: float = LIMIT_S) -> str:
    """Do something, print its time and outcome, and return `OK`, `WRONG`, or `NOT_HERE`."""
    began = time.monotonic()
    try:
        with _limited(limit_s):
            seen, outcome = work(), OK
    except NotHere as exc:
        seen, outcome = str(exc), NOT_HERE
    except Wrong as exc:
        seen, outcome = str(exc), WRONG
    except Exception as exc:
        seen, outcome = f"{type(exc).__name__}: {exc}", WRONG
    print(f"  {time.monotonic() - began:6.1f} s  {outcome:8}  {name}: {seen}")
    return outcome


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Interrupt what takes too long, once: the cleanup that follows has no limit."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise Wrong(f"it did not finish within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
