"""Pictures with a mark off their centre, and where a mark is found: the way to see whether places agree."""

from __future__ import annotations

import io
from typing import Any

from intake.model import Quad, Word
from intake.pages.content import PageContent
from PIL import Image, ImageDraw

MARK = (0.05, 0.04, 0.20, 0.14)
"""Left, top, right and bottom of the mark in fractions of the picture: no turn or mirror image of it lies in the same place."""


def marked(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """Return a white picture with one black mark near its top left corner."""
    picture = Image.new("RGB", (width, height), "white")
    left, top, right, bottom = MARK
    box = (round(left * width), round(top * height), round(right * width) - 1, round(bottom * height) - 1)
    ImageDraw.Draw(picture).rectangle(box, fill="black")
    return picture if mode == "RGB" else picture.convert(mode)


def encoded(picture: Image.Image, kind: str, orientation: int = 1, **options: Any) -> bytes:
    """Return a picture as a file of some format, with an EXIF orientation when it is not 1."""
    buffer = io.BytesIO()
    if orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    picture.save(buffer, kind.upper(), **options)
    return buffer.getvalue()


def found_mark(picture: Image.Image) -> tuple[float, float]:
    """Return the centre of the mark in fractions of a picture, as its pixels are stored."""
    dark = picture.convert("L").point(lambda value: 255 if value < 100 else 0)
    box = dark.getbbox()
    assert box is not None, "the picture has no mark"
    return (box[0] + box[2]) / 2 / picture.width, (box[1] + box[3]) / 2 / picture.height


def picture_of(content: PageContent) -> bytes:
    """Return the one picture of a page that the OCR would get."""
    (piece,) = content.pieces
    return piece.picture


def sent(content: PageContent) -> Image.Image:
    """Return the picture that the OCR would get."""
    return Image.open(io.BytesIO(picture_of(content)))


def mark_on_page(content: PageContent) -> tuple[float, float]:
    """Return where on the page the mark lies that the OCR would find in the picture."""
    u, v = found_mark(sent(content))
    word = Word("mark", Quad(u, v, u, v, u, v, u, v), 0.9)
    placed = content.with_recognised(1, [[word]]).words[-1]
    return placed.quad[0], placed.quad[1]
