"""PDF files through PyMuPDF: per page its text layer, its one picture's own bytes, or a rendering."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from math import sqrt

import pymupdf
from PIL import Image

from intake.errors import BadFile, BrokenFile, EncryptedPdf, NoPages
from intake.pages import jpeg
from intake.pages.content import OWN_BYTES_LIMIT, RENDERED_PIXELS, PageContent, Placement
from intake.pages.filebytes import Data
from intake.pages.pictures import VISION_PIXELS, check_pixels, encode_grey, max_decoded_pixels
from intake.records import Quad, Word

MAX_DPI = 300
MIN_WORDS = 20
"""Fewer words are a stamp or a scanner's footer, not the text of a page."""
MAX_WORDS = 5_000
MAX_WORD_CHARACTERS = 500
"""More of either is not what a person reads on a page: a dense page of a bill has 1,500 words. It is drawn instead."""
MAX_UNREADABLE = 0.05
LARGE_PICTURE = 0.5
"""Share of a page that its pictures may cover before its text layer cannot be all that there is to read."""
WHOLE_PAGE = 0.95
MAX_DECODED_BYTES = 36_000_000
"""Most bytes of one picture inside a PDF that MuPDF must decode whole before it scales it (all but JPEG): 12 megapixels in
colour, 36 in grey or black and white."""
MAX_JPX_PIXELS = 16_000_000
"""JPEG 2000 is decoded to 15 bytes a pixel."""

_TEXT = {"fill-text", "stroke-text"}
_PICTURES = {"fill-image", "fill-imgmask"}
# One of these is on any page of running text. A font without a character map yields letters that spell nothing; then
# none of them appears and the page is recognised from its picture.
_COMMON = re.compile(
    r"\b(the|of|to|and|for|on|is|in|by|your|page|account|number|date|total|service|bill|amount)\b", re.IGNORECASE
)
_UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
# IndexError: a file may promise more pages than it has. TypeError: a text in it is not what MuPDF's binding expects.
_MUPDF_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, pymupdf.mupdf.FzErrorBase)

# MuPDF prints what it finds wrong with a file, which may quote the file.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)


class PdfDocument:
    """A PDF.

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.

    Raises:
        BadFile: It cannot be opened, wants a password, or has no page.
        MemoryError: Memory ran out.
    """

    def __init__(self, data: Data, number: int) -> None:
        self._number = number
        try:
            self._document = pymupdf.open(stream=memoryview(data), filetype="pdf")
            encrypted, pages = self._document.needs_pass, 0
            if not encrypted:
                pages = self._document.page_count
        except _MUPDF_ERRORS as exc:
            raise _meaning(exc, number) from exc
        if encrypted:
            raise EncryptedPdf(number)
        if not pages:
            # MuPDF repairs what it can; a file that begins like a PDF and holds no object at all is a broken one.
            raise NoPages(number) if self._document.xref_length() > 1 else BrokenFile(number)
        self._pages = pages

    @property
    def page_count(self) -> int:
        """Pages of the file."""
        return self._pages

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return what is to be read on a page; see `intake.pages.Document`."""
        try:
            return self._page(self._document[index], redraw)
        except BadFile:
            raise
        except _MUPDF_ERRORS as exc:
            raise _meaning(exc, self._number) from exc
        finally:
            # MuPDF keeps what it decoded for later pages: about 13 MB a scanned page, which never comes back.
            pymupdf.TOOLS.store_shrink(100)

    def close(self) -> None:
        """Give back the memory."""
        self._document.close()
        # The document lives on until its reference cycles are collected, and would keep the file's bytes that long.
        self._document.stream = None
        pymupdf.TOOLS.store_shrink(100)

    def _page(self, page: pymupdf.Page, redraw: bool) -> PageContent:
        width, height = page.rect.width, page.rect.height
        if width <= 0 or height <= 0:
            raise BrokenFile(self._number)
        painted = page.get_bboxlog()
        if not redraw:
            words = list(_words(page)) if any(kind in _TEXT for kind, _ in painted) else []
            sound = len(words) <= MAX_WORDS and all(len(word.text) <= MAX_WORD_CHARACTERS for word in words)
            if sound and _is_text_layer(page, painted, words):
                return PageContent(width, height, "text", words)
            if sound and (picture := self._own_picture(page, painted, words)) is not None:
                return picture
        return PageContent(width, height, "render", picture=self._render(page))

    def _own_picture(
        self, page: pymupdf.Page, painted: list[tuple[str, tuple[float, ...]]], words: list[Word]
    ) -> PageContent | None:
        """Return the bytes of the one picture that is all there is to see, with text that is painted over it."""
        kinds = [kind for kind, _ in painted]
        if sum(kind in _PICTURES for kind in kinds) != 1 or "fill-image" not in kinds or page.first_annot:
            return None
        place = kinds.index("fill-image")
        over = set(kinds[place + 1 :])
        hidden_text = "ignore-text" in kinds or bool(_TEXT & set(kinds[:place]))
        if over - _TEXT - {"ignore-text"} or (over & _TEXT and hidden_text):
            return None
        info = page.get_image_info()[0]
        matrix = pymupdf.Matrix(info["transform"]) * page.rotation_matrix
        mirrored = matrix.a * matrix.d - matrix.b * matrix.c <= 0
        if mirrored or not _covers_page(page, info["bbox"]) or _clips(page):
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
        return PageContent(width, height, "picture", words if over & _TEXT else (), data, placement)

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
        if header is None or header.components not in (1, 3) or len(data) > OWN_BYTES_LIMIT:
            return None
        return jpeg.without_metadata(data) if header.width * header.height <= VISION_PIXELS else None

    def _render(self, page: pymupdf.Page) -> bytes:
        """Return the page as a grey JPEG, capped in pixels: pages come in any size, so a fixed dpi would not do."""
        self._check_pictures(page)
        width, height = page.rect.width, page.rect.height
        zoom = min(MAX_DPI / 72, sqrt(RENDERED_PIXELS / (width * height)))
        pixmap = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csGRAY, alpha=False)
        size = (pixmap.width, pixmap.height)
        # Pillow's encoder is several times faster than the pixmap's own, and reads its samples in place.
        return encode_grey(Image.frombuffer("L", size, pixmap.samples_mv, "raw", "L", pixmap.stride, 1))

    def _check_pictures(self, page: pymupdf.Page) -> None:
        """Refuse pictures that would take more memory than a function has.

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
                check_pixels(width, height, MAX_DECODED_BYTES // components, self._number)


def _meaning(exc: BaseException, number: int) -> Exception:
    """Return what an error of MuPDF's means: memory ran out, which it calls a system error, or the file is broken."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, pymupdf.mupdf.FzErrorSystem):
            return MemoryError()
        cause = cause.__cause__
    return BrokenFile(number)


def _coded_sizes(jpx: bytes) -> list[tuple[int, int]]:
    """Return width and height by each code stream of a JPEG 2000 (SOC and SIZ markers: ITU-T T.800, A.5.1)."""
    found = re.finditer(rb"\xff\x4f\xff\x51.{4}(?=.{8})", jpx, re.DOTALL)
    return [struct.unpack_from(">II", jpx, mark.end()) for mark in found]


def _is_text_layer(page: pymupdf.Page, painted: list[tuple[str, tuple[float, ...]]], words: list[Word]) -> bool:
    """Tell whether the text layer is all that a person would read on the page.

    Invisible text is what some scanner's OCR made of a picture; large pictures hold text of their own; a font without a
    character map yields signs that mean nothing.
    """
    if len(words) < MIN_WORDS or any(kind == "ignore-text" for kind, _ in painted):
        return False
    text = " ".join(word.text for word in words)
    if len(_UNREADABLE.findall(text)) > MAX_UNREADABLE * len(text) or not _COMMON.search(text):
        return False
    whole = page.rect * page.derotation_matrix
    covered = sum(abs((pymupdf.Rect(box) & whole).get_area()) for kind, box in painted if kind in _PICTURES)
    return bool(covered < LARGE_PICTURE * abs(whole.get_area()))


def _covers_page(page: pymupdf.Page, bbox: tuple[float, ...]) -> bool:
    """Tell whether a picture fills the page and nothing of it is cropped away."""
    whole = page.rect * page.derotation_matrix
    picture = pymupdf.Rect(bbox)
    shown = picture & whole
    return bool(
        shown.get_area() >= WHOLE_PAGE * whole.get_area() and shown.get_area() >= WHOLE_PAGE * picture.get_area()
    )


def _clips(page: pymupdf.Page) -> bool:
    """Tell whether a clipping path hides part of the page, as cropping tools make them; it shows in no picture's place."""
    whole = page.rect * page.derotation_matrix
    paths = [drawing["scissor"] for drawing in page.get_drawings(extended=True) if drawing["type"] == "clip"]
    return any((path & whole).get_area() < WHOLE_PAGE * whole.get_area() for path in paths)


def _words(page: pymupdf.Page) -> Iterator[Word]:
    """Yield the words of the text layer with the direction of their line."""
    text_page = page.get_textpage(flags=pymupdf.TEXTFLAGS_WORDS)
    blocks = page.get_text("dict", textpage=text_page)["blocks"]
    directions = {
        (block["number"], line): tuple(spans["dir"])
        for block in blocks
        for line, spans in enumerate(block.get("lines", []))
    }
    width, height = page.rect.width, page.rect.height
    # Once for the page and with plain numbers: asking MuPDF for each corner took nine tenths of the time.
    turn = page.rotation_matrix
    a, b, c, d, e, f = (float(number) for number in (turn.a, turn.b, turn.c, turn.d, turn.e, turn.f))
    for x0, y0, x1, y1, text, block, line, _ in page.get_text("words", textpage=text_page):
        corners = _in_reading_order(x0, y0, x1, y1, directions.get((block, line), (1.0, 0.0)))
        turned = [((a * x + c * y + e) / width, (b * x + d * y + f) / height) for x, y in corners]
        yield Word(text, Quad(*(coordinate for corner in turned for coordinate in corner)), 1.0)


def _in_reading_order(
    x0: float, y0: float, x1: float, y1: float, direction: tuple[float, ...]
) -> tuple[tuple[float, float], ...]:
    """Return the corners of a box, beginning with the top left of the text as read, for the nearest quarter turn."""
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    dx, dy = direction
    first = (0 if dx >= 0 else 2) if abs(dx) >= abs(dy) else (1 if dy >= 0 else 3)
    return corners[first:] + corners[:first]
