"""The smaller fields: meter number, rate class, amount due."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.geometry import Phrase, TextPlane, touched
from intake.extraction.labels import Anchor
from intake.extraction.printed import dates, digits_of, money
from intake.extraction.sections import Sections
from intake.extraction.utility_profiles import UtilityProfile

_CUT = 0.6  # print heights: what follows this closely may be the rest of a number that came in two words
_METER = re.compile(r"[0-9OoDIlSB]{6,12}")
# Service classes as tariffs name them: SC1, S.C. 2, PSC19, EL1, Rate 280. Any further name is left out: there is
# no way to tell whether it was read completely.
_RATE = re.compile(r"(P?S\.?C\.?|EL|Rate)\s?-?\s?(No\.?\s?)?\d{1,3}[A-Z]?\b", re.IGNORECASE)
_KWH_OR_DEMAND = re.compile(r"k\s?([wv]|vv)\s?(h|n|\b)", re.IGNORECASE)


def meters(
    planes: Sequence[TextPlane], anchors: Iterable[Anchor], sections: Sections, utility: UtilityProfile
) -> Iterator[Candidate[str]]:
    """Yield the candidates of electric meter numbers, without what marks the registers of one meter.

    A number counts if it begins a row of the meter table, or stands beside or under its label, outside of gas sections.
    """
    pattern = utility.meter or _METER
    for plane in planes:
        for row in plane.rows:
            text = "  ".join(phrase.text for phrase in row)
            if utility.meter_suffix is not None and len(dates(text)) >= 2 and sections.kind(plane, row[0]) != "gas":
                yield from _meter(
                    row[0], plane, utility, pattern, "meter row", 0.97 if _KWH_OR_DEMAND.search(text) else 0.8
                )
    for anchor in anchors:
        if anchor.name != "meter_number" or sections.kind(anchor.plane, anchor.phrase) in ("gas", "lighting"):
            continue
        for how, phrases in (("label left", anchor.right(1)), ("label above", anchor.below(3.4)[:1])):
            for phrase in phrases:
                yield from _meter(phrase, anchor.plane, utility, pattern, how, 0.95)


def _meter(
    phrase: Phrase, plane: TextPlane, utility: UtilityProfile, pattern: re.Pattern[str], how: str, worth: float
) -> Iterator[Candidate[str]]:
    token = phrase.tokens[0]
    text = utility.meter_suffix.sub("", token.text) if utility.meter_suffix else token.text
    read = digits_of(text.strip(".,:;")) if "-" not in text else None
    following = phrase.tokens[1] if len(phrase.tokens) > 1 else None
    cut = following and following.text[:1].isdigit() and following.left - token.right < _CUT * token.height
    if read and not cut and pattern.fullmatch(read[0]):
        yield Candidate(read[0], certainty([token]) * worth * 0.88 ** read[1], plane.page, [token], how)


def rates(
    planes: Sequence[TextPlane], anchors: Iterable[Anchor], sections: Sections, utility: UtilityProfile
) -> Iterator[Candidate[str]]:
    """Yield the candidates of the electric rate class; the first electric service of a page counts, lighting does not."""
    if utility.rate is not None:
        for plane in planes:
            for row in plane.rows:
                for index in range(len(row)):
                    phrases = row[index : index + 2]
                    text = "  ".join(phrase.text for phrase in phrases)
                    match = utility.rate.search(text)
                    if match and sections.kind(plane, row[0]) not in ("gas", "lighting"):
                        tokens = [t for p in phrases for t in p.tokens if t.text.strip("-.,:") in match["rate"].split()]
                        tokens = tokens or list(phrases[0].tokens)
                        value = " ".join(match["rate"].split())
                        value = value if re.search("[a-z]", value, re.IGNORECASE) else value.replace(" ", "")
                        yield Candidate(value, 0.95 * certainty(tokens), plane.page, tokens, "label left")
                        break
        return
    for anchor in anchors:
        if anchor.name == "rate_class" and anchor.first == 0 and sections.kind(anchor.plane, anchor.phrase) != "gas":
            for phrase in anchor.right(1):
                if (match := _RATE.match(phrase.text)) and len(phrase.text) <= 40:
                    said = touched(phrase.tokens, match.start(), match.end())
                    yield Candidate(match[0].strip(), 0.9 * certainty(said), anchor.plane.page, said, "label left")


def amounts(anchors: Iterable[Anchor]) -> Iterator[Candidate[Decimal]]:
    """Yield the candidates of the amount due: in dollars and cents, beside or under its label."""
    for anchor in anchors:
        if anchor.name != "amount_due":
            continue
        for how, phrases in (("label left", anchor.right(1)), ("label above", anchor.below(2.6)[:1])):
            for phrase in phrases:
                found = money(phrase.text)
                if len(found) == 1 and re.match(r"\W*\$", phrase.text):
                    yield Candidate(found[0], 0.97 * certainty(phrase.tokens), anchor.plane.page, phrase.tokens, how)
                    break
            else:
                continue
            break
