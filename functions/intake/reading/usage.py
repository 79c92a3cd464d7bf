"""Electric use of the period: from meter rows, billed totals and charge lines that must agree.

A number with `kWh` behind it is not yet the use: months split it, registers share it, gas, lighting, averages and
credits stand next to it. So evidence is collected line by line, and arithmetic decides: readings whose difference
times the multiplier is the use, charges whose quantity times rate is the amount to the cent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from intake.reading.geometry import Sheet
from intake.reading.knowledge import Utility
from intake.reading.labels import Anchor
from intake.reading.sections import Sections
from intake.reading.sightings import Sighting, Verdict
from intake.reading.usage_lines import Kind, Line, reading_products, usage_lines

_KWH = re.compile(r"k\s?(?:[wv]|vv)\s?[hn]\b", re.IGNORECASE)
_SAME_END = 7  # days


def kwh(sheets: Sequence[Sheet], anchors: Sequence[Anchor], sections: Sections, utility: Utility) -> Verdict[int]:
    """Decide what the electric use of the period is.

    Returns:
        The verdict; `sure` only when at least two independent lines, or a line and its arithmetic, agree.
    """
    lines = list(usage_lines(sheets, anchors, sections, utility))
    differences = _proven_by_readings(sheets, sections)
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
    # Two quantities of charges that add up to what the meter or a total says are its parts, whatever their lines are called.
    rivals = [
        quantity
        for quantity in ranked[1:]
        if points[quantity] > 0.45 * points[best] and not (direct and best - quantity in points)
    ]
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


def _unlike(lines: Iterable[Line]) -> list[Line]:
    """Return one line of each key and quantity: the same line seen in two pictures is one line."""
    kept: dict[tuple[str, int], Line] = {}
    for line in lines:
        known = kept.get((line.key, line.quantity))
        if known is None or (line.proven, line.confidence) > (known.proven, known.confidence):
            kept[line.key, line.quantity] = line
    return list(kept.values())


def _proven_by_readings(sheets: Iterable[Sheet], sections: Sections) -> set[int]:
    """Return what the rows of readings in electric sections prove, for layouts that print the use elsewhere."""
    found: set[int] = set()
    for sheet in sheets:
        for row in sheet.rows:
            if sections.kind(sheet, row[0]) not in ("gas", "lighting"):
                text = "  ".join(phrase.text for phrase in row)
                if not _KWH.search(text):
                    found |= reading_products(text)
    return found


def _months_add_up(lines: Iterable[Line], quantity: int) -> bool:
    """Tell whether the parts of any charge that is split by month add up to a quantity."""
    sums: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        if line.kind is Kind.PART and line.key:
            sums[line.key].append(line.quantity)
    return any(len(parts) > 1 and sum(parts) == quantity for parts in sums.values())
