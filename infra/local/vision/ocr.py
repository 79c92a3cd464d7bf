"""Read the text of a picture with RapidOCR, knowing which way up every line is.

RapidOCR's own call gives box, text and score, but not whether a box was turned by a quarter before it was
read or turned upside down by the classifier; Cloud Vision tells just that by the order of the vertices. So
the parts of RapidOCR (rapidocr_onnxruntime 1.4.4: text_det, text_cls, text_rec) are called one by one here.

Sizes, measured on 2 cores with a page of 189 lines: the detector costs 3 s at 2,000 pixels and 14 s at 4,000,
and finds the same lines; what small print needs is that the recogniser sees every pixel. So lines are looked
for in a picture scaled to `DETECTION_SIDE` and cut out of the full one.

The recogniser drops most spaces of Latin text. Where words end is therefore measured in the pixels: columns
without ink between two characters, wider than the font's letter spacing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR  # type: ignore[import-untyped]  # has no type information

from infra.local.vision.annotation import Line, Symbol
from infra.local.vision.bowed import Bow, find_bow
from infra.local.vision.symbols import Recognition, locate_symbols

# Pixels of the longer side in which lines are looked for.
DETECTION_SIDE = 2000
# The recogniser scales every line to 48 pixels of height; more than twice that costs time and aliases.
_MAX_LINE_HEIGHT = 96
# The detector scales the shorter side up to 736 pixels: a strip is padded, or it would become a monster.
_MAX_ASPECT = 4
# RapidOCR's own limits: a box this much higher than wide is a line on its side; less sure text is dropped.
_TALL = 1.5
_MIN_CONFIDENCE = 0.5
# A line whose own classification contradicts the page's, or is unsure, is read both ways up.
_SURE = 0.75
# Text upside down still gets a fair score now and then, so the other way up must be clearly better.
_CLEARLY_BETTER = 0.05

Image = np.ndarray[Any, np.dtype[Any]]
Corners = np.ndarray[Any, np.dtype[np.float32]]


@dataclass
class _Strip:
    """One detected line, cut out and turned so that it reads from left to right or is upside down."""

    corners: Corners
    pixels: Image
    sideways: bool
    bow: Bow | None = None

    def turned(self) -> _Strip:
        """Return the same strip turned upside down."""
        corners, pixels = np.roll(self.corners, 2, axis=0), cv2.rotate(self.pixels, cv2.ROTATE_180)
        return _Strip(corners, pixels, self.sideways, self.bow and self.bow.turned())

    def lines(self, symbols: tuple[Symbol, ...]) -> list[Line]:
        """Return what was read in the strip: one line, or one for each word along a bow."""
        if self.bow is None:
            return [_line(self.corners, symbols)]
        ends = [index + 1 for index, symbol in enumerate(symbols) if symbol.space_after or index == len(symbols) - 1]
        words = [symbols[begin:end] for begin, end in pairwise([0, *ends])]
        return [_line(self.bow.corners(self.corners, word[0].start, word[-1].end), _alone(word)) for word in words]


class LineReader:
    """The three models of RapidOCR. Not for use by several threads at once; 0.3 s to load.

    Args:
        threads: how many CPU threads one model may use.
    """

    def __init__(self, threads: int) -> None:
        # "slow" asks how sure the detector is of a line's own outline, not of the rectangle around it: that of a line on curled
        # paper is half empty, and such lines were dropped.
        self._models: Any = RapidOCR(intra_op_num_threads=threads, inter_op_num_threads=1, det_score_mode="slow")

    def read(self, picture: Image) -> list[Line]:
        """Find and read every line.

        Args:
            picture: height x width x 3, blue-green-red as OpenCV has it.

        Returns:
            The lines, their corners in order of reading; empty when there is no text.
        """
        boxes, text_map, scale = self._detect(picture)
        strips = [_straightened(_cut(picture, corners), text_map, scale) for corners in boxes]
        if not strips:
            return []
        lines: list[Line] = []
        for strip, recognition in self._read_upright(_agree_on_axis(strips)):
            if recognition.text.strip() and recognition.confidence >= _MIN_CONFIDENCE:
                lines += strip.lines(locate_symbols(recognition, strip.pixels))
        return lines

    def _detect(self, picture: Image) -> tuple[Sequence[Corners], Image, tuple[float, float]]:
        """Return the corners of all lines, the detector's map of what is text, and its size relative to the picture's."""
        height, width = picture.shape[:2]
        scale = min(1.0, DETECTION_SIDE / max(height, width))
        if scale < 1.0:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        padded = _pad(picture)
        # What `TextDetector.__call__` does, which keeps the map to itself.
        detector = self._models.text_det
        prediction = detector.infer(detector.get_preprocess(max(padded.shape[:2]))(padded))[0]
        boxes, _ = detector.postprocess_op(prediction, padded.shape[:2])
        boxes = detector.filter_tag_det_res(boxes, padded.shape[:2])
        text_map = (prediction[0, 0] > detector.postprocess_op.thresh).astype(np.uint8)
        map_scale = scale * text_map.shape[1] / padded.shape[1], scale * text_map.shape[0] / padded.shape[0]
        limit = np.array([width, height], dtype=np.float32)
        return [np.minimum(np.asarray(box, dtype=np.float32) / scale, limit) for box in boxes], text_map, map_scale

    def _read_upright(self, strips: list[_Strip]) -> list[tuple[_Strip, Recognition]]:
        """Recognise each strip the way up that its axis votes for; both ways where the strip disagrees."""
        _, verdicts, _ = self._models.text_cls([strip.pixels for strip in strips])
        flipped = _vote(strips, verdicts)
        chosen = [s.turned() if flip else s for s, flip in zip(strips, flipped, strict=True)]
        results = self._recognise(chosen)
        for i, ((label, score), flip) in enumerate(zip(verdicts, flipped, strict=True)):
            results[i] = (chosen[i], results[i][1])
            if (label == "180") == flip and score >= _SURE:
                continue
            other = self._recognise([chosen[i].turned()])[0]
            if other[1].confidence > results[i][1].confidence + _CLEARLY_BETTER:
                results[i] = other
        return results

    def _recognise(self, strips: Sequence[_Strip]) -> list[tuple[_Strip, Recognition]]:
        answers, _ = self._models.text_rec([strip.pixels for strip in strips], return_word_box=True)
        return [(strip, Recognition.from_rapidocr(answer)) for strip, answer in zip(strips, answers, strict=True)]


def _line(corners: Corners, symbols: tuple[Symbol, ...]) -> Line:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in corners)
    return Line((top_left, top_right, bottom_right, bottom_left), symbols)


def _alone(word: Sequence[Symbol]) -> tuple[Symbol, ...]:
    """Return the symbols of a word as those of a line of its own."""
    begin, length = word[0].start, max(1e-6, word[-1].end - word[0].start)
    placed = [replace(s, start=(s.start - begin) / length, end=min(1.0, (s.end - begin) / length)) for s in word]
    return (*placed[:-1], replace(placed[-1], space_after=False))


def _straightened(strip: _Strip, text_map: Image, scale: tuple[float, float]) -> _Strip:
    """Return a strip as it is, or cut out anew along its bow."""
    bow = find_bow(text_map, strip.corners * np.array(scale, dtype=np.float32))
    return strip if bow is None else replace(strip, pixels=bow.straightened(strip.pixels), bow=bow)


def _pad(picture: Image) -> Image:
    """Widen a strip at its lower or right side, where coordinates do not change."""
    height, width = picture.shape[:2]
    down, right = max(0, width // _MAX_ASPECT - height), max(0, height // _MAX_ASPECT - width)
    if not down and not right:
        return picture
    return cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE)


def _cut(picture: Image, corners: Corners) -> _Strip:
    """Cut a line out of the picture; a tall one is laid down."""
    top, right, bottom, left = (np.linalg.norm(corners[i] - corners[(i + 1) % 4]) for i in range(4))
    width, height = max(1, int(max(top, bottom))), max(1, int(max(left, right)))
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners, flat)
    pixels = cv2.warpPerspective(
        picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    strip = _Strip(corners, pixels, False)
    if height >= _TALL * width:
        return _laid_down(strip)
    along, across = corners[1] - corners[0]
    if abs(across) <= abs(along):
        return _shrunk(strip)
    # The detector names a box's corners by their x. Of a long line that leans a little on a page on its side, the two at one
    # end come first: such a strip lies down already, but it still is a line of the page's other axis.
    laid = _Strip(corners, pixels, True)
    return _shrunk(laid if across > 0 else laid.turned())


def _laid_down(strip: _Strip) -> _Strip:
    """Turn a standing strip counter-clockwise, as RapidOCR does: its right side becomes its top."""
    return _shrunk(
        _Strip(np.roll(strip.corners, -1, axis=0), cv2.rotate(strip.pixels, cv2.ROTATE_90_COUNTERCLOCKWISE), True)
    )


def _shrunk(strip: _Strip) -> _Strip:
    height, width = strip.pixels.shape[:2]
    if height > _MAX_LINE_HEIGHT:
        size = max(1, round(width * _MAX_LINE_HEIGHT / height)), _MAX_LINE_HEIGHT
        strip.pixels = cv2.resize(strip.pixels, size, interpolation=cv2.INTER_AREA)
    return strip


def _agree_on_axis(strips: list[_Strip]) -> list[_Strip]:
    """Lay down short boxes ("12", "$") of a page that lies on its side: their own shape does not tell."""

    def length(sideways: bool) -> float:
        shapes = [s.pixels.shape for s in strips if s.sideways == sideways]
        return math.fsum(width / height for height, width, _ in shapes if width >= _TALL * height)

    if length(sideways=True) <= length(sideways=False):
        return strips
    return [
        strip if strip.sideways or strip.pixels.shape[1] >= _TALL * strip.pixels.shape[0] else _laid_down(strip)
        for strip in strips
    ]


def _vote(strips: Sequence[_Strip], verdicts: Sequence[tuple[str, float]]) -> list[bool]:
    """Decide for each axis whether its lines are upside down; the classifier errs on single lines only."""
    upside_down = {True: 0.0, False: 0.0}
    for strip, (label, score) in zip(strips, verdicts, strict=True):
        weight = (score - 0.5) * min(10.0, strip.pixels.shape[1] / strip.pixels.shape[0])
        upside_down[strip.sideways] += weight if label == "180" else -weight
    return [upside_down[strip.sideways] > 0 for strip in strips]
