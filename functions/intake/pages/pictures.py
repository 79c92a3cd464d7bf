"""Picture files: photos and screenshots, and TIFF scans with several pages."""

from __future__ import annotations

import io
import math
from typing import Any

from PIL import Image, ImageFile, UnidentifiedImageError

from intake.contract import limit
from intake.errors import BadFile, BrokenFile, PictureTooLarge, UnusualPicture
from intake.pages import jpeg
from intake.pages.bands import bands
from intake.pages.content import (
    DECODED_PIXELS,
    JPEG_QUALITY,
    LONG_PIXELS,
    MAX_PICTURE_BYTES,
    OWN_BYTES_LIMIT,
    PageContent,
    Piece,
)
from intake.pages.density import pixel_height, stretched
from intake.pages.filebytes import Data, stream_of

MAX_PIXELS = {kind: limit(f"{kind}_pixels") for kind in ("png", "tiff", "webp")}
MAX_PIXELS["jpeg"] = limit("jpeg_decoded_pixels")
"""Maximum pixels of a picture, by kind. JPEG: one that only a decoder understands."""
MAX_DECODED_WEBP_PIXELS = limit("webp_decoded_pixels")
MAX_TURNED_TIFF_PIXELS = limit("tiff_turned_pixels")
MAX_JPEG_PIXELS = limit("jpeg_pixels")
MAX_PROGRESSIVE_SAMPLES = limit("jpeg_progressive_samples")
VISION_PIXELS = 75_000_000
"""Largest picture that Vision takes: https://cloud.google.com/vision/docs/supported-files."""

_ORIENTATION = 0x0112
_DNG_VERSION = 0xC612

STRIP_ROWS = 256
_TAIL_BYTES = 1024

# The pixel caps above are checked before anything is decoded; Pillow's own is lower than some of them.
Image.MAX_IMAGE_PIXELS = None


def encode_grey(picture: Image.Image, max_bytes: int = MAX_PICTURE_BYTES) -> bytes:
    """Return a picture as a grey JPEG for the OCR: a third of the memory of color, and OCR ignores color.

    Args:
        picture: In grey.
        max_bytes: Most bytes; a larger result, which only noise gives, is halved in width and height.
    """
    while True:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=JPEG_QUALITY, comment=b"")  # Pillow would copy the comment of a photo
        if buffer.tell() <= max_bytes:
            return buffer.getvalue()
        picture = picture.reduce(2)


def in_pieces(grey: Image.Image) -> list[Piece]:
    """Return an upright grey picture for the OCR: one piece, or several where it is long; halved where it is huge."""
    pieces = bands(*grey.size)
    if grey.width * grey.height > (DECODED_PIXELS if len(pieces) == 1 else LONG_PIXELS):
        grey = grey.reduce(2)
    if len(pieces) == 1:
        return [Piece(encode_grey(grey))]
    return [
        Piece(encode_grey(grey.crop(piece.pixels(*grey.size)), MAX_PICTURE_BYTES // len(pieces)), piece.placement)
        for piece in pieces
    ]


def to_grey(picture: Image.Image) -> Image.Image:
    """Return any picture in grey, transparent parts on white, 16-bit samples scaled to 8.

    It is made strip by strip: on the way a picture may be in memory several times over.
    """
    picture.load()
    if picture.mode == "L" and "transparency" not in picture.info:
        return picture
    width, height = picture.size
    grey = Image.new("L", picture.size)
    for top in range(0, height, STRIP_ROWS):
        grey.paste(_strip_to_grey(picture.crop((0, top, width, min(top + STRIP_ROWS, height)))), (0, top))
    return grey


def _webp_to_grey(picture: Any) -> Image.Image:
    """Return a WebP in grey, made of what libwebp hands out: Pillow would copy all of it in colour first."""
    picture._seek(0)  # This and the next have no public names; Pillow is pinned.
    samples, *_ = picture._get_next()
    width, height = picture.size
    grey = Image.new("L", picture.size)
    for top in range(0, height, STRIP_ROWS):
        rows = min(STRIP_ROWS, height - top)
        part = samples[4 * width * top : 4 * width * (top + rows)]
        strip = Image.frombuffer(picture.mode, (width, rows), part, "raw", picture.rawmode, 0, 1)
        grey.paste(_strip_to_grey(strip), (0, top))
    return grey


def _strip_to_grey(strip: Image.Image) -> Image.Image:
    if strip.mode.startswith("I;16"):
        # The upper byte of each sample. Pillow's own conversion cuts off what is above 255, and has none for big-endian.
        upper = strip.tobytes()[0 if strip.mode == "I;16B" else 1 :: 2]
        return Image.frombuffer("L", strip.size, upper, "raw", "L", 0, 1)
    if "A" in strip.getbands() or "transparency" in strip.info:
        strip = strip.convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        white.alpha_composite(strip)
        strip = white
    return strip.convert("L")


def _load_what_has_come(picture: Image.Image) -> None:
    """Decode a truncated picture as far as possible; Pillow has only one switch for this, for all pictures."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        picture.load()
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _shows_nothing(grey: Image.Image) -> bool:
    darkest, brightest = grey.getextrema()
    return darkest == brightest


def max_decoded_pixels(header: jpeg.JpegHeader) -> int:
    """Return how many pixels a JPEG may have that must be decoded."""
    return int(MAX_PROGRESSIVE_SAMPLES / header.samples) if header.progressive else MAX_JPEG_PIXELS


def check_pixels(width: int, height: int, limit: int, number: int) -> None:
    """Refuse a picture with more pixels than its format may have.

    Raises:
        PictureTooLarge: It has.
    """
    if width * height > limit:
        raise PictureTooLarge(number, megapixels=math.ceil(width * height / 1e6), limit=limit // 1_000_000)


def meaning(exc: Exception, number: int, unreadable: type[BadFile] = BrokenFile) -> Exception:
    """Return the meaning of a Pillow error: a decoder ran out of memory, or the file cannot be decoded."""
    return MemoryError() if str(exc).startswith(ImageFile.ERRORS[-9]) else unreadable(number)


class RasterDocument:
    """A PNG, WebP or TIFF, or a JPEG of a rare kind; a TIFF may hold several pages.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.
        kind: `png`, `webp` or `tiff`; `jpeg` where only a decoder can tell what it is.
        unreadable: What it means that it cannot be decoded.

    Raises:
        BadFile: It cannot be opened, or has too many pixels.
    """

    def __init__(self, data: Data, number: int, kind: str, unreadable: type[BadFile] = BrokenFile) -> None:
        self._data = data
        self._number = number
        self._kind = kind
        self._unreadable = unreadable
        self._stream = stream_of(data)
        try:
            self._picture = Image.open(self._stream, formats=[kind.upper()])
            # Counting a TIFF's pages walks its chain of directories; WebP and PNG animations count as one picture.
            self._pages = getattr(self._picture, "n_frames", 1) if kind == "tiff" else 1
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, KeyError, TypeError) as exc:
            raise unreadable(number) from exc
        if kind == "tiff" and _DNG_VERSION in self._picture.tag_v2:  # type: ignore[attr-defined]
            raise UnusualPicture(number)  # What it shows first is a thumbnail.
        check_pixels(*self._picture.size, MAX_PIXELS[kind], number)

    @property
    def page_count(self) -> int:
        """Pages of the file."""
        return self._pages

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return a page: a PNG's or WebP's own bytes if possible, otherwise decoded, upright and grey."""
        picture = self._picture
        try:
            picture.seek(index)
            check_pixels(*picture.size, MAX_PIXELS[self._kind], self._number)
            if self._own_bytes_will_do and not redraw:
                return PageContent(*picture.size, "picture", pieces=[Piece(bytes(self._data[:]))])
            check_pixels(*picture.size, self._max_decoded_pixels(), self._number)
            # Transposing a copy would double the memory, so the pixels are made grey first; the copy is small.
            if self._is_cut_off:
                _load_what_has_come(picture)
            grey = _webp_to_grey(picture) if self._kind == "webp" else to_grey(picture)
            if self._is_cut_off and _shows_nothing(grey):
                raise self._unreadable(self._number)
            # Not before the pixels are there: Pillow turns a TIFF while it decodes it and then forgets the orientation.
            orientation = picture.getexif().get(_ORIENTATION, 1)
        except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as exc:
            raise meaning(exc, self._number, self._unreadable) from exc
        grey = turned(stretched(grey, self._pixel_height), orientation)
        return PageContent(*grey.size, "render", pieces=in_pieces(grey))

    @property
    def _pixel_height(self) -> float:
        info = self._picture.info
        density = info.get("dpi") or info.get("resolution") or info.get("aspect") or (1, 1)
        return pixel_height(*map(float, density))

    def _max_decoded_pixels(self) -> int:
        if self._kind == "webp":
            return MAX_DECODED_WEBP_PIXELS
        turned = self._kind == "tiff" and self._picture.getexif().get(_ORIENTATION, 1) != 1
        return MAX_TURNED_TIFF_PIXELS if turned else MAX_PIXELS[self._kind]

    @property
    def _is_cut_off(self) -> bool:
        """Whether a PNG's last chunk (ISO/IEC 15948, 11.2.5) is not at its end; a few programs write more behind it."""
        return self._kind == "png" and b"IEND" not in bytes(self._data[-_TAIL_BYTES:])

    @property
    def _own_bytes_will_do(self) -> bool:
        info = self._picture.info
        # It is not documented whether a service applies its EXIF orientation, and which background it puts behind transparency.
        plain = not info.get("exif") and "transparency" not in info and self._picture.mode in ("L", "RGB", "P", "1")
        return (
            self._kind in ("png", "webp")
            and plain
            and self._pixel_height == 1
            and len(bands(*self._picture.size)) == 1
            and len(self._data) <= OWN_BYTES_LIMIT
            and not getattr(self._picture, "is_animated", False)
            and not self._is_cut_off
        )

    def close(self) -> None:
        """Release the memory."""
        self._picture.close()
        self._stream.close()
        self._data = b""


_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turned(grey: Image.Image, orientation: int) -> Image.Image:
    """Return a picture upright, by its EXIF orientation; as it is where that makes no sense."""
    method = _TRANSPOSES.get(orientation)
    return grey if method is None else grey.transpose(method)
