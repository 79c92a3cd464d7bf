"""Annual use from a printed table of months."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.geometry import TextPlane, Token
from intake.extraction.labels import Anchor
from intake.extraction.printed import MONTHS

_MONTH = re.compile(r"^(" + "|".join(MONTHS) + r")[a-z]*\.?'?\s?(\d{2})$", re.IGNORECASE)
_USE = re.compile(r"^\d{1,3}(,?\d{3}){0,2}$")
_MONTH_NAME = re.compile(r"^(" + "|".join(MONTHS) + r")", re.IGNORECASE)
_TOTAL = re.compile(r"\b(total|sum|annual|year|(12|twelve)\W?months?)\b", re.IGNORECASE)
_MAX_ROWS = 40
_WIDTH = 30.0  # print heights
_RAGGED = 2.0  # print heights
_CUT = 0.45  # print heights: what follows this closely is the rest of a number that came in two words

Month = tuple[int, int]
"""Months since year 0, and its kWh."""


def annual(
    planes: Sequence[TextPlane], anchors: Sequence[Anchor], end: tuple[int, int] | None, kwh: int | None
) -> list[Candidate[int]]:
    """Return the sums of the last twelve months of the tables of kWh.

    Thirteen months are printed; the last is this bill's. The table counts only if its months follow one another without
    a gap, and the last one is the month in which the period ends and has its use, where those are known.

    Args:
        planes: All planes.
        anchors: Labels; `history:title` begins a table of kWh, `history:other` a table of something else.
        end: Year and month in which the period ends; None if not known.
        kwh: Use of the period; None if not known.
    """
    found = []
    for plane in planes:
        titles = [a for a in anchors if a.name.startswith("history:") and a.plane is plane]
        for title in titles:
            if title.name != "history:title":
                continue
            rows = _rows(plane, title, titles)
            if (candidate := _sum(rows, plane, end, kwh)) is not None:
                found.append(candidate)
    return found


def _rows(plane: TextPlane, title: Anchor, titles: Iterable[Anchor]) -> list[tuple[Month, Sequence[Token]]]:
    """Return the months under a title down to the next one, left and right half of the table.

    The title of the next table may not have been read: its months begin again, which tells it too.
    """
    left, top = title.tokens[0].left, title.phrase.mid
    slope = plane.slope(left, top)
    others = [(t.tokens[0].left - left, t.phrase.mid - slope * (t.tokens[0].left - left) - top) for t in titles]
    bottom = top + min((down for beside, down in others if down > 1 and abs(beside) < 12), default=_MAX_ROWS * 1.6)
    width = min((beside for beside, down in others if abs(down) < 1 and beside > 4), default=_WIDTH)
    halves: dict[bool, list[tuple[float, tuple[Month, Sequence[Token]]]]] = {False: [], True: []}
    for row in plane.rows:
        tokens = [
            token
            for phrase in row
            for token in phrase.tokens
            if left - 4 < token.left - slope * (token.mid - top) < left + width
        ]
        for index, token in enumerate(tokens):
            level = token.mid - slope * (token.left - left)
            month, value = _month(tokens, index)
            if month is not None and top < level < bottom and value is not None:
                half = halves[any(_MONTH_NAME.match(before.text) for before in tokens[:index])]
                found = (month, int(value.text.replace(",", ""))), [*tokens[index : index + 2], value]
                half.append((level, found))
    rows = [row for half in halves.values() for row in _ascending([found for _, found in sorted(half, key=_level)])]
    months = {month for (month, _), _ in rows}
    return (
        sorted(filter(lambda row: _is_in_column(row[1], rows), rows), key=_month_of) if len(months) == len(rows) else []
    )


def _level(placed: tuple[float, object]) -> float:
    return placed[0]


def _month_of(row: tuple[Month, Sequence[Token]]) -> int:
    return row[0][0]


def _ascending(rows: Sequence[tuple[Month, Sequence[Token]]]) -> Sequence[tuple[Month, Sequence[Token]]]:
    """Return the rows down to where the months begin again."""
    for index, (before, after) in enumerate(pairwise(rows), start=1):
        if _month_of(after) <= _month_of(before):
            return rows[:index]
    return rows


def _is_in_column(row: Sequence[Token], rows: Iterable[tuple[Month, Sequence[Token]]]) -> bool:
    """Return whether a use ends where most end: if it was not read, the next number may be of the gas table beside it."""
    ends = [tokens[-1].right - tokens[0].left for _, tokens in rows]
    return abs(row[-1].right - row[0].left - median(ends)) < _RAGGED


def _month(tokens: Sequence[Token], index: int) -> tuple[int | None, Token | None]:
    """Read month, year and use from up to three words."""
    for words in (1, 2):
        match = _MONTH.match(" ".join(token.text for token in tokens[index : index + words]))
        if match and index + words < len(tokens) and _USE.match(tokens[index + words].text):
            use = tokens[index + words]
            cut = index + words + 1 < len(tokens) and tokens[index + words + 1].left - use.right < _CUT
            return (2000 + int(match[2])) * 12 + MONTHS.index(match[1].lower()), None if cut else use
    return None, None


def _sum(
    rows: Sequence[tuple[Month, Sequence[Token]]], plane: TextPlane, end: tuple[int, int] | None, kwh: int | None
) -> Candidate[int] | None:
    """Add up the last twelve months.

    Confirmation raises the confidence of a number that was hard to read: consecutive months confirm each other, the use of the
    period confirms that of the last month, and a printed sum confirms all of them.
    """
    last = rows[-12:]
    months = [month for (month, _), _ in last]
    if len(last) < 12 or any(later - earlier != 1 for earlier, later in pairwise(months)):
        return None
    if (end and months[-1] != end[0] * 12 + end[1] - 1) or (kwh is not None and last[-1][0][1] != kwh):
        return None
    checked = bool(end) + (kwh is not None)
    sure = min(certainty(tokens[-1:]) for _, tokens in (last if kwh is None else last[:-1]))
    total = sum(use for (_, use), _ in last)
    sure = max(sure, _printed(plane, total))
    return Candidate(total, sure * (0.85, 0.92, 0.97)[checked], plane.page, last[-1][1], "12 months printed")


def _printed(plane: TextPlane, total: int) -> float:
    """Return the confidence that a total is printed on a plane, in a row that is labeled as one; 0.0 if it is not."""
    said = (
        certainty([token])
        for row in plane.rows
        if any(_TOTAL.search(phrase.text) for phrase in row)
        for phrase in row
        for token in phrase.tokens
        if _USE.match(token.text) and int(token.text.replace(",", "")) == total
    )
    return max(said, default=0.0)
