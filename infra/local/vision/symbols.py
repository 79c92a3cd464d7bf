"""Place the characters of a recognised line, and find the spaces that the recogniser left out.

The recogniser tells for every character a column of its feature map, one eighth of its input's height wide:
enough to know about where a character is, too coarse for the gap between two. The gap is measured in the
pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from infra.local.vision.annotation import Symbol

Pixels = np.ndarray[Any, np.dtype[Any]]
_Floats = np.ndarray[Any, np.dtype[np.float32]]

# Tuned on 991 rendered lines (Helvetica, Times, Courier, upright and italic, 150-300 dpi, clean and blurred
# with noise) holding 3,687 spaces: the recogniser alone misses 457 of them, this is wrong in 2.
#
# All in heights of the ink: a column with less ink than this is empty,
_EMPTY = 0.05
# a gap wider than this, and than the line's typical gap (wide in fixed-width type) by so much, is a space;
_SPACE = 0.26
_SPACE_MORE = 0.2
# thin characters leave room at their sides within their own width, a digit 1 most: in a number it is as wide
# as its neighbours.
_BEARING = {"1": 0.07, ".": 0.08} | dict.fromkeys(",:/-|Iilj'", 0.04)
_ONE_IN_NUMBER = 0.14
# The model knows Chinese print too, and writes some marks and digits full-width, as no bill does.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
# Shares of the line's contrast below which a pixel is paper, and of a row above which its ink is a rule.
_PAPER, _RULE = 0.3, 0.9
# Slants that are tried to part the letters of italic type, as shift per height.
_SLANTS = (0.0, 0.15, 0.27)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the recogniser says of one line.

    Attributes:
        text: its characters, spaces included.
        confidence: mean over the characters, 0..1.
        confidences: of each character.
        centres: of each character along the line, as a fraction of its length.
    """

    text: str
    confidence: float
    confidences: tuple[float, ...]
    centres: tuple[float, ...]

    @classmethod
    def from_rapidocr(cls, answer: Any) -> Recognition:
        """Unpack an answer of `TextRecognizer(..., return_word_box=True)`, version 1.4.4.

        Args:
            answer: text, mean confidence and (columns in the line, characters by group, their columns by
                group, kind of each group, confidences).
        """
        text, confidence, (columns, _, grouped_columns, _, confidences) = answer
        text = text.translate(_HALF_WIDTH)
        centres = [min(1.0, (column + 0.5) / columns) for group in grouped_columns for column in group]
        return cls(text, float(confidence), tuple(map(float, confidences[: len(text)])), tuple(centres))


@dataclass(frozen=True, slots=True)
class _Inked:
    """A line's columns: `empty` tells which carry no ink, `height` how high the ink is, in pixels."""

    empty: np.ndarray[Any, np.dtype[np.bool_]]
    height: int


def locate_symbols(recognition: Recognition, pixels: Pixels) -> tuple[Symbol, ...]:
    """Give every character that is not white space its place and tell what follows it.

    Args:
        recognition: of the line, with some text.
        pixels: the line's picture, upright, height x width x 3.

    Returns:
        The symbols in order, as fractions of the line's length.
    """
    inked = _columns(pixels)
    width = len(inked.empty)
    places = [i for i, text in enumerate(recognition.text) if not text.isspace()]
    texts = [recognition.text[i] for i in places]
    edges = _edges(inked, [recognition.centres[i] * width for i in places])
    seen = [after - before > 1 for before, after in pairwise(places)]
    spaces = [*_spaces(texts, edges, seen, inked.height), False]
    return tuple(
        Symbol(text, recognition.confidences[i], start / width, end / width, space)
        for text, i, (start, end), space in zip(texts, places, edges, spaces, strict=True)
    )


def _columns(pixels: Pixels) -> _Inked:
    """Find the columns without ink: dark on light or light on dark, under uneven light."""
    grey = pixels.astype(np.float32).mean(axis=2)
    height, width = grey.shape
    # Paper is what most of a neighbourhood is: the median of the columns' medians, three line heights wide.
    reach = min(width, 3 * height) // 2
    medians = np.pad(np.median(grey, axis=0), reach, mode="edge")
    paper = np.median(np.lib.stride_tricks.sliding_window_view(medians, 2 * reach + 1), axis=1)
    difference = np.abs(grey - paper)
    ink = np.clip(difference / max(1.0, float(np.percentile(difference, 95))), 0, 1)
    ink[ink < _PAPER] = 0
    # A rule or the edge of a box runs through the whole row: it is no ink of a letter.
    ink[(ink > 0).mean(axis=1) > _RULE] = 0
    rows = np.flatnonzero(ink.sum(axis=1) > 0.15 * ink.sum(axis=1).max())
    ink_height = int(rows[-1] - rows[0] + 1) if len(rows) else height
    # Slanting must pay: two columns in a hundred more.
    empties = [(_slanted(ink, slant).sum(axis=0) <= _EMPTY * ink_height, 0.02 if slant else 0.0) for slant in _SLANTS]
    return _Inked(max(empties, key=lambda found: found[0].mean() - found[1])[0], ink_height)


def _slanted(ink: _Floats, slant: float) -> _Floats:
    """Shift each row so that italic type stands upright; the middle of the line stays where it is."""
    if not slant:
        return ink
    height = len(ink)
    return np.stack([np.roll(row, round(slant * (y - height / 2))) for y, row in enumerate(ink)])


def _edges(inked: _Inked, centres: Sequence[float]) -> list[tuple[float, float]]:
    """Give each character its first and last column, in pixels, from its rough centre and the empty columns.

    Where letters touch, the middle between their centres parts them.
    """
    width = len(inked.empty)
    changes = np.flatnonzero(np.diff(np.concatenate(([False], inked.empty, [False])).astype(np.int8)))
    runs = [(float(begin), float(end)) for begin, end in zip(changes[::2], changes[1::2], strict=True)]
    start = runs[0][1] if runs and runs[0] != (0, width) and runs[0][0] == 0 else 0.0
    end = runs[-1][0] if runs and runs[-1] != (0, width) and runs[-1][1] == width else float(width)
    borders = [((a + b) / 2, (a + b) / 2) for a, b in pairwise(centres)]
    inner = [run for run in runs if run[0] > 0 and run[1] < width]
    for run, border in zip(inner, _match(inner, [a for a, _ in borders], inked.height), strict=True):
        if border is not None:
            borders[border] = run
    starts, ends = [start, *(b for _, b in borders)], [*(a for a, _ in borders), end]
    return [(min(a, b), max(a, b)) for a, b in zip(starts, ends, strict=True)]


def _match(runs: Sequence[tuple[float, float]], borders: Sequence[float], height: int) -> list[int | None]:
    """Give empty runs to the borders between characters, in order, each border one at most.

    A centre may be off by more than half a thin character ("e: J"), so the nearest border can be the wrong
    one; the order of all of them together is not. Minimises the sum of distances; a run may be left out (the
    inside of a broken letter) at a price that grows with its width.

    Returns:
        For each run the index of its border, or None.
    """
    positions = np.asarray(borders)
    best = np.full(len(borders) + 1, np.inf)  # best[j]: least cost so far with border j - 1 the last one given
    best[0] = 0.0
    taken, origins = [], []
    for begin, end in runs:
        reached = np.minimum.accumulate(best)
        fresh = np.concatenate(([True], best[1:] < reached[:-1]))
        origins.append(np.maximum.accumulate(np.where(fresh, np.arange(len(best)), 0)))
        given = np.concatenate(([np.inf], reached[:-1] + np.abs(positions - (begin + end) / 2)))
        left_out = best + height / 4 + 2 * (end - begin)
        taken.append(given < left_out)
        best = np.minimum(given, left_out)
    last = int(np.argmin(best))
    matched: list[int | None] = []
    for take, origin in zip(reversed(taken), reversed(origins), strict=True):
        matched.append(last - 1 if take[last] else None)
        last = int(origin[last - 1]) if take[last] else last
    return matched[::-1]


def _bearing(character: str, neighbour: str) -> float:
    """Return the room that a character leaves at its side towards a neighbour, in heights of the ink."""
    if character == "1" and not neighbour.isalpha():
        return _ONE_IN_NUMBER
    return _BEARING.get(character, 0.0)


def _spaces(
    texts: Sequence[str], edges: Sequence[tuple[float, float]], seen: Sequence[bool], height: int
) -> list[bool]:
    """Tell after which characters but the last there is a space: one was seen, or the gap is wide."""
    gaps = [
        (after[0] - before[1]) / height - _bearing(a, b) - _bearing(b, a)
        for (before, after), (a, b) in zip(pairwise(edges), pairwise(texts), strict=True)
    ]
    letters = [gap for gap, space in zip(gaps, seen, strict=True) if not space]
    limit = max(_SPACE, _SPACE_MORE + float(np.median(letters))) if letters else _SPACE
    found = [space or gap > limit for gap, space in zip(gaps, seen, strict=True)]
    # A faint decimal point leaves no ink in a blurred photo, so its place looks like a gap.
    for i in range(1, len(texts) - 1):
        if texts[i] == "." and texts[i - 1].isdigit() and texts[i + 1].isdigit():
            found[i - 1 : i + 1] = seen[i - 1 : i + 1]
    return found
