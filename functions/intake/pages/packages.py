"""PDFs that contain other documents: their own page says only that the viewer is too old."""

from __future__ import annotations

import pymupdf


def holds_documents(document: pymupdf.Document) -> bool:
    """Return whether a person who opens a PDF sees other documents than its pages.

    Those are portfolios (ISO 32000-1, 12.3.5: a Collection, unless its view is hidden) with a file in them, and forms that
    are made when they are opened (XFA 3.3, chapter 2: a template without fields on its pages, or one that needs rendering).
    """
    catalog = document.pdf_catalog()

    def value(path: str) -> str:
        return str(document.xref_get_key(catalog, path)[1])

    if value("Collection") != "null":
        return value("Collection/View") != "/H" and document.embfile_count() > 0
    made_when_opened = value("NeedsRendering") == "true" or value("AcroForm/Fields") in ("null", "[]")
    return value("AcroForm/XFA") != "null" and made_when_opened
