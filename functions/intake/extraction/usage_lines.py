"""The lines of a bill with a use in kWh: what each means, and whether its own arithmetic confirms it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations, islice, pairwise

from intake.extraction.candidates import certainty
from intake.extraction.geometry import Phrase, TextPlane, Token, touched
from intake.extraction.labels import Anchor
from intake.extraction.printed import dates, decimals, integers
from intake.extraction.sections import Sections
from intake.extraction.usage_wording import Kind, Period, Wording
from intake.extraction.utility_profiles import UtilityProfile

__all__ = ["Kind", "Line", "Period", "reading_products", "usage_lines"]

_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,2}|\d{1,7})"
_QUANTITY = re.compile(
    rf"(?<![\d.,/$-])(?P<quantity>(?<!\w)-{_NUMBER}|{_NUMBER}(?:\.\d{{1,2}})?)\s?k\s?(?:[wv]|vv)\s?[hn]\b",
    re.IGNORECASE,
)
_UNIT_FIRST = re.compile(
    rf"\bk\s?wh\b[\w :()/.-]{{0,24}}?(?<![\d.,/$-])(?P<quantity>{_NUMBER}(?:\.\d{{1,2}})?)(?![\d.,/%])", re.IGNORECASE
)
_CUT = 0.5  # print heights: digits this close before a quantity are the rest of it
_CENT = Decimal("0.0101")
_MAX_INTEGERS = 14
_MAX_LINES = 150  # of a page: bills print 60; bounds the work for whatever is sent
_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b.*")
_STATUS = re.compile(
    r"\b(corrected|correction|revised|re-?billed|amended|actual|act|estimated?|est|customer|remote|read)\b"
)
_METER = re.compile(r"\d{8,12}")
_WORD = re.compile(r"[a-z]{2,}|\b\d\b")
_COMMON = frozenset(("kwh", "days", "kwn", "kvvh"))


@dataclass(frozen=True)
class Line:
    """One line with a quantity in kWh.

    Attributes:
        kind: What it says.
        quantity: kWh; only a net can be negative, only an average has decimals.
        proven: Whether arithmetic on the line itself confirms the quantity.
        confidence: Of the least sure word that matters.
        tokens: The words of the quantity.
        page: Number of the page.
        key: What is charged for or measured, to tell lines apart.
        until: Latest date on the line.
        shared: Whether it is one of several registers of a meter, or covers a part of the period.
        status: `corrected`, `actual` or `estimated`, where a meter's row says so; else "".
        refuted: Whether arithmetic on the line itself contradicts the quantity.
        total: Whether it is called a total.
        lowers: Whether it is a charge that lowers the bill: of an adjustment, or a credit that is not called one.
    """

    kind: Kind
    quantity: Decimal
    proven: bool
    confidence: float
    tokens: Sequence[Token]
    page: int
    key: str
    until: date | None = None
    shared: bool = False
    status: str = ""
    refuted: bool = False
    total: bool = False
    lowers: bool = False


def usage_lines(
    planes: Iterable[TextPlane],
    anchors: Iterable[Anchor],
    sections: Sections,
    utility: UtilityProfile,
    period: Period | None,
) -> Iterator[Line]:
    """Yield the lines with one quantity in kWh that say something of the electric service.

    Args:
        planes: All planes.
        anchors: Labels; those named `billed` name the use.
        sections: Which service a line belongs to.
        utility: What is known of its words.
        period: The billing period; None if not known.
    """
    wording = Wording(anchors, utility, period)
    for plane in planes:
        yield from islice(_lines_of(plane, sections, wording), _MAX_LINES)


def _lines_of(plane: TextPlane, sections: Sections, wording: Wording) -> Iterator[Line]:
    for row in plane.rows:
        text = "  ".join(phrase.text for phrase in row)
        match = _only_quantity(text)
        if sections.kind(plane, row[0]) in ("gas", "lighting"):
            continue
        if match is None:
            yield from _unitless(plane, row, text, wording)
            continue
        quantity, said = Decimal(match["quantity"].replace(",", "")), _tokens_of(row, text, match)
        products = reading_products(text)
        kind = wording.kind(plane, row, text, said, quantity in products)
        if kind is None or _is_cut(row, said) or not _suits(kind, quantity):
            continue
        meter = kind in (Kind.METER, Kind.TOTAL, Kind.RECEIVED, Kind.NET)
        days = [day for day, _, _ in dates(text)]
        yield Line(
            kind,
            quantity,
            quantity in products if products and meter else _is_product(quantity, text) or _is_multiple(quantity, text),
            certainty(said),
            said,
            plane.page,
            _meter_key(text) if meter else _label(text[: match.start()]),
            max(days) if len(days) > 1 else None,  # of one date alone it cannot be told whether it is the later one
            kind is Kind.METER and (wording.is_register(row, text) or wording.is_partial(text)),
            _status(wording, text),
            # An unread multiplier is a factor.
            kind is Kind.METER and bool(products) and all(quantity % product for product in products),
            wording.says("total", text),
            kind in (Kind.WHOLE, Kind.PART) and any(number < 0 for number in decimals(text)),
        )


def _only_quantity(text: str) -> re.Match[str] | None:
    """Return the one number of kWh of a row; where the unit stands in the label, the row's last number is it."""
    quantities = list(islice(_QUANTITY.finditer(text), 2))
    if quantities:
        return quantities[0] if len(quantities) == 1 else None
    match = _UNIT_FIRST.search(text)
    around = f"{text[: match.start()]}{text[match.end() :]}" if match else ""
    return match if match and not any(sign.isdigit() for sign in around) else None


def _unitless(plane: TextPlane, row: Sequence[Phrase], text: str, wording: Wording) -> Iterator[Line]:
    """Yield a meter's row that tells what went to the grid, where the unit stands over the column."""
    products = reading_products(text)
    if len(products) == 1 and wording.direction(text) is Kind.RECEIVED:
        said = row[-1].tokens
        yield Line(
            Kind.RECEIVED, Decimal(products.pop()), True, certainty(said), said, plane.page, _meter_key(text),
            total=wording.says("total", text),
        )  # fmt: skip


def _suits(kind: Kind, quantity: Decimal) -> bool:
    """Return whether a number can be what a line says: only averages have decimals, only nets and corrections a sign."""
    if kind is Kind.AVERAGE:
        return quantity > 0
    return quantity == int(quantity) and (quantity >= 0 or kind in (Kind.NET, Kind.CORRECTION))


def _label(text: str) -> str:
    return _MONTH.sub("", re.sub(r"[^a-z]+", " ", text.lower()).strip())


def _meter_key(text: str) -> str:
    """Return the text that identifies a row's meter and register, without the status of its reading."""
    bare = _STATUS.sub(" ", text.lower())
    return " ".join([*_METER.findall(bare), *(word for word in _WORD.findall(bare) if word not in _COMMON)])


def _status(wording: Wording, text: str) -> str:
    if wording.says("corrected", text):
        return "corrected"
    said = [status for status in ("actual", "estimated") if wording.says(status, text)]
    return said[0] if len(said) == 1 else ""


def _is_cut(row: Sequence[Phrase], said: Sequence[Token]) -> bool:
    """Return whether the quantity is only the last part of a number that came in two words, as in `1 234 kwh`."""
    tokens = [token for phrase in row for token in phrase.tokens]
    first = next((index for index, token in enumerate(tokens) if token is said[0]), 0)
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
    doubled = len(re.findall("  ", text[: match.start("quantity")]))
    return touched(tokens, match.start("quantity") - doubled, match.end("quantity") - doubled)


def _is_product(quantity: Decimal, text: str) -> bool:
    """Return whether quantity times a rate of the line is an amount of the line, to the cent."""
    numbers = decimals(text)[:8]
    rates = [n for n in numbers if -n.as_tuple().exponent >= 3]  # type: ignore[operator]
    amounts = [n for n in numbers if -n.as_tuple().exponent == 2]  # type: ignore[operator]
    return quantity > 0 and any(
        abs(abs(rate * quantity) - abs(amount)) < _CENT and abs(amount) > Decimal("0.30")
        for rate in rates
        for amount in amounts
    )


def _is_multiple(quantity: Decimal, text: str) -> bool:
    """Return whether a line prints the use as difference times multiplier, where the readings themselves were not read."""
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
