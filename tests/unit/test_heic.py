"""HEIC photos: decoded strip by strip, upright and grey."""

from __future__ import annotations

import io

import pillow_heif
import pytest
from intake.errors import BrokenFile, PictureTooLarge
from intake.pages import open_document
from intake.pages.content import UPRIGHT, PageContent
from intake.pages.heic import MAX_PIXELS, MAX_PIXELS_WITH_ALPHA
from PIL import Image, ImageOps

from tests.support.marks import encoded, found_mark, mark_on_page, marked, sent
from tests.support.pictures import heic, resized


def page(data: bytes) -> PageContent:
    """Return the page of a HEIC file."""
    document = open_document("heic", data, 1)
    assert document.page_count == 1
    content = document.page(0)
    document.close()
    return content


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    """A photo in any orientation arrives upright, once and not twice."""
    oracle = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(marked(), "jpeg", orientation))))
    content = page(heic(marked(), orientation))
    assert (content.width, content.height) == oracle.size
    assert (content.source, content.pieces[0].placement) == ("render", UPRIGHT)
    assert mark_on_page(content) == pytest.approx(found_mark(oracle), abs=0.02)


@pytest.mark.parametrize("size", [(401, 299), (64, 257), (130, 513)], ids=str)
def test_sizes_that_are_no_multiple_of_a_strip(size: tuple[int, int]) -> None:
    """Odd widths and a last strip that is shorter lose nothing."""
    content = page(heic(marked(*size)))
    assert sent(content).size == size
    assert mark_on_page(content) == pytest.approx(found_mark(marked(*size)), abs=0.03)


def test_ten_bits() -> None:
    """Photos of 10 bits a sample, as newer phones make them, are read."""
    samples = b"".join(bytes((value, value)) for value in marked(64, 48).tobytes())
    deep = pillow_heif.from_bytes("RGB;16", (64, 48), samples)
    buffer = io.BytesIO()
    deep.save(buffer)
    assert mark_on_page(page(buffer.getvalue())) == pytest.approx(found_mark(marked(64, 48)), abs=0.03)


def test_primary_picture_of_several() -> None:
    """Of a burst the picture that the camera chose is read."""
    burst = pillow_heif.from_pillow(Image.new("RGB", (64, 48)))
    burst.add_from_pillow(marked())
    buffer = io.BytesIO()
    burst.save(buffer, primary_index=1)
    content = page(buffer.getvalue())
    assert (content.width, content.height) == (400, 300)
    assert mark_on_page(content) == pytest.approx(found_mark(marked()), abs=0.02)


def test_most_pixels() -> None:
    """A header of exactly the cap is opened, one row more is refused before anything is decoded."""
    data = heic(marked(64, 64))
    open_document("heic", resized(data, 5000, MAX_PIXELS // 5000), 1).close()
    with pytest.raises(PictureTooLarge, match="51 megapixels; the limit for its format is 50"):
        open_document("heic", resized(data, 5000, MAX_PIXELS // 5000 + 1), 1)


def test_cropped_picture_counts_whole() -> None:
    """A container that shows only a corner of a huge picture is refused: all of it would be decoded."""
    data = heic(marked(64, 48))
    assert b"clap" in data
    with pytest.raises(PictureTooLarge, match="400 megapixels"):
        open_document("heic", resized(data, 20_000, 20_000), 1)


def test_truncated_pixels() -> None:
    """A photo whose coded pixels end early is a damaged one, not a half white page."""
    data = heic(marked(400, 300), quality=-1)
    with pytest.raises(BrokenFile):
        page(data[: len(data) - 60])


def test_most_pixels_with_transparent_parts() -> None:
    """Transparent parts take memory, so a picture with them may have fewer pixels."""
    data = heic(marked(64, 48, "RGBA"))
    open_document("heic", resized(data, 4000, MAX_PIXELS_WITH_ALPHA // 4000), 1).close()
    with pytest.raises(PictureTooLarge, match="37 megapixels; the limit for its format is 36"):
        open_document("heic", resized(data, 4000, MAX_PIXELS_WITH_ALPHA // 4000 + 1), 1)
