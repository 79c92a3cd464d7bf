"""Photos that carry the place where they were taken."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from typing import Any

import pillow_heif
from intake.pages.metadata import Part
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

LATITUDE, LONGITUDE = (42.0, 26.0, 38.29), (76.0, 29.0, 48.91)

SECRET = b"42.443969N"

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf exif:GPSLatitude="' + SECRET + b'"/></x:xmpmeta>'

KINDS = ("jpeg", "png", "webp", "tiff", "heic")


def photo(seed: int = 1, size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Return a picture with a lot in it."""
    rng = random.Random(seed)
    return Image.frombytes("RGB", size, rng.randbytes(size[0] * size[1] * 3)).resize((size[0] * 3, size[1] * 3))


def exif(orientation: int = 6) -> Image.Exif:
    """Return what a phone writes: orientation, device, place, and a maker's note."""
    block = Image.Exif()
    block[ExifTags.Base.Orientation] = orientation
    block[ExifTags.Base.Make] = "Example Phones"
    block.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: LATITUDE, 3: "W", 4: LONGITUDE, 29: "2026:11:25"})
    block.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.MakerNote: b"lives at " + SECRET})
    return block


def taken(kind: str, orientation: int = 6, **options: Any) -> bytes:
    """Return a photo of a kind with its place in it."""
    buffer = io.BytesIO()
    if kind == "heic":
        pillow_heif.from_pillow(photo()).save(buffer, quality=70, exif=exif(orientation).tobytes(), xmp=XMP)
    elif kind == "png":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        texts.add_text("Comment", f"at {SECRET.decode()}")
        photo().save(buffer, "PNG", exif=exif(orientation), pnginfo=texts)
    elif kind == "tiff":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[ExifTags.Base.Orientation], tags[700] = orientation, XMP
        tags[ExifTags.IFD.GPSInfo] = dict(exif().get_ifd(ExifTags.IFD.GPSInfo))
        tags[ExifTags.IFD.Exif] = dict(exif().get_ifd(ExifTags.IFD.Exif))
        photo().save(buffer, "TIFF", tiffinfo=tags, **options)
    elif kind == "webp":
        photo().save(buffer, "WEBP", lossless=True, exif=exif(orientation), xmp=XMP)
    else:
        photo().save(buffer, "JPEG", exif=exif(orientation), xmp=XMP, comment=SECRET, **options)
    return buffer.getvalue()


def written(data: bytes, parts: Iterable[Part]) -> bytes:
    return b"".join(
        bytes(part) if isinstance(part, int) else part if isinstance(part, bytes) else data[slice(*part)]
        for part in parts
    )
