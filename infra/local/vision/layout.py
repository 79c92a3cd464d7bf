"""Order lines of text into paragraphs and blocks by plain geometry.

All of it happens in the page's own frame, in which most lines run from left to right, whatever the turn or
the skew of the picture. What Cloud Vision does here is not documented; this is what a reader would call a
paragraph: lines under one another, about equally high, close together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]

# In heights of a line: the largest gap within a paragraph, and within a block.
_PARAGRAPH_GAP = 0.7
_BLOCK_GAP = 1.6
# Larger print begins a block of its own.
_HEIGHT_RATIO = 1.6
# Lines that lean further from the page's direction (vertical serials) are blocks of their own.
_MAX_LEAN = math.radians(30)


@dataclass(frozen=True, slots=True)
class Frame:
    """The turn of a page: `angle` from the picture's x axis to the way of reading, radians clockwise."""

    angle: float

    def upright(self, point: Point) -> Point:
        """Turn a point of the picture into the frame in which the page is upright."""
        return _turn(point, -self.angle)

    def bounds(self, quads: Sequence[Quad]) -> Quad:
        """Return the smallest box along the page that holds all quads, its corners in order of reading."""
        points = [self.upright(point) for quad in quads for point in quad]
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        top, bottom = min(y for _, y in points), max(y for _, y in points)
        return (
            _turn((left, top), self.angle),
            _turn((right, top), self.angle),
            _turn((right, bottom), self.angle),
            _turn((left, bottom), self.angle),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """One line in the upright frame."""

    index: int
    left: float
    right: float
    top: float
    bottom: float
    leaning: bool

    @property
    def height(self) -> float:
        return max(1.0, self.bottom - self.top)


def page_frame(quads: Sequence[Quad]) -> Frame:
    """Find the direction in which most of the text runs.

    Args:
        quads: the lines' corners in order of reading, at least one line.

    Returns:
        The frame of the quarter turn that holds the greatest length of text, leaning by the median (weighted
        by length) of those lines.
    """
    directions = [(_direction(quad), math.dist(quad[0], quad[1])) for quad in quads]
    weights = [0.0] * 4
    for angle, length in directions:
        weights[_quarter(angle)] += length
    turn = weights.index(max(weights))
    leans = sorted(
        (_wrap(angle - turn * math.pi / 2), length) for angle, length in directions if _quarter(angle) == turn
    )
    half = sum(length for _, length in leans) / 2
    reached = accumulate(length for _, length in leans)
    lean = next(lean for (lean, _), length in zip(leans, reached, strict=True) if length >= half)
    return Frame(turn * math.pi / 2 + lean)


def group_lines(quads: Sequence[Quad], frame: Frame) -> list[list[list[int]]]:
    """Group lines into blocks of paragraphs, all in order of reading.

    Args:
        quads: the lines' corners in order of reading.
        frame: the page's, from `page_frame`.

    Returns:
        Blocks, each a list of paragraphs, each a list of indices into `quads`.
    """
    columns: list[list[_Row]] = []
    for row in sorted((_row(i, quad, frame) for i, quad in enumerate(quads)), key=lambda r: (r.leaning, r.top, r.left)):
        above = [column for column in columns if _continues(column[-1], row)]
        if above:
            max(above, key=lambda column: column[-1].bottom).append(row)
        else:
            columns.append([row])
    return [_paragraphs(column) for column in _reading_order(columns)]


def _row(index: int, quad: Quad, frame: Frame) -> _Row:
    left, top, right, bottom = _box([frame.upright(point) for point in quad])
    # The box of a slightly leaning line is too high by its rise: take the thickness from the quad itself.
    middle, half = (top + bottom) / 2, math.dist(quad[0], quad[3]) / 2
    leaning = abs(_wrap(_direction(quad) - frame.angle)) > _MAX_LEAN
    if leaning:
        return _Row(index, left, right, top, bottom, True)
    return _Row(index, left, right, middle - half, middle + half, False)


def _continues(above: _Row, row: _Row) -> bool:
    """Tell whether a line belongs to the block whose last line is `above`."""
    if above.leaning or row.leaning:
        return False
    low, high = sorted((above.height, row.height))
    overlap = min(above.right, row.right) - max(above.left, row.left)
    narrower = min(above.right - above.left, row.right - row.left)
    gap = row.top - above.bottom
    return high / low < _HEIGHT_RATIO and -0.5 * low < gap < _BLOCK_GAP * low and overlap > 0.5 * narrower


def _paragraphs(column: Sequence[_Row]) -> list[list[int]]:
    paragraphs = [[column[0].index]]
    for above, row in pairwise(column):
        if row.top - above.bottom < _PARAGRAPH_GAP * min(above.height, row.height):
            paragraphs[-1].append(row.index)
        else:
            paragraphs.append([row.index])
    return paragraphs


def _reading_order(columns: Sequence[list[_Row]]) -> list[list[_Row]]:
    """Sort blocks by their first line: down the page, from left to right at about the same height."""
    ordered: list[list[_Row]] = []
    waiting = sorted(columns, key=lambda column: (column[0].leaning, column[0].top))
    while waiting:
        first = waiting[0][0]
        level = [c for c in waiting if c[0].leaning == first.leaning and c[0].top < first.top + first.height / 2]
        ordered += sorted(level, key=lambda column: column[0].left)
        taken = {column[0].index for column in level}
        waiting = [column for column in waiting if column[0].index not in taken]
    return ordered


def _box(points: Sequence[Point]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _direction(quad: Quad) -> float:
    """Return the angle of reading in radians, from the middle of the left to that of the right side."""
    start = ((quad[0][0] + quad[3][0]) / 2, (quad[0][1] + quad[3][1]) / 2)
    end = ((quad[1][0] + quad[2][0]) / 2, (quad[1][1] + quad[2][1]) / 2)
    return math.atan2(end[1] - start[1], end[0] - start[0])


def _quarter(angle: float) -> int:
    return round(angle / (math.pi / 2)) % 4


def _wrap(angle: float) -> float:
    """Bring an angle into -pi..pi."""
    return math.remainder(angle, 2 * math.pi)


def _turn(point: Point, angle: float) -> Point:
    cos, sin = math.cos(angle), math.sin(angle)
    return (point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos)
