"""PDF files through PyMuPDF: per page its text layer, its one picture's own bytes, or a rendering."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from math import hypot, sqrt
from typing import Any

import pymupdf
from PIL import Image

from intake.contract import limit
from intake.errors import BadFile, BrokenFile, DocumentsInside, EncryptedPdf, NoPages
from intake.model import Word
from intake.pages import ink, jpeg
from intake.pages.bands import WHOLE, Band, bands
from intake.pages.content import (
    LONG_PIXELS,
    MAX_PICTURE_BYTES,
    OWN_BYTES_LIMIT,
    RENDERED_PIXELS,
    PageContent,
    Piece,
    Placement,
)
from intake.pages.density import SQUARE
from intake.pages.filebytes import Data
from intake.pages.glyphs import Fonts
from intake.pages.packages import holds_documents
from intake.pages.pictures import VISION_PIXELS, check_pixels, encode_grey, max_decoded_pixels
from intake.pages.textlayer import Box, Layer

MAX_DPI = 300
LOOK_DPI = 100
MIN_WORDS = 20
"""Fewer words are a stamp or a scanner's footer, not the text of a page."""
MARGIN = 0.03
"""Share of the page that is drawn about what goes to the OCR."""
NEARLY_ALL = 0.6
"""Share of a page from which on it is drawn whole."""
TEXT, PICTURES = {"fill-text", "stroke-text"}, {"fill-image", "fill-imgmask"}
"""Kinds of what a page paints, as `pymupdf.Page.get_bboxlog` names them."""
WHOLE_PAGE = 0.95
MAX_DECODED_BYTES = limit("pdf_picture_bytes")
KEPT_PIXELS = 1_000_000
"""Maximum pixels of a page's pictures after which MuPDF's store is kept for the next page: logos, not scans."""
MAX_JPX_PIXELS = limit("pdf_jpx_pixels")

# IndexError: a file may promise more pages than it has. TypeError: a text in it is not what MuPDF's binding expects.
_MUPDF_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, pymupdf.mupdf.FzErrorBase)

# What the binding's own C++ raises has no class of MuPDF's, only its text: "code=2: calloc (4104 x 1 bytes) failed".
_SYSTEM_ERROR = f"code={pymupdf.mupdf.FZ_ERROR_SYSTEM}:"

# MuPDF prints its errors, which may quote the file.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)


class PdfDocument:
    """A PDF.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.

    Raises:
        BadFile: It cannot be opened, needs a password, has no page, or holds its documents inside.
        MemoryError: Memory ran out.
    """

    def __init__(self, data: Data, number: int) -> None:
        self._number = number
        self._keep_store = False
        try:
            self._document = pymupdf.open(stream=memoryview(data), filetype="pdf")
            encrypted, pages, inside = self._document.needs_pass, 0, False
            if not encrypted:
                pages = self._document.page_count
                inside = pages > 0 and holds_documents(self._document)
        except _MUPDF_ERRORS as exc:
            raise _meaning(exc, number) from exc
        if encrypted:
            raise EncryptedPdf(number)
        if not pages:
            # MuPDF repairs what it can. A file that begins like a PDF and has no object at all is broken.
            raise NoPages(number) if self._document.xref_length() > 1 else BrokenFile(number)
        if inside:
            raise DocumentsInside(number)
        self._pages = pages
        self._fonts = Fonts(self._document)

    @property
    def page_count(self) -> int:
        """Pages of the file."""
        return self._pages

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return what is to be read on a page; see `intake.pages.Document`."""
        self._keep_store = False
        try:
            return self._page(self._document[index], redraw)
        except BadFile:
            raise
        except _MUPDF_ERRORS as exc:
            raise _meaning(exc, self._number) from exc
        finally:
            # MuPDF keeps what it decoded for later pages: about 13 MB a scanned page, which never comes back.
            if not self._keep_store:
                pymupdf.TOOLS.store_shrink(100)

    def close(self) -> None:
        """Release the memory."""
        self._document.close()
        # The document lives on until its reference cycles are collected, and would keep the file's bytes that long.
        self._document.stream = None
        pymupdf.TOOLS.store_shrink(100)

    def _page(self, page: pymupdf.Page, redraw: bool) -> PageContent:
        width, height = page.rect.width, page.rect.height
        if width <= 0 or height <= 0:
            raise BrokenFile(self._number)
        layer = None if redraw else Layer(page)
        if layer is None or not layer.is_sound():
            return PageContent(width, height, "render", pieces=list(self._render(page, WHOLE)))
        compared = ink.compare(layer, self._fonts.doubtful(page, layer), lambda: self._look(page))
        words = layer.read(compared.words)
        if not compared.unexplained and len(words) >= MIN_WORDS:
            # With its fonts in it: loading them again for each page took longer than all the rest.
            self._keep_store = _decodes_little(page, layer)
            return PageContent(width, height, "text", words)
        if len(layer.pictures) == 1 and (picture := self._own_picture(page, words)) is not None:
            return picture
        if len(words) < MIN_WORDS:
            return PageContent(width, height, "render", pieces=list(self._render(page, WHOLE)))
        region = _region(layer, compared.unexplained)
        return PageContent(width, height, "render", words, list(self._render(page, region)))

    def _own_picture(self, page: pymupdf.Page, words: list[Word]) -> PageContent | None:
        """Return the bytes of the one picture that is all there is to see, with text that is painted over it."""
        kinds = [kind for kind, _ in page.get_bboxlog()]
        if sum(kind in PICTURES for kind in kinds) != 1 or "fill-image" not in kinds or page.first_annot:
            return None
        place = kinds.index("fill-image")
        over = set(kinds[place + 1 :])
        hidden_text = "ignore-text" in kinds or bool(TEXT & set(kinds[:place]))
        if over - TEXT - {"ignore-text"} or (over & TEXT and hidden_text):
            return None
        info = page.get_image_info()[0]
        matrix = pymupdf.Matrix(info["transform"]) * page.rotation_matrix
        mirrored = matrix.a * matrix.d - matrix.b * matrix.c <= 0
        if mirrored or not _has_squares(matrix, info) or not _covers_page(page, info["bbox"]) or _clips(page):
            return None
        data = self._jpeg_bytes(page, info)
        if data is None:
            return None
        width, height = page.rect.width, page.rect.height
        placement = Placement(
            matrix.a / width,
            matrix.b / height,
            matrix.c / width,
            matrix.d / height,
            matrix.e / width,
            matrix.f / height,
        )
        return PageContent(width, height, "picture", words if over & TEXT else (), [Piece(data, placement)])

    def _jpeg_bytes(self, page: pymupdf.Page, info: dict[str, object]) -> bytes | None:
        """Return the picture's own JPEG, if it is one that Vision sees as the PDF means it."""
        size = (info["width"], info["height"])
        images = [image for image in page.get_images(full=True) if image[2:4] == size]
        if (
            len(images) != 1
            or info["has-mask"]
            or info["colorspace"] not in (1, 3)
            or "Indexed" in str(info["cs-name"])
        ):
            return None
        xref, smask, filters = images[0][0], images[0][1], images[0][8]
        inverted = self._document.xref_get_key(xref, "Decode")[0] != "null"
        if smask or filters != "DCTDecode" or inverted:
            return None
        data: bytes = self._document.xref_stream_raw(xref)
        header = jpeg.read_header(data)
        if header is None or not header.ordinary or header.components not in (1, 3) or len(data) > OWN_BYTES_LIMIT:
            return None
        if header.width * header.height > VISION_PIXELS or len(bands(header.width, header.height)) > 1:
            return None
        return jpeg.without_metadata(data)

    def _render(self, page: pymupdf.Page, region: Band) -> Iterator[Piece]:
        """Yield a part of the page as grey JPEGs, capped in pixels: pages come in any size, so a fixed dpi would not do.

        It is one picture, unless it is long; no two pieces are drawn at once.
        """
        width, height = page.rect.width, page.rect.height
        left, top, right, bottom = region
        across, down = right - left, bottom - top
        pieces = [
            Band((left + a * across, top + b * down, left + c * across, top + d * down))
            for a, b, c, d in bands(across * width * MAX_DPI / 72, down * height * MAX_DPI / 72)
        ]
        self._check_pictures(page, pieces)
        largest = max(piece.area for piece in pieces) * width * height
        zoom = min(MAX_DPI / 72, sqrt(RENDERED_PIXELS / largest), sqrt(LONG_PIXELS / (region.area * width * height)))
        painted = page.get_displaylist()
        for piece in pieces:
            left, top, right, bottom = piece
            pixmap = painted.get_pixmap(
                matrix=pymupdf.Matrix(zoom, zoom),
                colorspace=pymupdf.csGRAY,
                alpha=False,
                clip=pymupdf.Rect(left * width, top * height, right * width, bottom * height),
            )
            # Pillow's encoder is several times faster than the pixmap's own, and reads its samples in place.
            yield Piece(encode_grey(_image(pixmap), MAX_PICTURE_BYTES // len(pieces)), piece.placement)
            if len(pieces) > 1:  # Of each picture MuPDF has decoded, and would keep, the part that this piece shows.
                pymupdf.TOOLS.store_shrink(100)

    def _look(self, page: pymupdf.Page) -> Image.Image:
        """Return a small grey drawing of the page, to tell ink from paper."""
        self._check_pictures(page, [WHOLE])
        zoom = min(LOOK_DPI / 72, sqrt(RENDERED_PIXELS / (page.rect.width * page.rect.height)))
        pixmap = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csGRAY, alpha=False)
        return _image(pixmap).copy()

    def _check_pictures(self, page: pymupdf.Page, pieces: Sequence[Band]) -> None:
        """Refuse pictures that would take more memory than a function has.

        Args:
            page: The page.
            pieces: In which it is drawn.

        Raises:
            PictureTooLarge: There is one.
        """
        for xref, _, width, height, _, colorspace, _, _, filters, *_ in page.get_images(full=True):
            if "DCTDecode" in filters:
                # What the PDF says of the size is not what the decoder goes by, so the JPEG itself is asked as well.
                header = jpeg.read_header(self._document.xref_stream_raw(xref))
                sizes = [(width, height), *([(header.width, header.height)] if header else [])]
                limit = max_decoded_pixels(header) if header else MAX_DECODED_BYTES // 3
                for size in sizes:
                    check_pixels(*size, limit, self._number)
            elif "JPXDecode" in filters:
                for size in ((width, height), *_coded_sizes(self._document.xref_stream_raw(xref))):
                    check_pixels(*size, MAX_JPX_PIXELS, self._number)
            else:
                components = 1 if "Gray" in colorspace or not colorspace else 4 if "CMYK" in colorspace else 3
                limit = MAX_DECODED_BYTES // components
                if width * height > limit and len(pieces) > 1:
                    limit = int(limit / _largest_part(page, xref, pieces))
                check_pixels(width, height, limit, self._number)


def _meaning(exc: BaseException, number: int) -> Exception:
    """Return the meaning of a MuPDF error: memory ran out, which it calls a system error, or the file is broken."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, pymupdf.mupdf.FzErrorSystem) or str(cause).startswith(_SYSTEM_ERROR):
            return MemoryError()
        cause = cause.__cause__
    return BrokenFile(number)


def _coded_sizes(jpx: bytes) -> list[tuple[int, int]]:
    """Return width and height by each code stream of a JPEG 2000 (SOC and SIZ markers: ITU-T T.800, A.5.1)."""
    found = re.finditer(rb"\xff\x4f\xff\x51.{4}(?=.{8})", jpx, re.DOTALL)
    return [struct.unpack_from(">II", jpx, mark.end()) for mark in found]


def _image(pixmap: pymupdf.Pixmap) -> Image.Image:
    """Return the samples of a pixmap, which must live as long, as an image."""
    size = (pixmap.width, pixmap.height)
    return Image.frombuffer("L", size, pixmap.samples_mv, "raw", "L", pixmap.stride, 1)


def _region(layer: Layer, places: Sequence[Box]) -> Band:
    """Return a part of the page that holds some places, with what is about them: an OCR reads no word without a margin."""
    lefts, tops, rights, bottoms = zip(*map(layer.seen, places), strict=True)
    region = Band(
        (
            max(min(lefts) - MARGIN, 0.0),
            max(min(tops) - MARGIN, 0.0),
            min(max(rights) + MARGIN, 1.0),
            min(max(bottoms) + MARGIN, 1.0),
        )
    )
    return WHOLE if region.area > NEARLY_ALL else region


def _decodes_little(page: pymupdf.Page, layer: Layer) -> bool:
    """Return whether the pictures that a page paints, if any, are small, so that little of them can have been kept."""
    count = len(layer.pictures)
    if not count:
        return True
    images = page.get_images(full=True)
    pixels = sum(width * height for _, _, width, height, *_ in images)
    return count <= len(images) and pixels <= KEPT_PIXELS  # pictures within patterns are painted and not listed


def _largest_part(page: pymupdf.Page, xref: int, pieces: Sequence[Band]) -> float:
    """Return the largest part of a picture that any piece of its page shows, which is all that is decoded at once."""
    width, height = page.rect.width, page.rect.height
    shown = [pymupdf.Rect(x0 * width, y0 * height, x1 * width, y1 * height) for x0, y0, x1, y1 in pieces]
    places = [pymupdf.Rect(place) * page.rotation_matrix for place in page.get_image_rects(xref)]
    return max(
        ((piece & place).get_area() / place.get_area() for place in places for piece in shown if place.get_area()),
        default=1.0,
    )


def _has_squares(matrix: pymupdf.Matrix, info: dict[str, Any]) -> bool:
    """Return whether a picture's pixels are squares on the page, as near as makes no difference to the OCR."""
    across, down = hypot(matrix.a, matrix.b) / info["width"], hypot(matrix.c, matrix.d) / info["height"]
    return bool(max(across, down) <= SQUARE * min(across, down))


def _covers_page(page: pymupdf.Page, bbox: tuple[float, ...]) -> bool:
    """Return whether a picture fills the page and nothing of it is cropped away."""
    whole = page.rect * page.derotation_matrix
    picture = pymupdf.Rect(bbox)
    shown = picture & whole
    return bool(
        shown.get_area() >= WHOLE_PAGE * whole.get_area() and shown.get_area() >= WHOLE_PAGE * picture.get_area()
    )


def _clips(page: pymupdf.Page) -> bool:
    """Return whether a clipping path hides part of the page, as cropping tools make them; it shows in no picture's place."""
    whole = page.rect * page.derotation_matrix
    paths = [drawing["scissor"] for drawing in page.get_drawings(extended=True) if drawing["type"] == "clip"]
    return any((path & whole).get_area() < WHOLE_PAGE * whole.get_area() for path in paths)
