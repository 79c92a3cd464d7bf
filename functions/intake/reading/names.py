"""The customer's name: in the line over or under a label, or right of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from rapidfuzz import fuzz

from intake.reading.geometry import Phrase, Sheet, Token
from intake.reading.knowledge import Utility, utilities
from intake.reading.labels import Anchor, compact
from intake.reading.postal import tidy, town_of
from intake.reading.printed import dates
from intake.reading.sightings import Sighting, certainty
from intake.reading.streets import street_of
from intake.reading.tokens import is_unbroken

_NOT_A_NAME = re.compile(
    r"\d{5}|\$|:|@|\b(account|number|date|page|amount|statement|address|service|period|bill)\b", re.IGNORECASE
)
_JOINED_NAME = 13  # signs: hardly any word is so long, two names that came without their blank are
_LIKE_A_LABEL = 75
_LIKE_A_UTILITY = 88
_INDENT = 0.8
_HOLE = 1.3  # letters: a blank is half a letter, an initial with its two blanks two
_BROKEN = 0.6
_RAGGED = 0.4  # print heights, less than a letter and its blank
_LABELS = ("servicefor", "servicedeliveredto", "serviceaddress", "customername", "autopay", "duplicate", "uponreceipt")


def names(anchors: Iterable[Anchor], utility: Utility) -> Iterator[Sighting[str]]:
    """Yield the sightings of the customer's name: in the line over or under a label, or right of it."""
    for anchor in anchors:
        if anchor.name == utility.name_above and utility.name_above:
            phrase, how = _over(anchor), "line above the account number"
        elif anchor.name == "customer_name":
            beside = anchor.right(1)
            close = bool(anchor.rest) or anchor.tokens[-1].text.endswith(":")
            phrase = beside[0] if close and beside and is_name(beside[0].text) and anchor.first == 0 else None
            how = "label left"
            if phrase is None:
                under = anchor.below(2.8)
                phrase, how = (under[0] if under else None), "label above"
        else:
            continue
        if phrase is None or (how == "label above" and _is_street_over_town(anchor.sheet, phrase)):
            continue
        if is_name(phrase.text) and not is_label(phrase.text, utility):
            worth = 0.96 if _is_whole_name(phrase, anchor, how) else _BROKEN
            yield Sighting(tidy(phrase.text), worth * certainty(phrase.tokens), anchor.sheet.page, phrase.tokens, how)


def is_name(text: str) -> bool:
    """Tell whether a line may be a customer's name."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters) >= 0.8 * len(letters) or text.istitle()
    ordinary = not _NOT_A_NAME.search(text) and not dates(text) and not any(compact(text) in label for label in _LABELS)
    return len(letters) >= 4 and capitals and len(text.split()) <= 9 and ordinary and not _is_utility(text)


def _is_utility(text: str) -> bool:
    """Tell whether a line is a utility's name or logo, with whatever else it says: no customer."""
    said = compact(text)
    names = {compact(name) for utility in utilities() for name in utility.names}
    return any(fuzz.ratio(said, name) > _LIKE_A_UTILITY or (len(name) > 4 and name in said) for name in names)


def _is_street_over_town(sheet: Sheet, phrase: Phrase) -> bool:
    """Tell whether a line is the street of an address, so that the name over it was not read."""
    under = sheet.below(phrase, reach=2.0, left=phrase.left, right=phrase.left + 2)
    return bool(street_of(tidy(phrase.text))) and bool(under) and town_of(under[0].text) is not None


def _is_whole_name(phrase: Phrase, anchor: Anchor, how: str) -> bool:
    """Tell whether a name shows no sign that a part was not read.

    Such are a single word, an initial in front or in place of the last name, an indent, a gap, or the same name with more words
    elsewhere on the page.
    """
    indented = how == "label above" and abs(phrase.left - anchor.tokens[0].left) > _INDENT
    whole = len(phrase.tokens) > 1 or len(phrase.text) >= _JOINED_NAME
    return (
        whole
        and len(phrase.tokens[0].text) > 1
        and not re.fullmatch(r"\S+ [A-Z]\.?", phrase.text)
        and not indented
        and is_unbroken(phrase.tokens)
        and not _has_hole(phrase.tokens)
        and not any(line.text.startswith(f"{phrase.text} ") and is_name(line.text) for line in anchor.sheet.phrases)
    )


def _has_hole(tokens: Sequence[Token]) -> bool:
    """Tell whether a blank is wider than the letters beside it: an initial stood there that was not read."""
    for before, after in pairwise(tokens):
        letter = (before.right - before.left + after.right - after.left) / (len(before.text) + len(after.text))
        if after.left - before.right > _HOLE * letter:
            return True
    return False


def _over(anchor: Anchor) -> Phrase | None:
    """Return the line over a label and its value, if it ends where the value ends: else a part of it was not read."""
    values = anchor.right(1)
    if not values:
        return None
    above = anchor.sheet.above(anchor.phrase, reach=3.6, left=anchor.tokens[0].left, right=values[0].right)
    over = [phrase for phrase in above if phrase not in values]  # on curled paper the value lies higher than its label
    if not over or any(abs(other.mid - over[0].mid) < 0.7 for other in over[1:]):
        return None
    return over[0] if abs(over[0].right - values[0].right) < _RAGGED else None


def is_label(text: str, utility: Utility) -> bool:
    """Tell whether a text is a label of the bill or a piece of one, in spite of a slip or two."""
    said = compact(text)
    labels = {compact(label) for texts in utility.labels.values() for label in texts}
    return any(said in label or fuzz.ratio(said, label) > _LIKE_A_LABEL for label in labels)
