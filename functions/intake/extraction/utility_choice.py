"""Chooses the utility of a bill, by the names that it prints and by numbers that only one utility prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intake.extraction import numbers, utility_signs
from intake.extraction.candidates import Candidate
from intake.extraction.geometry import TextPlane
from intake.extraction.labels import Anchor
from intake.extraction.utility_profiles import UtilityProfile, unknown, utilities

_NAMED = 0.5


@dataclass(frozen=True)
class Seen:
    """The labels of one utility on the pages, and the account numbers and PoD IDs in its format."""

    anchors: Sequence[Anchor]
    accounts: Sequence[Candidate[str]]
    pods: Sequence[Candidate[str]]

    @property
    def numbers(self) -> Sequence[Candidate[str]]:
        return [*self.accounts, *self.pods]


class Numbered:
    """What each utility's profile finds on the pages; each is searched once."""

    def __init__(self, laid: Sequence[TextPlane]) -> None:
        self.planes = laid
        self._seen: dict[str, Seen] = {}

    def by(self, utility: UtilityProfile) -> Seen:
        """Return what a utility's profile finds."""
        if utility.name not in self._seen:
            labels = utility_signs.field_labels(utility.name)
            anchors = [anchor for plane in self.planes for anchor in labels.find(plane)]
            self._seen[utility.name] = Seen(
                anchors,
                list(numbers.accounts(self.planes, anchors, utility)),
                list(numbers.pods(self.planes, anchors, utility)),
            )
        return self._seen[utility.name]


def choose(numbered: Numbered, named: Sequence[Candidate[str]]) -> tuple[UtilityProfile, str]:
    """Choose the utility by its names and by numbers that only it prints.

    A name outweighs the prefix of a number, but not a number in another utility's groups, or its PoD ID.

    Returns:
        The utility, and the one whose numbers contradict the name; "" if none does.
    """
    formats: dict[str, float] = {}
    names = {seen.value for seen in named if seen.how == "name" and seen.confidence > _NAMED}
    contradicting, is_open = "", False
    for utility in utilities():
        if not utility.account.prefixes:
            continue
        seen = numbered.by(utility).numbers
        weight = sum(sorted((s.confidence for s in seen), reverse=True)[:3])
        if names and utility.name not in names:
            whole = [s for s in seen if s.confidence > _NAMED and s.how != numbers.COMPLETED]
            contradicting = utility.name if whole else contradicting
            is_open |= any(s.value[0].isalpha() or any("-" in token.text for token in s.tokens) for s in whole)
        else:
            formats[utility.name] = weight
    return (unknown() if is_open else utility_signs.pick(named, formats)), contradicting
