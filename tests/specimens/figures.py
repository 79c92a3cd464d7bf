"""Money, periods and charge lines that every utility's bill is made of; all sums are exact."""

from __future__ import annotations

import calendar
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

#: Statement dates are invented within these days unless the caller gives one.
FIRST_STATEMENT, LAST_STATEMENT = date(2025, 2, 3), date(2026, 10, 28)

CENT = Decimal("0.01")


def to_cents(amount: Decimal) -> Decimal:
    """Round to whole cents the way a bill does."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def dollars(amount: Decimal, *, space: bool = False) -> str:
    """Write `$1,234.50`, or `$ 1,234.50` with `space`; negative amounts as `-$12.00`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}${' ' if space else ''}{abs(amount):,.2f}"


def digits(rng: random.Random, count: int) -> str:
    """Invent a string of digits."""
    return "".join(rng.choice("0123456789") for _ in range(count))


@dataclass(frozen=True)
class Account:
    """Who a bill is for.

    Attributes:
        chance: Source of name, address and account number.
    """

    chance: random.Random

    def number(self, groups: Sequence[int]) -> str:
        """Invent an account number without hyphens, whose groups of digits have these lengths."""
        count = sum(groups)
        tail = self.chance.randrange(1000)
        return f"{digits(self.chance, count - 3)}{tail:03d}"


def grouped(number: str, groups: Sequence[int]) -> str:
    """Put hyphens between groups of digits of the given lengths."""
    parts, start = [], 0
    for length in groups:
        parts.append(number[start : start + length])
        start += length
    return "-".join(parts)


@dataclass(frozen=True)
class Period:
    """A billing period.

    Attributes:
        start: First day as printed.
        end: Last day as printed; also the day the meter was read.
        statement: Date the bill was issued.
        due: When payment is due.
        next_read: Next scheduled reading.
    """

    start: date
    end: date
    statement: date
    due: date
    next_read: date

    @property
    def plain_days(self) -> int:
        """Count the days as National Grid does: end minus start."""
        return (self.end - self.start).days

    @property
    def inclusive_days(self) -> int:
        """Count the days as NYSEG and RG&E do: both ends included."""
        return self.plain_days + 1


def invent_period(rng: random.Random, statement: date | None) -> Period:
    """Invent a period of 28 to 33 days that ends one to three days before the statement."""
    if statement is None:
        statement = FIRST_STATEMENT + timedelta(rng.randrange((LAST_STATEMENT - FIRST_STATEMENT).days + 1))
    end = statement - timedelta(rng.randint(1, 3))
    start = end - timedelta(rng.randint(28, 33))
    return Period(start, end, statement, statement + timedelta(24), end + timedelta(rng.randint(29, 32)))


def peak_kw(rng: random.Random, kwh: int, period: Period) -> Decimal:
    """Invent the highest demand of a period: its mean power over a load factor of 20 to 60 %."""
    return Decimal(kwh) / (24 * period.inclusive_days) * 100 / rng.randint(20, 60)


def split_by_month(quantity: int, start: date, end: date) -> list[tuple[str, int]]:
    """Split a quantity over the calendar months of a period, by days.

    Args:
        quantity: Whole units.
        start: First day.
        end: Last day, included.

    Returns:
        `("May", 512), ("Jun", 41)`; the parts add up to the quantity. One entry if one month covers all.
    """
    spans: list[tuple[str, int]] = []
    day = start
    while day <= end:
        last = date(day.year, day.month, calendar.monthrange(day.year, day.month)[1])
        stop = min(last, end)
        spans.append((day.strftime("%b"), (stop - day).days + 1))
        day = stop + timedelta(1)
    total = sum(days for _, days in spans)
    parts = [(name, quantity * days // total) for name, days in spans[:-1]]
    return [*parts, (spans[-1][0], quantity - sum(part for _, part in parts))]


@dataclass(frozen=True)
class Charge:
    """One line of charges.

    Attributes:
        label: As printed.
        amount: Dollars and cents, exact.
        quantity: As printed with its unit, e.g. `812 kwh`; empty for flat charges.
        rate: As printed.
        field: The truth field that `quantity` is an occurrence of, if any.
    """

    label: str
    amount: Decimal
    quantity: str = ""
    rate: str = ""
    field: str | None = None


def metered(label: str, quantity: int | Decimal, unit: str, rate: str, *, field: str | None = None) -> Charge:
    """Charge a quantity at a rate; the amount is their product to the cent."""
    amount = to_cents(Decimal(quantity) * Decimal(rate))
    return Charge(label, amount, f"{quantity} {unit}", rate, field)


@dataclass(frozen=True)
class Section:
    """Charge lines under a heading, with their subtotal."""

    title: str
    charges: tuple[Charge, ...]
    subtotal_label: str

    @property
    def total(self) -> Decimal:
        """Sum the lines."""
        return sum((charge.amount for charge in self.charges), Decimal(0))


def total_of(sections: Sequence[Section]) -> Decimal:
    """Sum the sections."""
    return sum((section.total for section in sections), Decimal(0))


@dataclass(frozen=True)
class Balance:
    """What was owed, what was paid, and what is new.

    Attributes:
        previous: Last bill's amount.
        paid: What came in.
        paid_on: When.
        current: This bill's charges.
    """

    previous: Decimal
    paid: Decimal
    paid_on: date
    current: Decimal

    @property
    def forward(self) -> Decimal:
        """What is still open from before."""
        return self.previous - self.paid

    @property
    def due(self) -> Decimal:
        """What the customer is asked for."""
        return self.forward + self.current


def invent_balance(rng: random.Random, current: Decimal, statement: date) -> Balance:
    """Invent the account's recent past; one customer in four has paid only part."""
    previous = to_cents(current * Decimal(rng.randint(70, 130)) / 100)
    paid = previous if rng.random() < 0.75 else to_cents(previous / 2)
    return Balance(previous, paid, statement - timedelta(rng.randint(6, 20)), current)
