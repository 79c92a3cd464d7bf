"""PNG and WebP: files of chunks. Those that show the picture are kept.

PNG: https://www.w3.org/TR/png-3/#5Chunk-layout ; WebP: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from intake.pages.metadata.exif import block_with, orientation_of
from intake.pages.metadata.pieces import Bytes, Kept, Unreadable

_PNG_HEAD, _WEBP_HEAD = 8, 12
_PNG_SHOWS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)
_WEBP_SHOWS = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ICCP"))
_XMP_FLAG = 0x04


def clean_png(data: Bytes) -> Iterator[Kept]:
    """Yield the chunks that show the picture, up to its end, and its orientation."""
    yield 0, _PNG_HEAD, []
    end, name = _PNG_HEAD, b""
    while name != b"IEND":
        start = end
        length, name = struct.unpack_from(">I4s", data, start)
        end += 12 + length
        if name in _PNG_SHOWS:
            yield start, end, []
        elif name == b"eXIf" and (orientation := orientation_of(data[start + 8 : end - 4])) != 1:
            content = name + block_with(orientation)
            yield start, end, [struct.pack(f">I{len(content)}sI", len(content) - 4, content, zlib.crc32(content))]
        else:
            yield start, start, []


def clean_webp(data: Bytes) -> Iterator[Kept]:
    """Yield the chunks that show the picture, and its orientation; an animation, whose frames hold chunks, is no bill."""
    whole = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    yield 0, _WEBP_HEAD, []
    end, shown = _WEBP_HEAD, False
    while end + 8 <= whole:
        start = end
        name, length = struct.unpack_from("<4sI", data, start)
        end += 8 + length
        if end > whole:
            raise Unreadable
        if name == b"VP8X":
            yield start, start + 8, []
            yield start + 8, start + 9, [bytes([data[start + 8] & ~_XMP_FLAG])]
            yield start + 9, end, []
        elif name in _WEBP_SHOWS:
            shown |= name in (b"VP8 ", b"VP8L")
            yield start, end, []
        elif name == b"EXIF" and length >= len(
            block := block_with(orientation_of(data[start + 8 : end].removeprefix(b"Exif\0\0")))
        ):
            yield start, end, [(start, start + 8), block]
        else:
            yield start, start + 8, [b"JUNK", (start + 4, start + 8)]
        end += length % 2  # filled up, at the end of a file perhaps not
    if not shown:
        raise Unreadable
