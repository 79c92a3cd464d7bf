"""The rows of a meter table: which ones to add up, and which only repeat, correct or total others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from intake.extraction.usage_lines import Kind, Line

_SAME_END = 7  # days


def measured(lines: Iterable[Line]) -> tuple[list[Line], bool]:
    """Return the rows of the meter table, and whether they are rows of one bill.

    A page that was photographed twice must not count twice, and the rows of two months must not be added up: the rows of
    one page count, and other pages must say the same.
    """
    pages: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        pages[line.page].append(line)
    tables = [rows for rows in map(_standing, pages.values()) if rows]
    if not tables:
        return [], True
    agree = len({sum(row.quantity for row in rows) for rows in tables}) == 1
    agree = agree and not any(row.refuted for rows in tables for row in rows)
    ends = [row.until for rows in tables for row in rows if row.until and not row.shared]
    same_end = not ends or (max(ends) - min(ends)).days < _SAME_END
    return max(tables, key=lambda rows: (len(rows), sum(row.confidence for row in rows))), agree and same_end


def _standing(rows: Sequence[Line]) -> list[Line]:
    """Return the rows of a meter table that are to be added up.

    A corrected read replaces the one of the same meter and register, an actual one the estimated one of the same days.
    The total row counts only if there is no other row.
    """
    parts = unlike(row for row in rows if row.kind is Kind.METER)
    if not parts:
        return [row for row in unlike(rows) if row.until or row.proven][:1]
    corrected = [row for row in parts if row.status == "corrected"]
    if len(parts) == 2 and len(corrected) == 1 and _may_be_one(*parts):
        return corrected
    replaced = {row.key for row in corrected}
    kept = [row for row in parts if row.status == "corrected" or row.key not in replaced]
    actual = {(row.key, row.until) for row in kept if row.status == "actual"}
    return [row for row in kept if row.status != "estimated" or (row.key, row.until) not in actual]


def _may_be_one(one: Line, other: Line) -> bool:
    """Return whether two rows may be of one meter and register: one of them says nothing that the other does not."""
    words, others = set(one.key.split()), set(other.key.split())
    return words <= others or others <= words


def needs_confirmation(meter: Sequence[Line]) -> bool:
    """Return whether rows are to be added up, or one may be a part: nothing in them tells how many there are."""
    return len(meter) > 1 or any(line.shared for line in meter)


def received(lines: Iterable[Line]) -> Decimal:
    """Return what went to the grid; the row of the total is not added to those of the registers."""
    rows = unlike(of(lines, Kind.RECEIVED))
    registers = [row.quantity for row in rows if not row.total]
    return sum(registers or {row.quantity for row in rows}, Decimal(0))


def unlike(lines: Iterable[Line]) -> list[Line]:
    """Return one line of each key and quantity: the same line seen in two pictures is one line."""
    kept: dict[tuple[Kind, str, str, Decimal], Line] = {}
    for line in lines:
        same = (line.kind, line.key, line.status, line.quantity)
        known = kept.get(same)
        if known is None or (line.proven, line.confidence) > (known.proven, known.confidence):
            kept[same] = line
    return list(kept.values())


def of(lines: Iterable[Line], *kinds: Kind) -> list[Line]:
    """Return the lines of some kinds."""
    return [line for line in lines if line.kind in kinds]
