"""Straighten lines on curled paper before they are read, and give their words' places along the bow.

The detector puts one straight rectangle around a line. Around a line that bends by half its height that is mostly something
else, and the recogniser, which knows straight lines only, reads nonsense. Where the line runs within its rectangle is told by
the detector's own map of what is text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

Pixels = np.ndarray[Any, np.dtype[Any]]
Corners = np.ndarray[Any, np.dtype[np.float32]]
Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

_SAMPLES = 33
# A middle that strays less than this share of the rectangle's height is straight enough.
_STRAIGHT = 0.1
# The map covers the heart of a line only: RapidOCR widens a long line's rectangle by 0.8 of that on either side ("unclip").
_ROOM = 2.6
# Lines shorter than this, in heights, do not bend.
_LONG = 5
# Height at which the map is looked at, in pixels, and the least share of columns that must show text.
_MAP_HEIGHT = 32
_SEEN = 0.5


@dataclass(frozen=True)
class Bow:
    """How a line bends within its rectangle.

    Attributes:
        middles: where its middle runs, at equal distances from begin to end; -0.5 is the rectangle's top, 0.5 its bottom.
        thickness: of the line, as a share of the rectangle's height.
    """

    middles: Floats
    thickness: float

    def turned(self) -> Bow:
        """Return the bow of the same line upside down."""
        return Bow(-self.middles[::-1], self.thickness)

    def straightened(self, pixels: Pixels) -> Pixels:
        """Return the line cut out of its rectangle's pixels, straight."""
        height, width = pixels.shape[:2]
        rows = max(1, round(self.thickness * height))
        columns = np.arange(width, dtype=np.float32)
        middle = (self._at((columns + 0.5) / width) + 0.5) * height
        down = (np.arange(rows, dtype=np.float32) - (rows - 1) / 2)[:, None] + middle[None, :] - 0.5
        along = np.broadcast_to(columns, down.shape)
        return cv2.remap(
            pixels, along.astype(np.float32), down.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )

    def corners(self, rectangle: Corners, start: float, end: float) -> Corners:
        """Return the corners of a part of the line, such as a word.

        Args:
            rectangle: the line's own corners in the picture, in order of reading.
            start: where the part begins, as a fraction of the line's length.
            end: where it ends.
        """
        half = self.thickness / 2
        first, last = self._at(np.array([start, end])) + 0.5
        places = [(start, first - half), (end, last - half), (end, last + half), (start, first + half)]
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32)
        matrix = cv2.getPerspectiveTransform(unit, rectangle.astype(np.float32))
        return np.asarray(cv2.perspectiveTransform(np.array([places], dtype=np.float32), matrix)[0])

    def _at(self, fractions: Floats) -> Floats:
        return np.interp(fractions, np.linspace(0, 1, len(self.middles)), self.middles)


def find_bow(text_map: Pixels, corners: Corners) -> Bow | None:
    """Tell how the line in a rectangle bends; None if it is straight, or nothing can be told.

    Args:
        text_map: what the detector takes for text, 1 or 0 for each pixel.
        corners: of the rectangle in the map's pixels, in order of reading or upside down.
    """
    length = float(np.linalg.norm(corners[0] - corners[1]))
    height = float(np.linalg.norm(corners[0] - corners[3]))
    if length < _LONG * height or height < 2:
        return None
    width = max(_SAMPLES, round(length * _MAP_HEIGHT / height))
    flat = np.array([[0, 0], [width, 0], [width, _MAP_HEIGHT], [0, _MAP_HEIGHT]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), flat)
    seen = cv2.warpPerspective(text_map, matrix, (width, _MAP_HEIGHT), flags=cv2.INTER_NEAREST)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(seen)
    if len(stats) < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))  # the rectangle's corners may hold parts of other lines
    line = labels == largest
    thick = line.sum(axis=0)
    columns = np.flatnonzero(thick)
    if len(columns) < _SEEN * width:
        return None
    rows = np.arange(_MAP_HEIGHT) + 0.5
    middles = (line[:, columns] * rows[:, None]).sum(axis=0) / thick[columns]
    curve = np.polynomial.Polynomial.fit((columns + 0.5) / width, middles / _MAP_HEIGHT - 0.5, 3)
    bent = np.clip(curve(np.linspace(0, 1, _SAMPLES)), -0.5, 0.5)
    if float(np.ptp(bent)) < 2 * _STRAIGHT:
        return None
    return Bow(bent, min(1.0, _ROOM * float(np.median(thick[columns])) / _MAP_HEIGHT))
