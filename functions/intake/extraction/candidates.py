"""Resolves candidates of a field: a value seen twice is more certain; different values conflict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from intake import model
from intake.extraction.geometry import Token, around
from intake.extraction.result import Found, Value
from intake.model import Quad

V = TypeVar("V", bound=Hashable)

REPORTED = 0.7
"""A value less sure than this is not reported: a blank is better than a wrong value."""
_SURE = 0.85
_EDGE = 0.004


@dataclass(frozen=True)
class Candidate(Generic[V]):
    """A value seen in one place.

    Attributes:
        value: What was read.
        confidence: Confidence in this candidate alone, 0..1.
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
class Resolution(Generic[V]):
    """The result of resolving the candidates of a field.

    Attributes:
        best: The winner's candidate with the highest confidence; None if there is none.
        confidence: Confidence in the winner, from all its candidates.
        candidates: How often the winner was seen.
        conflicting: Whether values compete without a clear winner.
    """

    best: Candidate[V] | None = None
    confidence: float = 0.0
    candidates: int = 0
    conflicting: bool = False

    @property
    def sure(self) -> bool:
        """Whether there is a winner that is certain enough to report."""
        return self.best is not None and not self.conflicting and self.confidence >= REPORTED

    def found(self, value: Value) -> Found:
        """Return the winner as a field with this value."""
        if self.best is None:
            raise ValueError("There is no winner to report. Ask `best` first.")
        return Found(value, round(self.confidence, 3), self.best.page, self.best.quad, self.best.how)


def resolve(
    candidates: Iterable[Candidate[V]],
    *,
    misread: Callable[[V, V], bool] = lambda _winner, _rival: False,
    outvoted: float = 0.5,
) -> Resolution[V]:
    """Decide between values.

    Args:
        candidates: Of one field; of those with the same words only the best counts.
        misread: Tells whether a rival may be the winner, misread: then it does not count if it is seen less often and
            with little confidence. (Two accounts of one customer may differ in a single digit.)
        outvoted: A rival with less confidence than this does not count.

    Returns:
        The winner, if any; `conflicting` is set if another value has too much confidence to be ignored.
    """
    by_value: dict[V, dict[tuple[int, Quad], Candidate[V]]] = defaultdict(dict)
    for candidate in candidates:
        places = by_value[candidate.value]
        place = (candidate.page, candidate.quad)
        if place not in places or places[place].confidence < candidate.confidence:
            places[place] = candidate
    ranked = sorted(
        ((_together(places.values()), len(places), value) for value, places in by_value.items()),
        key=lambda item: (-item[0], -item[1], str(item[2])),
    )
    if not ranked:
        return Resolution()
    confidence, count, value = ranked[0]
    best = min(by_value[value].values(), key=lambda seen: (-seen.confidence, seen.page, seen.quad))
    conflicting = [
        (c, n)
        for c, n, other in ranked[1:]
        if c >= outvoted and not (misread(value, other) and n < count and c < _SURE)
    ]
    return Resolution(best, confidence, count, bool(conflicting))


def one_spelling(candidates: Iterable[Candidate[V]], letters: Callable[[V], str]) -> Iterator[Candidate[V]]:
    """Yield candidates of texts; those that differ by blanks and marks are one, spelt as most of them, then with most blanks.

    Args:
        candidates: Of one field.
        letters: Returns what two spellings of a value have in common.
    """
    same: dict[str, list[Candidate[V]]] = defaultdict(list)
    for candidate in candidates:
        same[letters(candidate.value)].append(candidate)
    for alike in same.values():
        counts = Counter(candidate.value for candidate in alike)
        best = max(
            alike, key=lambda one: (counts[one.value], str(one.value).count(" "), one.confidence, str(one.value))
        )
        yield from (replace(candidate, value=best.value) for candidate in alike)


def _together(candidates: Iterable[Candidate[V]]) -> float:
    """Return the confidence in a value seen several times: each further candidate halves the doubt."""
    ordered = sorted((seen.confidence for seen in candidates), reverse=True)
    doubt = 1 - ordered[0]
    for confidence in ordered[1:]:
        doubt *= 1 - 0.7 * confidence
    return min(0.995, 1 - doubt)


def certainty(tokens: Sequence[Token]) -> float:
    """Return the lowest confidence of the words, ignoring marks; low for words that the picture's edge may cut."""
    sure = model.certainty((token.text, token.confidence) for token in tokens)
    return sure * 0.5 if any(_is_at_edge(token.quad) for token in tokens) else sure


def _is_at_edge(quad: Quad) -> bool:
    """Return whether a word is closer to the picture's edge than about a letter: part of it may be cut off."""
    margin = max(_EDGE, 0.7 * max(abs(quad.x3 - quad.x0), abs(quad.y3 - quad.y0)))
    return min(quad) < margin or max(quad) > 1 - margin
