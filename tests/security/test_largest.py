"""The largest pictures that are accepted, not lying ones: each is opened and drawn by the worker within its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from intake.pages import heic as heic_pages
from intake.pages.pdf import MAX_DECODED_BYTES
from intake.pages.pictures import (
    MAX_DECODED_WEBP_PIXELS,
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    MAX_PROGRESSIVE_SAMPLES,
    MAX_TURNED_TIFF_PIXELS,
)
from intake.pages.sandbox.client import SandboxClient
from PIL import Image

from tests.security.bombs import picture_pdf
from tests.support.marks import encoded
from tests.support.pdfs import on_a_page
from tests.support.pictures import heic
from tests.support.sandboxes import read


def blank(mode: str, pixels: int) -> Image.Image:
    """Return a white picture of 4 to 3 with nearly so many pixels."""
    side = int((pixels / 12) ** 0.5)
    colour = {"1": 1, "L": 255, "P": 0, "I;16": 65535}.get(mode, (255,) * len(mode))
    return Image.new(mode, (4 * side, 3 * side), colour)


LONG_WIDTH = 1080
"""Of a screenshot."""


def long(mode: str, height: int) -> Image.Image:
    """Return a screenshot of a whole page."""
    return Image.new(mode, (LONG_WIDTH, height), (255,) * len(mode))


def png(mode: str, **options: Any) -> bytes:
    """Return the largest PNG of a mode."""
    return encoded(blank(mode, MAX_PIXELS["png"]), "png", compress_level=1, **options)


def tiff(mode: str, pixels: int = MAX_PIXELS["tiff"], **options: int) -> bytes:
    """Return the largest TIFF of a mode."""
    return encoded(blank(mode, pixels), "tiff", compression="tiff_lzw", **options)


LARGEST: dict[str, Callable[[], bytes]] = {
    "png in colour": lambda: png("RGB"),
    "png with transparent parts": lambda: png("RGBA"),
    "png with a transparent colour": lambda: png("P", transparency=0),
    "png of 16 bits": lambda: png("I;16"),
    "tiff with transparent parts": lambda: tiff("RGBA"),
    "tiff in CMYK": lambda: tiff("CMYK"),
    "tiff to be turned": lambda: tiff("RGB", MAX_TURNED_TIFF_PIXELS, orientation=6),
    "webp with transparent parts": lambda: encoded(blank("RGBA", MAX_DECODED_WEBP_PIXELS), "webp", method=0),
    "heic": lambda: heic(blank("RGB", heic_pages.MAX_PIXELS)),
    "heic with transparent parts": lambda: heic(blank("RGBA", heic_pages.MAX_PIXELS_WITH_ALPHA)),
    "jpeg": lambda: encoded(blank("RGB", MAX_JPEG_PIXELS), "jpeg"),
    "jpeg in CMYK": lambda: encoded(blank("CMYK", MAX_JPEG_PIXELS), "jpeg"),
    "jpeg, progressive": lambda: encoded(blank("RGB", MAX_PROGRESSIVE_SAMPLES * 2 // 3), "jpeg", progressive=True),
    "jpeg, progressive, in CMYK": lambda: encoded(
        blank("CMYK", MAX_PROGRESSIVE_SAMPLES // 4), "jpeg", progressive=True
    ),
    "jpeg, longest": lambda: encoded(long("RGB", 44_000), "jpeg"),
    "jpeg, longest, progressive": lambda: encoded(
        long("RGB", MAX_PROGRESSIVE_SAMPLES * 2 // 3 // LONG_WIDTH), "jpeg", progressive=True
    ),
    "png, longest": lambda: encoded(long("RGBA", MAX_PIXELS["png"] // LONG_WIDTH), "png", compress_level=1),
    "webp, longest": lambda: encoded(long("RGBA", 16_383), "webp", method=0),
    "pdf of the longest jpeg": lambda: on_a_page(long("RGB", 44_000), "jpeg"),
    "pdf with a picture": lambda: picture_pdf(4000, MAX_DECODED_BYTES // 3 // 4000),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    """An sandbox with the limits of production."""
    shared = SandboxClient()
    yield shared
    shared.close()


@pytest.mark.parametrize("name", LARGEST)
def test_largest_picture_is_drawn(sandbox: SandboxClient, name: str) -> None:
    """What the caps let in also fits the memory, whatever the mode of its pixels."""
    kind = name.split()[0].strip(",")
    read(sandbox, kind, LARGEST[name]())
