"""Pixels that are not square: a fax has half as many down as across, so its letters are half as high.

No OCR reads such letters well, so they are stretched to their shape on paper. The density in a file is often wrong, so it is
used only if a scanner could have produced it.
"""

from __future__ import annotations

import math
import struct

from PIL import Image

from intake.pages.content import DECODED_PIXELS
from intake.pages.metadata.exif import tags

SQUARE = 1.1
"""Up to here a pixel counts as a square: 204 x 196 dpi, the fine resolution of a fax (ITU-T T.30), is one."""
MAX_RATIO = 4.0
"""From here on the density is nonsense: the coarsest resolution of a fax is 204 x 98 dpi."""

_X, _Y, _RATIONAL = 0x011A, 0x011B, 5


def pixel_height(across: float, down: float) -> float:
    """Return how many times as high as wide a pixel is.

    Args:
        across: Pixels for a unit of length, across.
        down: The same, down.

    Returns:
        1 for a square, for what is nearly one, and where the density makes no sense.
    """
    if not (across > 0 and down > 0 and math.isfinite(across) and math.isfinite(down)):
        return 1.0
    ratio = across / down
    return ratio if SQUARE < max(ratio, 1 / ratio) <= MAX_RATIO else 1.0


def stretched(grey: Image.Image, height: float) -> Image.Image:
    """Return a picture whose pixels are so many times as high as wide with pixels that are squares."""
    if height == 1:
        return grey
    across, down = grey.width * max(1, 1 / height), grey.height * max(1, height)
    scale = min(1, math.sqrt(DECODED_PIXELS / (across * down)))
    return grey.resize((max(1, round(across * scale)), max(1, round(down * scale))), Image.Resampling.BICUBIC)


def density_of(block: bytes) -> tuple[float, float]:
    """Return the density across and down that an EXIF block gives; equal where it gives none or makes no sense."""
    order, entries = tags(block)
    found = {_X: 1.0, _Y: 1.0}
    try:
        for tag, kind, count, value in entries:
            if tag in found and (kind, count) == (_RATIONAL, 1):
                (place,) = struct.unpack(order + "I", value)
                numerator, denominator = struct.unpack_from(order + "II", block, place)
                found[tag] = numerator / denominator
    except (struct.error, ZeroDivisionError):
        return 1.0, 1.0
    return found[_X], found[_Y]
