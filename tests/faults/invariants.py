"""The invariants: decides, from a seed, which call of which function fails and how, and keeps the book of it.

Each decision is drawn from the seed, the boundary and how often it was asked about there, so it does not depend on which
process or thread came first. A boundary that no fault has struck yet is struck readily, so that a campaign of a few
minutes covers all of them; after that faults are rare and fall anywhere. Towards its end a campaign becomes eager: what was
passed and not struck yet is struck the next time.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from tests.faults.places import Place, places

KINDS = ("crash", "error before", "answer lost", "delay")
LONGEST_DELAY_S = 1.5
_GRPC_BEFORE = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL")
_GRPC_AFTER = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL")
_HTTP_BEFORE = ("cut", "503", "500", "429")
_HTTP_AFTER = ("cut", "503", "500")
_CORRUPT = ("no answer", "no size")


@dataclass(frozen=True)
class Rates:
    """How likely a fault is.

    Attributes:
        fresh: At a boundary of a stage where this kind has not been tried.
        fresh_call: At a request on the wire where this kind has not been tried.
        method: At any other boundary of a stage, each time.
        call: At any request on the wire, each time.
        each_kind: Whether a boundary stays fresh until every kind of fault was tried at it, not just one.
    """

    fresh: float = 0.3
    fresh_call: float = 0.1
    method: float = 0.004
    call: float = 0.004
    each_kind: bool = True


@dataclass
class Book:
    """What happened.

    Attributes:
        faults: Faults by kind.
        asked: How often each boundary was passed.
        passed: Boundaries of the stages that were passed while faults were drawn.
        struck: Kinds of fault by boundary of a stage (place, moment).
        wire: Kinds of fault by boundary on the wire (cloud function and line, request, moment) that was passed meanwhile.
        strangers: Calls of stages that the syntax trees did not show.
        runs: Granted claims of chunks by intake.
        answers: Answers of Vision by intake.
        lost_answers: Those of them that a fault kept from the product.
    """

    faults: Counter[str] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    passed: set[tuple[Place, str]] = field(default_factory=set)
    struck: dict[tuple[Place, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    wire: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    strangers: set[str] = field(default_factory=set)
    runs: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    lost_answers: Counter[str] = field(default_factory=Counter)


class Invariants:
    """Answers the functions' questions while it is entered.

    Args:
        seed: Of all decisions.
        address: Unix socket to listen on.
        rates: How likely faults are.

    Attributes:
        book: What happened.
        active: Whether faults are drawn at present.
        eager: Whether what was not struck yet is struck for certain.
        doomed: Intakes for which Vision never answers.
    """

    def __init__(self, seed: int, address: Path, rates: Rates) -> None:
        self.book = Book()
        self.address = address
        self.active = self.eager = False
        self.doomed: set[str] = set()
        self._seed = seed
        self._rates = rates
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], list[Place]] = defaultdict(list)
        for place in places():
            self._places[place.module, place.method].append(place)
        self._listener = Listener(str(address), backlog=128)

    def __enter__(self) -> Invariants:
        threading.Thread(target=self._accept, name="invariants", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.close()

    @property
    def boundaries(self) -> list[tuple[Place, str]]:
        """Every boundary of the stages' code."""
        return [(place, moment) for found in self._places.values() for place in found for moment in ("before", "after")]

    def not_passed(self) -> list[tuple[Place, str]]:
        """Return the boundaries of the stages' code that no run came to."""
        return sorted(set(self.boundaries) - self.book.passed)

    def spared(self) -> list[tuple[Place, str]]:
        """Return the boundaries of the stages' code that runs passed and no fault struck."""
        with self._lock:
            return sorted(boundary for boundary in self.book.passed if not self.book.struck.get(boundary))

    def spared_calls(self) -> list[tuple[str, str]]:
        """Return the boundaries on the wire that runs passed and no fault struck."""
        with self._lock:
            return sorted(boundary for boundary, kinds in self.book.wire.items() if not kinds)

    def fresh(self, module: str) -> bool:
        """Whether a boundary of a module was not struck yet."""
        return any(
            place.module == module and not self.book.struck.get((place, moment)) for place, moment in self.boundaries
        )

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with suppress(EOFError, OSError):  # the function's process has ended
            while True:
                connection.send(self.decide(*connection.recv()))

    def decide(
        self, _function: str, layer: str, module: str, where: str, line: int, name: str, moment: str, intake: str | None
    ) -> str:
        """Return what shall happen at a boundary: `go`, `crash`, `delay S`, or a way to fail."""
        with self._lock:
            granted, name = name.endswith("!"), name.removesuffix("!")
            if granted and intake:
                self.book.runs[intake] += 1
            if intake in self.doomed and name == "Vision.words" and moment == "before":
                self.book.faults["Vision never answers"] += 1
                return "error"
            order, kind = self._draw(layer, module, where, line, name, moment)
            if layer == "call" and name == "ImageAnnotator/BatchAnnotateImages" and moment == "after" and intake:
                self.book.answers[intake] += 1
                self.book.lost_answers[intake] += kind in ("crash", "answer lost", "corrupt answer")
            if name == "Vision.words" and moment == "after" and intake and kind in ("crash", "answer lost"):
                self.book.lost_answers[intake] += 1
            return order

    def _draw(self, layer: str, module: str, where: str, line: int, name: str, moment: str) -> tuple[str, str]:
        if moment == "failed":
            return "go", ""
        key = (f"{module}:{line} {where} → {name}", moment)
        self.book.asked[key] += 1
        place = self._place(module, line, name) if layer == "method" else None
        if layer == "method" and place is None:
            self.book.strangers.add(key[0])
            return "go", ""
        if not self.active:
            return "go", ""
        if place is None:
            struck = self.book.wire[key]
        else:
            self.book.passed.add((place, moment))
            struck = self.book.struck[place, moment]
        # A number from the boundary and how often it was passed, not the next one of a common sequence.
        luck = random.Random(f"{self._seed} {key} {self.book.asked[key]}")
        kind = self._kind(layer, name, moment, struck, luck)
        if not kind:
            return "go", ""
        struck.add(kind)
        self.book.faults[kind] += 1
        return self._order(layer, name, kind, luck), kind

    def _place(self, module: str, line: int, name: str) -> Place | None:
        return next((p for p in self._places[module, name] if p.line <= line <= p.last_line), None)

    def _kind(self, layer: str, name: str, moment: str, struck: set[str], luck: random.Random) -> str:
        kinds = ["crash", "error before" if moment == "before" else "answer lost", "delay"]
        if layer == "call" and name.startswith("ImageAnnotator") and moment == "after":
            kinds.append("corrupt answer")
        untried = [kind for kind in kinds[:2] if kind not in struck]
        fresh = untried if self._rates.each_kind else untried * (not struck)
        fresh_rate = self._rates.fresh if layer == "method" else self._rates.fresh_call
        if self.eager and not struck:
            fresh_rate = 1.0
        if fresh and luck.random() < fresh_rate:
            return luck.choice(fresh)
        rate = self._rates.method if layer == "method" else self._rates.call
        if luck.random() >= rate:
            return ""
        return luck.choices(kinds, [1, 4, 2, 4][: len(kinds)])[0]  # a crash costs seconds, the others hardly anything

    def _order(self, layer: str, name: str, kind: str, luck: random.Random) -> str:
        if kind == "crash":
            return "crash"
        if kind == "delay":
            return f"delay {luck.uniform(0.05, LONGEST_DELAY_S):.3f}"
        if kind == "corrupt answer":
            return luck.choice(_CORRUPT)
        if layer == "method":
            return "error"
        http = name.startswith(("Sheets/", "Storage/", "Drive/"))
        before = kind == "error before"
        return luck.choice(
            (_HTTP_BEFORE if before else _HTTP_AFTER) if http else (_GRPC_BEFORE if before else _GRPC_AFTER)
        )
