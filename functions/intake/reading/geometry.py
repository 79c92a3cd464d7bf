"""Lay the words of a page upright and chain them into phrases and rows, whatever the turn, skew or folds of the picture.

Lengths here are in heights of the page's common print, so no rule depends on the size of the picture. Nothing relies on
the order of the words or on what an engine calls a line: engines cut lines differently, and a folded sheet has another
angle in each panel. A sheet gets one turn and one angle; what is left is followed from neighbour to neighbour.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import NamedTuple, TypeVar

from intake.records import PageWords, Quad, Word

Item = TypeVar("Item")

MAX_WORDS = 8_000
"""Words of one bill that are looked at: bounds the time for whatever is sent. Its pages share them."""
PAGE_WORDS = range(400, 1501)
"""Fewest and most words of one page that are looked at, the surest ones; pages with fields have about 300."""
MAX_LENGTH = 80
"""Characters of a word; longer ones are noise. A scan line has 34."""
MIN_SHEET = 12
"""Words that must share a direction to be a sheet of their own: fewer are vertical serials or bleed-through."""

_PHRASE_GAP = 1.3
_ROW_GAP = 70.0
_CANDIDATES = 12  # words looked at beside each word: bounds the work for words that lie on top of one another
_CELL = 8.0  # of the map of slopes

# What OCR joins to one word though a reader sees two: a label with its value.
_JOINED = re.compile(r"(?<=[:#])(?=[A-Za-z0-9$])|(?<=[A-Za-z]{3})(?=[0-9]{5})")


class Token(NamedTuple):
    """A word on the upright sheet: lengths in print heights, y grows downwards."""

    text: str
    confidence: float
    left: float
    right: float
    start: float  # y of the middle line where the word begins
    end: float  # y of the middle line where it ends
    height: float
    quad: Quad

    @property
    def mid(self) -> float:
        """Middle height of the word."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, eq=False)
class Phrase:
    """Words that stand together on one line."""

    tokens: Sequence[Token]

    @cached_property
    def text(self) -> str:
        """The words with single blanks between them."""
        return " ".join(token.text for token in self.tokens)

    @cached_property
    def left(self) -> float:
        """Left end."""
        return self.tokens[0].left

    @cached_property
    def right(self) -> float:
        """Right end."""
        return max(token.right for token in self.tokens)

    @cached_property
    def start(self) -> float:
        """Height of the middle line at the left end."""
        return self.tokens[0].start

    @cached_property
    def end(self) -> float:
        """Height of the middle line at the right end."""
        return self.tokens[-1].end

    @cached_property
    def mid(self) -> float:
        """Middle height of the whole."""
        return median(token.mid for token in self.tokens)

    @cached_property
    def height(self) -> float:
        """Usual height of its words."""
        return median(token.height for token in self.tokens)

    @cached_property
    def confidence(self) -> float:
        """That of the least sure word."""
        return min(token.confidence for token in self.tokens)


class Sheet:
    """What can be read in one direction on one page.

    Args:
        page: Number of the page.
        tokens: The words, upright.

    Attributes:
        phrases: From top to bottom.
        rows: The phrases chained across the sheet, from top to bottom.
    """

    def __init__(self, page: int, tokens: Sequence[Token]) -> None:
        self.page = page
        self.phrases = sorted(_phrases(tokens), key=lambda phrase: (phrase.mid, phrase.left))
        self._slopes = _slope_map(self.phrases)
        self._slope_at: dict[tuple[int, int], float] = {}
        self.rows = self._rows()
        self._row_of = {phrase: index for index, row in enumerate(self.rows) for phrase in row}
        self._mids = [phrase.mid for phrase in self.phrases]

    def row(self, phrase: Phrase) -> Sequence[Phrase]:
        """Return the row that a phrase belongs to, from left to right."""
        return self.rows[self._row_of[phrase]]

    def after(self, phrase: Phrase) -> Sequence[Phrase]:
        """Return what stands right of a phrase in its row, nearest first."""
        row = self.row(phrase)
        return row[row.index(phrase) + 1 :]

    def below(self, phrase: Phrase, *, reach: float, left: float, right: float) -> list[Phrase]:
        """Return what stands under a stretch of a line, nearest first.

        Args:
            phrase: The line.
            reach: How far down to look, in print heights.
            left: Where the stretch begins.
            right: Where it ends.
        """
        return self._near(phrase, 0.45, reach, left, right)

    def above(self, phrase: Phrase, *, reach: float, left: float, right: float) -> list[Phrase]:
        """Return what stands over a stretch of a line, nearest first."""
        return self._near(phrase, -reach, -0.45, left, right)

    def _near(self, phrase: Phrase, low: float, high: float, left: float, right: float) -> list[Phrase]:
        slope = self.slope(left, phrase.mid)
        base = phrase.mid
        first = bisect_left(self._mids, base + low - 2)
        found = []
        for other in self.phrases[first : bisect_left(self._mids, base + high + 2)]:
            nearest = min(max(other.left, left), right)
            drop = other.mid - (base + slope * ((other.left + other.right) / 2 - (phrase.left + phrase.right) / 2))
            # The sheet leans by the slope, so what is under a point lies a little to the side of it.
            if (
                other is not phrase
                and low <= drop <= high
                and other.left - slope * drop - 0.5 <= nearest <= other.right + 0.5
            ):
                found.append((abs(drop), other.left, other))
        return [other for _, _, other in sorted(found, key=lambda item: item[:2])]

    def slope(self, x: float, y: float) -> float:
        """Return the slope of the print around a point."""
        cell = round(x / (4 * _CELL)), round(y / _CELL)
        if cell not in self._slope_at:
            self._slope_at[cell] = self._slope_around(*cell)
        return self._slope_at[cell]

    def _slope_around(self, column: int, row: int) -> float:
        for width in (0, 1, 3):
            near = [
                slope
                for down in range(row - 1 - width, row + 2 + width)
                for across in range(column - width, column + width + 1)
                for slope in self._slopes.get((across, down), ())
            ]
            if near:
                return median(near)
        return 0.0

    def _rows(self) -> list[list[Phrase]]:
        def cost(one: Phrase, other: Phrase) -> float | None:
            gap = other.left - one.right
            if not -1.0 < gap < _ROW_GAP:
                return None
            slope = (self.slope(one.right, one.end) + self.slope(other.left, other.start)) / 2
            off = abs(other.start - one.end - slope * gap)
            if off > 0.5 * min(1.5, max(0.8, min(one.height, other.height))) + 0.004 * gap:
                return None
            return gap + 12 * off

        def ends(phrase: Phrase) -> tuple[float, float, float]:
            return phrase.left, phrase.right, phrase.mid

        chains = _chain(self.phrases, ends, cost, _ROW_GAP, spread=4)
        return sorted(chains, key=lambda row: (row[0].mid, row[0].left))


def sheets(page: PageWords, most: int = PAGE_WORDS[-1]) -> list[Sheet]:
    """Return the sheets of a page, that of most words first.

    Args:
        page: Its words in any order; words without a proper place are left out.
        most: Words that are looked at.

    Returns:
        One sheet for each of the four directions in which enough words run.
    """
    words = sorted(word for word in page.words if _is_sound(word))
    if len(words) > most:
        words = sorted(sorted(words, key=lambda word: -word.confidence)[:most])
    sides = (page.width, page.height)
    aspect = page.height / page.width if all(math.isfinite(side) and side > 0 for side in sides) else 1.0
    aspect = min(20.0, max(0.05, aspect))
    directions: dict[int, list[Word]] = defaultdict(list)
    for word in words:
        directions[round(_angle(word.quad, aspect) / (math.pi / 2)) % 4].append(word)
    by_size = sorted(directions.items(), key=lambda item: (-sum(len(word.text) for word in item[1]), item[0]))
    chosen = [item for index, item in enumerate(by_size) if index == 0 or len(item[1]) >= MIN_SHEET]
    return [Sheet(page.page, _upright(words, quarter, aspect)) for quarter, words in chosen]


def around(tokens: Sequence[Token]) -> Quad:
    """Return the quad from the first to the last of some words of one line, in fractions of the page."""
    first, last = tokens[0].quad, tokens[-1].quad
    return Quad(first.x0, first.y0, last.x1, last.y1, last.x2, last.y2, first.x3, first.y3)


def touched(tokens: Sequence[Token], begin: int, stop: int) -> list[Token]:
    """Return the words that a stretch of their text, joined by single blanks, touches."""
    position, found = 0, []
    for token in tokens:
        if position < stop and position + len(token.text) > begin:
            found.append(token)
        position += len(token.text) + 1
    return found


def _is_sound(word: Word) -> bool:
    return bool(
        word.text.strip()
        and len(word.text) <= MAX_LENGTH
        and all(math.isfinite(corner) and -1 <= corner <= 2 for corner in word.quad)
        and math.isfinite(word.confidence)
    )


def _angle(quad: Quad, aspect: float) -> float:
    """Return the direction of reading in radians, from the middle of the left to that of the right side."""
    dx = quad.x1 + quad.x2 - quad.x0 - quad.x3
    dy = (quad.y1 + quad.y2 - quad.y0 - quad.y3) * aspect
    return math.atan2(dy, dx) if dx or dy else 0.0


def _upright(words: Sequence[Word], quarter: int, aspect: float) -> list[Token]:
    """Turn words of one direction upright, take out the sheet's angle and scale to print heights."""
    rough = _tokens(words, quarter * math.pi / 2, aspect, 1.0)
    own = [math.atan2(t.end - t.start, t.right - t.left) for t in rough if t.right - t.left > 2 * t.height]
    angle = quarter * math.pi / 2 + (median(own) if own else 0.0)
    unit = _print_height(rough)
    tokens = _tokens(words, angle, aspect, unit)
    # Boxes of some engines stand upright on a leaning line: then only the neighbours tell the angle.
    lean = [
        math.atan2(other.mid - one.mid, (other.left + other.right - one.left - one.right) / 2)
        for one, other in _neighbours(tokens)
        if len(one.text) > 2 and len(other.text) > 2
    ]
    if len(lean) >= 5:
        tokens = _tokens(words, angle + median(lean), aspect, unit)
    return [part for token in tokens for part in _parts(token)]


def _print_height(tokens: Sequence[Token]) -> float:
    heights = [token.height for token in tokens if len(token.text) > 2] or [token.height for token in tokens]
    return max(1e-4, median(heights)) if heights else 1.0


def _tokens(words: Sequence[Word], angle: float, aspect: float, unit: float) -> list[Token]:
    cos, sin = math.cos(-angle) / unit, math.sin(-angle) / unit
    tokens = []
    for word in words:
        q = word.quad
        left = ((q.x0 + q.x3) / 2, (q.y0 + q.y3) / 2 * aspect)
        right = ((q.x1 + q.x2) / 2, (q.y1 + q.y2) / 2 * aspect)
        height = math.hypot((q.x3 + q.x2 - q.x0 - q.x1) / 2, (q.y3 + q.y2 - q.y0 - q.y1) / 2 * aspect) / unit
        x0, x1 = cos * left[0] - sin * left[1], cos * right[0] - sin * right[1]
        y0, y1 = sin * left[0] + cos * left[1], sin * right[0] + cos * right[1]
        text = " ".join(word.text.split())
        tokens.append(Token(text, min(1.0, max(0.0, word.confidence)), x0, max(x0, x1), y0, y1, max(height, 1e-3), q))
    return tokens


def _parts(token: Token) -> Iterator[Token]:
    """Yield the words of a token that holds a label and its value; places are shared out by characters."""
    cuts = [0, *(match.start() for match in _JOINED.finditer(token.text)), len(token.text)]
    for begin, end in pairwise(cuts):
        if (begin, end) == (0, len(token.text)):
            yield token
        elif end > begin:
            u, v = begin / len(token.text), end / len(token.text)
            q = token.quad
            yield Token(
                token.text[begin:end].strip(),
                token.confidence,
                token.left + u * (token.right - token.left),
                token.left + v * (token.right - token.left),
                token.start + u * (token.end - token.start),
                token.start + v * (token.end - token.start),
                token.height,
                Quad(
                    *(
                        q.x0 + u * (q.x1 - q.x0),
                        q.y0 + u * (q.y1 - q.y0),
                        q.x0 + v * (q.x1 - q.x0),
                        q.y0 + v * (q.y1 - q.y0),
                    ),
                    *(
                        q.x3 + v * (q.x2 - q.x3),
                        q.y3 + v * (q.y2 - q.y3),
                        q.x3 + u * (q.x2 - q.x3),
                        q.y3 + u * (q.y2 - q.y3),
                    ),
                ),
            )


def _phrase_cost(one: Token, other: Token) -> float | None:
    low, high = sorted((one.height, other.height))
    gap = other.left - one.right
    if high > 2.5 * low or not -0.7 * high < gap < _PHRASE_GAP * high:
        return None
    off = abs(other.start - one.end)
    # Boxes that hug the letters differ in height: a comma or a dash lies low.
    return None if off > 0.5 * high else max(gap, 0.0) + 2 * off


def _token_ends(token: Token) -> tuple[float, float, float]:
    return token.left, token.right, token.mid


def _neighbours(tokens: Sequence[Token]) -> list[tuple[Token, Token]]:
    chains = _chain(tokens, _token_ends, _phrase_cost, 3.0, spread=2)
    return [pair for chain in chains for pair in pairwise(chain)]


def _phrases(tokens: Sequence[Token]) -> list[Phrase]:
    return [Phrase(chain) for chain in _chain(tokens, _token_ends, _phrase_cost, 3.0, spread=2)]


def _chain(
    items: Sequence[Item],
    ends: Callable[[Item], tuple[float, float, float]],
    cost: Callable[[Item, Item], float | None],
    reach: float,
    spread: int,
) -> list[list[Item]]:
    """Chain items from left to right: each is linked with the cheapest one on its right that has no cheaper left one.

    Args:
        items: What is chained.
        ends: Gives left, right and middle height of an item.
        cost: Of linking one item to another, None if they cannot be linked.
        reach: Largest gap.
        spread: How many print heights up and down to look.

    Returns:
        The chains; every item is in exactly one.
    """
    lanes: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for index, item in enumerate(items):
        left, _, mid = ends(item)
        lanes[math.floor(mid)].append((left, index))
    for lane in lanes.values():
        lane.sort()
    links = []
    for index, item in enumerate(items):
        _, right, mid = ends(item)
        for level in range(math.floor(mid) - spread, math.floor(mid) + spread + 1):
            lane = lanes.get(level, [])
            first = bisect_left(lane, (right - 2.0, -1))
            for left, other in lane[first : first + _CANDIDATES]:
                if left > right + reach:
                    break
                if other != index and (price := cost(item, items[other])) is not None and left > ends(item)[0]:
                    links.append((price, index, other))
    follows: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, other in sorted(links):
        if index not in follows and other not in taken:
            follows[index] = other
            taken.add(other)
    chains = []
    for index in range(len(items)):
        if index not in taken:
            chain = [index]
            while chain[-1] in follows:
                chain.append(follows[chain[-1]])
            chains.append([items[member] for member in chain])
    return chains


def _slope_map(phrases: Sequence[Phrase]) -> dict[tuple[int, int], list[float]]:
    slopes: dict[tuple[int, int], list[float]] = defaultdict(list)
    for phrase in phrases:
        width = phrase.right - phrase.left
        if width > 6:
            slope = (phrase.tokens[-1].mid - phrase.tokens[0].mid) / max(
                1.0, width * (1 if len(phrase.tokens) > 1 else 1e9)
            )
            slopes[round((phrase.left + phrase.right) / 8 / _CELL), round(phrase.mid / _CELL)].append(slope)
    return slopes
