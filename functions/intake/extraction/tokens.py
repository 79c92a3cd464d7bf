"""A word as the reader handles it: upright, in lengths that do not depend on the picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low
from typing import NamedTuple

from intake.model import Quad

_GAP = 1.6  # print heights, as the two below
_NARROW = 0.9
_WIDE = 2.5  # times the usual gap


class Token(NamedTuple):
    """A word on the upright plane: lengths in print heights, y grows downwards."""

    text: str
    confidence: float
    left: float
    right: float
    start: float  # y of the middle line where the word begins
    end: float  # y of the middle line where it ends
    height: float
    quad: Quad
    comb: bool = False  # made of signs in boxes of their own, see `combs`

    @property
    def mid(self) -> float:
        """Middle height of the word."""
        return (self.start + self.end) / 2


def around(tokens: Sequence[Token]) -> Quad:
    """Return the quad from the first to the last of some words of one line, in fractions of the page."""
    first, last = tokens[0].quad, tokens[-1].quad
    return Quad(first.x0, first.y0, last.x1, last.y1, last.x2, last.y2, first.x3, first.y3)


def touched(tokens: Sequence[Token], begin: int, stop: int) -> list[Token]:
    """Return the words that a stretch of their text, joined by single blanks, touches."""
    position, found = 0, []
    for token in tokens:
        if position < stop and position + len(token.text) > begin:
            found.append(token)
        position += len(token.text) + 1
    return found


def is_unbroken(tokens: Sequence[Token]) -> bool:
    """Return whether words follow one another without a gap that a word could fill which was not read."""
    one_line = (pair for pair in pairwise(tokens) if abs(pair[0].end - pair[1].start) < 0.7)
    gaps = [after.left - before.right for before, after in one_line]
    usual = min(_GAP, _WIDE * median_low(gaps)) if len(gaps) > 1 else 0.0
    return all(gap < max(_NARROW, usual) for gap in gaps)
