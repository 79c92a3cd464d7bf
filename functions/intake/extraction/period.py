"""The billing period and other dates, checked against the printed number of days and against each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from intake.extraction.candidates import Candidate, certainty
from intake.extraction.geometry import Phrase, TextPlane, touched
from intake.extraction.headings import heading_above
from intake.extraction.labels import Anchor
from intake.extraction.printed import date_ranges, dates
from intake.extraction.sections import Sections
from intake.extraction.utility_profiles import UtilityProfile

Period = tuple[date, date]

_DAYS = re.compile(r"(?<![\d.])(\d{1,3})\s?days\b", re.IGNORECASE)
_LONGEST = 130
_USUAL = range(24, 41)
_USUAL_WORTH = 0.88
_WORD = re.compile(r"[a-z]{3,}")
_SHORT = 3  # words
_NEAR = 2  # days: what is printed of one period differs by no more
_SEEN = 0.5
_OF_GAS = 0.6
_BESIDE = 6.0  # print heights
_AFTER_ISSUE = timedelta(days=1)
_SERVICES = {"gas": re.compile(r"\bgas\b", re.IGNORECASE), "electric": re.compile(r"electric", re.IGNORECASE)}
_NOT_SEEN_BY_COUNT = 0.5  # share of misread dates that still are a period of the printed number of days


def day_counts(planes: Iterable[TextPlane], anchors: Iterable[Anchor], sections: Sections) -> set[int]:
    """Return the numbers of days that the bill prints for its period; the electric service's, where it prints several.

    A number within a sentence ("pay within 20 days") says nothing of the period.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for plane in planes:
        for row in plane.rows:
            for phrase in row:
                counts = [int(days) for days in _DAYS.findall(phrase.text)]
                if counts and (len(phrase.tokens) <= _SHORT or dates(phrase.text)):
                    found[sections.kind(plane, phrase)].update(counts)
    for anchor in anchors:
        if anchor.name == "days":
            for phrase in [*anchor.right(1), *anchor.below(2.5)[:1]]:
                if re.fullmatch(r"\d{1,3}", phrase.tokens[0].text):
                    found[sections.kind(anchor.plane, phrase)].add(int(phrase.tokens[0].text))
    electric = found["electric"] | (_sum_of_parts(found["electric"]) if len(found["electric"]) > 1 else set())
    return electric or set().union(*found.values())


def _sum_of_parts(counts: set[int]) -> set[int]:
    """Return the days of a period that is printed in parts, as where a season or a meter changes."""
    return {sum(counts)} if sum(counts) < _LONGEST else set()


@dataclass(frozen=True)
class Limits:
    """What a billing period cannot be beyond.

    Attributes:
        issued: Day of the statement; None if not known.
        submitted: Day of the submission; None if not known.
        other: Words that say that a period is another one.
        plain: Words that may stand beside a period without its label.
    """

    issued: date | None
    submitted: date | None
    other: re.Pattern[str]
    plain: frozenset[str]

    def admit(self, end: date) -> bool:
        """Return whether a period that ends on a day can have been billed."""
        return not (self.issued and end > self.issued + _AFTER_ISSUE) and not (self.submitted and end > self.submitted)


def periods(
    planes: Iterable[TextPlane],
    anchors: Iterable[Anchor],
    sections: Sections,
    days: set[int],
    utility: UtilityProfile,
    limits: Limits,
) -> list[Candidate[Period]]:
    """Return the candidates of the billing period, labelled and bare.

    A period whose length is one of the printed numbers of days is certain; one that contradicts them is rejected; if no
    number is printed, it must have a usual length. The next or the last period is rejected, and so is one that ends after
    the statement or the submission. The electric service's counts; one in a heading, or of gas, that differs
    by a day or two is no contradiction.
    """
    found = [*_labelled(anchors, sections, days, utility, limits), *_bare(planes, sections, days, utility, limits)]
    kinds = {kind for kind, _ in found}
    if "electric" in kinds:
        electric = [candidate for kind, candidate in found if kind == "electric"]
        headed = [candidate for kind, candidate in found if not kind]
        return [*electric, *(s for s in headed if all(s.value == e.value or not _is_near(s, e) for e in electric))]
    if "" in kinds:
        return [candidate for kind, candidate in found if not kind]
    # Gas beside an electric service whose period was not read: it may differ by a day.
    worth = _OF_GAS if "electric" in sections.kinds else 1.0
    return [replace(candidate, confidence=worth * candidate.confidence) for _, candidate in found]


def are_several(candidates: Sequence[Candidate[Period]]) -> bool:
    """Return whether periods are those of several bills, and not one that is printed, or was read, with a day's difference."""
    sure = [candidate for candidate in candidates if candidate.confidence >= _SEEN]
    return any(not _is_near(one, other) for one in sure[:1] for other in sure[1:])


def _is_near(one: Candidate[Period], other: Candidate[Period]) -> bool:
    return all(abs((a - b).days) <= _NEAR for a, b in zip(one.value, other.value, strict=True))


def _labelled(
    anchors: Iterable[Anchor], sections: Sections, days: set[int], utility: UtilityProfile, limits: Limits
) -> Iterator[tuple[str, Candidate[Period]]]:
    for anchor in anchors:
        if anchor.name != "period" or limits.other.search(_lead(anchor)):
            continue
        under = [phrase for phrase in anchor.below() if not limits.other.search(phrase.text)]
        seen = [*_ranges(anchor.plane, anchor.right(3), "label left")] or [*_ranges(anchor.plane, under, "label above")]
        for candidate in seen:
            if limits.admit(candidate.value[1]):
                worth = _length_worth(candidate.value, days, utility)
                kind = _service(anchor.plane, anchor.phrase, sections)
                yield kind, replace(candidate, confidence=_confirmed(candidate.confidence, days, utility) * worth)


def _bare(
    planes: Iterable[TextPlane], sections: Sections, days: set[int], utility: UtilityProfile, limits: Limits
) -> Iterator[tuple[str, Candidate[Period]]]:
    """Yield ranges of dates without a label, as where it is cut off; other words beside them make them something else."""
    for plane in planes:
        for phrase in plane.phrases:
            for candidate in _ranges(plane, [phrase], "format"):
                worth = 0.88 * _length_worth(candidate.value, days, utility)
                if (
                    worth > _USUAL_WORTH / 2
                    and limits.admit(candidate.value[1])
                    and not _is_other(plane, phrase, candidate, limits)
                ):
                    kind = _service(plane, phrase, sections)
                    yield kind, replace(candidate, confidence=_confirmed(candidate.confidence, days, utility) * worth)


def _service(plane: TextPlane, phrase: Phrase, sections: Sections) -> str:
    """Return whose period it is: by the words on its line, else by the heading above."""
    text = " ".join(part.text for part in plane.row(phrase) if part.left <= phrase.left)
    named = [kind for kind, words in _SERVICES.items() if words.search(text)]
    return named[0] if len(named) == 1 else sections.kind(plane, phrase)


def _lead(anchor: Anchor) -> str:
    """Return the words before a label: in its phrase, left of it, or as a line of their own above."""
    row = anchor.plane.row(anchor.phrase)
    index = row.index(anchor.phrase)
    own = [token.text for token in anchor.phrase.tokens[: anchor.first]]
    before = row[index - 1].text if index and anchor.phrase.left - row[index - 1].right < _BESIDE else ""
    return " ".join([before, *own, heading_above(anchor.plane, anchor.phrase)])


def _is_other(plane: TextPlane, phrase: Phrase, candidate: Candidate[Period], limits: Limits) -> bool:
    """Return whether the words around a range without a label say that it is of something else."""
    row = plane.row(phrase)
    index = row.index(phrase)
    before = row[index - 1].text if index and phrase.left - row[index - 1].right < _BESIDE else ""
    before = "" if before.isupper() else before  # a customer's name stands beside it, in capitals
    own = {id(token) for token in candidate.tokens}
    beside = " ".join([before, *(token.text for token in phrase.tokens if id(token) not in own)])
    words = _WORD.findall(beside.lower())
    if any(word not in limits.plain for word in words):
        return True
    text = " ".join(part.text for part in row)
    return bool(limits.other.search(f"{text} {heading_above(plane, phrase)}"))


def _confirmed(confidence: float, days: set[int], utility: UtilityProfile) -> float:
    """Return the confidence in dates whose distance is printed: a misread digit would not fit."""
    exact = utility.day_count in ("inclusive", "plain") and len(days) == 1
    return 1 - _NOT_SEEN_BY_COUNT * (1 - confidence) if exact else confidence


def _length_worth(period: Period, days: set[int], utility: UtilityProfile) -> float:
    length = (period[1] - period[0]).days
    counts = {"inclusive": {length + 1}, "plain": {length}}.get(utility.day_count, {length, length + 1})
    if not 0 < length < _LONGEST:
        return 0.0
    if counts & days:
        return 0.98
    if days and not {length, length + 1} & days:
        return 0.0
    return _USUAL_WORTH if length in _USUAL else 0.5


def statement_dates(
    anchors: Iterable[Anchor], other: re.Pattern[str], submitted: date | None
) -> Iterator[Candidate[date]]:
    """Yield the candidates of the labeled issue date, except the next bill's and those after the submission."""
    for anchor in anchors:
        if anchor.name != "statement_date" or other.search(_lead(anchor)):
            continue
        for how, phrases in (("label left", anchor.right(1)), ("label above", anchor.below(2.6)[:1])):
            for phrase in phrases:
                found = dates(phrase.text)
                if found and found[0][1] <= 3 and not (submitted and found[0][0] > submitted):
                    yield Candidate(found[0][0], 0.97 * certainty(phrase.tokens), anchor.plane.page, phrase.tokens, how)
                    break
            else:
                continue
            break


def _ranges(plane: TextPlane, phrases: Sequence[Phrase], how: str) -> Iterator[Candidate[Period]]:
    """Yield the ranges in phrases; a range may reach over two or three of a row."""
    for count in range(1, min(3, len(phrases)) + 1):
        chosen = phrases[:count] if how == "label left" else phrases[count - 1 : count]
        tokens = [token for phrase in chosen for token in phrase.tokens]
        for start, end, begin, stop in date_ranges(" ".join(token.text for token in tokens)):
            said = touched(tokens, begin, stop)
            yield Candidate((start, end), certainty(said), plane.page, said, how)
            return
