"""Finds the customer's name: in the line above or below a label, or right of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from rapidfuzz import fuzz

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.geometry import Phrase, TextPlane, Token
from intake.extraction.labels import Anchor, compact
from intake.extraction.postal import tidy, town_of
from intake.extraction.printed import dates
from intake.extraction.streets import street_of
from intake.extraction.tokens import is_unbroken
from intake.extraction.utility_profiles import UtilityProfile, utilities

_NOT_A_NAME = re.compile(
    r"\d{5}|\$|:|@|\b(account|number|date|page|amount|statement|address|service|period|bill)\b", re.IGNORECASE
)
_JOINED_NAME = 14  # letters without a hyphen: hardly any word is so long, two names that came without their blank are
_LIKE_A_LABEL = 75
_LIKE_A_UTILITY = 88
_INDENT = 0.8
_HOLE = 1.3  # letters: a blank is half a letter, an initial with its two blanks two
_BROKEN = 0.6
_WHOLE = 0.96
_PART = 0.45  # less than a rival, so that the whole name wins
_RAGGED = 0.4  # print heights, less than a letter and its blank
_LEGAL_FORM = re.compile(
    r"(INC|LLC|L\.L\.C|LLP|PLLC|CORP|CORPORATION|CO|COMPANY|LTD|LIMITED|LP|PC|P\.C|DPC|ASSN|ASSOC|INCORPORATED)\.?$",
    re.IGNORECASE,
)
# What only businesses are called; a name that holds one may go on as well as end behind any of its words.
_TRADE = re.compile(
    r"\b(AND|AUTO|BODY|BAKERY|BANK|BARBER|BUILDERS|CAFE|CARE|CARPENTRY|CENTER|CHURCH|CLEANERS|CLINIC|CLUB|COLD|CONSTRUCTION|"
    r"CONTRACTING|DAIRY|DELI|DENTAL|DESIGN|DIE|DINER|ELECTRIC|ENTERPRISES?|EQUIPMENT|FAMILY|FARMS?|FEED|FIRE|FITNESS|FOODS?|FUEL|GARAGE|"
    r"GENERAL|GREENHOUSES?|GRILL|GROCERY|GROUP|HARDWARE|HEATING|HOLDINGS|HOTEL|INN|INDUSTRIES|INVESTMENTS?|LANDSCAPING|LAUNDRY|"
    r"LIQUORS?|LODGE|LUMBER|MACHINE|MANAGEMENT|MARINA|MARKET|MASONRY|MEDICAL|MOTEL|MOTORS?|NURSERY|OFFICE|ORCHARDS?|PAINTING|PARTNERS?|"
    r"PHARMACY|PIZZA|PIZZERIA|PLUMBING|PRINTING|PRODUCTS|PROPERTIES|PUB|RANCH|REALTY|REPAIR|RESTAURANT|ROOFING|SALES|SALON|SCHOOL|SELF|"
    r"SERVICES?|SHOP|SOLUTIONS|STATION|STORAGE|STORES?|STUDIO|SUPPLY|SYSTEMS|TAVERN|TECHNOLOG(Y|IES)|TOOL|TOWING|TRUCKING|TRUST|"
    r"VETERINARY|VINEYARDS?|WAREHOUSE|WINERY|WORKS)\b",
    re.IGNORECASE,
)
_ZERO = re.compile(r"(?<![0-9.,])0(?=[A-Z]{2})|(?<=[A-Z])0(?=[A-Z])")  # an O: no word of letters has a zero
_FIGURE = re.compile(r"[\d&]")
_LABELS = ("servicefor", "servicedeliveredto", "serviceaddress", "customername", "autopay", "duplicate", "uponreceipt")


def names(planes: Iterable[TextPlane], anchors: Iterable[Anchor], utility: UtilityProfile) -> Iterator[Candidate[str]]:
    """Yield the candidates of the customer's name: in the line over or under a label, or right of it."""
    lines = [(phrase, compact(phrase.text)) for plane in planes for phrase in plane.phrases]
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
        if phrase is None or (how == "label above" and _is_street_over_town(anchor.plane, phrase)):
            continue
        if is_name(phrase.text) and not is_label(phrase.text, utility):
            worth = _BROKEN
            if _is_whole_name(phrase, anchor, how):
                worth = _worth_elsewhere(
                    phrase, how, [line for line in lines if line[0] not in (phrase, anchor.phrase)]
                )
            name = _ZERO.sub("O", tidy(phrase.text))
            yield Candidate(name, worth * certainty(phrase.tokens), anchor.plane.page, phrase.tokens, how)


def is_name(text: str) -> bool:
    """Return whether a line may be a customer's name."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters) >= 0.8 * len(letters) or text.istitle()
    ordinary = not _NOT_A_NAME.search(text) and not dates(text) and not any(compact(text) in label for label in _LABELS)
    return len(letters) >= 4 and capitals and len(text.split()) <= 9 and ordinary and not _is_utility(text)


def _is_utility(text: str) -> bool:
    """Return whether a line is a utility's name or logo, with whatever else it says: no customer."""
    said = compact(text)
    names = {compact(name) for utility in utilities() for name in utility.names}
    return any(fuzz.ratio(said, name) > _LIKE_A_UTILITY or (len(name) > 4 and name in said) for name in names)


def _is_street_over_town(plane: TextPlane, phrase: Phrase) -> bool:
    """Return whether a line is the street of an address, so that the name over it was not read."""
    under = plane.below(phrase, reach=2.0, left=phrase.left, right=phrase.left + 2)
    return bool(street_of(tidy(phrase.text))) and bool(under) and town_of(under[0].text) is not None


def _is_whole_name(phrase: Phrase, anchor: Anchor, how: str) -> bool:
    """Return whether a name shows no sign that a part was not read.

    Such are a single word, an initial in front or in place of the last name, an indent or a gap.
    """
    indented = how == "label above" and abs(phrase.left - anchor.tokens[0].left) > _INDENT
    whole = len(phrase.tokens) > 1 or max(map(len, phrase.text.split("-"))) >= _JOINED_NAME
    return (
        whole
        and len(phrase.tokens[0].text) > 1
        and not re.fullmatch(r"\S+ [A-Z]\.?", phrase.text)
        and not indented
        and is_unbroken(phrase.tokens)
        and not _has_hole(phrase.tokens)
    )


def _worth_elsewhere(phrase: Phrase, how: str, lines: Sequence[tuple[Phrase, str]]) -> float:
    """Return how sure a name is by what the other lines of all pages say of it.

    A line that says more is the whole of it. A business's name has no usual shape, as a person's has, so that a word may be
    lost unseen: where it begins at its label it is whole if it ends in a legal form, where it ends at a margin if it begins
    with no word of a trade, and anywhere if another line repeats it.
    """
    name, is_business = compact(phrase.text), any(sign.search(phrase.text) for sign in (_TRADE, _LEGAL_FORM, _FIGURE))
    longer = [
        line
        for line, letters in lines
        if len(letters) > len(name)
        and (letters.startswith(name) or (is_business and letters.endswith(name)))
        and is_name(line.text)
    ]
    if longer:
        return _PART
    if how == "line above the account number":  # ends where the number ends; begins anywhere
        is_whole = not _TRADE.search(phrase.tokens[0].text)
    else:
        is_whole = bool(_LEGAL_FORM.search(phrase.text))
    is_certain = all(token.confidence == 1 for token in phrase.tokens)  # of a text layer, which has no words to lose
    repeated = any(letters == name for _, letters in lines)
    return _WHOLE if is_certain or not is_business or is_whole or repeated else _BROKEN


def _has_hole(tokens: Sequence[Token]) -> bool:
    """Return whether a blank is wider than the letters beside it: an initial stood there that was not read."""
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
    above = anchor.plane.above(anchor.phrase, reach=3.6, left=anchor.tokens[0].left, right=values[0].right)
    over = [phrase for phrase in above if phrase not in values]  # on curled paper the value lies higher than its label
    if not over or any(abs(other.mid - over[0].mid) < 0.7 for other in over[1:]):
        return None
    return over[0] if abs(over[0].right - values[0].right) < _RAGGED else None


def is_label(text: str, utility: UtilityProfile) -> bool:
    """Return whether a text is a label of the bill or a piece of one, with at most two letters misread."""
    said = compact(text)
    labels = {compact(label) for texts in utility.labels.values() for label in texts}
    return any(said in label or fuzz.ratio(said, label) > _LIKE_A_LABEL for label in labels)
