"""JPEG headers: read without a decoder, and never with an exception."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.pages.jpeg import JpegHeader, read_header, without_metadata
from PIL import Image

from tests.support.marks import encoded, marked
from tests.support.pictures import segment

PHOTO = encoded(marked(64, 48), "jpeg", orientation=6, comment=b"made by nobody")


def frame(width: int, height: int, marker: int = 0xC0, components: int = 3) -> bytes:
    """Return a JPEG that ends behind its frame header: all that `read_header` looks at."""
    content = struct.pack(">BHHB", 8, height, width, components) + bytes(3 * components)
    return b"\xff\xd8" + segment(marker, content)


def exif(order: str, orientation: int, kind: int = 3, count: int = 1) -> bytes:
    """Return an EXIF segment that holds an orientation."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, kind, count, orientation, 0, 0)
    return segment(0xE1, b"Exif\0\0" + magic + directory)


def pixels(data: bytes) -> bytes:
    """Return what a decoder makes of a JPEG, as stored."""
    return Image.open(io.BytesIO(data)).tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_header(mode: str, progressive: bool) -> None:
    """Size, components and kind of coding are what the encoder was told."""
    data = encoded(marked(64, 48, mode), "jpeg", orientation=6, progressive=progressive)
    components, samples = {"RGB": (3, 1.5), "L": (1, 1), "CMYK": (4, 4)}[mode]
    assert read_header(data) == JpegHeader(64, 48, components, progressive, orientation=6, samples=samples)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
def test_orientation(order: str, orientation: int) -> None:
    """Each orientation is read in both byte orders."""
    header = read_header(b"\xff\xd8" + exif(order, orientation) + frame(64, 48)[2:])
    assert header is not None
    assert header.orientation == orientation


@pytest.mark.parametrize(
    "segments",
    [
        exif("<", 0),
        exif("<", 9),
        exif("<", 6, kind=2),
        exif("<", 6, count=2),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
    ],
    ids=["zero", "nine", "wrong type", "wrong count", "empty", "far directory", "long directory", "XMP only"],
)
def test_orientation_that_makes_no_sense(segments: bytes) -> None:
    """A picture whose EXIF is wrong lies as it is stored."""
    header = read_header(b"\xff\xd8" + segments + frame(64, 48)[2:])
    assert header is not None
    assert header.orientation == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        frame(0, 48),
        frame(64, 0),
        frame(64, 48)[:8],
        b"\xff\xd8" + b"\xff\xe0\x00\x01",
        b"\xff\xd8" + b"\x00" * 100,
        b"\xff\xd8" + segment(0xDA, b"\0" * 8) + frame(64, 48)[2:],
    ],
)
def test_no_readable_header(data: bytes) -> None:
    """What no decoder in use can read has no header."""
    assert read_header(data) is None


def test_metadata_is_gone() -> None:
    """EXIF and comments are removed, and the pixels are the same."""
    bare = without_metadata(PHOTO)
    assert len(bare) < len(PHOTO)
    assert b"Exif" not in bare
    assert b"nobody" not in bare
    assert pixels(bare) == pixels(PHOTO)
    header = read_header(bare)
    assert header is not None
    assert header.orientation == 1


@given(st.data())
def test_damaged_files(data: st.DataObject) -> None:
    """Whatever is done to a photo, reading and stripping it never fail; a picture that Pillow decodes stays the same."""
    damaged = bytearray(PHOTO)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(2, 700))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for photo in (bytes(damaged), cut):
        read_header(photo)
        bare = without_metadata(photo)
        try:
            before = pixels(photo)
        except (OSError, SyntaxError, ValueError):
            continue
        assert pixels(bare) == before
