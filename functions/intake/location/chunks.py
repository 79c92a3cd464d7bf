"""PNG and WebP: files of chunks, of which those are kept that show the picture.

PNG: https://www.w3.org/TR/png-3/#5Chunk-layout ; WebP: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from intake.location.exif import block_with, orientation_of
from intake.location.pieces import Bytes, Part, Unreadable, counted, keep, length_of

_PNG_HEAD, _WEBP_HEAD = 8, 12
_PNG_SHOWS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)
_WEBP_SHOWS = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ICCP"))
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def clean_png(data: Bytes) -> list[Part]:
    """Return the chunks that show the picture, up to its end."""
    parts: list[Part] = [(0, _PNG_HEAD)]
    for name, start, end in counted(_png_chunks(data)):
        if name in _PNG_SHOWS:
            keep(parts, start, end)
        elif name == b"eXIf" and (orientation := orientation_of(bytes(data[start + 8 : end - 4]))) != 1:
            content = name + block_with(orientation)
            parts.append(struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content)))
    return parts


def _png_chunks(data: Bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk, the last one among them.

    Raises:
        Unreadable: The file ends before it.
    """
    position, name = _PNG_HEAD, b""
    while name != b"IEND":
        start, name = position, bytes(data[position + 4 : position + 8])
        position += 12 + int.from_bytes(data[start : start + 4], "big")
        if position > len(data):
            raise Unreadable
        yield name, start, position


def clean_webp(data: Bytes) -> list[Part]:
    """Return the chunks that show the picture, under a new head; an animation, whose frames hold chunks, is no bill."""
    whole = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    orientation, flags_at, shown = 1, 0, False
    parts: list[Part] = []
    for name, start, end in counted(_webp_chunks(data, _WEBP_HEAD, whole)):
        if name == b"EXIF":
            orientation = orientation_of(bytes(data[start + 8 : end]).removeprefix(b"Exif\0\0"))
        elif name == b"VP8X" and not parts:
            flags_at = start + 8
            keep(parts, start, flags_at)
            parts.append(b"")  # the flags, once they are known
            keep(parts, flags_at + 1, end)
        elif name in _WEBP_SHOWS:
            shown |= name in (b"VP8 ", b"VP8L")
            keep(parts, start, end)
    if not shown:
        raise Unreadable
    if flags_at:
        flags = data[flags_at] & ~(_EXIF_FLAG | _XMP_FLAG)
        if orientation != 1:
            flags |= _EXIF_FLAG
            block = block_with(orientation)
            parts.append(b"EXIF" + struct.pack("<I", len(block)) + block)
        parts[1] = bytes([flags])
    return [b"RIFF" + struct.pack("<I", 4 + length_of(parts)) + b"WEBP", *parts]


def _webp_chunks(data: Bytes, position: int, whole: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk; one of odd length is filled up, at the end of a file perhaps not."""
    while position + 8 <= whole:
        start, length = position, int.from_bytes(data[position + 4 : position + 8], "little")
        if start + 8 + length > whole:
            raise Unreadable
        position += 8 + length + length % 2
        yield bytes(data[start : start + 4]), start, min(position, whole)
