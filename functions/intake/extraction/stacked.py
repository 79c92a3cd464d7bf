"""Two bills in one photo: finds out from the places of the words which one is on top.

A plane on top shows its whole outline: no part of the other one is within it. The one below shows on one side or two.
The words are divided by growing from the account numbers, which show that there are two bills: each phrase goes to the
nearest side, and no side grows over the margin of the plane on top.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from intake.extraction.candidates import Candidate
from intake.extraction.geometry import Phrase, TextPlane
from intake.model import Quad

_SEED = 0.6
"""A number with less confidence than this is no evidence of a second bill."""
_LARGER = 1.6
"""So many times as much print has the plane on top in view, where outlines do not decide; less is a tie."""
_ALL = 5.0
"""So many times as much print is a whole plane beside a strip of one."""
_WITHIN = 0.03
"""Share of a side's phrases that the other may seem to have within its outline: a stray word."""
_REACH = 40.0  # print heights: no phrase is further from all others of its plane
_WIDE = 8.0  # print heights: from this length on a phrase tells how its plane lies
_LEAN = 30.0  # print heights for a radian between two phrases: those of another angle are of another plane
_ANGLE = 0.02  # radians between two planes that somebody laid down
_FEWEST = 3  # phrases that tell an angle
_MOST_PAGES = 8


@dataclass(frozen=True)
class _Side:
    """The phrases of one of two bills on a page."""

    phrases: Sequence[Phrase]
    named: bool

    @property
    def print_area(self) -> float:
        return sum((phrase.right - phrase.left) * phrase.height for phrase in self.phrases)

    @property
    def slope(self) -> float:
        slopes = [_slope(phrase) for phrase in self.phrases if phrase.right - phrase.left > _WIDE]
        return median(slopes) if slopes else 0.0

    def surrounds(self, other: _Side) -> bool:
        """Return whether phrases of the other stand within this side's outline."""
        slope = self.slope
        left, right = min(p.left for p in self.phrases), max(p.right for p in self.phrases)
        heights = [p.mid - slope * p.left for p in self.phrases]
        top, bottom = min(heights), max(heights)
        within = [
            p for p in other.phrases if left < (p.left + p.right) / 2 < right and top < p.mid - slope * p.left < bottom
        ]
        return len(within) > max(1, _WITHIN * len(self.phrases))


def lying_under(
    planes: Sequence[TextPlane], numbers: Iterable[Candidate[str]], names: Iterable[Candidate[str]]
) -> set[tuple[int, Quad]]:
    """Return page and place of each word of a bill that lies under another one, or shows beside it.

    Args:
        planes: All planes.
        numbers: Where account numbers are seen.
        names: Where utilities are named.

    Returns:
        The words; none where a page shows one bill only, or where it is not clear which plane is on top.
    """
    named = {id(token) for name in names for token in name.tokens}
    under: set[tuple[int, Quad]] = set()
    for page, values in list(_pairs(numbers).items())[:_MOST_PAGES]:
        phrases = [phrase for plane in planes if plane.page == page for phrase in plane.phrases]
        sides = _sides([plane for plane in planes if plane.page == page], phrases, values, named)
        lower = _lower(*sides) if sides else None
        if lower is not None:
            under |= {(page, token.quad) for phrase in lower.phrases for token in phrase.tokens}
    return under


def _pairs(candidates: Iterable[Candidate[str]]) -> dict[int, dict[str, list[Candidate[str]]]]:
    """Return the candidates of two values by page and value, for the pages that show just two."""
    seeds: dict[int, dict[str, list[Candidate[str]]]] = {}
    for candidate in candidates:
        if candidate.confidence >= _SEED:
            seeds.setdefault(candidate.page, {}).setdefault(candidate.value, []).append(candidate)
    return {page: values for page, values in seeds.items() if len(values) == 2}


def _sides(
    planes: Sequence[TextPlane],
    phrases: Sequence[Phrase],
    values: Mapping[str, Sequence[Candidate[str]]],
    named: set[int],
) -> tuple[_Side, _Side] | None:
    """Part the phrases of a page between two account numbers."""
    side = _Growth(phrases)
    for number, value in enumerate(values):
        for token in (token for candidate in values[value] for token in candidate.tokens):
            for place, phrase in enumerate(phrases):
                if any(token is one for one in phrase.tokens):
                    side.plant(place, number)
    for first, second in _neighbours(planes, phrases):
        side.join(first, second)
    parts = [[p for place, p in enumerate(phrases) if side.of(place) == number] for number in (0, 1)]
    if not all(parts):
        return None
    one, other = (_Side(part, any(id(t) in named for p in part for t in p.tokens)) for part in parts)
    # Two numbers on one plane are no two planes: each has its own name on it, or lies at its own angle.
    turned = min(map(len, parts)) >= _FEWEST and abs(one.slope - other.slope) > _ANGLE
    return (one, other) if (one.named and other.named) or turned else None


def _lower(one: _Side, other: _Side) -> _Side | None:
    """Return the side that lies below; None where it is not clear."""
    over = [_clearly_over(one, other), _clearly_over(other, one)]
    return other if over == [True, False] else one if over == [False, True] else None


def _clearly_over(one: _Side, other: _Side) -> bool:
    if one.print_area >= _ALL * other.print_area:  # Strips on two sides of a plane seem to stand within its outline.
        return True
    if one.surrounds(other):
        return False
    return one.print_area >= _LARGER * other.print_area or (
        other.surrounds(one) and one.print_area >= other.print_area / _LARGER
    )


class _Growth:
    """Phrases that grow together, and never those of one side with those of the other."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._parent = list(range(len(phrases)))
        self._side: dict[int, int] = {}

    def plant(self, place: int, side: int) -> None:
        self._side[place] = side

    def _root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = place = self._parent[self._parent[place]]
        return place

    def join(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        sides = {self._side[root] for root in (one, other) if root in self._side}
        if one != other and len(sides) < 2:
            self._parent[one] = other
            if sides:
                self._side[other] = sides.pop()

    def of(self, place: int) -> int | None:
        return self._side.get(self._root(place))


def _neighbours(planes: Sequence[TextPlane], phrases: Sequence[Phrase]) -> Iterator[tuple[int, int]]:
    """Yield pairs of phrases of one direction, the nearest first."""
    places = {phrase: place for place, phrase in enumerate(phrases)}
    pairs = []
    for plane in planes:
        for number, one in enumerate(plane.phrases):
            for other in plane.phrases[number + 1 :]:
                if other.mid - one.mid > _REACH:
                    break
                across = max(other.left - one.right, one.left - other.right, 0.0)
                down = max(abs(other.mid - one.mid) - (one.height + other.height) / 2, 0.0)
                wide = min(one.right - one.left, other.right - other.left) > _WIDE
                lean = _LEAN * abs(_slope(one) - _slope(other)) if wide else 0.0
                if (apart := math.hypot(across, down) + lean) < _REACH:
                    pairs.append((apart, places[one], places[other]))
    return ((one, other) for _, one, other in sorted(pairs))


def _slope(phrase: Phrase) -> float:
    width = phrase.tokens[-1].right - phrase.tokens[0].left
    return (phrase.end - phrase.start) / width if width else 0.0
