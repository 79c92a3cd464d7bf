"""Pictures without the place where they were taken: nothing of it is left, every pixel is, and they stand as before."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zlib
from typing import Any

import pi_heif
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.pages.metadata import Unreadable, without_location
from PIL import ExifTags, Image, ImageChops

from tests.support.located import KINDS, SECRET, photo, taken, written


def cleaned(kind: str, data: bytes) -> bytes:
    """Return a picture without its place."""
    return written(data, without_location(kind, data))


def opened(kind: str, data: bytes) -> Image.Image:
    """Return a picture as stored, not turned."""
    if kind == "heic":
        picture: Image.Image = pi_heif.open_heif(data).to_pillow()
        return picture
    return Image.open(io.BytesIO(data))


def placed(picture: Image.Image) -> dict[int, Any]:
    """Return what a reader finds of the place."""
    return dict(picture.getexif().get_ifd(ExifTags.IFD.GPSInfo))


@pytest.mark.parametrize("kind", KINDS)
def test_the_place_is_gone(kind: str) -> None:
    """Neither the directory of the place, nor XMP, notes and comments are left, in any byte of the file."""
    before = taken(kind)
    assert placed(opened(kind, before))
    after = cleaned(kind, before)
    assert placed(opened(kind, after)) == {}
    assert "xmp" not in opened(kind, after).info or SECRET not in opened(kind, after).info["xmp"]
    for trace in (SECRET, b"2026:11:25"):
        assert trace in before or kind == "png"  # PNG may pack its texts
        assert trace not in after


@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_is_left(kind: str) -> None:
    """The picture is neither decoded nor encoded again."""
    before = taken(kind)
    one, other = opened(kind, before).convert("RGB"), opened(kind, cleaned(kind, before)).convert("RGB")
    assert one.size == other.size
    assert ImageChops.difference(one, other).getbbox() is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_a_photo_stands_as_before(kind: str, orientation: int) -> None:
    """The orientation is the one thing of the EXIF that is kept; in HEIC it is not in the EXIF."""
    after = opened(kind, cleaned(kind, taken(kind, orientation)))
    assert after.getexif().get(ExifTags.Base.Orientation, 1) == orientation
    assert ExifTags.Base.Make not in after.getexif() or kind == "tiff"


@pytest.mark.parametrize("kind", KINDS)
def test_cleaning_twice_is_cleaning_once(kind: str) -> None:
    """What has been cleaned is read again and stays as it is."""
    once = cleaned(kind, taken(kind))
    assert cleaned(kind, once) == once


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_metadata_is_left_alone(kind: str) -> None:
    """Nothing to remove is nothing to change."""
    buffer = io.BytesIO()
    if kind == "heic":
        pillow_heif.from_pillow(photo()).save(buffer)
    else:
        photo().save(buffer, {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF"}[kind])
    assert cleaned(kind, buffer.getvalue()) == buffer.getvalue()


def test_a_colour_profile_is_kept() -> None:
    """Without it the colours of a phone's photo would look pale."""
    profile = b"\0" * 128 + b"profile"
    assert opened("jpeg", cleaned("jpeg", taken("jpeg", icc_profile=profile))).info["icc_profile"] == profile


def test_every_page_of_a_tiff_is_cleaned() -> None:
    """Each page has a directory of its own."""
    before = taken("tiff", save_all=True, append_images=[photo(2), photo(3)])
    after = opened("tiff", cleaned("tiff", before))
    assert getattr(after, "n_frames", 1) == 3
    for page in range(3):
        after.seek(page)
        after.load()
        assert placed(after) == {}


def test_big_endian_tiff() -> None:
    """Both byte orders are read."""
    block = b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0"
    gps = b"\0\x01\0\x01\0\x02\0\0\0\x0a\0\0\0\x38\0\0\0\0" + SECRET
    after = cleaned("tiff", block + gps)
    assert SECRET not in after
    assert after[:10] == b"MM\0*\0\0\0\x08\0\x01"


ISO6709 = b"com.apple.quicktime.location.ISO6709"
WHERE = b"+42.4440-076.5019+119.273/"


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def film_with_place() -> bytes:
    """Return a `moov` box as phones write it beside a live photo: a table of keys, and one of their values."""
    keys = box(b"keys", struct.pack(">II", 0, 1) + box(b"mdta", ISO6709))
    values = box(b"ilst", box(b"\0\0\0\1", box(b"data", struct.pack(">II", 1, 0) + WHERE)))
    handler = box(b"hdlr", bytes(8) + b"mdta" + bytes(12) + WHERE)
    return box(b"moov", box(b"meta", handler + keys + values) + box(b"udta", box(b"\xa9xyz", WHERE)))


def behind_first(name: bytes, data: bytes, more: bytes) -> bytes:
    """Put bytes behind the JPEG marker, or the PNG chunk, that comes first."""
    place = 2 if name == b"jpeg" else 33
    return data[:place] + more + data[place:]


def in_webp(data: bytes, more: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(data) - 8 + len(more)) + data[8:] + more


def plain(kind: str, **options: Any) -> bytes:
    """Return a photo without metadata."""
    buffer = io.BytesIO()
    if kind == "heic":
        pillow_heif.from_pillow(photo()).save(buffer, quality=70)
    else:
        photo().save(buffer, kind.upper(), **options)
    return buffer.getvalue()


def between_scans(more: bytes) -> bytes:
    """Return a progressive JPEG with something behind its first scan."""
    picture = plain("jpeg", progressive=True)
    first_scan = re.search(rb"\xff\xda.+?(?=\xff[^\x00\xd0-\xd7])", picture, re.DOTALL)
    assert first_scan is not None
    place = first_scan.end()
    return picture[:place] + more + picture[place:]


HIDDEN = {
    "jpeg between scans": between_scans(segment(0xE1, b"Exif\0\0" + WHERE)),
    "jpeg film behind": plain("jpeg") + film_with_place(),
    "jpeg more XMP": behind_first(
        b"jpeg", plain("jpeg"), segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + WHERE)
    ),
    "jpeg of Photoshop": behind_first(b"jpeg", plain("jpeg"), segment(0xED, b"Photoshop 3.0\x008BIM" + WHERE)),
    "jpeg colours that are none": behind_first(b"jpeg", plain("jpeg"), segment(0xE2, b"FPXR\0" + WHERE)),
    "png text": behind_first(b"png", plain("png"), chunk(b"tEXt", b"Comment\0" + WHERE)),
    "png text in UTF-8": behind_first(b"png", plain("png"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + WHERE)),
    "png EXIF": behind_first(b"png", plain("png"), chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0" + WHERE)),
    "webp odd EXIF": in_webp(
        plain("webp", lossless=True),
        b"EXIF" + struct.pack("<I", 33 + len(WHERE)) + b"II*\0\x08\0\0\0" + bytes(25) + WHERE + b"\0",
    ),
    "webp XMP": in_webp(plain("webp", lossless=True), b"XMP " + struct.pack("<I", len(WHERE)) + WHERE),
    "tiff second page": plain(
        "tiff", save_all=True, append_images=[photo(2)], tiffinfo={700: WHERE, 34377: WHERE, 33723: WHERE}
    ),
    "heic film": plain("heic") + film_with_place(),
    "heic box of XMP": plain("heic") + box(b"XMP_", WHERE),
    "heic box of a maker": plain("heic") + box(b"uuid", bytes(16) + WHERE),
    "heic free space": plain("heic") + box(b"free", WHERE),
    "heic large box": plain("heic") + struct.pack(">I", 1) + b"mpvd" + struct.pack(">Q", 16 + len(WHERE)) + WHERE,
    "heic box to the end": plain("heic") + bytes(4) + b"mpvd" + WHERE,
    "heic coded pixels nobody shows": plain("heic") + box(b"mdat", WHERE),
    "jpeg second picture": behind_first(b"jpeg", plain("jpeg"), segment(0xE2, b"MPF\0" + WHERE)),
    "jpeg of a maker": behind_first(b"jpeg", plain("jpeg"), segment(0xE7, WHERE)),
    "jpeg comment": behind_first(b"jpeg", plain("jpeg"), segment(0xFE, WHERE)),
    "jpeg in a standard's name": behind_first(b"jpeg", plain("jpeg"), segment(0xE0, b"JFXX\0" + WHERE)),
    "jpeg with a thumbnail": b"\xff\xd8"
    + segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\x0a\x0a" + WHERE * 12)
    + plain("jpeg")[20:],
    "jpeg as Adobe says": behind_first(b"jpeg", plain("jpeg"), segment(0xEE, b"Adobe" + WHERE)),
    "jpeg between segments": plain("jpeg")[:20] + WHERE + plain("jpeg")[20:],
    "png of its own": behind_first(b"png", plain("png"), chunk(b"loCa", WHERE)),
    "png palette with a name": behind_first(b"png", plain("png"), chunk(b"sPLT", WHERE + b"\0\x08")),
    "png behind its end": plain("png") + WHERE,
    "webp of its own": in_webp(plain("webp", lossless=True), b"LOCA" + struct.pack("<I", len(WHERE)) + WHERE),
    "webp behind its end": plain("webp", lossless=True) + WHERE,
    "tiff description": plain("tiff", tiffinfo={270: WHERE.decode(), 315: WHERE.decode()}),
    "tiff of its own": plain("tiff", tiffinfo={65000: WHERE}),
    "tiff between": plain("tiff") + WHERE,
}


@pytest.mark.parametrize("name", HIDDEN)
def test_wherever_it_is_hidden(name: str) -> None:
    """Nobody knows all places where a place can stand, so what is not known to show the picture is left out."""
    kind, before = name.split()[0], HIDDEN[name]
    assert WHERE in before
    after = cleaned(kind, before)
    assert WHERE not in after
    assert ISO6709 not in after
    shown = plain("heic") if kind == "heic" else before  # libheif wants to play what is a film
    one, other = opened(kind, shown).convert("RGB"), opened(kind, after).convert("RGB")
    assert ImageChops.difference(one, other).getbbox() is None


def test_jpeg_in_tiff() -> None:
    """Strips of JPEG are cleaned as JPEGs are, also between their segments and behind their end, and nothing is moved."""
    buffer = io.BytesIO()
    photo().convert("L").save(buffer, "JPEG", comment=WHERE)
    strip = behind_first(b"jpeg", buffer.getvalue(), segment(0xE1, b"Exif\0\0" + WHERE))
    strip = strip.replace(b"\xff\xdb", WHERE + b"\xff\xdb", 1) + WHERE
    strip += bytes(len(strip) % 2)
    width, height = photo().size
    tags = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 7),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, len(strip)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    before = b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + struct.pack("<H", len(tags)) + entries + bytes(4)
    after = cleaned("tiff", before)
    assert WHERE in before
    assert WHERE not in after
    assert opened("tiff", before).tobytes() == opened("tiff", after).tobytes()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_damaged_picture_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Cut and turned bytes end in a picture or in Unreadable, and nothing else, within bounded work."""
    picture = bytearray(SAMPLES[kind])
    cut = data.draw(st.integers(0, len(picture)))
    for place in data.draw(st.lists(st.integers(0, min(len(picture), 900) - 1), max_size=6)):
        picture[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unreadable):
        without_location(kind, bytes(picture[: cut or None]))


SAMPLES = {kind: taken(kind) for kind in KINDS}
