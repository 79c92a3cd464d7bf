"""Weigh sightings of a value against one another: the same value seen twice is surer, two values compete."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from intake import records
from intake.reading.geometry import Token, around
from intake.reading.result import Found, Value
from intake.records import Quad

V = TypeVar("V", bound=Hashable)

REPORTED = 0.7
"""A value less sure than this is not reported: no value is better than a wrong one."""
_SURE = 0.85
_EDGE = 0.004


@dataclass(frozen=True)
class Sighting(Generic[V]):
    """A value seen in one place.

    Attributes:
        value: What was read.
        confidence: How sure this sighting alone is, 0..1.
        page: Number of the page.
        tokens: The words that say it.
        how: How it was found.
    """

    value: V
    confidence: float
    page: int
    tokens: Sequence[Token]
    how: str

    @property
    def quad(self) -> Quad:
        """Where it stands, in fractions of the page."""
        return around(self.tokens)


@dataclass(frozen=True)
class Verdict(Generic[V]):
    """What the sightings of a field come to.

    Attributes:
        best: The surest sighting of the winner; None if there is none.
        confidence: How sure the winner is, all its sightings together.
        sightings: How often the winner was seen.
        rivals: Whether values compete without a clear winner.
    """

    best: Sighting[V] | None = None
    confidence: float = 0.0
    sightings: int = 0
    rivals: bool = False

    @property
    def sure(self) -> bool:
        """Whether there is a winner that may be reported."""
        return self.best is not None and not self.rivals and self.confidence >= REPORTED

    def found(self, value: Value) -> Found:
        """Return the winner as a field with this value."""
        if self.best is None:
            raise ValueError("There is no winner to report. Ask `best` first.")
        return Found(value, round(self.confidence, 3), self.best.page, self.best.quad, self.best.how)


def weigh(
    sightings: Iterable[Sighting[V]],
    *,
    misread: Callable[[V, V], bool] = lambda _winner, _rival: False,
    outvoted: float = 0.5,
) -> Verdict[V]:
    """Decide between values.

    Args:
        sightings: Of one field; those of the same words count once, the surest.
        misread: Tells whether a rival may be the winner, misread: then it is no rival if it is seen less often and
            unsurely. (Two accounts of one customer may differ in a single digit.)
        outvoted: A rival that is less sure than this is no rival.

    Returns:
        The winner, if any; with `rivals` set if another value is too sure to be passed over.
    """
    by_value: dict[V, dict[tuple[int, Quad], Sighting[V]]] = defaultdict(dict)
    for sighting in sightings:
        places = by_value[sighting.value]
        place = (sighting.page, sighting.quad)
        if place not in places or places[place].confidence < sighting.confidence:
            places[place] = sighting
    ranked = sorted(
        ((_together(places.values()), len(places), value) for value, places in by_value.items()),
        key=lambda item: (-item[0], -item[1], str(item[2])),
    )
    if not ranked:
        return Verdict()
    confidence, count, value = ranked[0]
    best = min(by_value[value].values(), key=lambda seen: (-seen.confidence, seen.page, seen.quad))
    rivals = [
        (c, n)
        for c, n, other in ranked[1:]
        if c >= outvoted and not (misread(value, other) and n < count and c < _SURE)
    ]
    return Verdict(best, confidence, count, bool(rivals))


def one_spelling(sightings: Iterable[Sighting[V]], letters: Callable[[V], str]) -> Iterator[Sighting[V]]:
    """Yield sightings of texts; those that differ by blanks and marks are one, spelt as most of them, then with most blanks.

    Args:
        sightings: Of one field.
        letters: Returns what two spellings of a value have in common.
    """
    same: dict[str, list[Sighting[V]]] = defaultdict(list)
    for sighting in sightings:
        same[letters(sighting.value)].append(sighting)
    for alike in same.values():
        counts = Counter(sighting.value for sighting in alike)
        best = max(
            alike, key=lambda one: (counts[one.value], str(one.value).count(" "), one.confidence, str(one.value))
        )
        yield from (replace(sighting, value=best.value) for sighting in alike)


def _together(sightings: Iterable[Sighting[V]]) -> float:
    """Return how sure a value is that was seen several times: each further sighting halves the doubt."""
    ordered = sorted((seen.confidence for seen in sightings), reverse=True)
    doubt = 1 - ordered[0]
    for confidence in ordered[1:]:
        doubt *= 1 - 0.7 * confidence
    return min(0.995, 1 - doubt)


def certainty(tokens: Sequence[Token]) -> float:
    """Return the confidence of the least sure word, marks left out; little for words that the picture's edge may cut."""
    sure = records.certainty((token.text, token.confidence) for token in tokens)
    return sure * 0.5 if any(_is_at_edge(token.quad) for token in tokens) else sure


def _is_at_edge(quad: Quad) -> bool:
    """Tell whether a word is closer to the picture's edge than about a letter: part of it may be cut off."""
    margin = max(_EDGE, 0.7 * max(abs(quad.x3 - quad.x0), abs(quad.y3 - quad.y0)))
    return min(quad) < margin or max(quad) > 1 - margin
