"""Long pages and screenshots: the short side is kept, and every line is whole in one of the pieces that are sent."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import pymupdf
import pytest
from intake.model import Quad, Word
from intake.pages import open_document
from intake.pages.bands import LONG, NARROWEST_CUT, SHORTEST_CUT, bands
from intake.pages.content import LONG_PIXELS, MAX_PICTURE_BYTES, MAX_PIECES, RENDERED_PIXELS, PageContent
from PIL import Image, ImageDraw

from tests.support.marks import encoded
from tests.support.pdfs import on_a_page, pdf
from tests.support.pictures import heic

WIDTH, HEIGHT = 1080, 16_062
STEP = 97
"""Every so many pixels stands a line, as high as a line of text; so one lies across every edge that is cut."""
LINE = 40


def screenshot(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Return a long white picture with a line every `STEP` pixels of its long side."""
    picture = Image.new("L", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    for start in lines(max(width, height)):
        if height > width:
            draw.rectangle((width // 4, start, width // 2, start + LINE - 1), fill="black")
        else:
            draw.rectangle((start, height // 4, start + LINE - 1, height // 2), fill="black")
    return picture


def lines(length: int) -> list[int]:
    return list(range(STEP, length - STEP, STEP))


def read(content: PageContent) -> list[Word]:
    """Return the words that an OCR finds which takes every dark line of a piece for a word, cut or not."""
    down = content.height > content.width
    recognised = []
    for piece in content.pieces:
        picture = Image.open(io.BytesIO(piece.picture)).convert("L")
        middle = (picture.width * 3 // 8, 0, picture.width * 3 // 8 + 1, picture.height)
        if not down:
            middle = (0, picture.height * 3 // 8, picture.width, picture.height * 3 // 8 + 1)
        strip = picture.crop(middle).point(lambda value: value < 128 and 255)
        dark = [index for index, value in enumerate(strip.tobytes()) if value]
        every = set(dark)
        starts = [index for index in dark if index - 1 not in every]
        ends = [index + 1 for index in dark if index + 1 not in every]
        size = picture.height if down else picture.width
        spans = [(start / size, end / size) for start, end in zip(starts, ends, strict=True)]
        recognised.append([word(a, b, down=down) for a, b in spans])
    return list(content.with_recognised(1, recognised).words)


def word(start: float, end: float, *, down: bool) -> Word:
    quad = (0.25, start, 0.5, start, 0.5, end, 0.25, end) if down else (start, 0.25, end, 0.25, end, 0.5, start, 0.5)
    return Word("line", Quad(*quad), 0.9)


def page(kind: str, data: bytes) -> PageContent:
    document = open_document(kind, data, 1)
    try:
        return document.page(0)
    finally:
        document.close()


def drawn(picture: Image.Image) -> bytes:
    """Return a PDF page with the same lines painted as paths, as a browser's full-page capture."""

    def paint(page: pymupdf.Page) -> None:
        for start in lines(picture.height):
            page.draw_rect(
                pymupdf.Rect(picture.width / 8, start / 2, picture.width / 4, (start + LINE) / 2),
                color=None,
                fill=(0, 0, 0),
            )

    return pdf(paint, size=(picture.width / 2, picture.height / 2))


FILES: dict[str, tuple[str, Callable[[Image.Image], bytes]]] = {
    "jpeg": ("jpeg", lambda picture: encoded(picture.convert("RGB"), "jpeg")),
    "png": ("png", lambda picture: encoded(picture.convert("RGB"), "png")),
    "webp": ("webp", lambda picture: encoded(picture.convert("RGB"), "webp")),
    "tiff": ("tiff", lambda picture: encoded(picture, "tiff", compression="tiff_lzw")),
    "heic": ("heic", heic),
    "pdf of a jpeg": ("pdf", lambda picture: on_a_page(picture, "jpeg")),
    "pdf of a png": ("pdf", lambda picture: on_a_page(picture, "png")),
    "pdf of paths": ("pdf", drawn),
}


@pytest.mark.parametrize("name", FILES)
def test_long_screenshot(name: str) -> None:
    """Each line of a phone's longest screenshot is read once, where it is, at no less than its own size."""
    kind, make = FILES[name]
    content = page(kind, make(screenshot()))
    assert 2 < len(content.pieces) <= MAX_PIECES
    for piece in content.pieces:
        width, height = Image.open(io.BytesIO(piece.picture)).size
        assert width >= WIDTH
        assert height <= LONG * width
    found = sorted((found.quad.y0 * HEIGHT, found.quad.y2 * HEIGHT) for found in read(content))
    assert len(found) == len(lines(HEIGHT))
    for (top, bottom), start in zip(found, lines(HEIGHT), strict=True):
        assert (top, bottom) == pytest.approx((start, start + LINE), abs=2)


def test_wide_picture() -> None:
    """A panorama is cut the other way."""
    content = page("png", encoded(screenshot(6000, 1000), "png"))
    found = sorted(found.quad.x0 * 6000 for found in read(content))
    assert found == pytest.approx(lines(6000), abs=2)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_turned_screenshot(orientation: int) -> None:
    """A long photo that is stored sideways is cut along its upright length."""
    picture = screenshot(700, 4200)
    stored = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    content = page("jpeg", encoded(picture.transpose(stored), "jpeg", orientation))
    assert (content.width, content.height) == (700, 4200)
    assert sorted(found.quad.y0 * 4200 for found in read(content)) == pytest.approx(lines(4200), abs=2)


@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        ((1080, 3240), 1),
        ((1080, 3241), 2),
        ((800, SHORTEST_CUT), 1),
        ((NARROWEST_CUT - 1, 5000), 1),
        ((NARROWEST_CUT, 5000), 4),
        ((3024, 4032), 1),
        ((1080, 65_000), MAX_PIECES),
        ((65_000, 1080), MAX_PIECES),
    ],
    ids=str,
)
def test_what_is_cut(size: tuple[int, int], pieces: int) -> None:
    """A photo, a receipt, a line cut from a page stay whole; and no page is more than so many calls of the OCR."""
    cut = bands(*size)
    assert len(cut) == pieces
    assert (cut[0][:2], cut[-1][2:]) == ((0, 0), (1, 1))
    for one, following in itertools.pairwise(cut):
        shared = (one[2] - following[0]) * size[0] if size[0] > size[1] else (one[3] - following[1]) * size[1]
        assert shared == pytest.approx(0.35 * min(size), abs=1)


def test_longer_than_any_phone_makes() -> None:
    """Where full size would be too much, all pieces are reduced alike, and still every line is there."""
    content = page("png", encoded(screenshot(1000, 39_900), "png"))
    found = sorted(found.quad.y0 * 39_900 for found in read(content))
    assert found == pytest.approx(lines(39_900), abs=3)
    sizes = [Image.open(io.BytesIO(piece.picture)).size for piece in content.pieces]
    assert sum(width * height for width, height in sizes) < 2 * LONG_PIXELS


def test_pieces_of_a_page_stay_within_what_one_picture_may_have() -> None:
    """A page of 200 inches is drawn in pieces, none larger than another page, together no larger than is sent at once."""
    content = page("pdf", pdf(lambda page: page.draw_line((0, 0), (300, 14_400)), size=(300, 14_400)))
    sizes = [Image.open(io.BytesIO(piece.picture)).size for piece in content.pieces]
    assert all(width * height <= RENDERED_PIXELS * 1.01 for width, height in sizes)
    assert sum(len(piece.picture) for piece in content.pieces) <= MAX_PICTURE_BYTES


def test_noise_is_made_smaller() -> None:
    """Pieces that no compression makes small are halved until they can be sent together."""
    noise = Image.effect_noise((1500, 16_000), 200)
    content = page("jpeg", encoded(noise, "jpeg", quality=50))
    assert len(content.pieces) > 2
    assert sum(len(piece.picture) for piece in content.pieces) <= MAX_PICTURE_BYTES
