"""The lines of a bill that tell use in kWh: what each says, and whether its own arithmetic confirms it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import combinations, pairwise

from intake.reading.geometry import Phrase, Sheet, Token, touched
from intake.reading.knowledge import Utility
from intake.reading.labels import Anchor
from intake.reading.printed import dates, decimals, integers
from intake.reading.sections import Sections
from intake.reading.sightings import certainty

_QUANTITY = re.compile(r"(?<![\d.,/$-])(\d{1,3}(?:,\d{3})+|\d+)\s?k\s?(?:[wv]|vv)\s?[hn]\b", re.IGNORECASE)
_CUT = 0.5  # print heights: digits this close before a quantity are the rest of it
_CENT = Decimal("0.0101")
_MAX_INTEGERS = 14
_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b.*")
_DAYS = re.compile(r"\d\s?days")


class Kind(Enum):
    """What a line says of the use."""

    METER = "meter row"
    BILLED = "billed total"
    WHOLE = "charge line"
    PART = "part"


@dataclass(frozen=True)
class Line:
    """One line with a quantity in kWh.

    Attributes:
        kind: What it says.
        quantity: kWh.
        proven: Whether arithmetic on the line itself confirms the quantity.
        confidence: Of the least sure word that matters.
        tokens: The words of the quantity.
        page: Number of the page.
        key: What is charged for or measured, to tell lines apart.
        until: Latest date on the line.
        register: Whether it is one of several registers of a meter.
        refuted: Whether arithmetic on the line itself contradicts the quantity.
    """

    kind: Kind
    quantity: int
    proven: bool
    confidence: float
    tokens: Sequence[Token]
    page: int
    key: str
    until: date | None = None
    register: bool = False
    refuted: bool = False


class _Wording:
    """How a utility's bills word the lines that tell use."""

    def __init__(self, anchors: Iterable[Anchor], utility: Utility) -> None:
        self._billed = {id(anchor.phrase) for anchor in anchors if anchor.name == "billed"}
        self._part = re.compile("|".join(utility.usage["part"]), re.IGNORECASE)
        self._suffix = utility.meter_suffix
        self._other = re.compile("|".join(utility.usage["other"]), re.IGNORECASE)

    def is_register(self, row: Sequence[Phrase]) -> bool:
        """Tell whether a meter's row is that of one of several registers."""
        return bool(self._suffix and self._suffix.search(row[0].text))

    def kind(self, row: Sequence[Phrase], text: str) -> Kind | None:
        """Return what a row with one quantity says; None if it is not about the use of the period."""
        if self._other.search(text):
            return None
        if len(dates(text)) >= 2 or "=" in text or _DAYS.search(text):
            return Kind.METER
        if any(id(phrase) in self._billed for phrase in row):
            return Kind.BILLED
        if self._part.search(text):
            return Kind.PART
        return Kind.WHOLE if decimals(text) else None


def usage_lines(
    sheets: Iterable[Sheet], anchors: Iterable[Anchor], sections: Sections, utility: Utility
) -> Iterator[Line]:
    """Yield the lines with one quantity in kWh that say something of the electric service."""
    wording = _Wording(anchors, utility)
    for sheet in sheets:
        for row in sheet.rows:
            text = "  ".join(phrase.text for phrase in row)
            quantities = list(_QUANTITY.finditer(text))
            if len(quantities) == 1 and sections.kind(sheet, row[0]) not in ("gas", "lighting"):
                kind = wording.kind(row, text)
                if kind is not None and not _is_cut(row, text, quantities[0]):
                    line = _line(kind, sheet.page, row, text, quantities[0])
                    yield replace(line, register=kind is Kind.METER and wording.is_register(row))


def _line(kind: Kind, page: int, row: Sequence[Phrase], text: str, match: re.Match[str]) -> Line:
    quantity = int(match[1].replace(",", ""))
    tokens = _tokens_of(row, text, match)
    label = _MONTH.sub("", re.sub(r"[^a-z]+", " ", text[: match.start()].lower()).strip())
    key = re.sub(r"\W", "", row[0].text)[:24] if kind is Kind.METER else label
    products = reading_products(text) if kind not in (Kind.WHOLE, Kind.PART) else set()
    proven = quantity in products if products else _is_product(quantity, text) or _is_multiple(quantity, text)
    refuted = bool(products) and all(quantity % product for product in products)  # an unread multiplier is a factor
    days = [day for day, _, _ in dates(text)]
    until = max(days) if len(days) > 1 else None  # of one date alone it cannot be told whether it is the later one
    return Line(kind, quantity, proven, certainty(tokens), tokens, page, key, until, refuted=refuted)


def _is_cut(row: Sequence[Phrase], text: str, match: re.Match[str]) -> bool:
    """Tell whether the quantity is only the last part of a number that came in two words, as in `1 234 kwh`."""
    tokens = [token for phrase in row for token in phrase.tokens]
    first = next((index for index, token in enumerate(tokens) if token is _tokens_of(row, text, match)[0]), 0)
    before = tokens[first - 1] if first else None
    return bool(
        before
        and before.text[-1:].isdigit()
        and before.text.replace(",", "").isdigit()
        and tokens[first].left - before.right < _CUT * tokens[first].height
    )


def _tokens_of(row: Sequence[Phrase], text: str, match: re.Match[str]) -> list[Token]:
    """Return the words of the quantity; in the row's text phrases are two blanks apart, words one."""
    tokens = [token for phrase in row for token in phrase.tokens]
    doubled = len(re.findall("  ", text[: match.start(1)]))
    return touched(tokens, match.start(1) - doubled, match.end(1) - doubled)


def _is_product(quantity: int, text: str) -> bool:
    """Tell whether quantity times a rate of the line is an amount of the line, to the cent."""
    numbers = decimals(text)[:8]
    rates = [n for n in numbers if -n.as_tuple().exponent >= 3]  # type: ignore[operator]
    amounts = [n for n in numbers if -n.as_tuple().exponent == 2]  # type: ignore[operator]
    return quantity > 0 and any(
        abs(abs(rate * quantity) - abs(amount)) < _CENT and abs(amount) > Decimal("0.30")
        for rate in rates
        for amount in amounts
    )


def _is_multiple(quantity: int, text: str) -> bool:
    """Tell whether a line prints the use as difference times multiplier, where the readings themselves were not read."""
    numbers = integers(text)[:_MAX_INTEGERS]
    return any(one > 1 and other > 1 and one * other == quantity for one, other in pairwise(numbers))


def reading_products(text: str) -> set[int]:
    """Return the uses that a meter's line proves: current less previous reading is printed, times the multiplier."""
    bare = re.sub(r"\d{1,2}\s?/\s?\d{1,2}\s?/\s?\d{2,4}|\d{10,}", " ", text)
    bare = re.sub(r"(?<=\d)(?=[A-Za-z])", " ", bare)
    numbers = integers(bare)[:_MAX_INTEGERS]
    found = set()
    for one, other in combinations(range(len(numbers)), 2):
        difference = numbers[one] - numbers[other]
        later = numbers[other + 1 :]
        if difference > 0 and numbers[other] > 0 and difference in later:
            rest = [n for n in later if 1 < n <= 10_000]
            found |= {difference, *(difference * n for n in rest if n != difference)}
    return found
