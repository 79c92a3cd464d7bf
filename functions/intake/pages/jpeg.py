"""JPEG headers, read without decoding a pixel. Segments: `markers`; EXIF: CIPA DC-008; JFIF: ITU-T T.871."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from intake.pages import markers
from intake.pages.density import density_of, pixel_height
from intake.pages.filebytes import Data
from intake.pages.markers import EOI, SOI, SOS, Segment
from intake.pages.metadata.exif import orientation_of

_APP0, _APP1, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
# Start-of-frame markers: baseline, extended and progressive with Huffman coding; all kinds; those that are progressive.
_ORDINARY = {0xC0, 0xC1, 0xC2}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


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
        ordinary: Whether every decoder reads it: 8 bits a sample, Huffman coding.
        orderly: Whether segment follows upon segment, with nothing between them.
        pixel_height: How many times as high as wide a pixel is, by JFIF or EXIF; 1 where they say nothing of use.
    """

    width: int
    height: int
    components: int
    progressive: bool
    orientation: int
    samples: float
    ordinary: bool = True
    orderly: bool = True
    pixel_height: float = 1.0


def read_header(data: Data) -> JpegHeader | None:
    """Read the header of a JPEG.

    Args:
        data: All bytes, or enough of the beginning to hold the frame header.

    Returns:
        The header, or None where there is none.
    """
    orientation, orderly, expected = 1, True, 2
    height_of_pixel = 1.0
    for marker, start, end in _until_scan(markers.segments(data, 0, len(data)), len(data)):
        orderly = orderly and start - 4 == expected
        expected = end
        if marker == _APP0 and data[start : start + 5] == b"JFIF\0" and end - start >= 12:
            across, down = struct.unpack_from(">HH", data, start + 8)
            height_of_pixel = pixel_height(across, down)
        elif marker == _APP1 and data[start : start + 6] == b"Exif\0\0":
            orientation = orientation_of(data[start + 6 : end])
            if height_of_pixel == 1:
                height_of_pixel = pixel_height(*density_of(data[start + 6 : end]))
        elif marker in _FRAMES and end - start >= 6:
            bits, height, width, components = struct.unpack_from(">BHHB", data, start)
            samples = _samples(data[start + 6 : end], components)
            if not width or not height:
                return None
            return JpegHeader(
                width,
                height,
                components,
                marker in _PROGRESSIVE,
                orientation,
                samples,
                ordinary=marker in _ORDINARY and bits == 8,
                orderly=orderly,
                pixel_height=height_of_pixel,
            )
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
    compressed pixels are copied, not decoded. JFIF and Adobe segments stay, since they say how colours are coded. What
    follows the picture (a second one, a video) goes, and so does what stands between segments and is none.
    """
    kept = [data[:2]]
    rest = markers.segments(data, 0, len(data))
    position = 2
    for marker, start, end in _until_scan(rest, len(data)):
        if marker == SOS:
            pixels = data[start - 4 : _end_of_pixels(rest, len(data))]
            # Without an end of picture a decoder would wait for the rest; with it, it shows what there is.
            return b"".join([*kept, pixels, b"\xff\xd9"])
        if _shows(marker, data[start : start + 5]):
            kept.append(data[start - 4 : end])
        position = end
    return b"".join([*kept, data[position:]])


def _shows(marker: int, beginning: bytes) -> bool:
    """Return whether a decoder needs a segment: JFIF, Adobe's, and all that hold no data of applications and no comment."""
    if marker == _APP0:
        return beginning == b"JFIF\0"
    return marker == _APP14 or not (_APP0 <= marker <= _APP15 or marker == _COM)


def _end_of_pixels(after_scan: Iterator[Segment], size: int) -> int:
    """Return where a picture ends or breaks off, without its end marker."""
    return next((start for marker, start, end in after_scan if marker in (SOI, EOI) or end > size), size)


def _until_scan(segments: Iterator[Segment], size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end of its content) of each segment up to and including the start of scan."""
    for marker, start, end in segments:
        if marker in (SOI, EOI) or end > size:
            return
        yield marker, start + 4, max(end, start + 4)
        if marker == SOS:
            return
