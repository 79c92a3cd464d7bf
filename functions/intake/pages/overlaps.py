"""Merges the words that several overlapping pictures of one page show.

A page too long for one picture is sent in pieces that overlap, so that a line which one of them cuts is whole in the next.
Of two words in one place the one farther from the edge that was cut is kept: the other may be half of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from intake.model import Quad, Word

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in fractions of the page."""

# Cells of a grid by which the words near a word are found; more are not compared: no page has words that large.
_COLUMNS, _ROWS, _MAX_CELLS = 64, 256, 1024
_STEPS, _STEPS_OF_A_WORD = 20_000, 100
_MOST_OF_IT = 0.6
"""Share of a word's length from which on certain words in its place are that word."""
_AT_THE_BORDER = 0.002
"""Share of the page by which a piece's edge may miss the page's own, where nothing was cut."""


def box_of(quad: Quad) -> Box:
    """Return the upright box around a quad."""
    across, down = quad[::2], quad[1::2]
    return min(across), min(down), max(across), max(down)


def seen_once(
    certain: Sequence[Word], pieces: Sequence[tuple[Box, Sequence[Word]]], width: float, height: float
) -> list[Word]:
    """Return the words of a page, each place once.

    Args:
        certain: Words that are believed whatever the pieces show, such as a text layer's, unless one is a part of a longer
            word there.
        pieces: Place of each piece on the page and the words found in it, all in fractions of the page.
        width: Width of the page.
        height: Height, in the same unit.

    Returns:
        The certain words, then those of each piece, in their order.
    """
    found = [(piece, word) for piece, (_, words) in enumerate(pieces) for word in words]
    if not certain and len(pieces) < 2:
        return [word for _, word in found]
    margins = [_margin(word, pieces[piece][0], width, height) for piece, word in found]
    steps = _STEPS + _STEPS_OF_A_WORD * (len(certain) + len(found))
    known, grid = _Grid(steps), _Grid(steps)
    for word in certain:
        known.add(-1, word)
    kept: set[int] = set()
    parts: set[Word] = set()
    for index in sorted(range(len(found)), key=lambda index: -margins[index]):
        piece, word = found[index]
        there = known.in_place_of(piece, word)
        if not _explain(there, word, width, height) and not grid.in_place_of(piece, word):
            grid.add(piece, word)
            kept.add(index)
            parts |= there
    own = [word for word in certain if word not in parts]
    return [*own, *(word for index, (_, word) in enumerate(found) if index in kept)]


def _explain(certain: Iterable[Word], word: Word, width: float, height: float) -> bool:
    """Return whether certain words are what a word shows, not only a part of it, such as the letters before a number."""
    left, top, right, bottom = box_of(word.quad)
    boxes = [box_of(other.quad) for other in certain]
    if (right - left) * width >= (bottom - top) * height:
        return sum(box[2] - box[0] for box in boxes) > _MOST_OF_IT * (right - left)
    return sum(box[3] - box[1] for box in boxes) > _MOST_OF_IT * (bottom - top)


def _margin(word: Word, piece: Box, width: float, height: float) -> float:
    """Return how far a word's centre is from the nearest edge of its piece at which the page goes on."""
    across, down = _centre(word.quad)
    left, top, right, bottom = piece
    return min(
        (across - left) * width if left > _AT_THE_BORDER else math.inf,
        (down - top) * height if top > _AT_THE_BORDER else math.inf,
        (right - across) * width if right < 1 - _AT_THE_BORDER else math.inf,
        (bottom - down) * height if bottom < 1 - _AT_THE_BORDER else math.inf,
    )


class _Grid:
    """Words by their place, each with the number of its piece.

    Args:
        steps: Cells and words that are looked at. Of words that people print a few dozen are for each; where words are piled up
            to make this slow, the last ones are all kept.
    """

    def __init__(self, steps: int) -> None:
        self._cells: defaultdict[tuple[int, int], list[tuple[int, Word]]] = defaultdict(list)
        self._steps = steps

    def add(self, piece: int, word: Word) -> None:
        placed = piece, word
        for cell in _cells(word.quad):
            self._steps -= 1
            if self._steps < 0:
                return
            self._cells[cell].append(placed)

    def in_place_of(self, piece: int, word: Word) -> set[Word]:
        """Return the words of other pieces that lie in the same place."""
        found: set[Word] = set()
        for cell in _cells(word.quad):
            others = self._cells.get(cell, ())
            self._steps -= 1 + len(others)
            if self._steps < 0:
                break
            found.update(other for number, other in others if number != piece and _same_place(word.quad, other.quad))
        return found


def _cells(quad: Quad) -> Iterator[tuple[int, int]]:
    left, top, right, bottom = box_of(quad)
    columns = range(_cell(left, _COLUMNS), _cell(right, _COLUMNS) + 1)
    rows = range(_cell(top, _ROWS), _cell(bottom, _ROWS) + 1)
    if len(columns) * len(rows) <= _MAX_CELLS:
        yield from ((column, row) for column in columns for row in rows)


def _cell(fraction: float, count: int) -> int:
    return int(min(max(fraction, 0.0), 1.0) * (count - 1))


def _same_place(one: Quad, other: Quad) -> bool:
    """Return whether the centre of the smaller of two words lies within the larger."""
    small, large = (one, other) if _area(one) <= _area(other) else (other, one)
    across, down = _centre(small)
    corners = list(zip(large[::2], large[1::2], strict=True))
    sides = [
        (x1 - x0) * (down - y0) - (y1 - y0) * (across - x0)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)


def _area(quad: Quad) -> float:
    left, top, right, bottom = box_of(quad)
    return (right - left) * (bottom - top)


def _centre(quad: Quad) -> tuple[float, float]:
    return sum(quad[::2]) / 4, sum(quad[1::2]) / 4
