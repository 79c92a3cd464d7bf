"""Pictures written anew from what is known to be harmless, for copies that leave the functions. Pure; no pixel is decoded.

A place where a picture was taken can stand anywhere: EXIF, XMP, notes of makers, comments, films and second pictures behind the
first. So nothing is looked for; what shows the picture is kept, with its orientation and its colours, and all else is left out:

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
    """Return how a picture is written without what may say where it was taken.

    Args:
        kind: `jpeg`, `png`, `webp`, `tiff` or `heic`.
        data: All bytes.

    Raises:
        Unreadable: The picture is not put together as its format asks for, or of too many parts.
    """
    clean = _CLEANERS[kind]  # an unknown kind is a fault of ours, not of the picture
    try:
        return assembled(clean(data), len(data), in_place=kind in _IN_PLACE)
    except (LookupError, ValueError, struct.error) as exc:
        raise Unreadable from exc
