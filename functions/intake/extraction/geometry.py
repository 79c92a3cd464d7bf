"""Phrases and rows of a plane, and what is beside, above and below them.

Lengths here are in heights of the page's common print, so no rule depends on the size of the picture. Nothing relies on
the order of the words or on what an engine calls a line: engines cut lines differently, and a folded plane has another
angle in each panel. A plane gets one turn and one angle; what is left is followed from neighbour to neighbour.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from intake.extraction import combs
from intake.extraction.deskew import upright_planes
from intake.extraction.line_grouping import chain, phrases
from intake.extraction.tokens import Token, around, touched
from intake.model import PageWords

__all__ = ["MAX_WORDS", "PAGE_WORDS", "Phrase", "TextPlane", "Token", "around", "planes", "touched"]

MAX_WORDS = 7_000
"""Maximum words of one bill that are examined, which bounds the time for any input. Its pages share them."""
PAGE_WORDS = range(350, 1501)
"""Fewest and most words of one page that are looked at, the surest ones; pages with fields have about 300."""

_NEAREST = 150
"""Phrases above and below that are looked at around one: three times what stands there in dense tables."""
_ROW_GAP = 70.0
_ROW_SPREAD = 4
_TALL = 1.5  # print heights: larger letters do not stand further off their line
_DRIFT = 0.004  # of the line from its slope
_CELL = 8.0  # of the map of slopes


@dataclass(frozen=True, eq=False)
class Phrase:
    """Words that belong together on one line."""

    tokens: Sequence[Token]

    @cached_property
    def text(self) -> str:
        """The words with single blanks between them."""
        return " ".join(token.text for token in self.tokens)

    @cached_property
    def left(self) -> float:
        """Left end."""
        return self.tokens[0].left

    @cached_property
    def right(self) -> float:
        """Right end."""
        return max(token.right for token in self.tokens)

    @cached_property
    def start(self) -> float:
        """Height of the middle line at the left end."""
        return self.tokens[0].start

    @cached_property
    def end(self) -> float:
        """Height of the middle line at the right end."""
        return self.tokens[-1].end

    @cached_property
    def mid(self) -> float:
        """Middle height of the whole."""
        return median(token.mid for token in self.tokens)

    @cached_property
    def height(self) -> float:
        """Usual height of its words."""
        return median(token.height for token in self.tokens)

    @cached_property
    def confidence(self) -> float:
        """The lowest confidence of its words."""
        return min(token.confidence for token in self.tokens)


class TextPlane:
    """The words that run in one direction on one page.

    Args:
        page: Number of the page.
        tokens: The words, upright.

    Attributes:
        phrases: From top to bottom.
        rows: The phrases chained across the plane, from top to bottom.
    """

    def __init__(self, page: int, tokens: Sequence[Token]) -> None:
        self.page = page
        self.phrases = sorted(map(Phrase, phrases(combs.joined(tokens))), key=lambda phrase: (phrase.mid, phrase.left))
        self._slopes = _slope_map(self.phrases)
        self._slope_at: dict[tuple[int, int], float] = {}
        self.rows = self._rows()
        self._place_of = {phrase: (row, index) for row in self.rows for index, phrase in enumerate(row)}
        self._mids = [phrase.mid for phrase in self.phrases]

    def row(self, phrase: Phrase) -> Sequence[Phrase]:
        """Return the row that a phrase belongs to, from left to right."""
        return self._place_of[phrase][0]

    def after(self, phrase: Phrase) -> Sequence[Phrase]:
        """Return what is right of a phrase in its row, nearest first."""
        row, index = self._place_of[phrase]
        return row[index + 1 :]

    def holding(self, token: Token) -> Phrase | None:
        """Return the phrase that a word belongs to; None if it is on another plane."""
        return self._holding.get(id(token))

    @cached_property
    def _holding(self) -> dict[int, Phrase]:
        return {id(token): phrase for phrase in self.phrases for token in phrase.tokens}

    def below(self, phrase: Phrase, *, reach: float, left: float, right: float) -> list[Phrase]:
        """Return what is below a stretch of a line, nearest first.

        Args:
            phrase: The line.
            reach: How far down to look, in print heights.
            left: Where the stretch begins.
            right: Where it ends.
        """
        return self._near(phrase, 0.45, reach, left, right)

    def above(self, phrase: Phrase, *, reach: float, left: float, right: float) -> list[Phrase]:
        """Return what is above a stretch of a line, nearest first."""
        return self._near(phrase, -reach, -0.45, left, right)

    def _near(self, phrase: Phrase, low: float, high: float, left: float, right: float) -> list[Phrase]:
        slope = self.slope(left, phrase.mid)
        base = phrase.mid
        middle = bisect_left(self._mids, base)
        first = max(bisect_left(self._mids, base + low - 2), middle - _NEAREST)
        stop = min(bisect_left(self._mids, base + high + 2), middle + _NEAREST)
        found = []
        for other in self.phrases[first:stop]:
            nearest = min(max(other.left, left), right)
            drop = other.mid - (base + slope * ((other.left + other.right) / 2 - (phrase.left + phrase.right) / 2))
            # The plane leans by the slope, so what is under a point lies a little to the side of it.
            if (
                other is not phrase
                and low <= drop <= high
                and other.left - slope * drop - 0.5 <= nearest <= other.right + 0.5
            ):
                found.append((abs(drop), other.left, other))
        return [other for _, _, other in sorted(found, key=lambda item: item[:2])]

    def slope(self, x: float, y: float) -> float:
        """Return the slope of the print around a point."""
        cell = round(x / (4 * _CELL)), round(y / _CELL)
        if cell not in self._slope_at:
            self._slope_at[cell] = self._slope_around(*cell)
        return self._slope_at[cell]

    def _slope_around(self, column: int, row: int) -> float:
        for width in (0, 1, 3):
            near = [
                slope
                for down in range(row - 1 - width, row + 2 + width)
                for across in range(column - width, column + width + 1)
                for slope in self._slopes.get((across, down), ())
            ]
            if near:
                return median(near)
        return 0.0

    def _rows(self) -> list[list[Phrase]]:
        slopes = {p: (self.slope(p.left, p.start), self.slope(p.right, p.end)) for p in self.phrases}

        def cost(one: Phrase, other: Phrase) -> float | None:
            gap = other.left - one.right
            if not -1.0 < gap < _ROW_GAP:
                return None
            slope = (slopes[one][1] + slopes[other][0]) / 2
            off = abs(other.start - one.end - slope * gap)
            if off > 0.5 * min(_TALL, max(0.8, min(one.height, other.height))) + _DRIFT * gap:
                return None
            return gap + 12 * off

        def ends(phrase: Phrase) -> tuple[float, float, float]:
            return phrase.left, phrase.right, phrase.mid

        chains = chain(self.phrases, ends, cost, _length, _ROW_GAP, spread=_row_spread(slopes))
        return sorted(chains, key=lambda row: (row[0].mid, row[0].left))


def planes(page: PageWords, most: int = PAGE_WORDS[-1]) -> list[TextPlane]:
    """Return the planes of a page, that of most words first.

    Args:
        page: Its words in any order; words without a proper place are left out.
        most: Words that are looked at.
    """
    return [TextPlane(page.page, tokens) for tokens in upright_planes(page, most)]


def _length(phrase: Phrase) -> int:
    return len(phrase.text) + 1


def _row_spread(slopes: Mapping[Phrase, tuple[float, float]]) -> int:
    """Return how many print heights up and down the next phrase of a row can lie; on an upright page that spares much work.

    Args:
        slopes: Of the print at the left and the right end of each phrase.
    """
    lean = max((abs(slope) for both in slopes.values() for slope in both), default=0.0)
    sag = max((max(abs(p.mid - p.start), abs(p.mid - p.end)) for p in slopes), default=0.0)
    return math.ceil(min(_ROW_SPREAD, (lean + _DRIFT) * _ROW_GAP + 0.5 * _TALL + 2 * sag))


def _slope_map(phrases: Sequence[Phrase]) -> dict[tuple[int, int], list[float]]:
    slopes: dict[tuple[int, int], list[float]] = defaultdict(list)
    for phrase in phrases:
        width = phrase.right - phrase.left
        if width > 6:
            slope = (phrase.tokens[-1].mid - phrase.tokens[0].mid) / max(
                1.0, width * (1 if len(phrase.tokens) > 1 else 1e9)
            )
            slopes[round((phrase.left + phrase.right) / 8 / _CELL), round(phrase.mid / _CELL)].append(slope)
    return slopes
