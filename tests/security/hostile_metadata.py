"""Sound pictures with so many segments, chunks, boxes or directories that taking the place out of them could cost anything."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

from PIL import Image

from tests.security.hostile_pictures import box
from tests.unit.marks import encoded
from tests.unit.test_heic import heic

MIB = 1024 * 1024


def _picture() -> Image.Image:
    return Image.new("L", (600, 800), 230)


def jpeg_segments(marker: int, content: bytes, megabytes: float) -> bytes:
    """Return a JPEG whose header has the same segment again and again."""
    data = encoded(_picture(), "jpeg")
    segment = struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content
    return data[:2] + segment * int(megabytes * MIB / len(segment)) + data[2:]


def png_chunks(name: bytes, content: bytes, megabytes: float) -> bytes:
    """Return a PNG with the same chunk again and again before its pixels."""
    data = encoded(_picture(), "png")
    at = data.index(b"IDAT") - 4
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return data[:at] + chunk * int(megabytes * MIB / len(chunk)) + data[at:]


def webp_chunks(name: bytes, megabytes: float) -> bytes:
    """Return a WebP with the same empty chunk again and again behind its pixels."""
    data = encoded(_picture(), "webp")
    body = data[8:] + (name + bytes(4)) * int(megabytes * MIB / 8)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def heic_boxes(name: bytes, depth: int, megabytes: float) -> bytes:
    """Return a HEIC with boxes in boxes, again and again, behind all that is needed."""
    inner = b""
    for _ in range(depth):
        inner = box(name, inner)
    return heic(_picture().convert("RGB")) + inner * int(megabytes * MIB / max(8, len(inner)))


def tiff_directories(directories: int, entries: int, *, tag: int = 330, loop: bool = False) -> bytes:
    """Return a TIFF of one grey pixel with directories that overlap each other, all of them read by whoever follows `tag`.

    Args:
        directories: How many are pointed to.
        entries: How many entries each claims.
        tag: 330 for SubIFDs, 34665 for EXIF, 34853 for GPS (TIFF 6.0; EXIF 2.32, 4.6.3).
        loop: Whether the last one points to the first.
    """
    out = bytearray(b"II*\0\0\0\0\0")
    pixel = len(out)
    out += b"\xff\0"
    pointers = len(out)
    out += bytes(4 * directories)
    first = len(out)
    out += b"".join(struct.pack("<HH", entries, 0) for _ in range(directories)) + bytes(2 + 12 * entries + 20)
    for number in range(directories):
        struct.pack_into("<I", out, pointers + 4 * number, first + 4 * number)
    out += bytes(len(out) % 2)
    main = len(out)
    listed = directories if tag == 330 else 1
    where = pointers if listed > 1 else first
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, pixel),
            (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 1), (tag, 4, listed, where)]  # fmt: skip
    out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *each) for each in tags)
    out += struct.pack("<I", main if loop else 0)
    struct.pack_into("<I", out, 4, main)
    return bytes(out)


HOSTILE: dict[str, Callable[[float], bytes]] = {
    "JPEG of empty APP0 segments": lambda size: jpeg_segments(0xE0, b"", size),
    "JPEG of empty EXIF segments": lambda size: jpeg_segments(0xE1, b"Exif\0\0", size),
    "JPEG of EXIF segments with directories": lambda size: jpeg_segments(
        0xE1, b"Exif\0\0" + tiff_directories(9, 90, loop=True), size
    ),
    "JPEG of XMP segments": lambda size: jpeg_segments(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>", size),
    "JPEG of comments": lambda size: jpeg_segments(0xFE, b"x", size),
    "JPEG of index segments of several pictures": lambda size: jpeg_segments(0xE2, b"MPF\0II*\0\x08\0\0\0", size),
    "PNG of empty IDAT chunks": lambda size: png_chunks(b"IDAT", b"", size),
    "PNG of empty text chunks": lambda size: png_chunks(b"tEXt", b"k\0", size),
    "PNG of EXIF chunks": lambda size: png_chunks(b"eXIf", b"II*\0\x08\0\0\0\0\0", size),
    "PNG of unknown chunks": lambda size: png_chunks(b"prVt", b"", size),
    "WebP of EXIF chunks": lambda size: webp_chunks(b"EXIF", size),
    "WebP of unknown chunks": lambda size: webp_chunks(b"WXYZ", size),
    "HEIC of free boxes": lambda size: heic_boxes(b"free", 1, size),
    "HEIC of nested boxes": lambda size: heic_boxes(b"moov", 3_000, size),
    "TIFF of overlapping SubIFDs": lambda size: tiff_directories(int(250 * size), 65_535),
    "TIFF with an endless EXIF directory": lambda _: tiff_directories(1, 65_535, tag=34_665, loop=True),
    "TIFF whose directories are a ring": lambda _: tiff_directories(500, 1_000, loop=True),
}
"""Each by about how many MiB it is to have."""


def one_of_many(luck: random.Random, megabytes: float) -> bytes:
    """Return any of these pictures."""
    return HOSTILE[luck.choice(list(HOSTILE))](megabytes)
