"""Groups words to phrases and phrases to rows, from neighbor to neighbor, so that folds and bends do not matter."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from intake.extraction.tokens import Token, around
from intake.model import certainty

Item = TypeVar("Item")

LINE = 400
"""Characters of a phrase or a row; a longer one goes on as another. The longest of small print over a whole page have 250. What
is read from a line costs little then, whatever its words."""
_PHRASE_GAP = 1.3
_MARKS = re.compile(r"[^A-Za-z0-9\s]+")
_TOUCHING = 0.08  # print heights: no blank is so narrow, but kerning is wider than none
_TOUCHING_MARK = 0.16  # a mark stands off a little from the sign beside it
_CANDIDATES = 12  # items looked at beside each one: bounds the work for words that lie on top of one another


def chain(
    items: Sequence[Item],
    ends: Callable[[Item], tuple[float, float, float]],
    cost: Callable[[Item, Item], float | None],
    length: Callable[[Item], int],
    reach: float,
    spread: int,
) -> list[list[Item]]:
    """Chain items from left to right: each is linked with the cheapest one on its right that has no cheaper left one.

    Args:
        items: What is chained.
        ends: Gives left, right and middle height of an item.
        cost: Of linking one item to another, None if they cannot be linked.
        length: Characters of an item.
        reach: Largest gap.
        spread: How many print heights up and down to look.

    Returns:
        The chains; every item is in exactly one, none is longer than `LINE`.
    """
    places = [ends(item) for item in items]
    lanes: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for index, (left, _, mid) in enumerate(places):
        lanes[math.floor(mid)].append((left, index))
    for lane in lanes.values():
        lane.sort()
    links = []
    for index, item in enumerate(items):
        own_left, right, mid = places[index]
        for level in range(math.floor(mid) - spread, math.floor(mid) + spread + 1):
            lane = lanes.get(level, [])
            first = bisect_left(lane, (right - 2.0, -1))
            for left, other in lane[first : first + _CANDIDATES]:
                if left > right + reach:
                    break
                if left > own_left and (price := cost(item, items[other])) is not None:
                    links.append((price, index, other))
    follows: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, other in sorted(links):
        if index not in follows and other not in taken:
            follows[index] = other
            taken.add(other)
    chains: list[list[Item]] = []
    for index in range(len(items)):
        if index not in taken:
            chain = [index]
            while chain[-1] in follows:
                chain.append(follows[chain[-1]])
            chains += _cut([items[member] for member in chain], length)
    return chains


def _cut(chain: Sequence[Item], length: Callable[[Item], int]) -> Iterator[list[Item]]:
    piece: list[Item] = []
    characters = 0
    for item in chain:
        characters += length(item) + 1
        if piece and characters > LINE:
            yield piece
            piece, characters = [], length(item) + 1
        piece.append(item)
    yield piece


def phrases(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return runs of words that stand together on one line.

    Some engines give every mark as a word of its own, and text layers break words where they are kerned: what touches
    is one word.
    """
    return [_glued(run) for run in chain(tokens, _token_ends, _phrase_cost, _token_length, 3.0, spread=2)]


def neighbours(tokens: Sequence[Token]) -> list[tuple[Token, Token]]:
    """Return words with the next one of their line."""
    return [pair for run in phrases(tokens) for pair in pairwise(run)]


def _phrase_cost(one: Token, other: Token) -> float | None:
    low, high = sorted((one.height, other.height))
    gap = other.left - one.right
    if not -0.7 * high < gap < _PHRASE_GAP * high:
        return None
    # The box of a mark may hug the dash or the comma.
    if high > 2.5 * low and not _MARKS.fullmatch(one.text) and not _MARKS.fullmatch(other.text):
        return None
    off = abs(other.start - one.end)
    # Boxes that hug the letters differ in height: a comma or a dash lies low.
    return None if off > 0.5 * high else max(gap, 0.0) + 2 * off


def _glued(run: Sequence[Token]) -> list[Token]:
    words = [run[0]]
    for token in run[1:]:
        last = words[-1]
        mark = not (last.text[-1].isalnum() and token.text[0].isalnum())
        gap = token.left - last.right
        # A label and its value that touch are still two, see `deskew`.
        parts = last.text[-1] in ":#" or (last.text[-1].isalpha() and token.text[0].isdigit())
        if not parts and gap < (_TOUCHING_MARK if mark else _TOUCHING) * max(last.height, token.height):
            words[-1] = Token(
                last.text + token.text,
                certainty((word.text, word.confidence) for word in (last, token)),
                last.left,
                max(last.right, token.right),
                last.start,
                token.end,
                max(last.height, token.height),
                around((last, token)),
            )
        else:
            words.append(token)
    return words


def _token_ends(token: Token) -> tuple[float, float, float]:
    return token.left, token.right, token.mid


def _token_length(token: Token) -> int:
    return len(token.text)
