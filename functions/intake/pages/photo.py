"""JPEG files: nearly always a phone photo, sent unchanged; decoded only if necessary."""

from __future__ import annotations

import io

from PIL import Image

from intake.errors import BrokenFile, UnusualPicture
from intake.pages import Document, jpeg
from intake.pages.bands import bands
from intake.pages.content import DECODED_PIXELS, LONG_PIXELS, OWN_BYTES_LIMIT, UPRIGHT, PageContent, Piece, Placement
from intake.pages.density import stretched
from intake.pages.filebytes import Data, stream_of
from intake.pages.pictures import (
    MAX_JPEG_PIXELS,
    VISION_PIXELS,
    RasterDocument,
    check_pixels,
    in_pieces,
    max_decoded_pixels,
    meaning,
    to_grey,
    turned,
)

# How a picture lies on its page by EXIF orientation (CIPA DC-008, 4.6.4 A). The four that are missing are mirrored: no
# camera makes them, and since no OCR reads mirrored text they are decoded and turned.
TURNED = {
    1: UPRIGHT,
    3: Placement(-1, 0, 0, -1, 1, 1),
    6: Placement(0, 1, -1, 0, 1, 0),
    8: Placement(0, -1, 1, 0, 0, 1),
}


def open_jpeg(data: Data, number: int) -> Document:
    """Open a JPEG. A header that we cannot judge is left to the decoder.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.

    Raises:
        BadFile: No decoder here reads it, or it has too many pixels.
    """
    header = jpeg.read_header(data)
    if header is not None and header.ordinary:
        return JpegDocument(data, number, header)
    return RasterDocument(data, number, "jpeg", BrokenFile if header is None else UnusualPicture)


class JpegDocument:
    """A JPEG of the usual kinds: one page.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.
        header: What it says of itself.

    Raises:
        BadFile: It has too many pixels.
    """

    page_count = 1

    def __init__(self, data: Data, number: int, header: jpeg.JpegHeader) -> None:
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
            and header.orientation in TURNED
            and header.pixel_height == 1
            and len(bands(header.width, header.height)) == 1
        )

    def page(self, index: int, *, redraw: bool = False) -> PageContent:  # noqa: ARG002 - it has one page
        """Return the photo: its own bytes if possible, otherwise grey and at most half of a huge width."""
        header = self._header
        if self._own_bytes_will_do and not redraw:
            width, height = (header.width, header.height)[:: -1 if header.orientation >= 5 else 1]
            piece = Piece(jpeg.without_metadata(self._data), TURNED[header.orientation])
            return PageContent(width, height, "picture", pieces=[piece])
        check_pixels(header.width, header.height, max_decoded_pixels(header), self._number)
        grey = turned(stretched(self._decoded(), header.pixel_height), header.orientation)
        return PageContent(*grey.size, "render", pieces=in_pieces(grey))

    def _decoded(self) -> Image.Image:
        header = self._header
        most = DECODED_PIXELS if len(bands(header.width, header.height)) == 1 else LONG_PIXELS
        scale = next(s for s in (1, 2, 4, 8) if header.width * header.height / s**2 <= most or s == 8)
        # Decode a cleaned copy; of a large file only if necessary, because it is a second copy in memory.
        as_it_came = header.orderly and len(self._data) > OWN_BYTES_LIMIT
        source = stream_of(self._data) if as_it_came else io.BytesIO(jpeg.without_metadata(self._data))
        try:
            with source, Image.open(source, formats=["JPEG"]) as photo:
                # libjpeg decodes at 1/2, 1/4 or 1/8 and only the brightness, so the full picture never exists.
                photo.draft("L", (header.width // scale, header.height // scale))
                return to_grey(photo)
        except (OSError, SyntaxError, ValueError) as exc:
            raise meaning(exc, self._number) from exc

    def close(self) -> None:
        """Release the bytes."""
        self._data = b""
