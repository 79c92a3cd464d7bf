"""Pictures without the place where they were taken, for copies that leave the functions. Pure; no pixel is decoded.

What goes, by kind of picture:

    jpeg   every metadata segment (EXIF, XMP, IPTC, maker's notes, comments) and whatever stands behind the picture, such as
           a phone's second picture or video; colour profile and orientation stay
    png    every chunk that is not needed to show the picture (EXIF, XMP, texts, dates); orientation stays
    webp   likewise
    tiff   the directories and tags of EXIF, GPS, XMP, IPTC and GeoTIFF, overwritten with zeros in place
    heic   EXIF and XMP items, and boxes of makers of phones, overwritten in place; its orientation is not in the EXIF

A PDF is not touched: what is embedded in one (photos with their EXIF among it) stays in it. Nor is anything that can be seen in
the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable

from intake.location.chunks import clean_png, clean_webp
from intake.location.exif import Unreadable
from intake.location.heif import clean_heif
from intake.location.jpeg import clean_jpeg
from intake.location.tiff import clean_tiff

__all__ = ["Unreadable", "without_location"]

_CLEANERS: dict[str, Callable[[memoryview], list[memoryview]]] = {
    "jpeg": clean_jpeg,
    "png": clean_png,
    "webp": clean_webp,
    "tiff": clean_tiff,
    "heic": clean_heif,
}


def without_location(kind: str, data: memoryview) -> list[memoryview]:
    """Return a picture in pieces, without the place where it was taken.

    Args:
        kind: `jpeg`, `png`, `webp`, `tiff` or `heic`.
        data: All bytes, writable; some are overwritten, none are copied.

    Raises:
        Unreadable: The picture is not put together as its format asks for, so that its metadata cannot be found.
    """
    try:
        return _CLEANERS[kind](data)
    except (IndexError, ValueError) as exc:
        raise Unreadable from exc
