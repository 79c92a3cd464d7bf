"""The meaning of the words on a line with kWh: whose use, for which time, measured, billed, averaged or credited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import Enum

from intake.extraction.geometry import Phrase, TextPlane, Token
from intake.extraction.headings import MONTH, YEAR, heading_of_block
from intake.extraction.labels import Anchor
from intake.extraction.printed import MONTHS, dates, decimals, integers
from intake.extraction.utility_profiles import UtilityProfile

Period = tuple[date, date]

_DAYS = re.compile(r"(?<!\d)(\d{1,3})\s?days", re.IGNORECASE)
_WORD = re.compile(r"[a-z]{3,}")
_MONTHS_OF_YEAR = 12
_SLACK = timedelta(days=4)
"""How far the dates of a meter's row may lie from the period's: a reading is taken a day or two off."""


class Kind(Enum):
    """What a line says of the use."""

    METER = "meter row"
    TOTAL = "total row"
    BILLED = "billed total"
    WHOLE = "charge line"
    PART = "part"
    AVERAGE = "daily average"
    RECEIVED = "sent to the grid"
    NET = "net"
    CORRECTION = "correction"
    YEAR = "use of a year"


class Wording:
    """How a utility's bills word the lines that tell use.

    Args:
        anchors: Labels; those named `billed` name the use of the period.
        utility: What is known of its words.
        period: The billing period; None if not known.
    """

    def __init__(self, anchors: Iterable[Anchor], utility: UtilityProfile, period: Period | None) -> None:
        self._billed: dict[int, Anchor] = {id(a.phrase): a for a in anchors if a.name == "billed"}
        self._patterns = {
            name: re.compile("|".join(patterns), re.IGNORECASE)
            for name, patterns in utility.usage.items()
            if name not in ("billed", "plain", "plain_of_year")
        }
        self._plain = frozenset(utility.usage["plain"])
        self._plain_of_year = frozenset(utility.usage["plain_of_year"])
        self._suffix = utility.meter_suffix
        self._period = period

    def says(self, name: str, text: str) -> bool:
        """Return whether a text has words of a kind."""
        return bool(self._patterns[name].search(text))

    def is_register(self, row: Sequence[Phrase], text: str) -> bool:
        """Return whether a meter's row is that of one of several registers."""
        return bool(self._suffix and self._suffix.search(row[0].text)) or self.says("register", text)

    def kind(
        self, plane: TextPlane, row: Sequence[Phrase], text: str, said: Sequence[Token], proven: bool
    ) -> Kind | None:
        """Return what a row with one quantity says; None if it is not about the use of the period.

        Args:
            plane: Where it stands.
            row: The row.
            text: Its text.
            said: The words of the quantity.
            proven: Whether readings on the row confirm the quantity.
        """
        heads = _heads(plane, row, said)
        around = f"{heads} | {text}"
        if self.says("annual", text):
            figures = [figure for figure in integers(text) if figure != _MONTHS_OF_YEAR]
            alone = len(figures) == 1 and not decimals(text) and not dates(text)
            return Kind.YEAR if alone and not _unlike_words(text, self._plain | self._plain_of_year) else None
        if any(self.says(name, text) for name in ("cancelled", "other", "credit")):
            return None
        if self.says("average", around):
            return None if self.is_of_other_time(around) else Kind.AVERAGE
        numbers = decimals(text)
        charge = any(-number.as_tuple().exponent >= 3 for number in numbers)  # type: ignore[operator]
        if self.says("other", heads) or self.says("cancelled", heads):
            return None
        if charge:
            return self._charged(text, heads, said, row)
        if (direction := self.direction(text) or self.direction(heads)) is not None:
            return direction
        label = next((self._billed[id(phrase)] for phrase in row if id(phrase) in self._billed), None)
        if proven or (label is None and (len(dates(text)) >= 2 or "=" in text or _DAYS.search(text))):
            return (Kind.TOTAL if self.says("total", text) else Kind.METER) if self.is_within(text) else None
        return self._stated(row, text, heads, label, said)

    def _charged(self, text: str, heads: str, said: Sequence[Token], row: Sequence[Phrase]) -> Kind | None:
        """Return what a line says that multiplies the quantity by a rate."""
        if self.says("to_grid", text) or self.says("received", text) or not self.is_within(text):
            return None
        if self._is_part(text) or self.is_partial(text) or MONTH.search(_undated(_before(row, said))):
            return Kind.PART
        return None if self.is_of_other_time(heads) else Kind.WHOLE

    def _stated(
        self, row: Sequence[Phrase], text: str, heads: str, label: Anchor | None, said: Sequence[Token]
    ) -> Kind | None:
        """Return what a line says that shows neither readings nor a rate."""
        if self.says("corrected", text) and not decimals(text):
            return Kind.CORRECTION
        before = _before(row, said)
        if self.is_of_other_time(f"{heads} | {before}"):
            return None
        if label is not None:
            return Kind.BILLED if self._is_plain(row, label, said) else None
        if self._is_part(text):
            return Kind.PART
        if decimals(text):
            return Kind.WHOLE
        return Kind.TOTAL if self.says("total", before) and not _unlike_words(before, self._plain) else None

    def _is_part(self, text: str) -> bool:
        return self.says("part", text) or self.says("register", text)

    def direction(self, text: str) -> Kind | None:
        """Return whether a line tells what went to the grid, or the net; None for what came from it, or neither."""
        if self.says("net", text):
            return Kind.NET
        if self.says("to_grid", text):
            return Kind.RECEIVED
        if self.says("from_grid", text):
            return None
        return Kind.RECEIVED if self.says("received", text) else None

    def _is_plain(self, row: Sequence[Phrase], label: Anchor, said: Sequence[Token]) -> bool:
        """Return whether nothing between a label and its quantity says that it is something else."""
        own = {id(token) for token in label.tokens}
        ends = {id(token) for token in said}
        first = next(i for i, phrase in enumerate(row) if phrase is label.phrase)
        last = next((i for i, phrase in enumerate(row) if any(id(t) in ends for t in phrase.tokens)), first)
        between = [t.text for p in row[min(first, last) : max(first, last) + 1] for t in p.tokens if id(t) not in own]
        return not _unlike_words(" ".join(between), self._plain)

    def is_of_other_time(self, text: str) -> bool:
        """Return whether a text names a day, month or year that is not of the period; of any, where that is not known."""
        days = [day for day, _, _ in dates(text)]
        rest = _undated(text)
        months = [(MONTHS.index(match[1][:3].lower()) + 1, match[2]) for match in MONTH.finditer(rest)]
        years = {int(year) for year in YEAR.findall(rest)}
        if self._period is None:
            return bool(months or years)
        start, end = self._period
        period = [start + timedelta(days=count) for count in range((end - start).days + 1)]
        known = {(day.month, "") for day in period} | {(day.month, f"{day:%d}") for day in period}
        known |= {(day.month, f"{day:%y}") for day in period} | {(day.month, f"{day:%Y}") for day in period}
        return (
            not self._holds(days)
            or bool(years - {start.year, end.year})
            or any((month, said or "") not in known for month, said in months)
        )

    def is_within(self, text: str) -> bool:
        """Return whether the dates of a line lie in the period, as far as both are known."""
        return self._holds([day for day, _, _ in dates(text)])

    def _holds(self, days: Iterable[date]) -> bool:
        if self._period is None:
            return True
        start, end = self._period
        return all(start - _SLACK <= day <= end + _SLACK for day in days)

    def is_partial(self, text: str) -> bool:
        """Return whether a meter's row says that it covers less than the period: by its dates or its number of days."""
        if self._period is None:
            return False
        length = (self._period[1] - self._period[0]).days
        days = [day for day, _, _ in dates(text)]
        counts = [int(count) for count in _DAYS.findall(text)]
        lengths = [(max(days) - min(days)).days] if len(days) >= 2 else []
        return any(count < length - _SLACK.days for count in (*counts, *lengths))


def _heads(plane: TextPlane, row: Sequence[Phrase], said: Sequence[Token]) -> str:
    """Return what is printed over a line's block and over the column of its quantity."""
    own = next((phrase for phrase in row if any(token is said[0] for token in phrase.tokens)), row[-1])
    column = heading_of_block(plane, own, said[0].left, said[-1].right) if own is not row[0] else ""
    return f"{heading_of_block(plane, row[0], row[0].left, row[0].right)} | {column}"


def _before(row: Sequence[Phrase], said: Sequence[Token]) -> str:
    """Return the words of a row that stand left of the quantity."""
    return " ".join(token.text for phrase in row for token in phrase.tokens if token.right < said[0].right)


def _undated(text: str) -> str:
    """Return a text without its full dates."""
    for _, begin, end in reversed(dates(text)):
        text = f"{text[:begin]} {text[end:]}"
    return text


def _unlike_words(text: str, plain: frozenset[str]) -> set[str]:
    """Return the words of a text that say something, other than the plain ones and months, which are checked as dates."""
    words = _WORD.findall(MONTH.sub(" ", text).lower())
    return {word for word in words if word not in plain}
