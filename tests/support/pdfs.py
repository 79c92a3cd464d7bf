"""PDFs made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymupdf
from PIL import Image

from tests.support.marks import encoded, marked

LETTER = (612.0, 792.0)

SENTENCE = "Your account number and the total amount of this bill are due on the date below "

SCAN = encoded(marked(850, 1100), "jpeg")

Draw = Callable[[pymupdf.Page], object]


def pdf(*pages: Draw, size: tuple[float, float] = LETTER, **options: Any) -> bytes:
    """Return a PDF with one page for each drawing."""
    document = pymupdf.open()
    for draw in pages:
        draw(document.new_page(width=size[0], height=size[1]))
    data: bytes = document.tobytes(**options)
    document.close()
    return data


def text(page: pymupdf.Page, words: int = 40, at: tuple[float, float] = (72, 100), **options: Any) -> None:
    """Write some words of a bill, in lines of ten."""
    every = (SENTENCE * 10).split()[:words]
    for line in range(0, words, 10):
        page.insert_text((at[0], at[1] + 1.5 * line), " ".join(every[line : line + 10]), fontsize=9, **options)


def scan(page: pymupdf.Page, data: bytes = SCAN, rect: pymupdf.Rect | None = None, **options: Any) -> None:
    """Put a picture on the page, all over it unless told."""
    page.insert_image(rect or page.rect, stream=data, keep_proportion=False, **options)


def both(*draws: Draw) -> Draw:
    """Return a drawing that consists of several, the last on top."""
    return lambda page: [draw(page) for draw in draws]


def on_a_page(picture: Image.Image, kind: str) -> bytes:
    """Return a PDF page that is one picture, as apps make them of a screenshot."""
    data = encoded(picture, kind)
    return pdf(lambda page: page.insert_image(page.rect, stream=data), size=(picture.width / 2, picture.height / 2))
