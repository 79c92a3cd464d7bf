"""Which service the lines of a page belong to: electric, gas or lighting, by the heading above them."""

from __future__ import annotations

from collections.abc import Iterable

from intake.reading.geometry import Phrase, Sheet
from intake.reading.labels import Anchor


class Sections:
    """Headings of all sheets.

    Args:
        anchors: What was found; those named `section:<kind>` are headings.
    """

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self._headings: dict[int, list[tuple[float, float, str]]] = {}
        self.kinds: set[str] = set()
        for anchor in anchors:
            prefix, _, kind = anchor.name.partition(":")
            # A heading begins its phrase; within a sentence it is no heading.
            if prefix == "section" and anchor.first <= 1 and len(anchor.phrase.tokens) <= 9:
                place = (anchor.phrase.mid, anchor.tokens[0].left, kind)
                self._headings.setdefault(id(anchor.sheet), []).append(place)
                self.kinds.add(kind)
            elif prefix == "section" and kind == "lighting":
                place = (anchor.phrase.mid, anchor.phrase.left, kind)
                self._headings.setdefault(id(anchor.sheet), []).append(place)
        for headings in self._headings.values():
            headings.sort()

    def kind(self, sheet: Sheet, phrase: Phrase) -> str:
        """Return the kind of the last heading above a phrase, or on its line; "" if there is none."""
        last = ""
        for mid, left, kind in self._headings.get(id(sheet), ()):
            slope = sheet.slope(left, mid)
            if mid - 0.6 + slope * (phrase.left - left) > phrase.mid:
                break
            last = kind
        return last
