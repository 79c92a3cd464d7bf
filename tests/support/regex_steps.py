"""Count the steps that a regular expression takes: a plain backtracking matcher, to find what grows faster than its text.

`re` tells nobody how hard it worked. This walks the same parse tree, tries the same ways in the same order, and counts each
attempt, without the shortcuts of the real engine; so what is linear here is linear there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdecimal,
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_WORD: lambda sign: sign.isalnum() or sign == "_",
}
_OPPOSITE: dict[Any, Any] = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_UNITS = (
    "1", "1,", "1.", "1-", "1 ", "A", "A ", "A,", "A1", " ", ",", ".", "-", "/", "1/", "$", "0O", "NY", "N. Y", "e", "k",
)  # fmt: skip
_SINGLE = (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN)


class Steps:
    """Matches one pattern against texts and counts.

    Attributes:
        count: Attempts so far.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._ignore_case = bool(pattern.flags & re.IGNORECASE)
        self._tree = list(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
        self.count = 0

    def match(self, text: str, at: int = 0) -> int | None:
        """Match at a place as `match` does; return where the match ends, None if there is none."""
        self._text = text
        return next(self._ways(self._tree, at), None)

    def work(self, text: str, *, searched: bool) -> int:
        """Return the steps for a text: of a match at its beginning, or of looking for all matches as `finditer` does."""
        self.count, at = 0, 0
        while at <= (len(text) if searched else 0):
            end = self.match(text, at)
            at = at + 1 if end is None else max(end, at + 1)
        return self.count

    def _ways(self, nodes: Sequence[Any], at: int) -> Iterator[int]:
        """Yield the ends of all ways in which nodes match from a place, in the order in which they are tried."""
        if not nodes:
            yield at
            return
        self.count += 1
        (code, argument), rest = nodes[0], nodes[1:]
        if code in _SINGLE:
            if at < len(self._text) and self._is(code, argument, self._text[at]):
                yield from self._ways(rest, at + 1)
        elif code in _REPEATS:
            yield from self._repeated(code, argument, rest, at)
        elif code is codes.SUBPATTERN:
            for end in self._ways(list(argument[3]), at):
                yield from self._ways(rest, end)
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield from self._ways([*branch, *rest], at)
        elif code is codes.AT:
            if self._holds(argument, at):
                yield from self._ways(rest, at)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            direction, inner = argument
            start = at if direction > 0 else at - inner.getwidth()[0]
            found = start >= 0 and next(self._ways(list(inner), start), None) is not None
            if found is (code is codes.ASSERT):
                yield from self._ways(rest, at)
        else:
            raise NotImplementedError(f"{code} is not counted. Teach `Steps` to match it.")

    def _repeated(self, code: Any, argument: Any, rest: Sequence[Any], at: int) -> Iterator[int]:
        least, most, inner = argument
        node = list(inner)
        if len(node) == 1 and node[0][0] in _SINGLE:  # without recursion, which would end at a thousand signs
            limit = len(self._text) if most is codes.MAXREPEAT else min(len(self._text), at + most)
            end = at
            while end < limit and self._is(node[0][0], node[0][1], self._text[end]):
                end += 1
                self.count += code is not codes.MIN_REPEAT
            ends = range(at + least, end + 1)
            for place in ends if code is codes.MIN_REPEAT else reversed(ends):
                self.count += 1
                yield from self._ways(rest, place)
            return
        if code is codes.MIN_REPEAT and least == 0:
            yield from self._ways(rest, at)
        if most is codes.MAXREPEAT or most > 0:
            fewer = (max(0, least - 1), most if most is codes.MAXREPEAT else most - 1, inner)
            for end in self._ways(node, at):
                if end > at:
                    yield from self._repeated(code, fewer, rest, end)
        if code is not codes.MIN_REPEAT and least == 0:
            yield from self._ways(rest, at)

    def _is(self, code: Any, argument: Any, sign: str) -> bool:
        if code is codes.ANY:
            return sign != "\n"
        if code is codes.IN:
            return is_in(argument, sign, ignore_case=self._ignore_case)
        same = _same(chr(argument), sign, ignore_case=self._ignore_case)
        return same if code is codes.LITERAL else not same

    def _holds(self, where: Any, at: int) -> bool:
        if where in (codes.AT_BEGINNING, codes.AT_BEGINNING_STRING):
            return at == 0
        if where in (codes.AT_END, codes.AT_END_STRING):
            return at == len(self._text)
        before, after = self._text[at - 1 : at], self._text[at : at + 1]
        edge = bool(re.match(r"\w", before)) is not bool(re.match(r"\w", after))
        return edge is (where is codes.AT_BOUNDARY)


def is_in(members: Sequence[Any], sign: str, *, ignore_case: bool) -> bool:
    """Tell whether a sign is of a set of the parse tree."""
    found = False
    for code, argument in members:
        if code is codes.LITERAL:
            found |= _same(chr(argument), sign, ignore_case=ignore_case)
        elif code is codes.RANGE:
            cases = {sign, sign.lower(), sign.upper()} if ignore_case else {sign}
            found |= any(argument[0] <= ord(case) <= argument[1] for case in cases if len(case) == 1)
        elif code is codes.CATEGORY and argument in _OPPOSITE:
            found |= not _CATEGORIES[_OPPOSITE[argument]](sign)
        elif code is codes.CATEGORY:
            found |= _CATEGORIES[argument](sign)
    return found is not (members[0][0] is codes.NEGATE)


def _same(one: str, other: str, *, ignore_case: bool) -> bool:
    return one.lower() == other.lower() if ignore_case else one == other


def attacks(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Yield texts that could keep a pattern busy: what leads to each repeat, then what it repeats, then something else.

    Args:
        pattern: The pattern.
        length: Of the repeated part.
    """
    tree = list(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    for lead, unit in _pumps(tree, ""):
        for pumped in {unit, *_UNITS}:
            for end in ("", "\x01"):
                yield lead + (pumped * length)[:length] + end


def _pumps(nodes: Sequence[Any], lead: str) -> Iterator[tuple[str, str]]:
    """Yield, for each repeat, a text that leads to it and one that it repeats."""
    for code, argument in nodes:
        if code in _REPEATS:
            if argument[1] is codes.MAXREPEAT or argument[1] > 4:
                yield lead, _sample(list(argument[2])) or "1"
            yield from _pumps(list(argument[2]), lead)
        elif code is codes.SUBPATTERN:
            yield from _pumps(list(argument[3]), lead)
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield from _pumps(list(branch), lead)
        lead += _sample([(code, argument)])


def _sample(nodes: Sequence[Any]) -> str:
    """Return a short text that nodes match, looked at one by one."""
    text = ""
    for code, argument in nodes:
        if code is codes.LITERAL:
            text += chr(argument)
        elif code in (codes.ANY, codes.NOT_LITERAL):
            text += "A"
        elif code is codes.IN:
            text += next((c for c in "1A ,.-/$|'" if is_in(argument, c, ignore_case=True)), "")
        elif code in _REPEATS:
            text += _sample(list(argument[2])) * max(1, argument[0])
        elif code is codes.SUBPATTERN:
            text += _sample(list(argument[3]))
        elif code is codes.BRANCH:
            text += _sample(list(argument[1][0]))
    return text
