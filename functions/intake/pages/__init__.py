"""Opens a bill's files and finds the cheapest reliable source of words for each page.

    words that are what is painted       themselves, no OCR
    ink without words beside them        that part of the page, rendered
    one picture that Vision takes        the picture's own bytes
    anything else                        rendered or decoded, grey, capped in pixels, JPEG

Nothing here talks to a network. PyMuPDF must only ever be used by one thread of a process.
"""

from __future__ import annotations

from typing import Protocol

from intake.pages.content import PageContent
from intake.pages.filebytes import Data


class Document(Protocol):
    """One file of a submission, opened."""

    @property
    def page_count(self) -> int:
        """Pages of the file; at least 1."""

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return what is to be read on a page.

        Args:
            index: 0-based within the file.
            redraw: Decode and encode the picture even where its own bytes would do; for a second try after the OCR
                refused them.

        Raises:
            BadFile: The page cannot be drawn within the limits.
        """

    def close(self) -> None:
        """Release the memory."""


def open_document(kind: str, data: Data, number: int) -> Document:
    """Open one file in this process; `ocr` has it done by a worker, see `sandbox`.

    Args:
        kind: What its bytes say it is; see `filetypes`.
        data: All of its bytes.
        number: 1-based position in the submission, for error sentences.

    Raises:
        BadFile: It cannot be opened, is encrypted, has no page or too large a picture.
        MemoryError: Memory ran out.
    """
    # Each reader is loaded only when a file needs it: HEIC and PDF libraries cost memory and start-up time.
    if kind == "pdf":
        from intake.pages.pdf import PdfDocument

        return PdfDocument(data, number)
    if kind == "jpeg":
        from intake.pages.photo import open_jpeg

        return open_jpeg(data, number)
    if kind == "heic":
        from intake.pages.heic import HeicDocument

        return HeicDocument(data, number)
    from intake.pages.pictures import RasterDocument

    return RasterDocument(data, number, kind)
