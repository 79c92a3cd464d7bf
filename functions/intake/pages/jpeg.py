"""JPEG headers, read without decoding a pixel. Marker layout: ITU-T T.81, annex B; EXIF: CIPA DC-008."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from intake.location.exif import orientation_of
from intake.pages.filebytes import Data

_SOI, _SOS, _EOI, _APP0, _APP1, _APP14, _APP15, _COM = 0xD8, 0xDA, 0xD9, 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
# Start-of-frame markers with Huffman coding that decoders in use can read: baseline, extended, progressive.
_FRAMES = {0xC0: False, 0xC1: False, 0xC2: True}


@dataclass(frozen=True)
class JpegHeader:
    """What a decoder would learn before the first pixel.

    Attributes:
        width: Pixels as stored, before orientation.
        height: Pixels as stored.
        components: 1 grey, 3 colour, 4 CMYK.
        progressive: Whether a decoder must keep all coefficients in memory.
        orientation: EXIF orientation 1..8; 1 where none is given.
        samples: Samples for each pixel: 1 in grey, 1.5 to 3 in colour, 4 in CMYK; fewer than components where some are
            stored at half size.
    """

    width: int
    height: int
    components: int
    progressive: bool
    orientation: int
    samples: float


def read_header(data: Data) -> JpegHeader | None:
    """Read the header of a JPEG.

    Args:
        data: All bytes, or enough of the beginning to hold the frame header.

    Returns:
        The header, or None when there is none that decoders in use can read.
    """
    orientation = 1
    for marker, start, end in _segments(data):
        if marker == _APP1 and data[start : start + 6] == b"Exif\0\0":
            orientation = orientation_of(data[start + 6 : end])
        elif marker in _FRAMES and end - start >= 6:
            height, width, components = struct.unpack_from(">HHB", data, start + 1)
            samples = _samples(data[start + 6 : end], components)
            if not width or not height:
                return None
            return JpegHeader(width, height, components, _FRAMES[marker], orientation, samples)
    return None


def _samples(table: bytes, components: int) -> float:
    """Return the samples for each pixel by a frame header's table of (id, sampling factors, quantisation).

    Where the table makes no sense no decoder will go far, and all components count in full.
    """
    factors = [(packed >> 4, packed & 15) for packed in table[1 : 3 * components : 3]]
    if not factors or len(factors) != components or not all(factor for pair in factors for factor in pair):
        return float(components)
    whole = max(across for across, _ in factors) * max(down for _, down in factors)
    return sum(across * down for across, down in factors) / whole


def without_metadata(data: Data) -> bytes:
    """Return the same picture without EXIF, XMP and comments: no place, no device, and no orientation to argue about.

    Services differ in whether they turn a picture by its EXIF; without it the pixels are as stored for everybody. The
    compressed pixels are copied, not decoded. JFIF and Adobe segments stay, since they say how colours are coded.
    """
    kept = [data[:2]]
    position = 2
    for marker, start, end in _segments(data):
        if marker == _SOS:
            break
        metadata = _APP0 < marker <= _APP15 and marker != _APP14
        if not metadata and marker != _COM:
            kept.append(data[start - 4 : end])
        position = end
    kept.append(data[position:])
    return b"".join(kept)


def _segments(data: Data) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end of its content) of each segment up to and including the start of scan."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:  # Fill bytes may stand before any marker.
            position += 1
            continue
        if marker in _STANDALONE:
            position += 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        end = position + 2 + length
        if marker in (_SOI, _EOI) or length < 2 or end > len(data):
            return
        yield marker, position + 4, end
        if marker == _SOS:
            return
        position = end
