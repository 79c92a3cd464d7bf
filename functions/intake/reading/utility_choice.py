"""Which utility a bill is of: by the names that it prints, and by numbers that only one utility prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intake.reading import numbers, recognition
from intake.reading.geometry import Sheet
from intake.reading.knowledge import Utility, unknown, utilities
from intake.reading.labels import Anchor
from intake.reading.sightings import Sighting

_NAMED = 0.5


@dataclass(frozen=True)
class Seen:
    """The labels of one utility on the pages, and the account numbers and PoD IDs in its format."""

    anchors: Sequence[Anchor]
    accounts: Sequence[Sighting[str]]
    pods: Sequence[Sighting[str]]

    @property
    def numbers(self) -> Sequence[Sighting[str]]:
        """All of them."""
        return [*self.accounts, *self.pods]


class Numbered:
    """What is seen with the eyes of one utility or another, each looked for once."""

    def __init__(self, laid: Sequence[Sheet]) -> None:
        self.sheets = laid
        self._seen: dict[str, Seen] = {}

    def by(self, utility: Utility) -> Seen:
        """Return what is seen with the eyes of a utility."""
        if utility.name not in self._seen:
            labels = recognition.field_labels(utility.name)
            anchors = [anchor for sheet in self.sheets for anchor in labels.find(sheet)]
            self._seen[utility.name] = Seen(
                anchors,
                list(numbers.accounts(self.sheets, anchors, utility)),
                list(numbers.pods(self.sheets, anchors, utility)),
            )
        return self._seen[utility.name]


def choose(numbered: Numbered, named: Sequence[Sighting[str]]) -> tuple[Utility, str]:
    """Pick the utility by its names and by numbers that only it prints.

    A name outweighs the prefix of a number. A number that has another utility's groups too, or is its PoD ID, leaves it open.

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
    return (unknown() if is_open else recognition.pick(named, formats)), contradicting
