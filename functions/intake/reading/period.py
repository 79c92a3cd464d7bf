"""Billing period and other dates, checked against the printed number of days and against one another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from intake.reading.geometry import Phrase, Sheet, touched
from intake.reading.knowledge import Utility
from intake.reading.labels import Anchor
from intake.reading.printed import date_ranges, dates
from intake.reading.sections import Sections
from intake.reading.sightings import Sighting, certainty

Period = tuple[date, date]

_DAYS = re.compile(r"(?<![\d.])(\d{1,3})\s?days\b", re.IGNORECASE)
_LONGEST = 130
_USUAL = range(24, 41)
_USUAL_WORTH = 0.88
_NOT_SEEN_BY_COUNT = 0.5  # share of misread dates that still are a period of the printed number of days


def day_counts(sheets: Iterable[Sheet], anchors: Iterable[Anchor]) -> set[int]:
    """Return the numbers of days that the bill prints for its period."""
    found = {
        int(days) for sheet in sheets for row in sheet.rows for phrase in row for days in _DAYS.findall(phrase.text)
    }
    for anchor in anchors:
        if anchor.name == "days":
            for phrase in [*anchor.right(1), *anchor.below(2.5)[:1]]:
                if re.fullmatch(r"\d{1,3}", phrase.tokens[0].text):
                    found.add(int(phrase.tokens[0].text))
    return found


def periods(
    anchors: Iterable[Anchor], sections: Sections, days: set[int], utility: Utility
) -> Iterator[Sighting[Period]]:
    """Yield the sightings of the billing period with its label.

    A period whose length is one of the printed numbers of days is sure; one that contradicts them is none; with no
    number printed it must have a usual length.
    """
    for anchor in anchors:
        if anchor.name != "period":
            continue
        for how, phrases in (("label left", anchor.right(3)), ("label above", anchor.below())):
            for sighting in _ranges(anchor.sheet, phrases, how):
                gas = sections.kind(anchor.sheet, anchor.phrase) == "gas"
                worth = _length_worth(sighting.value, days, utility) * (0.9 if gas else 1)
                yield replace(sighting, confidence=_confirmed(sighting.confidence, days, utility) * worth)


def bare_periods(sheets: Iterable[Sheet], days: set[int], utility: Utility) -> Iterator[Sighting[Period]]:
    """Yield ranges of dates without a label, as where it is cut off: bills print no other ranges of a month's length."""
    for sheet in sheets:
        for phrase in sheet.phrases:
            for sighting in _ranges(sheet, [phrase], "format"):
                worth = 0.88 * _length_worth(sighting.value, days, utility)
                if worth > _USUAL_WORTH / 2:
                    yield replace(sighting, confidence=_confirmed(sighting.confidence, days, utility) * worth)


def _confirmed(confidence: float, days: set[int], utility: Utility) -> float:
    """Return how sure dates are whose distance is printed: one misread digit would not fit, where its count is known."""
    exact = utility.day_count in ("inclusive", "plain") and len(days) == 1
    return 1 - _NOT_SEEN_BY_COUNT * (1 - confidence) if exact else confidence


def _length_worth(period: Period, days: set[int], utility: Utility) -> float:
    length = (period[1] - period[0]).days
    counts = {"inclusive": {length + 1}, "plain": {length}}.get(utility.day_count, {length, length + 1})
    if not 0 < length < _LONGEST or (days and not counts & days):
        return 0.0
    return 0.98 if days else _USUAL_WORTH if length in _USUAL else 0.5


def labelled_dates(anchors: Iterable[Anchor], name: str) -> Iterator[Sighting[date]]:
    """Yield the sightings of a single date with a label."""
    for anchor in anchors:
        if anchor.name != name:
            continue
        for how, phrases in (("label left", anchor.right(1)), ("label above", anchor.below(2.6)[:1])):
            for phrase in phrases:
                found = dates(phrase.text)
                if found and found[0][1] <= 3:
                    yield Sighting(found[0][0], 0.97 * certainty(phrase.tokens), anchor.sheet.page, phrase.tokens, how)
                    break
            else:
                continue
            break


def _ranges(sheet: Sheet, phrases: Sequence[Phrase], how: str) -> Iterator[Sighting[Period]]:
    """Yield the ranges in phrases; a range may reach over two or three of a row."""
    for count in range(1, min(3, len(phrases)) + 1):
        chosen = phrases[:count] if how == "label left" else phrases[count - 1 : count]
        tokens = [token for phrase in chosen for token in phrase.tokens]
        for start, end, begin, stop in date_ranges(" ".join(token.text for token in tokens)):
            said = touched(tokens, begin, stop)
            yield Sighting((start, end), certainty(said), sheet.page, said, how)
            return
