"""Decide which pictures Cloud Vision would take, and decode those.

- At most 20 MB and 75 million pixels; JPEG, PNG, GIF (first frame), BMP, WEBP, ICO, TIFF (first page here),
  and RAW, which Pillow cannot decode and so counts as bad:
  https://docs.cloud.google.com/vision/docs/supported-files. HEIC, AVIF and JPEG 2000 are not on that list.
- What is not a picture of these kinds, or is broken, is answered with code 3 and "Bad image data." in that
  picture's response, while the others of the call are answered:
  https://github.com/googleapis/google-cloud-python/issues/5134. That the same words are said about a picture
  that is too large is our choice: the service's own are not documented, only that it is an error.
- A request without picture or features: code 3, "Request must specify image and features."
  https://github.com/GoogleCloudPlatform/golang-samples/issues/794, per picture:
  https://github.com/googleapis/google-cloud-php/pull/68.
- EXIF is not looked at: what counts is the pixels as they are stored.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

MAX_PICTURE_BYTES = 20_000_000
MAX_PICTURE_PIXELS = 75_000_000
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF")
# What Pillow raises for bytes that are not what they claim to be; it documents no narrower set.
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    struct.error,
    zlib.error,
)


class BadPicture(ValueError):
    """The service would refuse these bytes; the message says why, for the log of the stand-in."""


def decode(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Decode a picture as the service would see it.

    Args:
        content: the file's bytes.

    Returns:
        height x width x 3, blue-green-red, transparent parts white.

    Raises:
        BadPicture: too large, of another format, or broken.
    """
    if len(content) > MAX_PICTURE_BYTES:
        raise BadPicture(f"{len(content):,} bytes; the limit is {MAX_PICTURE_BYTES:,}")
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as picture:
            pixels = picture.width * picture.height
            if pixels > MAX_PICTURE_PIXELS:
                raise BadPicture(f"{pixels:,} pixels; the limit is {MAX_PICTURE_PIXELS:,}")
            return np.ascontiguousarray(np.asarray(_on_white(picture))[:, :, ::-1])
    except BadPicture:
        raise
    except (*_DECODING_ERRORS, Image.DecompressionBombError) as exc:
        raise BadPicture(f"not a whole {', '.join(_FORMATS)} file ({type(exc).__name__})") from exc


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel: convert() would clip instead of scale.
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
