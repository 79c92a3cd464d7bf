"""Pictures as files, some of which lie about their size."""

from __future__ import annotations

import io
import struct
import zlib

import pillow_heif
from PIL import Image

from tests.support.marks import encoded, marked


def heic(picture: Image.Image, orientation: int = 1, **options: object) -> bytes:
    """Return a picture as a HEIC file; libheif writes an orientation as a rotation of the container."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture).save(buffer, exif=exif.tobytes(), **options)
    return buffer.getvalue()


def resized(data: bytes, width: int, height: int) -> bytes:
    """Return a HEIC file that says another size: `ispe` is where the container keeps it (ISO/IEC 23008-12, 6.5.3)."""
    changed = bytearray(data)
    at = changed.index(b"ispe")
    struct.pack_into(">II", changed, at + 8, width, height)
    return bytes(changed)


def lying_jpeg(width: int, height: int, *, progressive: bool = False, components: int = 3) -> bytes:
    """Return a JPEG of a few bytes whose header says another size."""
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[components]
    data = bytearray(encoded(marked(16, 16, mode), "jpeg", progressive=progressive))
    at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, height, width)
    return bytes(data)


def lying_png(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header says another size."""
    data = bytearray(encoded(marked(16, 16), "png"))
    struct.pack_into(">II", data, 16, width, height)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def lying_tiff(width: int, height: int) -> bytes:
    """Return a TIFF of a few bytes whose directory says another size."""
    data = encoded(marked(16, 16, "L"), "tiff")
    (directory,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, directory)
    changed = bytearray(data)
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind = struct.unpack_from("<HH", data, entry)
        if tag in (256, 257, 278):
            struct.pack_into("<HHII", changed, entry, tag, 4, 1, width if tag == 256 else height)
        assert kind
    return bytes(changed)


def lying_webp(width: int, height: int) -> bytes:
    """Return a lossless WebP of a few bytes whose header says another size (at most 16,384 each way)."""
    data = bytearray(encoded(marked(16, 16), "webp", lossless=True))
    at = data.index(b"VP8L") + 9
    (bits,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<I", data, at, (bits & 0xF0000000) | (height - 1) << 14 | (width - 1))
    return bytes(data)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
