"""What a page gives to read: words that are there already, or a picture for the OCR, and where that picture lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from intake.records import PageWords, Quad, Word

OWN_BYTES_LIMIT = 8 * 1000 * 1000
"""Largest picture that is sent as it came. Vision takes 20 MB, but each byte is in memory several times while it is sent;
a phone photo of 12 megapixels is 3 to 6 MB."""
DECODED_PIXELS = 24_000_000
"""Most pixels of a picture that is decoded and sent again in grey: all of a 24 megapixel photo, half the width of a
48 megapixel one."""
RENDERED_PIXELS = 5_000_000
"""Most pixels of a rendered page: 230 dpi on letter paper, so 7 point type is 22 pixels high."""
JPEG_QUALITY = 85


class Placement(NamedTuple):
    """An affine map of fractions of a picture (u, v) to fractions of its page: x = a·u + c·v + e, y = b·u + d·v + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def place(self, quad: Quad) -> Quad:
        """Return a quad of the picture as a quad of the page, corners in the same order."""
        corners = zip(quad[::2], quad[1::2], strict=True)
        placed = [(self.a * u + self.c * v + self.e, self.b * u + self.d * v + self.f) for u, v in corners]
        return Quad(*(coordinate for corner in placed for coordinate in corner))


UPRIGHT = Placement(1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class PageContent:
    """One page, ready to be read.

    Attributes:
        width: Width of the upright page (points or pixels).
        height: Height, in the same unit.
        source: `text`, `picture` (own bytes) or `render`.
        words: Words that need no OCR.
        picture: JPEG, PNG or WebP bytes for the OCR; None when there is nothing to recognise.
        placement: Where the picture lies on the page.
    """

    width: float
    height: float
    source: str
    words: Sequence[Word] = ()
    picture: bytes | None = None
    placement: Placement = UPRIGHT

    def with_recognised(self, page: int, recognised: Sequence[Word]) -> PageWords:
        """Return all words of the page.

        Args:
            page: 1-based number within the submission.
            recognised: What the OCR found, in fractions of the picture.
        """
        placed = [word._replace(quad=self.placement.place(word.quad)) for word in recognised]
        return PageWords(page, self.width, self.height, self.source, [*self.words, *placed])
