"""HEIC photos, as iPhones make them. Vision does not take the format, so they are decoded and sent as grey JPEG."""

from __future__ import annotations

import re
import struct

import pi_heif
from PIL import Image

from intake.contract import limit
from intake.errors import AvifPicture, BadFile, BrokenFile, UnusualPicture
from intake.pages.bands import bands
from intake.pages.content import DECODED_PIXELS, LONG_PIXELS, PageContent
from intake.pages.filebytes import Data
from intake.pages.pictures import STRIP_ROWS, check_pixels, in_pieces, to_grey

MAX_PIXELS = limit("heic_pixels")
MAX_PIXELS_WITH_ALPHA = limit("heic_alpha_pixels")

# One thread: more would each hold tiles, and `ocr` has one CPU.
pi_heif.options.DECODE_THREADS = 1


def _coded_sizes(data: Data) -> list[tuple[int, int]]:
    """Return width and height of each picture in a container before anything is cropped away, which is what decoding costs.

    They stand in the `ispe` boxes (ISO/IEC 23008-12, 6.5.3), whose version and flags are zero.
    """
    return [struct.unpack_from(">II", data, box.end()) for box in re.finditer(rb"ispe\0{4}(?=.{8})", data, re.DOTALL)]


def _meaning(data: Data, number: int) -> BadFile:
    """Return why libheif cannot read a file: its coding is unknown to this build, or it is damaged.

    The coding stands in the entries of the items, and of the samples of a sequence (ISO/IEC 14496-12, 8.11.6 and 8.5.2).
    """
    coded = re.search(rb"infe.{8,12}?(av01|hvc1|vvc1|avc1|jpeg|j2k1|mski|unci)", data, re.DOTALL)
    sequence = re.search(rb"stsd.{12}(av01)", data, re.DOTALL)
    coding = coded[1] if coded else sequence[1] if sequence else b"hvc1"
    if coding == b"av01":
        return AvifPicture(number)
    return BrokenFile(number) if coding == b"hvc1" else UnusualPicture(number)


class HeicDocument:
    """A HEIC file: one page, its primary picture (bursts and live photos carry others).

    Args:
        data: All bytes.
        number: 1-based position in the submission, for error sentences.

    Raises:
        BadFile: It cannot be opened, or has too many pixels.
    """

    page_count = 1

    def __init__(self, data: Data, number: int) -> None:
        self._number = number
        self._data = data
        try:
            container = pi_heif.open_heif(data)
            self._picture = container[container.primary_index]
        except (ValueError, EOFError, SyntaxError, RuntimeError, IndexError) as exc:
            raise _meaning(data, number) from exc
        except OSError as exc:  # libheif's word for no memory
            raise MemoryError from exc
        for width, height in (self._picture.size, *_coded_sizes(data)):
            check_pixels(width, height, MAX_PIXELS_WITH_ALPHA if self._picture.has_alpha else MAX_PIXELS, number)

    def page(self, index: int, *, redraw: bool = False) -> PageContent:  # noqa: ARG002 - one page, always drawn
        """Return the photo, grey and upright: libheif turns it while decoding (ISO/IEC 23008-12, 6.5.10)."""
        width, height = self._picture.size
        try:
            most = DECODED_PIXELS if len(bands(width, height)) == 1 else LONG_PIXELS
            grey = self._grey(2 if width * height > most else 1)
        except (ValueError, EOFError, SyntaxError, RuntimeError) as exc:
            raise _meaning(self._data, self._number) from exc
        except OSError as exc:
            raise MemoryError from exc
        return PageContent(width, height, "render", pieces=in_pieces(grey))

    def _grey(self, divisor: int) -> Image.Image:
        """Return the grey picture, made strip by strip: Pillow's own copy in colour would double the memory."""
        picture = self._picture
        width, height = picture.size
        grey = Image.new("L", (width // divisor, height // divisor))
        pixels, stride = memoryview(picture.data), picture.stride
        for top in range(0, height // divisor * divisor, STRIP_ROWS):
            rows = min(STRIP_ROWS, height // divisor * divisor - top)
            samples = bytes(pixels[top * stride : (top + rows) * stride])
            strip = Image.frombuffer(picture.mode, (width, rows), samples, "raw", picture.mode, stride, 1)
            reduced = to_grey(strip).reduce(divisor) if divisor > 1 else to_grey(strip)
            grey.paste(reduced, (0, top // divisor))
        return grey

    def close(self) -> None:
        """Release the memory."""
        del self._picture
        self._data = b""
