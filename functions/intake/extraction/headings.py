"""The heading above a block of lines, a column or a label: whose figures are below, and for which time."""

from __future__ import annotations

import re

from intake.extraction.geometry import Phrase, TextPlane

MONTH = re.compile(
    r"\b(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\b[\s.,'’-]{0,3}((?:20)?\d\d\b)?",
    re.IGNORECASE,
)
YEAR = re.compile(r"\b20\d\d\b")
_FIGURES = re.compile(r"\d{3}|\d[.,/]\d|\$|\bk\s?wh\b.*\d", re.IGNORECASE)
_STEP = 2.7  # print heights from a line to the one over it in the same block
_STEPS = 12
_NEXT = 1.7  # print heights from one line of a heading to the other


def heading_of_block(plane: TextPlane, phrase: Phrase, left: float, right: float) -> str:
    """Return the first line without figures over a stretch of a line, together with the line over it; "" if there is none.

    Args:
        plane: Where it is.
        phrase: The line.
        left: Where the stretch begins.
        right: Where it ends.
    """
    for _ in range(_STEPS):
        above = plane.above(phrase, reach=_STEP, left=left, right=right)
        if not above:
            return ""
        phrase = above[0]
        if not _has_figures(plane, phrase):
            over = plane.above(phrase, reach=_NEXT, left=left, right=right)[:1]
            return " ".join([*(line.text for line in over if not _has_figures(plane, line)), phrase.text])
    return ""


def heading_above(plane: TextPlane, phrase: Phrase) -> str:
    """Return the line right over a phrase if it stands alone: with something beside it, it is a label."""
    above = plane.above(phrase, reach=_STEP, left=phrase.left, right=phrase.right)[:1]
    return "".join(line.text for line in above if len(plane.row(line)) == 1 and not _has_figures(plane, line))


def _has_figures(plane: TextPlane, phrase: Phrase) -> bool:
    whole = "  ".join(part.text for part in plane.row(phrase))
    return bool(_FIGURES.search(YEAR.sub("", MONTH.sub("", whole))))
