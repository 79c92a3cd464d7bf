"""Drawing primitives on a PDF page, measured in fractions of the page as the layout notes are.

Text is set in the fourteen standard PDF fonts only, so a specimen is the same on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import pymupdf

from tests.specimens.bill import Box, Place

Align = Literal["left", "right", "centre"]
Colour = float | tuple[float, float, float]

#: PyMuPDF's short names of the standard fonts.
SANS, SANS_BOLD, SANS_ITALIC, SANS_BOLD_ITALIC = "helv", "hebo", "heit", "hebi"
SERIF, SERIF_BOLD, SERIF_ITALIC, SERIF_BOLD_ITALIC = "tiro", "tibo", "tiit", "tibi"
MONO, MONO_BOLD = "cour", "cobo"

#: Heights above and below the base line that a value's box covers, in font sizes.
ASCENT, DESCENT = 0.76, 0.22


def _rgb(colour: Colour) -> tuple[float, float, float]:
    return (colour, colour, colour) if isinstance(colour, float | int) else colour


class Sheet:
    """One page being drawn; remembers where the true values were put.

    Coordinates are page fractions from the top left; sizes of type and strokes are points. Nothing reaches
    the page before `finish`.
    """

    def __init__(self, page: pymupdf.Page, number: int) -> None:
        self.number = number
        self.places: list[Place] = []
        self.width = float(page.rect.width)
        self.height = float(page.rect.height)
        self._page = page
        self._shape = page.new_shape()

    def finish(self) -> None:
        """Put everything on the page."""
        self._shape.commit()

    def flush(self) -> None:
        """Put what was drawn so far below what comes; otherwise all text is above all shapes."""
        self._shape.commit()
        self._shape = self._page.new_shape()

    def width_of(self, text: str, size: float, font: str = SANS) -> float:
        """Measure a line of text, as a fraction of the page's width."""
        return float(pymupdf.get_text_length(text, fontname=font, fontsize=size)) / self.width

    def text(
        self, x: float, y: float, text: str, *, size: float = 9, font: str = SANS, align: Align = "left",
        colour: Colour = 0.0, field: str | None = None,
    ) -> Box:  # fmt: skip
        """Set one line of text.

        Args:
            x: Left end, right end or middle, as `align` says.
            y: Base line.
            text: Latin-1 characters.
            size: Points.
            font: One of the font names of this module.
            align: Which point of the line `x` is.
            colour: Grey 0 (black) to 1, or red, green, blue.
            field: The truth field that this is the value of; it is remembered as a place.

        Returns:
            The box of the text.
        """
        across = self.width_of(text, size, font)
        left = x - {"left": 0.0, "right": across, "centre": across / 2}[align]
        point = pymupdf.Point(left * self.width, y * self.height)
        self._shape.insert_text(point, text, fontname=font, fontsize=size, color=_rgb(colour))
        box = (left, y - ASCENT * size / self.height, left + across, y + DESCENT * size / self.height)
        if field is not None:
            self.places.append(Place(field, self.number, text, box))
        return box

    def lines(
        self, x: float, y: float, lines: Sequence[str], *, step: float, size: float = 9, font: str = SANS,
        align: Align = "left", colour: Colour = 0.0, field: str | None = None,
    ) -> float:  # fmt: skip
        """Set lines below each other, `step` apart; with `field` they are one value. Return the next base line."""
        boxes = [
            self.text(x, y + row * step, line, size=size, font=font, align=align, colour=colour)
            for row, line in enumerate(lines)
        ]
        if field is not None:
            self.remember(field, "\n".join(lines), boxes)
        return y + len(lines) * step

    def remember(self, field: str, text: str, boxes: Sequence[Box]) -> None:
        """Remember one value that was set in several pieces of text."""
        around = (
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        )
        self.places.append(Place(field, self.number, text, around))

    def vertical(self, x: float, y: float, text: str, *, size: float = 6, font: str = SANS) -> None:
        """Set text that runs up the page, its foot at (x, y)."""
        point = pymupdf.Point(x * self.width, y * self.height)
        self._shape.insert_text(point, text, fontname=font, fontsize=size, rotate=90)

    def fill(self, box: Box, colour: Colour, *, outline: Colour | None = None, stroke: float = 0.7) -> None:
        """Fill a rectangle; with `outline` also draw its edge."""
        self._shape.draw_rect(self._rect(box))
        self._shape.finish(
            fill=_rgb(colour),
            color=None if outline is None else _rgb(outline),
            width=stroke if outline is not None else 0,
        )

    def frame(self, box: Box, *, stroke: float = 0.7, colour: Colour = 0.0) -> None:
        """Draw the edge of a rectangle."""
        self._shape.draw_rect(self._rect(box))
        self._shape.finish(color=_rgb(colour), width=stroke)

    def rule(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        *,
        stroke: float = 0.6,
        colour: Colour = 0.0,
        dashes: str = "",
    ) -> None:
        """Draw a straight line; `dashes` as PDF writes them, e.g. `[3 2] 0`."""
        self._shape.draw_line(self._point(x0, y0), self._point(x1, y1))
        self._shape.finish(color=_rgb(colour), width=stroke, dashes=dashes or None)

    def gradient(self, box: Box, top: tuple[float, float, float], bottom: tuple[float, float, float]) -> None:
        """Fill a rectangle with a vertical gradient."""
        steps = 60
        x0, y0, x1, y1 = box
        for step in range(steps):
            part = step / (steps - 1)
            colour = (
                top[0] + (bottom[0] - top[0]) * part,
                top[1] + (bottom[1] - top[1]) * part,
                top[2] + (bottom[2] - top[2]) * part,
            )
            self.fill((x0, y0 + (y1 - y0) * step / steps, x1, y0 + (y1 - y0) * (step + 1.04) / steps), colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        self._shape.draw_polyline([self._point(x, y) for x, y in points])
        self._shape.finish(fill=_rgb(colour), color=None, width=0, closePath=True)

    def leaf(self, base: tuple[float, float], tip: tuple[float, float], bulge: float, colour: Colour) -> None:
        """Draw a pointed leaf from `base` to `tip`; `bulge` is its half width in points."""
        foot, head = self._point(*base), self._point(*tip)
        along = head - foot
        normal = pymupdf.Point(-along.y, along.x) / abs(along) * bulge * 1.33
        for side in (1, -1):
            self._shape.draw_bezier(foot, foot + along * 0.25 + normal * side, foot + along * 0.8 + normal * side, head)
        self._shape.finish(fill=_rgb(colour), color=(1, 1, 1), width=0.5)

    def postal_bars(self, rng: random.Random, x: float, y: float, *, length: float = 0.34) -> None:
        """Draw an Intelligent-Mail-like bar code (65 bars of four kinds) that carries nothing."""
        pitch, tall = length / 65, 9.0 / self.height
        for bar in range(65):
            up, down = rng.random() < 0.5, rng.random() < 0.5
            left = x + bar * pitch
            top = y - tall * (1.0 if up else 0.62)
            self.fill((left, top, left + pitch * 0.42, y - tall * (0.0 if down else 0.38)), 0.0)

    def data_matrix(self, rng: random.Random, box: Box, cells: int = 18) -> None:
        """Draw a DataMatrix-like mark that carries nothing: two solid edges, two dotted, noise inside."""
        x0, y0, x1, y1 = box
        across, down = (x1 - x0) / cells, (y1 - y0) / cells
        for row in range(cells):
            for column in range(cells):
                edge = column == 0 or row == cells - 1
                dotted = (row == 0 and column % 2 == 0) or (column == cells - 1 and row % 2 == 1)
                inside = 0 < row < cells - 1 and 0 < column < cells - 1 and rng.random() < 0.5
                if edge or dotted or inside:
                    left, top = x0 + column * across, y0 + row * down
                    self.fill((left, top, left + across * 1.03, top + down * 1.03), 0.0)

    def _point(self, x: float, y: float) -> pymupdf.Point:
        return pymupdf.Point(x * self.width, y * self.height)

    def _rect(self, box: Box) -> pymupdf.Rect:
        return pymupdf.Rect(box[0] * self.width, box[1] * self.height, box[2] * self.width, box[3] * self.height)


class Pad:
    """A bill being drawn, page after page."""

    def __init__(self, width: float, height: float) -> None:
        self._pdf = pymupdf.open()
        self._size = (width, height)
        self.places: list[Place] = []

    @contextmanager
    def sheet(self) -> Iterator[Sheet]:
        """Draw the next page; it is put into the bill when the block ends."""
        page = self._pdf.new_page(width=self._size[0], height=self._size[1])
        sheet = Sheet(page, self._pdf.page_count)
        yield sheet
        sheet.finish()
        self.places.extend(sheet.places)

    @property
    def pdf(self) -> pymupdf.Document:
        """The document drawn so far."""
        return self._pdf
