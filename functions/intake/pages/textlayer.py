"""The text layer of a PDF page: its words, and whether they are all that a person would read there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pymupdf

from intake.folding import folded
from intake.records import Quad, Word

MIN_WORDS = 20
"""Fewer words are a stamp or a scanner's footer, not the text of a page."""
MAX_WORDS = 5_000
MAX_WORD_CHARACTERS = 500
"""More of either is not what a person reads on a page: a dense page of a bill has 1,500 words. It is drawn instead."""
MAX_UNREADABLE = 0.05
LARGE_PICTURE = 0.5
"""Share of a page that its pictures may cover before its text layer cannot be all that there is to read."""

Painted = Sequence[tuple[str, tuple[float, ...]]]
"""What a page paints, in order: the kind and its box, as `pymupdf.Page.get_bboxlog` gives them."""
TEXT = {"fill-text", "stroke-text"}
PICTURES = {"fill-image", "fill-imgmask"}

# One of these is on any page of running text. A font without a character map yields letters that spell nothing; then
# none of them appears and the page is recognised from its picture.
_COMMON = re.compile(
    r"\b(the|of|to|and|for|on|is|in|by|your|page|account|number|date|total|service|bill|amount)\b", re.IGNORECASE
)
_UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")


def words(page: pymupdf.Page) -> Iterator[Word]:
    """Yield the words of the text layer with the direction of their line."""
    text_page = page.get_textpage(flags=pymupdf.TEXTFLAGS_WORDS)
    blocks = page.get_text("dict", textpage=text_page)["blocks"]
    directions = {
        (block["number"], line): tuple(spans["dir"])
        for block in blocks
        for line, spans in enumerate(block.get("lines", []))
    }
    width, height = page.rect.width, page.rect.height
    # Once for the page and with plain numbers: asking MuPDF for each corner took nine tenths of the time.
    turn = page.rotation_matrix
    a, b, c, d, e, f = (float(number) for number in (turn.a, turn.b, turn.c, turn.d, turn.e, turn.f))
    a, c, e, b, d, f = a / width, c / width, e / width, b / height, d / height, f / height
    for x0, y0, x1, y1, text, block, line, _ in page.get_text("words", textpage=text_page):
        corners = (
            *(a * x0 + c * y0 + e, b * x0 + d * y0 + f),
            *(a * x1 + c * y0 + e, b * x1 + d * y0 + f),
            *(a * x1 + c * y1 + e, b * x1 + d * y1 + f),
            *(a * x0 + c * y1 + e, b * x0 + d * y1 + f),
        )
        first = 2 * _first_corner(*directions.get((block, line), (1.0, 0.0)))
        yield from folded(Word(text, Quad._make(corners[first:] + corners[:first]), 1.0))


def _first_corner(dx: float, dy: float) -> int:
    """Return which corner of a box, clockwise from its top left, is the top left of a text that runs this way.

    By the nearest quarter turn.
    """
    return (0 if dx >= 0 else 2) if abs(dx) >= abs(dy) else (1 if dy >= 0 else 3)


def sound(found: Sequence[Word]) -> bool:
    """Tell whether words are what a person reads on a page, in number and length."""
    return len(found) <= MAX_WORDS and all(len(word.text) <= MAX_WORD_CHARACTERS for word in found)


def is_complete(page: pymupdf.Page, painted: Painted, found: Sequence[Word]) -> bool:
    """Tell whether the text layer is all that a person would read on the page.

    Invisible text is what some scanner's OCR made of a picture; large pictures hold text of their own; a font without a
    character map yields signs that mean nothing.
    """
    if len(found) < MIN_WORDS or any(kind == "ignore-text" for kind, _ in painted):
        return False
    text = " ".join(word.text for word in found)
    if len(_UNREADABLE.findall(text)) > MAX_UNREADABLE * len(text) or not _COMMON.search(text):
        return False
    whole = page.rect * page.derotation_matrix
    covered = sum(abs((pymupdf.Rect(box) & whole).get_area()) for kind, box in painted if kind in PICTURES)
    return bool(covered < LARGE_PICTURE * abs(whole.get_area()))
