"""JPEGs as phones, apps and scanners write them: what a decoder reads is read, and is sent in order."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable

import pytest
from intake.errors import UnusualPicture
from intake.pages import open_document
from intake.pages.content import OWN_BYTES_LIMIT, PageContent
from intake.pages.jpeg import read_header, without_metadata
from PIL import Image

from tests.support.marks import MARK, encoded, found_mark, mark_on_page, marked, picture_of, sent
from tests.support.pictures import segment

PHOTO = encoded(marked(), "jpeg", orientation=1, comment=b"made by nobody", dpi=(72, 72))
EXIF = encoded(marked(), "jpeg", orientation=6)
PROGRESSIVE = encoded(marked(), "jpeg", progressive=True)
EOI = b"\xff\xd9"

ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT0//yQARCAAYACADASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwDSZcCYQx0pGpouRda7Kw8XY3bHPnZP"
    "Uw2O1dM+gHtSlw4gD35ZHbYwTLjY/ID/2Q=="
)
"""A picture of 32 x 24 with the mark, coded by `jpegtran -arithmetic` of libjpeg-turbo: no encoder here makes them."""


def markers(data: bytes) -> list[int]:
    """Return where each segment begins, up to the start of scan."""
    places, position = [], 2
    while True:
        places.append(position)
        if data[position + 1] == 0xDA:
            return places
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def before(number: int, stray: bytes, data: bytes = PHOTO) -> bytes:
    """Return a JPEG with bytes before its nth segment; -1 is the start of scan."""
    place = markers(data)[number]
    return data[:place] + stray + data[place:]


def with_segment(content: bytes, length: int, marker: int = 0xE5, data: bytes = PHOTO) -> bytes:
    """Return a JPEG with a segment behind its first one that says any length."""
    place = markers(PHOTO)[1]
    return data[:place] + struct.pack(">BBH", 0xFF, marker, length) + content + data[place:]


def thumbnail() -> bytes:
    return encoded(Image.new("RGB", (40, 30), "black"), "jpeg")


def cut(data: bytes, share: float) -> bytes:
    """Return a JPEG without the end of its coded pixels."""
    start = markers(data)[-1]
    return data[: start + int((len(data) - start) * share)]


VARIANTS: dict[str, Callable[[], bytes]] = {
    "a byte before the first segment": lambda: before(0, b"\x00"),
    "a byte before the second": lambda: before(1, b"\x4a"),
    "a byte before the tables": lambda: before(2, b"\x01"),
    "a byte before the scan": lambda: before(-1, b"\x7f"),
    "many bytes before a segment": lambda: before(2, bytes(range(255)) * 9),
    "FF 00 before a segment": lambda: before(2, b"\xff\x00\x12"),
    "filled with FF": lambda: before(1, b"\xff" * 5000),
    "restart marker before a segment": lambda: before(2, b"\xff\xd3"),
    "segment longer than it says": lambda: with_segment(b"x" * 30, 20),
    "segment of length 0": lambda: with_segment(b"", 0),
    "segment of length 1 with content": lambda: with_segment(b"content", 1),
    "comment longer than it says": lambda: with_segment(b"a comment", 4, marker=0xFE),
    "damaged EXIF": lambda: with_segment(b"Exif\0\0II*\0\xff\xff\xff\x7f", 18, marker=0xE1),
    "damaged MPF": lambda: with_segment(b"MPF\0II*\0\xff\xff\xff\x7f", 14, marker=0xE2),
    "damaged colour profile": lambda: with_segment(b"ICC_PROFILE\0\x05\x02junk", 20, marker=0xE2),
    "damaged Photoshop block": lambda: with_segment(b"Photoshop 3.0\0008BIM\4\4\0\0\xff\xff", 26, marker=0xED),
    "thumbnail in EXIF": lambda: with_segment(b"Exif\0\0" + thumbnail(), len(thumbnail()) + 8, marker=0xE1),
    "thumbnail in JFXX": lambda: with_segment(b"JFXX\0\x10" + thumbnail(), len(thumbnail()) + 8, marker=0xE0),
    "no end": lambda: PHOTO.removesuffix(EOI),
    "no end, progressive": lambda: PROGRESSIVE.removesuffix(EOI),
    "cut between scans": lambda: cut(PROGRESSIVE, 0.9),
    "cut within a marker": lambda: PHOTO[:-1],
    "a second picture behind": lambda: PHOTO + thumbnail(),
    "a video behind": lambda: PHOTO + b"\0\0\0\x18ftypmp42" + bytes(5000),
    "zeros behind": lambda: PHOTO + bytes(70_000),
    "text behind": lambda: PHOTO + b"<html>404</html>",
    "restart markers": lambda: encoded(marked(), "jpeg", restart_marker_blocks=1),
    "progressive": lambda: PROGRESSIVE,
    "progressive with restart markers": lambda: encoded(marked(), "jpeg", progressive=True, restart_marker_rows=1),
    "full colour resolution": lambda: encoded(marked(), "jpeg", subsampling=0),
    "own tables": lambda: encoded(marked(), "jpeg", optimize=True, quality=30),
    "grey": lambda: encoded(marked(mode="L"), "jpeg"),
    "CMYK": lambda: encoded(marked(mode="CMYK"), "jpeg"),
    "progressive CMYK": lambda: encoded(marked(mode="CMYK"), "jpeg", progressive=True),
    "RGB as stored": lambda: encoded(marked(), "jpeg", keep_rgb=True),
    "arithmetic coding": lambda: ARITHMETIC,
    "all at once": lambda: with_segment(b"x" * 9, 4, data=before(-1, b"\xff\xff\x00")).removesuffix(EOI),
}


def page(data: bytes, *, redraw: bool = False) -> PageContent:
    document = open_document("jpeg", data, 1)
    try:
        return document.page(0, redraw=redraw)
    finally:
        document.close()


@pytest.mark.parametrize("redraw", [False, True], ids=["as it came", "redrawn"])
@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_read(name: str, redraw: bool) -> None:
    """What goes to the OCR is a whole JPEG that the strictest decoder opens, with the mark where it belongs."""
    content = page(VARIANTS[name](), redraw=redraw)
    picture = sent(content)
    picture.load()
    assert mark_on_page(content) == pytest.approx(found_mark(marked()), abs=0.02)
    ends = picture_of(content)
    assert (ends.count(b"\xff\xd8\xff"), ends[-2:]) == (1, EOI)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("redraw", [False, True], ids=["as it came", "redrawn"])
def test_cut_off(share: float, redraw: bool) -> None:
    """Of a photo whose end is missing the upper part is read."""
    data = cut(encoded(marked(2000, 3000), "jpeg"), share)
    picture = sent(page(data, redraw=redraw))
    assert picture.size == (2000, 3000)
    assert found_mark(picture.crop((0, 0, 2000, 1000)))[1] / 3 == pytest.approx(found_mark(marked())[1], abs=0.01)


@pytest.mark.parametrize("orientation", [1, 6])
def test_large_variant_is_read(orientation: int) -> None:
    """A file that is decoded because of its size is read too when its segments are in disorder, or its end is missing."""
    data = encoded(marked(), "jpeg", orientation)
    for variant in (before(1, b"\x4a", data), data.removesuffix(EOI), data):
        content = page(variant + bytes(OWN_BYTES_LIMIT))
        assert content.source == "render"
        expected = found_mark(marked() if orientation == 1 else marked().transpose(Image.Transpose.ROTATE_270))
        assert mark_on_page(content) == pytest.approx(expected, abs=0.02)


def test_nothing_behind_the_picture_is_sent() -> None:
    """A second picture, a video and their metadata do not go along."""
    for name in ("a second picture behind", "a video behind", "text behind"):
        assert picture_of(page(VARIANTS[name]())) == without_metadata(PHOTO)


def test_orientation_survives_disorder() -> None:
    """Stray bytes do not hide the EXIF block."""
    header = read_header(before(0, b"\x13\x37", EXIF))
    assert header is not None
    assert (header.orientation, header.orderly) == (6, False)


def frame(marker: int, bits: int) -> bytes:
    """Return a JPEG whose frame header says another coding."""
    data = bytearray(PHOTO)
    place = data.index(b"\xff\xc0")
    data[place + 1], data[place + 4] = marker, bits
    return bytes(data)


@pytest.mark.parametrize(("marker", "bits"), [(0xC1, 12), (0xC0, 12), (0xC5, 8), (0xCB, 8)], ids=hex)
def test_rare_coding(marker: int, bits: int) -> None:
    """What no decoder here reads is not called damaged: 12 bits a sample, hierarchical, lossless with arithmetic coding."""
    with pytest.raises(UnusualPicture, match="in a variant of its format that few programs can open"):
        page(frame(marker, bits))


@pytest.mark.parametrize(
    ("name", "data", "size"),
    [
        ("JFIF, dots an inch", encoded(marked(400, 150), "jpeg", dpi=(204, 102)), (400, 300)),
        ("JFIF, wider pixels", encoded(marked(200, 300), "jpeg", dpi=(100, 200)), (400, 300)),
        ("PNG", encoded(marked(400, 150), "png", dpi=(204, 102)), (400, 300)),
        ("TIFF", encoded(marked(400, 150), "tiff", dpi=(204, 102)), (400, 300)),
        ("TIFF, fax", encoded(marked(400, 150, "1"), "tiff", dpi=(204, 102), compression="group3"), (400, 300)),
        (
            "TIFF, centimetres",
            encoded(marked(400, 150), "tiff", x_resolution=80, y_resolution=40, resolution_unit=3),
            (400, 300),
        ),
        ("fine fax", encoded(marked(400, 288), "tiff", dpi=(204, 196)), (400, 288)),
        ("square", encoded(marked(), "jpeg", dpi=(300, 300)), (400, 300)),
        ("insane", encoded(marked(), "jpeg", dpi=(600, 1)), (400, 300)),
        ("insane the other way", encoded(marked(), "tiff", dpi=(72, 4000)), (400, 300)),
        ("zero", encoded(marked(), "jpeg", dpi=(0, 300)), (400, 300)),
    ],
)
def test_pixels_are_made_square(name: str, data: bytes, size: tuple[int, int]) -> None:
    """A fax is stretched to the shape of its page by its resolution, wherever the file keeps it; nonsense is not followed."""
    kind = {b"\xff\xd8": "jpeg", b"\x89P": "png"}.get(data[:2], "tiff")
    document = open_document(kind, data, 1)
    content = document.page(0)
    document.close()
    assert (content.width, content.height) == pytest.approx(size, rel=0.01), name
    assert sent(content).size == pytest.approx(size, rel=0.01)
    assert mark_on_page(content) == pytest.approx(((MARK[0] + MARK[2]) / 2, (MARK[1] + MARK[3]) / 2), abs=0.02)


def test_density_in_exif() -> None:
    """Where JFIF says nothing of use, EXIF's resolution counts; a photo that is turned is stretched along its own rows."""
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x011B], exif[0x0128] = 6, 204.0, 102.0, 2
    buffer = io.BytesIO()
    marked(400, 150).save(buffer, "JPEG", exif=exif)
    content = page(buffer.getvalue())
    assert (content.width, content.height) == (300, 400)
    assert mark_on_page(content) == pytest.approx(found_mark(marked().transpose(Image.Transpose.ROTATE_270)), abs=0.02)


@pytest.mark.parametrize("block", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + bytes(20)])
def test_density_that_makes_no_sense(block: bytes) -> None:
    """Damaged EXIF says nothing of the pixels."""
    header = read_header(b"\xff\xd8" + segment(0xE1, b"Exif\0\0" + block) + PHOTO[2:])
    assert header is not None
    assert header.pixel_height == 1
