"""Sandboxes for tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from intake.pages import Document
from intake.pages.sandbox.client import SandboxClient
from intake.pages.sandbox.limits import WorkerLimits

from tests.support.pdfs import pdf, text

GOOD = pdf(text)


@contextmanager
def limited(limits: WorkerLimits) -> Iterator[SandboxClient]:
    """An sandbox with limits of its own."""
    sandbox = SandboxClient(limits)
    try:
        yield sandbox
    finally:
        sandbox.close()


@contextmanager
def opened(sandbox: SandboxClient, kind: str, data: bytes, number: int = 1) -> Iterator[Document]:
    """A document as `ocr` opens it: from a file without a name."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        document = sandbox.open(kind, file, number)
        try:
            yield document
        finally:
            document.close()


def read(sandbox: SandboxClient, kind: str, data: bytes, number: int = 1) -> None:
    """Open a file and draw its pages."""
    with opened(sandbox, kind, data, number) as document:
        for index in range(document.page_count):
            document.page(index, redraw=True)
