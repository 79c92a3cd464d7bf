"""Small bills-to-be of every kind that the pipeline takes: quick to draw, quick to recognise, with words that are known."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import pillow_heif
import pymupdf
from PIL import Image, ImageDraw, ImageFont

LINE = "Page {page} of the bill: account number {number}, total amount due by date"


def numbers(page: int) -> str:
    """Return an account number that occurs on one page only."""
    return f"1001-{4000 + page:04d}-{100 + page:03d}"


def text_pdf(pages: int) -> bytes:
    """Return a PDF with a text layer on every page."""
    with pymupdf.open() as document:
        for page in range(1, pages + 1):
            _text_page(document, page)
        return bytes(document.tobytes())


def _text_page(document: pymupdf.Document, page: int) -> None:
    sheet = document.new_page(width=612, height=792)
    for line in range(4):
        sheet.insert_text((60, 90 + 30 * line), LINE.format(page=page, number=numbers(page)), fontsize=11)


def drawn(lines: Sequence[str], size: tuple[int, int] = (1000, 700)) -> Image.Image:
    """Return a picture with lines of large print."""
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        pen.text((40, 60 + 90 * row), line, fill="black", font=ImageFont.load_default(44))
    return picture


def page_picture(page: int) -> Image.Image:
    """Return the picture of a page whose account number is known."""
    return drawn([f"Page {page} of the bill", f"Account {numbers(page)}"])


def jpeg(picture: Image.Image, orientation: int = 1, **options: object) -> bytes:
    """Return a picture as JPEG, with an EXIF orientation like a phone's."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, exif=exif, **options)
    return buffer.getvalue()


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture as PNG, TIFF or WEBP."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def heic(picture: Image.Image) -> bytes:
    """Return a picture as an iPhone would store it."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture).save(buffer, quality=80)
    return buffer.getvalue()


def scan_pdf(pages: Sequence[int]) -> bytes:
    """Return a PDF whose pages are one JPEG each, as scanners make them."""
    with pymupdf.open() as document:
        for page in pages:
            _scan_page(document, page)
        return bytes(document.tobytes())


def _scan_page(document: pymupdf.Document, page: int) -> None:
    sheet = document.new_page(width=500, height=350)
    sheet.insert_image(sheet.rect, stream=jpeg(page_picture(page)))


def mixed_pdf() -> bytes:
    """Return four pages: text, scan, vector drawing over a picture, and a scan with a stray letter of text."""
    with pymupdf.open() as document:
        _text_page(document, 1)
        _scan_page(document, 2)
        _scan_page(document, 3)
        document[2].draw_line((10, 340), (490, 340))
        _scan_page(document, 4)
        document[3].insert_text((480, 345), "x", fontsize=6)
        return bytes(document.tobytes())


def encrypted_pdf() -> bytes:
    """Return a PDF that needs a password before it is read."""
    with pymupdf.open(stream=text_pdf(1), filetype="pdf") as document:
        return bytes(document.tobytes(encryption=pymupdf.mupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="other"))


PDF_WITHOUT_PAGES = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000056 00000 n \n"
    b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n105\n%%EOF\n"
)


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and has hardly any pixels: enough to be refused for its size."""
    picture = encoded(Image.new("L", (1, 1)), "PNG")
    claimed = picture[12:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + picture[24:29]
    return picture[:12] + claimed + zlib.crc32(claimed).to_bytes(4, "big") + picture[33:]
