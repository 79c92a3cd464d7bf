"""Runs of digits and hyphens: where a number begins and ends, whether it is complete, and where the rest of it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from intake.extraction.geometry import Phrase, Token
from intake.extraction.labels import Anchor
from intake.extraction.printed import digits_of
from intake.extraction.utility_profiles import AccountFormat

_GAP = 14.0  # print heights: how far the rest of a number may stand off
_NEXT_LINE = 2.2  # print heights
_COLUMN_HEAD = 3.2  # print heights
_ENDS_OPEN = re.compile(r"[–—-]$")
_MASKED = re.compile(r"[*#•]{2}|\b[xX]{2,}\b|\b(ending|ends|last)\b", re.IGNORECASE)
DASH = re.compile(r"[–—-]+")
GROUPED = re.compile(r"^[^\s–—-]+(?:[–—-][^\s–—-]+)+$")
_LONGEST_RUN = 8  # words: four groups with a dash between each two come to seven


def runs(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield runs of neighbouring words that hold nothing but digits and hyphens, none next to further digits."""
    first = 0
    while first < len(tokens):
        stop = first
        while stop < len(tokens) and stop - first < _LONGEST_RUN and _continues(tokens, first, stop):
            stop += 1
        if stop > first:
            yield tokens[first:stop]
        if stop > first + 1:
            yield from ([token] for token in tokens[first:stop] if GROUPED.match(token.text))
        first = max(stop, first + 1)


def _continues(tokens: Sequence[Token], first: int, stop: int) -> bool:
    """Return whether a word belongs to a run of digits: digits do, and a dash between digits."""
    if DASH.fullmatch(tokens[stop].text):
        return first < stop < len(tokens) - 1 and digits_of(tokens[stop + 1].text) is not None
    return digits_of(tokens[stop].text.strip(".,:;")) is not None


def rests(anchor: Anchor, how: str, phrase: Phrase, *, under: bool) -> Iterator[Sequence[Token]]:
    """Yield the digits next in the row, or in the line below."""
    plane = anchor.plane
    line = anchor.phrase if phrase.tokens[-1] is anchor.phrase.tokens[-1] else phrase
    after = [other for other in plane.after(line)[:1] if other.left - line.right < _GAP]
    if how == "label above":  # text with its own label is another column
        after = [p for p in after if not plane.above(p, reach=_COLUMN_HEAD, left=p.left, right=p.right)]
    left = min(phrase.left, anchor.tokens[0].left)
    below = plane.below(line, reach=_NEXT_LINE, left=left, right=phrase.right)[:1] if under else []
    for other in (*after, *below):
        run = next(runs(other.tokens), [])
        if len(run) == len(other.tokens):
            yield run


def is_open(phrase: Phrase, tokens: Sequence[Token]) -> bool:
    """Return whether a dash after a number means that it continues."""
    last = next(index for index, token in enumerate(phrase.tokens) if token is tokens[-1])
    following = [token.text for token in phrase.tokens[last + 1 : last + 3]]
    goes_on = len(following) > 1 and digits_of(following[1]) is not None
    return bool(_ENDS_OPEN.search(tokens[-1].text) or (following and DASH.fullmatch(following[0]) and not goes_on))


def is_masked(phrase: Phrase, tokens: Sequence[Token]) -> bool:
    """Return whether the text before a number means that it is only the end of one."""
    first = next(index for index, token in enumerate(phrase.tokens) if token is tokens[0])
    return bool(_MASKED.search(" ".join(token.text for token in phrase.tokens[:first])))


def is_whole(tokens: Sequence[Token], account: AccountFormat) -> bool:
    """Return whether a number has all groups of its utility: some hyphens may be lost, none stands where there is none."""
    if not account.groups:
        return True
    pieces = [token.text.strip(".,:;") for token in tokens]
    sizes = [len(re.sub(r"\W", "", piece)) for piece in DASH.split("".join(pieces)) if piece]
    blanks = [len(re.sub(r"\W", "", piece)) for piece in pieces]
    ends = set(accumulate(sizes))
    if any(sum(groups) == sum(sizes) for groups in account.groups):
        return any(ends <= set(accumulate(groups)) for groups in account.groups)
    return len(sizes) == 1 and not any(
        len(blanks) > 1 and blanks == list(groups[: len(blanks)]) for groups in account.groups
    )
