"""Picture files: photos and screenshots, and TIFF scans with several pages."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageFile, UnidentifiedImageError

from intake.errors import BrokenFile, PictureTooLarge
from intake.pages import jpeg
from intake.pages.content import DECODED_PIXELS, JPEG_QUALITY, OWN_BYTES_LIMIT, UPRIGHT, PageContent, Piece, Placement
from intake.pages.filebytes import Data, stream_of

MAX_PIXELS = {"png": 40_000_000, "tiff": 40_000_000, "webp": 30_000_000}
"""Most pixels of a picture, by kind: Pillow needs 4 bytes a pixel."""
MAX_DECODED_WEBP_PIXELS = 16_000_000
"""A WebP that must be decoded: libwebp's canvases and Pillow's copies take 16 bytes a pixel."""
MAX_TURNED_TIFF_PIXELS = 20_000_000
"""A TIFF that is not stored upright: Pillow turns it in colour, in a second copy."""
MAX_JPEG_PIXELS = 200_000_000
"""A JPEG is decoded scaled down, so its size matters little; this is the largest that phones make."""
MAX_PROGRESSIVE_SAMPLES = 36_000_000
"""A progressive JPEG that must be decoded: a decoder keeps all its coefficients, 2 bytes a sample, however far it scales.
24 megapixels as phones make them, with 1.5 samples a pixel."""
VISION_PIXELS = 75_000_000
"""Largest picture that Vision takes: https://cloud.google.com/vision/docs/supported-files."""

_ORIENTATION = 0x0112
# How a picture lies on its page by EXIF orientation (CIPA DC-008, 4.6.4 A). The four that are missing are mirrored: no
# camera makes them, and since no OCR reads mirrored text they are decoded and turned.
_TURNED = {
    1: UPRIGHT,
    3: Placement(-1, 0, 0, -1, 1, 1),
    6: Placement(0, 1, -1, 0, 1, 0),
    8: Placement(0, -1, 1, 0, 0, 1),
}

STRIP_ROWS = 256

# The pixel caps above are checked before anything is decoded; Pillow's own is lower than some of them.
Image.MAX_IMAGE_PIXELS = None


def encode_grey(picture: Image.Image) -> bytes:
    """Return a picture as a grey JPEG for the OCR: a third of the memory of colour, and OCR does not look at colour."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY, comment=b"")  # Pillow would hand on the comment of a photo
    return buffer.getvalue()


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


def _meaning(exc: Exception, number: int) -> Exception:
    """Return what an error of Pillow's means: memory ran out in a decoder, or the file is broken."""
    return MemoryError() if str(exc).startswith(ImageFile.ERRORS[-9]) else BrokenFile(number)


class JpegDocument:
    """A JPEG: one page, nearly always a phone photo.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.

    Raises:
        BadFile: It has no readable header, or too many pixels.
    """

    page_count = 1

    def __init__(self, data: Data, number: int) -> None:
        header = jpeg.read_header(data)
        if header is None:
            raise BrokenFile(number)
        self._data = data
        self._number = number
        self._header = header
        check_pixels(header.width, header.height, MAX_JPEG_PIXELS, number)
        if not self._own_bytes_will_do:
            check_pixels(header.width, header.height, max_decoded_pixels(header), number)

    @property
    def _own_bytes_will_do(self) -> bool:
        header = self._header
        return (
            len(self._data) <= OWN_BYTES_LIMIT
            and header.width * header.height <= VISION_PIXELS
            and header.components in (1, 3)
            and header.orientation in _TURNED
        )

    def page(self, index: int, *, redraw: bool = False) -> PageContent:  # noqa: ARG002 - it has one page
        """Return the photo: its own bytes where they will do, else grey and at most half of a huge width."""
        header = self._header
        turned = header.orientation >= 5
        width, height = (header.height, header.width) if turned else (header.width, header.height)
        if self._own_bytes_will_do and not redraw:
            picture, source = jpeg.without_metadata(self._data), "picture"
        else:
            check_pixels(header.width, header.height, max_decoded_pixels(header), self._number)
            picture, source = self._decoded(), "render"
        piece = Piece(picture, _TURNED.get(header.orientation, UPRIGHT))
        return PageContent(width, height, source, pieces=[piece])

    def _decoded(self) -> bytes:
        header = self._header
        try:
            with stream_of(self._data) as stream, Image.open(stream) as photo:
                scale = next(s for s in (1, 2, 4, 8) if header.width * header.height / s**2 <= DECODED_PIXELS or s == 8)
                # libjpeg decodes at 1/2, 1/4 or 1/8 and only the brightness, so the full picture never exists.
                photo.draft("L", (header.width // scale, header.height // scale))
                grey = to_grey(photo)
                return encode_grey(grey if header.orientation in _TURNED else _turn(grey, header.orientation))
        except (OSError, SyntaxError, ValueError) as exc:
            raise _meaning(exc, self._number) from exc

    def close(self) -> None:
        """Give back the bytes."""
        self._data = b""


class RasterDocument:
    """A PNG, WebP or TIFF; a TIFF may hold several pages.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.
        kind: `png`, `webp` or `tiff`.

    Raises:
        BadFile: It cannot be opened, or has too many pixels.
    """

    def __init__(self, data: Data, number: int, kind: str) -> None:
        self._data = data
        self._number = number
        self._kind = kind
        self._stream = stream_of(data)
        try:
            self._picture = Image.open(self._stream, formats=[kind.upper()])
            # Counting a TIFF's pages walks its chain of directories; WebP and PNG animations count as one picture.
            self._pages = getattr(self._picture, "n_frames", 1) if kind == "tiff" else 1
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, KeyError, TypeError) as exc:
            raise BrokenFile(number) from exc
        check_pixels(*self._picture.size, MAX_PIXELS[kind], number)

    @property
    def page_count(self) -> int:
        """Pages of the file."""
        return self._pages

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return a page: a PNG's or WebP's own bytes where they will do, else decoded, upright and grey."""
        picture = self._picture
        try:
            picture.seek(index)
            check_pixels(*picture.size, MAX_PIXELS[self._kind], self._number)
            if self._own_bytes_will_do and not redraw:
                return PageContent(*picture.size, "picture", pieces=[Piece(bytes(self._data[:]))])
            check_pixels(*picture.size, self._max_decoded_pixels(), self._number)
            # Transposing a copy would double the memory, so the pixels are made grey first; the copy is small.
            grey = to_grey(picture)
            # Not before the pixels are there: Pillow turns a TIFF while it decodes it and then forgets the orientation.
            orientation = picture.getexif().get(_ORIENTATION, 1)
        except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as exc:
            raise _meaning(exc, self._number) from exc
        grey = _turn(grey, orientation)
        width, height = grey.size
        if width * height > DECODED_PIXELS:
            grey = grey.reduce(2)
        return PageContent(width, height, "render", pieces=[Piece(encode_grey(grey))])

    def _max_decoded_pixels(self) -> int:
        if self._kind == "webp":
            return MAX_DECODED_WEBP_PIXELS
        turned = self._kind == "tiff" and self._picture.getexif().get(_ORIENTATION, 1) != 1
        return MAX_TURNED_TIFF_PIXELS if turned else MAX_PIXELS[self._kind]

    @property
    def _own_bytes_will_do(self) -> bool:
        info = self._picture.info
        # Whether a service turns it by its EXIF, and on what it lays what is transparent, is not documented.
        plain = not info.get("exif") and "transparency" not in info and self._picture.mode in ("L", "RGB", "P", "1")
        return (
            self._kind in ("png", "webp")
            and plain
            and len(self._data) <= OWN_BYTES_LIMIT
            and not getattr(self._picture, "is_animated", False)
        )

    def close(self) -> None:
        """Give back the memory."""
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


def _turn(grey: Image.Image, orientation: int) -> Image.Image:
    method = _TRANSPOSES.get(orientation)
    return grey if method is None else grey.transpose(method)
