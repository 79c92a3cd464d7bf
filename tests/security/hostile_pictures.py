"""Pictures that somebody made to do harm: headers that lie, chains without an end, and what swells."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from PIL import Image

from tests.security.bombs import zeros
from tests.support.marks import encoded, marked
from tests.support.pictures import heic, lying_jpeg, lying_png, lying_tiff, lying_webp, resized

PNG = encoded(marked(60, 40), "png")
TIFF = encoded(marked(60, 40), "tiff")


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG (PNG, third edition, 5.3)."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def after_head(head: int, picture: bytes, between: bytes) -> bytes:
    """Return a picture with something put in after its first bytes."""
    return picture[:head] + between + picture[head:]


def tiff_of(entries: list[tuple[int, int, int, int]], rest: bytes = b"", following: int = 0) -> bytes:
    """Return a TIFF with one directory at byte 8 of (tag, type, count, value), and what comes after it."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", following) + rest


def grey_tiff(width: int, height: int, **changes: int) -> bytes:
    """Return a grey TIFF that says what it likes of its size and strips (TIFF 6.0, section 3)."""
    tags = {
        "width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262, "offset": 273, "samples": 277,
        "rows": 278, "bytes": 279, "tile_width": 322, "tile_height": 323, "tile_offset": 324, "tile_bytes": 325,
    }  # fmt: skip
    values = {
        "width": width,
        "height": height,
        "bits": 8,
        "compression": 1,
        "photometric": 1,
        "offset": 200,
        "samples": 1,
    }
    values |= {"rows": height, "bytes": min(width * height, 2**32 - 1), **changes}
    return tiff_of(sorted((tags[name], 4, 1, value) for name, value in values.items()), bytes(4000))


def chain_of_directories(count: int) -> bytes:
    """Return a TIFF of so many pages that all show the same strip."""
    entries = [
        (256, 4, 1, 8),
        (257, 4, 1, 8),
        (258, 4, 1, 8),
        (259, 4, 1, 1),
        (262, 4, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 64),
    ]
    size = 2 + 12 * len(entries) + 4
    pages = b"".join(
        struct.pack("<H", len(entries))
        + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        + struct.pack("<I", 8 + size * (page + 1) if page + 1 < count else 0)
        for page in range(count)
    )
    return b"II*\0" + struct.pack("<I", 8) + pages


def scans_without_end() -> bytes:
    """Return a progressive JPEG of 24 megapixels whose last scan comes a thousand times more."""
    data = encoded(Image.new("L", (6000, 4000)), "jpeg", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 1000 + data[-2:]


def box(name: bytes, content: bytes = b"") -> bytes:
    """Return a box of an ISO base media file (ISO/IEC 14496-12, 4.2)."""
    return struct.pack(">I", 8 + len(content)) + name + content


def heic_of(meta: bytes) -> bytes:
    """Return a HEIC file with nothing but a `meta` box of some content."""
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(4) + meta)


def nested_boxes() -> bytes:
    """Return a HEIC file of boxes in boxes."""
    inner = b""
    for _ in range(5_000):
        inner = box(b"iprp", box(b"ipco", inner))
    return heic_of(inner)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "png larger than it is": lambda: lying_png(6000, 6000),
    "png of most pixels there can be": lambda: lying_png(2**31 - 1, 2**31 - 1),
    "png with 200 MB of text": lambda: after_head(33, PNG, chunk(b"zTXt", b"k\0\0" + zeros(200))),
    "png of more pixels than it says": lambda: (
        PNG[: PNG.index(b"IDAT") - 4] + chunk(b"IDAT", zeros(200)) + chunk(b"IEND")
    ),
    "png in a million chunks": lambda: PNG[: PNG.index(b"IDAT") - 4] + (b"\0\0\0\0teXt" + bytes(4)) * 1_000_000,
    "tiff larger than it is": lambda: lying_tiff(6000, 6000),
    "tiff that leads back": lambda: grey_tiff(8, 8)[: 2 + 12 * 9 + 8] + struct.pack("<I", 8) + bytes(999),
    "tiff of 300,000 pages": lambda: chain_of_directories(300_000),
    "tiff with a strip of 4 GB": lambda: grey_tiff(60, 40, bytes=2**32 - 1),
    "tiff in huge tiles": lambda: grey_tiff(
        60, 40, tile_width=60_000, tile_height=60_000, tile_offset=200, tile_bytes=99, compression=5
    ),
    "tiff with tags of 4 GB": lambda: tiff_of(
        [(256, 4, 1, 8), (257, 4, 1, 8), (270, 2, 2**32 - 1, 99), (273, 4, 2**31, 99)]
    ),
    "webp larger than it is": lambda: lying_webp(5000, 6000),
    "webp of many pictures": lambda: encoded(
        Image.new("RGB", (4000, 3000)),
        "webp",
        save_all=True,
        append_images=[Image.new("RGB", (4000, 3000), "red")] * 20,
    ),
    "jpeg larger than it is": lambda: lying_jpeg(14_000, 14_000),
    "jpeg of scans without end": scans_without_end,
    "heic larger than it is": lambda: resized(heic(marked(64, 48)), 8000, 6000),
    "heic of boxes in boxes": nested_boxes,
    "heic of a million items": lambda: heic_of(
        box(b"iinf", bytes(4) + b"\xff\xff" + box(b"infe", b"\2\0\0\0\0\1\0\0hvc1\0") * 65_535)
        + box(b"iloc", b"\0\0\0\0\x44\0\xff\xff" + bytes(16) * 65_535)
    ),
}
"""Pictures by what is wrong with them; the first word is their kind."""
