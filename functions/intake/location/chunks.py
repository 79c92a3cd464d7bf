"""PNG and WebP: files of chunks, of which those are kept that show the picture.

PNG: https://www.w3.org/TR/png-3/#5Chunk-layout ; WebP: https://developers.google.com/speed/webp/docs/riff_container
"""

from __future__ import annotations

import struct
import zlib

from intake.location.exif import Unreadable, block_with, orientation_of

_PNG_HEAD = 8
_PNG_SHOWS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
_WEBP_SHOWS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def clean_png(data: memoryview) -> list[memoryview]:
    """Return the chunks that show the picture, up to its end."""
    kept, position, last = [data[:_PNG_HEAD]], _PNG_HEAD, b""
    while last != b"IEND":
        length, name = int.from_bytes(data[position : position + 4], "big"), bytes(data[position + 4 : position + 8])
        end = position + 12 + length
        if len(name) < 4 or end > len(data):
            raise Unreadable
        if name in _PNG_SHOWS:
            kept.append(data[position:end])
        elif name == b"eXIf":
            orientation = orientation_of(bytes(data[position + 8 : end - 4]))
            if orientation != 1:
                kept.append(_png_chunk(name, block_with(orientation)))
        position, last = end, name
    return kept


def _png_chunk(name: bytes, content: bytes) -> memoryview:
    check = zlib.crc32(name + content)
    return memoryview(struct.pack(">I", len(content)) + name + content + struct.pack(">I", check))


def clean_webp(data: memoryview) -> list[memoryview]:
    """Return the chunks that show the picture, under a new head."""
    kept: list[memoryview] = []
    extended: memoryview | None = None
    position, exif = 12, b""
    whole = 8 + int.from_bytes(data[4:8], "little")
    while position + 8 <= min(whole, len(data)):
        name, length = bytes(data[position : position + 4]), int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length + length % 2
        if position + 8 + length > len(data):
            raise Unreadable
        if name == b"EXIF":
            exif = bytes(data[position + 8 : position + 8 + length]).removeprefix(b"Exif\0\0")
        elif name in _WEBP_SHOWS:
            kept.append(data[position:end])
        if name == b"VP8X":
            extended = data[position:end]
        position = end
    if not kept:
        raise Unreadable
    if extended is not None:
        extended[8] &= ~(_EXIF_FLAG | _XMP_FLAG) & 0xFF
        orientation = orientation_of(exif)
        if orientation != 1:
            extended[8] |= _EXIF_FLAG
            block = block_with(orientation)
            kept.append(memoryview(b"EXIF" + struct.pack("<I", len(block)) + block))
    head = b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP"
    return [memoryview(head), *kept]
