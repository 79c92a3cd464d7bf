"""Electric use of the period: from meter rows, billed totals and charge lines that must agree.

A number with `kWh` behind it is not yet the use: months split it, registers share it, gas, lighting, averages and
credits stand next to it. So evidence is collected line by line, and arithmetic decides: readings whose difference
times the multiplier is the use, charges whose quantity times rate is the amount to the cent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from intake.extraction.candidates import Candidate, Resolution
from intake.extraction.geometry import TextPlane
from intake.extraction.labels import Anchor
from intake.extraction.meter_table import measured, needs_confirmation, of, received, unlike
from intake.extraction.sections import Sections
from intake.extraction.usage_lines import Kind, Line, Period, reading_products, usage_lines
from intake.extraction.utility_profiles import UtilityProfile

_KWH = re.compile(r"k\s?(?:[wv]|vv)\s?[hn]\b", re.IGNORECASE)
_TOLD = {Kind.BILLED: 1.0, Kind.TOTAL: 1.0, Kind.WHOLE: 0.6}
_PROVEN = 1.5
_AVERAGE = 1.0
_NET = 1.5
_YEAR = 0.9
_LEAST = 2.0
_LEAST_CHARGED = 2.9


@dataclass(frozen=True)
class Use:
    """What the lines come to.

    Attributes:
        delivered: What the grid delivered in the period.
        net: What is left of it after what was sent to the grid, where the bill prints that.
        annual: What is printed of the last twelve months.
    """

    delivered: Resolution[int]
    net: Resolution[int]
    annual: Sequence[Candidate[int]]


def read_use(
    planes: Sequence[TextPlane],
    anchors: Sequence[Anchor],
    sections: Sections,
    utility: UtilityProfile,
    period: Period | None,
    days: Collection[int] = (),
) -> Use:
    """Decide what the electric use of the period is, and the net.

    Args:
        planes: All planes.
        anchors: Labels.
        sections: Which service a line belongs to.
        utility: What is known of its bills.
        period: The billing period; None if not known.
        days: Numbers of days that the bill prints.

    Returns:
        The resolutions; `sure` only when at least two independent lines, or a line and its arithmetic, agree.
    """
    lines = list(usage_lines(planes, anchors, sections, utility, period))
    meter, agree = measured(line for line in lines if line.kind in (Kind.METER, Kind.TOTAL))
    rows = {id(line) for line in meter}
    total, sent = sum((line.quantity for line in meter), Decimal(0)), received(lines)
    is_net_metered = bool(of(lines, Kind.RECEIVED, Kind.NET))
    told = [line for line in unlike(of(lines, Kind.BILLED, Kind.TOTAL, Kind.WHOLE)) if id(line) not in rows]
    if meter and sent:  # what is left of what was delivered is no use, whatever it is called
        told = [line for line in told if line.quantity != total - sent]
    raised = {line.quantity for line in (*told, *meter) if not line.lowers}
    told = [line for line in told if not line.lowers or line.quantity in raised]
    averages = _Averages(of(lines, Kind.AVERAGE), period, days)
    points: dict[Decimal, float] = defaultdict(float)
    evidence: dict[Decimal, list[Line]] = defaultdict(list)
    for line in told:
        points[line.quantity] += _PROVEN if line.proven else _TOLD[line.kind]
        evidence[line.quantity].append(line)
    is_confirmed = not needs_confirmation(meter) or (
        any(line.proven or line.kind is not Kind.WHOLE for line in evidence[total]) or averages.confirm(meter)
    )
    if meter:
        points[total] += 1 + all(line.proven for line in meter) if is_confirmed else 0.0
        evidence[total] += meter
    differences, sums = _proven_by_readings(planes, sections), _sums_of_months(lines)
    for quantity in list(points):
        if quantity in differences and not meter:
            points[quantity] += _PROVEN
        points[quantity] += 0.8 * (quantity in sums) + _AVERAGE * averages.fit(quantity)
    resolution = _decide(points, evidence, total if meter else None)
    # Where a net is printed too, only a meter's row tells which of both a total is.
    unclear = is_net_metered and not (resolution.best and meter and resolution.best.value == total)
    if not agree:
        resolution = replace(resolution, conflicting=resolution.best is not None)
    elif unclear or _is_corrected(lines, meter) or (not is_confirmed and _is(resolution, total)):
        resolution = replace(resolution, confidence=0.0)
    return Use(
        resolution,
        _net(lines, total - sent if meter and sent and is_confirmed else None),
        [
            Candidate(int(line.quantity), _YEAR * line.confidence, line.page, line.tokens, "12 months printed")
            for line in of(lines, Kind.YEAR)
        ],
    )


def _is(resolution: Resolution[int], quantity: Decimal) -> bool:
    return resolution.best is not None and resolution.best.value == quantity


def _is_corrected(lines: Iterable[Line], meter: Sequence[Line]) -> bool:
    """Return whether something is corrected besides the rows that count: by how much is not known."""
    return any(line.kind is Kind.CORRECTION for line in lines) or (
        any(line.status == "corrected" for line in lines if line.kind is Kind.METER)
        and not any(line.status == "corrected" for line in meter)
    )


class _Averages:
    """The daily averages that a bill prints, and the days by which they are multiplied.

    Args:
        lines: Those of averages.
        period: The billing period; None if not known.
        days: Numbers of days that the bill prints.
    """

    def __init__(self, lines: Iterable[Line], period: Period | None, days: Collection[int]) -> None:
        length = (period[1] - period[0]) // timedelta(days=1) if period else None
        self._days = {n for n in days if n > 0 and (length is None or 0 <= n - length <= 1)} or (
            {length, length + 1} if length else set()
        )
        self._averages = [line.quantity for line in lines]

    def fit(self, quantity: Decimal) -> bool:
        """Return whether an average is that of a use; bills round it, or cut it off."""
        return any(
            abs(quantity / days - average) < Decimal(1).scaleb(average.as_tuple().exponent)  # type: ignore[arg-type]
            for average in self._averages
            for days in self._days
        )

    def confirm(self, rows: Sequence[Line]) -> bool:
        """Return whether an average confirms that rows are to be added up, all of them and not all but one."""
        total = sum((row.quantity for row in rows), Decimal(0))
        return self.fit(total) and not any(self.fit(total - row.quantity) for row in rows)


def _decide(
    points: dict[Decimal, float], evidence: dict[Decimal, list[Line]], measured: Decimal | None
) -> Resolution[int]:
    ranked = sorted(
        (quantity for quantity in points if quantity > 0), key=lambda quantity: (-points[quantity], quantity)
    )
    if not ranked:
        return Resolution()
    best = ranked[0]
    lines = evidence[best]
    direct = any(line.kind is not Kind.WHOLE for line in lines)
    # Two quantities of charges that add up to what the meter or a total says are its parts, whatever their lines are called.
    conflicting = [
        quantity
        for quantity in ranked[1:]
        if points[quantity] > 0.45 * points[best] and not (direct and best - quantity in points)
    ]
    # Whoever measures or totals outranks charge lines, unless a row of the meter table was not read.
    stated = {line.quantity for q in points for line in evidence[q] if line.kind in (Kind.BILLED, Kind.TOTAL)}
    if measured is not None:
        stated.add(measured)
    contested = bool(conflicting) or any(
        other > best or (best not in stated and points[best] < 3) for other in stated - {best}
    )
    return _verdict(best, points[best], lines, _LEAST if direct else _LEAST_CHARGED, contested)


def _verdict(best: Decimal, points: float, lines: Sequence[Line], least: float, contested: bool) -> Resolution[int]:
    surest = max(lines, key=lambda line: (line.kind is not Kind.WHOLE, line.confidence, -line.page))
    sure = max(line.confidence for line in lines)
    worth = 0.0 if points < least else min(0.98, 0.80 + 0.05 * points)
    how = " and ".join(
        sorted({line.kind.value for line in lines} | ({"arithmetic"} if any(x.proven for x in lines) else set()))
    )
    candidate = Candidate(int(best), sure * worth, surest.page, surest.tokens, how)
    return Resolution(candidate, max(worth * 0.95, sure * worth) if worth else 0.0, len(lines), contested)


def _net(lines: Sequence[Line], computed: Decimal | None) -> Resolution[int]:
    """Decide what the printed net is: it needs a second line, its readings, or the difference of both directions."""
    points: dict[Decimal, float] = defaultdict(float)
    evidence: dict[Decimal, list[Line]] = defaultdict(list)
    for line in unlike(of(lines, Kind.NET)):
        points[line.quantity] += 1.0 + line.proven
        evidence[line.quantity].append(line)
    charged = {line.quantity for line in of(lines, Kind.WHOLE) if line.proven}
    for quantity in points:
        points[quantity] += _NET * (quantity == computed) + (quantity in charged)
    if not points:
        return Resolution()
    best = max(points, key=lambda quantity: (points[quantity], quantity))
    return _verdict(best, points[best], evidence[best], _LEAST, len(points) > 1)


def _proven_by_readings(planes: Iterable[TextPlane], sections: Sections) -> set[int]:
    """Return what the rows of readings in electric sections prove, for layouts that print the use elsewhere."""
    found: set[int] = set()
    for plane in planes:
        for row in plane.rows:
            if sections.kind(plane, row[0]) not in ("gas", "lighting"):
                text = "  ".join(phrase.text for phrase in row)
                if not _KWH.search(text):
                    found |= reading_products(text)
    return found


def _sums_of_months(lines: Iterable[Line]) -> set[Decimal]:
    """Return what the parts of the charges that are split by month add up to."""
    parts: dict[str, list[Decimal]] = defaultdict(list)
    for line in of(lines, Kind.PART):
        if line.key:
            parts[line.key].append(line.quantity)
    return {sum(quantities, Decimal(0)) for quantities in parts.values() if len(quantities) > 1}
