"""What a page gives to read: words that are there already, pictures for the OCR, and where on the page those lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from intake.model import PageWords, Quad, Word
from intake.pages.overlaps import box_of, seen_once

OWN_BYTES_LIMIT = 8 * 1000 * 1000
"""Largest picture that is sent as it came. Vision takes 20 MB, but each byte is in memory several times while it is sent;
a phone photo of 12 megapixels is 3 to 6 MB."""
DECODED_PIXELS = 24_000_000
"""Maximum pixels of a picture that is decoded and sent again in grey: all of a 24 megapixel photo, half the width of a
48 megapixel one."""
RENDERED_PIXELS = 5_000_000
"""Maximum pixels of a rendered page: 230 dpi on letter paper, so 7 point type is 22 pixels high."""
LONG_PIXELS = 48_000_000
"""Maximum pixels of a long page that is cut into pieces, rendered or decoded, before all of them are reduced."""
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
_WHOLE = Quad(0, 0, 1, 0, 1, 1, 0, 1)


MAX_PICTURE_BYTES = 20_000_000
"""Maximum bytes of a page's pictures together: Vision's limit for one, https://cloud.google.com/vision/quotas#content."""
SOURCES = ("text", "picture", "render")
MAX_PIECES = 24
"""Maximum pictures of one page: each is a call of the OCR and is paid for."""


class Piece(NamedTuple):
    """A picture of a page, or of a part of it, for the OCR.

    Attributes:
        picture: JPEG, PNG or WebP bytes.
        placement: Where it lies on the page.
    """

    picture: bytes
    placement: Placement = UPRIGHT


@dataclass(frozen=True)
class PageContent:
    """One page, ready to be read.

    Attributes:
        width: Width of the upright page (points or pixels).
        height: Height, in the same unit.
        source: `text`, `picture` (own bytes) or `render`.
        words: Words that need no OCR.
        pieces: Pictures for the OCR, at most `MAX_PIECES`; they may overlap. None when there is nothing to recognise.
    """

    width: float
    height: float
    source: str
    words: Sequence[Word] = ()
    pieces: Sequence[Piece] = ()

    def with_recognised(self, page: int, recognised: Sequence[Sequence[Word]]) -> PageWords:
        """Return all words of the page, each once: the page's own, then those of the OCR that lie on none of them.

        Args:
            page: 1-based number within the submission.
            recognised: What the OCR found in each piece, in fractions of its picture.
        """
        placed = [
            [word._replace(quad=piece.placement.place(word.quad)) for word in found]
            for piece, found in zip(self.pieces, recognised, strict=True)
        ]
        boxes = [box_of(piece.placement.place(_WHOLE)) for piece in self.pieces]
        words = seen_once(self.words, list(zip(boxes, placed, strict=True)), self.width, self.height)
        return PageWords(page, self.width, self.height, self.source, words)
