"""What a PDF page paints, from one run over it: the words of its text layer, shapes and pictures, in the order of painting."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pymupdf

from intake.folding import folded
from intake.model import Quad, Word

MAX_WORDS = 5_000
MAX_WORD_CHARACTERS = 500
"""More of either is not what a person reads on a page: a dense page of a bill has 1,500 words. It is drawn instead."""

# Clipped and switched off text is left out by MuPDF. A character that a font does not name is U+FFFD.
_TEXT = (
    pymupdf.TEXT_PRESERVE_LIGATURES
    | pymupdf.TEXT_PRESERVE_WHITESPACE
    | pymupdf.TEXT_CLIP
    | pymupdf.TEXT_IGNORE_ACTUALTEXT
)
_OPAQUE = 200  # of 255
_WORDS, _PICTURE, _PATH = 0, 1, 3  # FZ_STEXT_BLOCK_TEXT and so on

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in points of the page before it is turned."""
RawWord = tuple[float, float, float, float, str, int, int, int]
"""A word as MuPDF gives it: its box, text, and the numbers of its block, line and place."""
Span = dict[str, Any]
"""A run of characters of one style, as `pymupdf.TextPage.extractDICT` gives it, with the direction of its line."""


class Shape(NamedTuple):
    """A path that is filled or stroked.

    Attributes:
        order: Its place in the order of painting.
        box: Where it is.
        colour: Red, green and blue, as 0xRRGGBB.
        opaque: Whether hardly anything shows through it.
        rectangle: Whether it is a rectangle or a straight line.
        stroked: Whether its line is drawn, not its inside.
    """

    order: int
    box: Box
    colour: int
    opaque: bool
    rectangle: bool
    stroked: bool


class Picture(NamedTuple):
    """A picture or picture mask: where it is, and its place in the order of painting."""

    order: int
    box: Box


class Layer:
    """What a page paints.

    Attributes:
        words: Its words.
        orders: The place of each word in the order of painting.
        spans: Its text by style, with the direction of its line.
        shapes: Paths.
        pictures: Pictures and picture masks, those within the page's content too.
        text_page: MuPDF's own form of it.
        area: The page before it is turned.
    """

    def __init__(self, page: pymupdf.Page) -> None:
        width, height = page.rect.width, page.rect.height
        self.area: Box = (0, 0, height, width) if page.rotation in (90, 270) else (0, 0, width, height)
        self._turn = _turn(page.rotation, width, height)
        self.text_page, self.words = _text(page, _TEXT)
        once = 0
        if _overlap(self.words):
            # Some programs make bold by printing twice with a small shift. To take such characters for one costs MuPDF ten
            # times as long as all the rest.
            once = pymupdf.TEXT_COLLECT_STYLES
            self.text_page, self.words = _text(page, _TEXT | once)
        self.pictures: list[Picture] = []
        paths, texts = [], []
        for order, (kind, box) in enumerate(_blocks(self.text_page)):
            if kind == _PICTURE:
                self.pictures.append(Picture(order, (box.x0, box.y0, box.x1, box.y1)))
            elif kind == _PATH:
                paths.append(order)
            elif kind == _WORDS:
                texts.append(order)
        self.orders = [texts[word[5]] for word in self.words]
        styled = self.text_page
        if self.pictures:
            # As data a picture comes with its bytes, decoded and encoded again: so this page is run once more without them.
            styled = page.get_textpage(flags=_TEXT | pymupdf.TEXT_COLLECT_VECTORS | once)
        blocks = styled.extractDICT()["blocks"]
        self.spans: list[Span] = [
            {**span, "dir": line["dir"]}
            for block in blocks
            for line in block.get("lines", ())
            for span in line["spans"]
        ]
        self.shapes = [
            Shape(order, block["bbox"], block["color"], block["alpha"] >= _OPAQUE, block["isrect"], block["stroked"])
            for order, block in zip(paths, (block for block in blocks if block["type"] == _PATH), strict=False)
        ]

    def is_sound(self) -> bool:
        """Return whether the words are what a person reads on a page, in number and length."""
        return len(self.words) <= MAX_WORDS and all(len(word[4]) <= MAX_WORD_CHARACTERS for word in self.words)

    def seen(self, box: Sequence[float]) -> Box:
        """Return a place in fractions of the page as a person sees it."""
        a, b, c, d, e, f = self._turn
        x0, y0, x1, y1 = box
        x0, y0, x1, y1 = a * x0 + c * y0 + e, b * x0 + d * y0 + f, a * x1 + c * y1 + e, b * x1 + d * y1 + f
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def read(self, chosen: Iterable[int]) -> list[Word]:
        """Return the words of some numbers as a person sees them, with the direction of their line."""
        a, b, c, d, e, f = self._turn
        usual, unusual = _directions(self)
        found: list[Word] = []
        for index in chosen:
            x0, y0, x1, y1, text, *_ = self.words[index]
            corners = (
                *(a * x0 + c * y0 + e, b * x0 + d * y0 + f),
                *(a * x1 + c * y0 + e, b * x1 + d * y0 + f),
                *(a * x1 + c * y1 + e, b * x1 + d * y1 + f),
                *(a * x0 + c * y1 + e, b * x0 + d * y1 + f),
            )
            first = 2 * unusual.get(index, usual)
            found += folded(Word(text, Quad._make(corners[first:] + corners[:first] if first else corners), 1.0))
        return found


class Places:
    """Words by their place on the page.

    Args:
        words: All words of a page.
    """

    def __init__(self, words: Sequence[RawWord]) -> None:
        self._rows = sorted(
            ((word[1] + word[3]) / 2, (word[0] + word[2]) / 2, index) for index, word in enumerate(words)
        )

    def within(self, box: Sequence[float]) -> Iterator[int]:
        """Yield the numbers of the words whose centre lies in a box."""
        left, top, right, bottom = box
        first = bisect_left(self._rows, (top,))
        for _, across, index in self._rows[first : bisect_right(self._rows, (bottom,), first)]:
            if left <= across <= right:
                yield index


def _turn(rotation: int, width: float, height: float) -> tuple[float, float, float, float, float, float]:
    """Return the map from points of a page before it is turned to fractions of the page as a person sees it.

    Not `pymupdf.Page.rotation_matrix`, which leaves UserUnit out (ISO 32000-1, 7.7.3.3).
    """
    match rotation:
        case 90:
            return 0, 1 / height, -1 / width, 0, 1, 0
        case 180:
            return -1 / width, 0, 0, -1 / height, 1, 1
        case 270:
            return 0, -1 / height, 1 / width, 0, 0, 1
        case _:
            return 1 / width, 0, 0, 1 / height, 0, 0


def _directions(layer: Layer) -> tuple[int, dict[int, int]]:
    """Return which corner of a word's box is the top left of its text: for most words, and for those where it is another."""
    corners = [_first_corner(*span["dir"]) for span in layer.spans]
    if not corners:
        return 0, {}
    usual = max(set(corners), key=corners.count)
    if corners.count(usual) == len(corners):
        return usual, {}
    places = Places(layer.words)
    return usual, {
        index: corner
        for span, corner in zip(layer.spans, corners, strict=True)
        if corner != usual
        for index in places.within(span["bbox"])
        if layer.words[index][4] in span["text"]
    }


def _first_corner(dx: float, dy: float) -> int:
    """Return which corner of a box, clockwise from its top left, is the top left of a text that runs this way.

    By the nearest quarter turn.
    """
    return (0 if dx >= 0 else 2) if abs(dx) >= abs(dy) else (1 if dy >= 0 else 3)


def _text(page: pymupdf.Page, flags: int) -> tuple[pymupdf.TextPage, list[RawWord]]:
    text_page = page.get_textpage(flags=flags | pymupdf.TEXT_COLLECT_VECTORS | pymupdf.TEXT_PRESERVE_IMAGES)
    return text_page, text_page.extractWORDS()


def _overlap(words: Sequence[RawWord]) -> bool:
    """Return whether two words lie one over the other, as those that are printed twice do."""
    rows = sorted((round(word[3]), word[0], word[2]) for word in words)
    return any(
        below - bottom <= 1 and min(right, end) - start > 0.5 * min(right - left, end - start)
        for (bottom, left, right), (below, start, end) in pairwise(rows)
        if start >= left or below == bottom
    )


def _blocks(text_page: pymupdf.TextPage) -> Iterator[tuple[int, Any]]:
    """Yield kind and box of each block of a text page, in order of painting."""
    block = text_page.this.m_internal.first_block
    while block:
        yield block.type, block.bbox
        block = block.next
