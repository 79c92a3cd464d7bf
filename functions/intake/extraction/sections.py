"""Finds which service the lines of a page belong to, by the heading above them: electric, gas or lighting."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from intake.extraction.geometry import Phrase, TextPlane, Token
from intake.extraction.labels import Anchor
from intake.extraction.printed import dates

_TABLE = 16.0  # print heights from a PoD ID down to the first rows of its meter table
_READING_ROW = 20
_LEVEL = 1.0  # print heights: headings on one line
_COLUMN = 20.0  # print heights between the beginnings of two columns
_READING = re.compile(r"(?<!\d)\d{3,}\s?[AECRN]?\b")
_DAYS = re.compile(r"\d\s?days\b", re.IGNORECASE)


class Sections:
    """Headings of all planes.

    Args:
        anchors: What was found; those named `section:<kind>` are headings.
    """

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self._headings: dict[int, list[tuple[float, float, str]]] = {}
        self._readings: dict[int, Sequence[float]] = {}
        self.kinds: set[str] = set()
        for anchor in anchors:
            prefix, _, kind = anchor.name.partition(":")
            # A heading begins its phrase; within a sentence it is no heading.
            if prefix == "section" and anchor.first <= 1 and len(anchor.phrase.tokens) <= 9:
                place = (anchor.phrase.mid, anchor.tokens[0].left, kind)
                self._headings.setdefault(id(anchor.plane), []).append(place)
                self.kinds.add(kind)
            elif prefix == "section" and kind == "lighting":
                place = (anchor.phrase.mid, anchor.phrase.left, kind)
                self._headings.setdefault(id(anchor.plane), []).append(place)
        for headings in self._headings.values():
            headings.sort()

    def kind(self, plane: TextPlane, phrase: Phrase) -> str:
        """Return the kind of the last heading above a phrase, or on its line; "" if there is none.

        Of gas and electric side by side, the one in whose column the phrase begins.
        """
        level: list[tuple[float, float, str]] = []
        for mid, left, kind in self._headings.get(id(plane), ()):
            slope = plane.slope(left, mid)
            if mid - 0.6 + slope * (phrase.left - left) > phrase.mid:
                break
            beside = level and mid - level[0][0] < _LEVEL and kind != "lighting" and left - level[-1][1] > _COLUMN
            level = [*level, (mid, left, kind)] if beside else [(mid, left, kind)]
        if not level:
            return ""
        return next((kind for _, left, kind in reversed(level) if left < phrase.left + _LEVEL), level[0][2])

    def of(self, planes: Iterable[TextPlane], page: int, token: Token) -> str:
        """Return the kind of service that a word of a page stands under; "" if there is none."""
        return next((self.kind(plane, phrase) for plane, phrase in _holding(planes, page, token)), "")

    def is_metered(self, planes: Iterable[TextPlane], page: int, token: Token) -> bool:
        """Return whether a row of readings stands under a word: lighting, whose heading may not have been read, has none."""
        for plane, phrase in _holding(planes, page, token):
            rows = self._reading_rows(plane)
            under = bisect_right(rows, phrase.mid)
            return (under < len(rows) and rows[under] - phrase.mid < _TABLE) or _is_reading(plane.row(phrase))
        return False

    def _reading_rows(self, plane: TextPlane) -> Sequence[float]:
        """Return the heights of the rows of readings, from the top."""
        if id(plane) not in self._readings:
            self._readings[id(plane)] = [row[0].mid for row in plane.rows if _is_reading(row)]
        return self._readings[id(plane)]


def _holding(planes: Iterable[TextPlane], page: int, token: Token) -> Iterator[tuple[TextPlane, Phrase]]:
    for plane in planes:
        if plane.page == page and (phrase := plane.holding(token)) is not None:
            yield plane, phrase


def _is_reading(row: Sequence[Phrase]) -> bool:
    text = "  ".join(part.text for part in row)
    return len(text) > _READING_ROW and bool(_READING.search(text)) and bool(dates(text) or _DAYS.search(text))
