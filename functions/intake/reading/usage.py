"""Electric use of the period: from meter rows, billed totals and charge lines that must agree.

A number with `kWh` behind it is not yet the use: months split it, registers share it, gas, lighting, averages and
credits stand next to it. So evidence is collected line by line, and arithmetic decides: readings whose difference
times the multiplier is the use, charges whose quantity times rate is the amount to the cent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import combinations

from intake.reading.geometry import Phrase, Sheet, Token, touched
from intake.reading.knowledge import Utility
from intake.reading.labels import Anchor
from intake.reading.printed import dates, decimals, integers
from intake.reading.sections import Sections
from intake.reading.sightings import Sighting, Verdict, certainty

_QUANTITY = re.compile(r"(?<![\d.,/$-])(\d{1,3}(?:,\d{3})+|\d+)\s?k\s?(?:[wv]|vv)\s?[hn]\b", re.IGNORECASE)
_KWH = re.compile(r"k\s?(?:[wv]|vv)\s?[hn]\b", re.IGNORECASE)
_CUT = 0.5  # print heights: digits this close before a quantity are the rest of it
_CENT = Decimal("0.0101")
_MAX_INTEGERS = 14
_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b.*")
_DAYS = re.compile(r"\d\s?days")
_SAME_END = 7  # days


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


def kwh(sheets: Sequence[Sheet], anchors: Sequence[Anchor], sections: Sections, utility: Utility) -> Verdict[int]:
    """Decide what the electric use of the period is.

    Returns:
        The verdict; `sure` only when at least two independent lines, or a line and its arithmetic, agree.
    """
    lines = list(_lines(sheets, anchors, sections, utility))
    differences = _reading_products(sheets, sections)
    points: dict[int, float] = defaultdict(float)
    evidence: dict[int, list[Line]] = defaultdict(list)
    meter, agree = _measured(line for line in lines if line.kind is Kind.METER)
    measured = sum(line.quantity for line in meter)
    if meter:
        points[measured] += 1 + all(line.proven for line in meter)
        evidence[measured] += meter
    for line in _unlike([line for line in lines if line.kind in (Kind.BILLED, Kind.WHOLE)]):
        points[line.quantity] += 1.5 if line.proven else 1.0 if line.kind is Kind.BILLED else 0.6
        evidence[line.quantity].append(line)
    for quantity in list(points):
        if quantity in differences and not meter:
            points[quantity] += 1.5
        points[quantity] += 0.8 * _months_add_up(lines, quantity)
    # Registers are summed up, and nothing in their rows tells how many there are: a total must confirm the sum.
    unconfirmed = any(line.register for line in meter) and all(line.kind is Kind.METER for line in evidence[measured])
    verdict = _decide(points, evidence, measured if meter else None)
    if unconfirmed and verdict.best is not None and verdict.best.value == measured:
        agree = False
    return verdict if agree else replace(verdict, rivals=True)


def _measured(lines: Iterable[Line]) -> tuple[list[Line], bool]:
    """Return the rows of the meter table, and whether they are rows of one bill.

    A page that was photographed twice must not count twice, and the rows of two months must not be added up: the rows of
    one page count, and other pages must say the same.
    """
    pages: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        pages[line.page].append(line)
    tables = [_unlike(rows) for rows in pages.values()]
    if not tables:
        return [], True
    agree = len({sum(row.quantity for row in rows) for rows in tables}) == 1
    agree = agree and not any(row.refuted for rows in tables for row in rows)
    ends = [row.until for rows in tables for row in rows if row.until]
    same_end = not ends or (max(ends) - min(ends)).days < _SAME_END
    return max(tables, key=lambda rows: (len(rows), sum(row.confidence for row in rows))), agree and same_end


def _decide(points: dict[int, float], evidence: dict[int, list[Line]], measured: int | None) -> Verdict[int]:
    ranked = sorted(
        (quantity for quantity in points if quantity > 0), key=lambda quantity: (-points[quantity], quantity)
    )
    if not ranked:
        return Verdict()
    best = ranked[0]
    lines = evidence[best]
    direct = any(line.kind is not Kind.WHOLE for line in lines)
    rivals = [quantity for quantity in ranked[1:] if points[quantity] > 0.45 * points[best]]
    # Whoever measures or totals outranks charge lines, unless a row of the meter table was not read.
    stated = {line.quantity for q in points for line in evidence[q] if line.kind is Kind.BILLED}
    if measured is not None:
        stated.add(measured)
    contested = bool(rivals) or any(
        other > best or (best not in stated and points[best] < 3) for other in stated - {best}
    )
    least = 2.0 if direct else 2.9
    surest = max(lines, key=lambda line: (line.kind is not Kind.WHOLE, line.confidence, -line.page))
    sure = max(line.confidence for line in lines)
    worth = 0.0 if points[best] < least else min(0.98, 0.80 + 0.05 * points[best])
    how = " and ".join(
        sorted({line.kind.value for line in lines} | ({"arithmetic"} if any(x.proven for x in lines) else set()))
    )
    sighting = Sighting(best, sure * worth, surest.page, surest.tokens, how)
    return Verdict(sighting, max(worth * 0.95, sure * worth) if worth else 0.0, len(lines), contested)


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


def _lines(sheets: Iterable[Sheet], anchors: Iterable[Anchor], sections: Sections, utility: Utility) -> Iterator[Line]:
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
    products = _products(text) if kind not in (Kind.WHOLE, Kind.PART) else set()
    proven = quantity in products if products else _is_product(quantity, text)
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


def _unlike(lines: Iterable[Line]) -> list[Line]:
    """Return one line of each key and quantity: the same line seen in two pictures is one line."""
    kept: dict[tuple[str, int], Line] = {}
    for line in lines:
        known = kept.get((line.key, line.quantity))
        if known is None or (line.proven, line.confidence) > (known.proven, known.confidence):
            kept[line.key, line.quantity] = line
    return list(kept.values())


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


def _products(text: str) -> set[int]:
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


def _reading_products(sheets: Iterable[Sheet], sections: Sections) -> set[int]:
    """Return what the rows of readings in electric sections prove, for layouts that print the use elsewhere."""
    found: set[int] = set()
    for sheet in sheets:
        for row in sheet.rows:
            if sections.kind(sheet, row[0]) not in ("gas", "lighting"):
                text = "  ".join(phrase.text for phrase in row)
                if not _KWH.search(text):
                    found |= _products(text)
    return found


def _months_add_up(lines: Iterable[Line], quantity: int) -> bool:
    """Tell whether the parts of any charge that is split by month add up to a quantity."""
    sums: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        if line.kind is Kind.PART and line.key:
            sums[line.key].append(line.quantity)
    return any(len(parts) > 1 and sum(parts) == quantity for parts in sums.values())
