"""Rewrites pictures from the parts known to be harmless, for copies that leave the functions. Pure; decodes no pixel.

The place where a picture was taken can be anywhere: EXIF, XMP, makers' notes, comments, videos and second pictures behind the
first. So we do not search for it. We keep what shows the picture, its orientation and its colours, and leave out the rest:

    jpeg   segments of the picture itself, JFIF and Adobe without thumbnails, ICC; up to the end of the picture
    png    chunks that are needed to show the picture
    webp   likewise; every other byte is zero
    tiff   tags that are needed to show a page, and what they lead to; every other byte is zero
    heic   boxes and items that are needed to show the picture; every other byte is zero

In the last two everything is found by its offset, so nothing may move. A PDF is not touched: what is embedded in one (photos
with their EXIF among it) stays in it. Nor is anything that can be seen in the picture itself.

Time and memory grow with the parts of a file, of which there may be `pieces.MAX_PARTS`; coded pixels are skipped, not copied.
"""

from __future__ import annotations

import struct

from intake.pages.metadata.chunks import clean_png, clean_webp
from intake.pages.metadata.heif import clean_heif
from intake.pages.metadata.jpeg import clean_jpeg
from intake.pages.metadata.pieces import Bytes, Part, Unreadable, assembled, length_of
from intake.pages.metadata.tiff import clean_tiff

__all__ = ["Part", "Unreadable", "length_of", "without_location"]

_CLEANERS = {"jpeg": clean_jpeg, "png": clean_png, "webp": clean_webp, "tiff": clean_tiff, "heic": clean_heif}
_IN_PLACE = {"webp", "tiff", "heic"}


def without_location(kind: str, data: Bytes) -> list[Part]:
    """Return the parts of a picture without metadata that may show where it was taken.

    Args:
        kind: `jpeg`, `png`, `webp`, `tiff` or `heic`.
        data: All bytes.

    Raises:
        Unreadable: The picture does not follow its format, or has too many parts.
    """
    clean = _CLEANERS[kind]  # an unknown kind is our bug, not the picture's fault
    try:
        return assembled(clean(data), len(data), in_place=kind in _IN_PLACE)
    except (LookupError, ValueError, struct.error) as exc:
        raise Unreadable from exc
