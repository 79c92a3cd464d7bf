"""Cuts long pages and screenshots into pieces that an OCR sees at full size.

A screenshot of a whole page is fifteen times as high as it is wide. Reduced to what one picture may have, its text would be
three pixels high; so its short side is kept, and it is sent in pieces that overlap by more than a line, or a number, is long.
"""

from __future__ import annotations

import math

from intake.pages.content import MAX_PIECES, Placement

LONG = 3.0
"""A page longer than so many times its short side is cut."""
SHORTEST_CUT = 2400
"""Pixels of a long side that are no trouble, however short the other one: a strip cut from a photo, a receipt."""
NARROWEST_CUT = 100
"""Pixels of a short side below which there is no page to be read, only a line or a rule."""
_PIECE, _SHORTEST_PIECE = 2.0, 1600
"""Length of a piece: so many times its short side, and at least so many pixels."""
_OVERLAP = 0.35
"""What two pieces both show, in short sides: five lines of a page, and the longest number of a page that is cut across."""


class Band(tuple[float, float, float, float]):
    """Left, top, right and bottom of a piece in fractions of the whole."""

    __slots__ = ()

    @property
    def placement(self) -> Placement:
        """Where the piece lies on the whole."""
        left, top, right, bottom = self
        return Placement(right - left, 0, 0, bottom - top, left, top)

    @property
    def area(self) -> float:
        """Share of the whole."""
        left, top, right, bottom = self
        return (right - left) * (bottom - top)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the piece in whole pixels of a picture, none of them left out."""
        left, top, right, bottom = self
        return math.floor(left * width), math.floor(top * height), math.ceil(right * width), math.ceil(bottom * height)


WHOLE = Band((0.0, 0.0, 1.0, 1.0))


def bands(width: float, height: float) -> list[Band]:
    """Return the pieces of a picture, from its top or its left on: itself, unless it is long.

    Args:
        width: Pixels at full size.
        height: Pixels at full size.
    """
    short, long = sorted((width, height))
    if long <= max(SHORTEST_CUT, LONG * short) or short < NARROWEST_CUT:
        return [WHOLE]
    overlap = _OVERLAP * short
    length = max(_PIECE * short, _SHORTEST_PIECE)
    count = min(math.ceil((long - overlap) / (length - overlap)), MAX_PIECES)
    length = (long + (count - 1) * overlap) / count
    starts = [number * (length - overlap) / long for number in range(count)]
    spans = [(start, min(start + length / long, 1.0)) for start in starts]
    return [Band((0.0, a, 1.0, b) if height > width else (a, 0.0, b, 1.0)) for a, b in spans]
