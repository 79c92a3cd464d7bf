"""Finds labels among phrases, tolerating OCR errors and lost or added spaces."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from intake.extraction.geometry import Phrase, TextPlane, Token

_EXACT_UP_TO = 7
"""Letters of a label that must be right to the letter: `Rate` is one slip away from `Date`."""
MOST = 16
_ALIKE = 86.0
_WINDOW = 8
_PARTING = re.compile(r"[:;.,#–—-]+")
_LOOK_ALIKE = str.maketrans("0158", "olsb")
_NOT_LETTERS = re.compile(r"[^a-z0-9&#]")


@dataclass(frozen=True, eq=False)
class Anchor:
    """A label on a plane: words `first` to `stop` (exclusive) of a phrase."""

    name: str
    plane: TextPlane
    phrase: Phrase
    first: int
    stop: int

    @property
    def tokens(self) -> Sequence[Token]:
        """The words of the label."""
        return self.phrase.tokens[self.first : self.stop]

    @property
    def rest(self) -> Sequence[Token]:
        """What follows it within its phrase, without a colon or dash that parts them."""
        tokens = self.phrase.tokens
        first = self.stop
        while first < len(tokens) and _PARTING.fullmatch(tokens[first].text):
            first += 1
        return tokens[first:]

    def right(self, limit: int = 2) -> list[Phrase]:
        """Return the phrases right of the label: the rest of its own, then the next ones of the row."""
        own = [Phrase(self.rest)] if self.rest else []
        return [*own, *self.plane.after(self.phrase)[:limit]]

    def below(self, reach: float = 3.2) -> list[Phrase]:
        """Return the phrases under the label, nearest first."""
        tokens = self.tokens
        return self.plane.below(self.phrase, reach=reach, left=tokens[0].left, right=tokens[-1].right)


def compact(text: str) -> str:
    """Return the letters and digits of a text in lower case."""
    return _NOT_LETTERS.sub("", text.lower())


@lru_cache(maxsize=20_000)
def _skeleton(text: str) -> str:
    """Return a text in which signs that OCR mixes up are one."""
    return compact(text).translate(_LOOK_ALIKE)


class Labels:
    """A set of labels to look for.

    Args:
        texts: Labels by name; one name may have several.
        alike: How alike a text must be to a label, 0..100.
    """

    def __init__(self, texts: Mapping[str, Iterable[str]], alike: float = _ALIKE) -> None:
        self._alike = alike
        self._names: dict[str, list[str]] = defaultdict(list)
        for name, labels in texts.items():
            for label in labels:
                self._names[_skeleton(label)].append(name)
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for label in self._names:
            if len(label) > _EXACT_UP_TO:
                slack = max(1, len(label) // 7)
                for length in range(len(label) - slack, len(label) + slack + 1):
                    self._by_length[length].append(label)
        self._longest = max(map(len, self._names), default=0) + 4
        self._match = lru_cache(maxsize=20_000)(self._match_compact)

    def find(self, plane: TextPlane) -> list[Anchor]:
        """Return the labels of a plane, from the top; where one lies within another, the longer one.

        At most `MOST` of a name: bills print no label oftener, and noise must not cost time.
        """
        found: Counter[str] = Counter()
        anchors = []
        for phrase in plane.phrases:
            for anchor in self._in_phrase(plane, phrase):
                found[anchor.name] += 1
                if found[anchor.name] <= MOST:
                    anchors.append(anchor)
        return anchors

    def _in_phrase(self, plane: TextPlane, phrase: Phrase) -> list[Anchor]:
        texts = [_skeleton(token.text) for token in phrase.tokens]
        hits: list[tuple[int, float, int, int, str]] = []
        for first in range(len(texts)):
            text = ""
            for stop in range(first + 1, min(len(texts), first + _WINDOW) + 1):
                text += texts[stop - 1]
                if len(text) > self._longest:
                    break
                if texts[stop - 1] and (match := self._match(text)):
                    hits.append((-len(match[0]), -match[1], first, stop, match[0]))
        taken: set[int] = set()
        anchors = []
        for _, _, first, stop, label in sorted(hits):
            if taken.isdisjoint(range(first, stop)):
                taken.update(range(first, stop))
                anchors += [Anchor(name, plane, phrase, first, stop) for name in self._names[label]]
        return anchors

    def _match_compact(self, text: str) -> tuple[str, float] | None:
        if text in self._names:
            return text, 100.0
        if len(text) < _EXACT_UP_TO or not (choices := self._by_length.get(len(text))):
            return None
        best = process.extractOne(text, choices, scorer=fuzz.ratio, score_cutoff=self._alike)
        return (best[0], best[1]) if best else None
