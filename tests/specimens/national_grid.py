"""Invent the figures of National Grid (upstate New York) bills.

There is no PoD ID: the ten-digit account number is the key. Thirteen months of use are printed in figures;
the day count is the plain difference of the dates.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.specimens.bill import Truth
from tests.specimens.figures import (
    Account,
    Balance,
    Charge,
    Period,
    Section,
    digits,
    grouped,
    invent_balance,
    invent_period,
    metered,
    peak_kw,
    to_cents,
    total_of,
)  # fmt: skip
from tests.specimens.people import LOAD_ZONES, Customer, invent_customer

VARIANTS = ("residential", "business", "payment_plan", "gas_electric", "supplier", "net_metering")

#: The second name line is cut at this many characters.
NAME_WIDTH = 24


@dataclass(frozen=True)
class Reading:
    """One row of a usage table."""

    kind: str
    current: str
    previous: str
    difference: str
    multiplier: int
    total: str
    method: str
    field: str | None = None


@dataclass(frozen=True)
class Metered:
    """One metered service on page 2.

    Attributes:
        title: `Electricity Delivery` or `Gas Delivery`.
        meter: Eight digits.
        meter_field: The truth field or trap it is.
        rate: As printed.
        readings: Rows of the usage table.
        totals: Right-aligned bold lines under it: label, value, truth field.
        charges: Delivery charges.
        notes: Lines of remote net metering: label and value.
    """

    title: str
    meter: str
    meter_field: str
    rate: str
    readings: tuple[Reading, ...]
    totals: tuple[tuple[str, str, str | None], ...]
    charges: Section
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class NationalGridBill:
    """All figures of one bill, ready to be drawn."""

    variant: str
    customer: Customer
    doing_business_as: str
    account: str
    period: Period
    services: tuple[Metered, ...]
    supply: tuple[Section, ...]
    supplier: str
    supplier_account: str
    other: Section
    balance: Balance
    cycle: str
    zone: str
    history: tuple[tuple[str, int], ...]
    gas_history: tuple[tuple[str, int], ...]
    demand_history: tuple[tuple[str, str], ...]
    history_on_page: int
    truth: Truth

    @property
    def plan(self) -> bool:
        """Whether a payment agreement changes the look of page 1."""
        return self.variant == "payment_plan"

    @property
    def account_digits(self) -> str:
        """The account number without its hyphen."""
        return self.account.replace("-", "")


def long_date(day: date) -> str:
    """Write a date as the bill does, `May 6, 2025`."""
    return f"{day.strftime('%b')} {day.day}, {day.year}"


def months_back(end: date, count: int) -> list[str]:
    """Name the last `count` months up to the one of `end`, oldest first, as `May 25`."""
    names = []
    for back in range(count - 1, -1, -1):
        month = end.year * 12 + end.month - 1 - back
        names.append(date(month // 12, month % 12 + 1, 1).strftime("%b %y"))
    return names


class _Invention:
    """Invent one bill step by step from one source of chance."""

    def __init__(self, rng: random.Random, variant: str, statement: date | None) -> None:
        self.rng, self.variant = rng, variant
        self.business = variant in ("business", "net_metering")
        self.period = invent_period(rng, statement)
        self.method = "Estimated" if rng.random() < 0.15 else "Actual"
        self.other_values: dict[str, str] = {}

    def reading(self, kind: str, usage: int, unit: str, multiplier: int, field: str | None = None) -> Reading:
        difference = usage // multiplier
        previous = self.rng.randint(800, 98000 - difference)
        return Reading(kind, str(previous + difference), str(previous), str(difference), multiplier,
                       f"{difference * multiplier} {unit}", self.method, field)  # fmt: skip

    def electric(self) -> Metered:
        self.meter = digits(self.rng, 8)
        self.multiplier = self.rng.choice((1, 20, 40, 80)) if self.business else 1
        base = self.rng.randint(1500, 9800) if self.business else self.rng.randint(160, 1400)
        self.kwh = base // self.multiplier * self.multiplier
        rows = [self.reading("Energy", self.kwh, "kWh", self.multiplier, None if self.business else "kwh")]
        totals: list[tuple[str, str, str | None]] = []
        notes: tuple[tuple[str, str], ...] = ()
        rate = "Electric SC1 Non Heat" if self.rng.random() < 0.8 else "Electric SC1C"
        if self.business:
            read = to_cents(peak_kw(self.rng, self.kwh, self.period) / self.multiplier)
            self.kw = read * self.multiplier
            rows.append(Reading("Demand", str(read), "", str(read), self.multiplier, f"{self.kw} kW", self.method))
            totals = [
                ("Total Energy Usage", f"{self.kwh} kWh", "kwh"), ("Billed Energy Usage", f"{self.kwh} kWh", "kwh"),
                ("Total Demand Usage", f"{self.kw} kW", None), ("Billed Demand Usage", f"{self.kw} kW", None),
            ]  # fmt: skip
            rate = "Electric SC2D"
        if self.variant == "net_metering":
            host = self.rng.randint(200, 900)
            notes = (("Current Bill Period kWh", str(self.kwh)), ("Transfer kWh from Host", str(-host)))
            self.other_values["host_kwh"] = str(-host)
        self.rate = rate
        return Metered("Electricity Delivery", self.meter, "meter_numbers", rate, tuple(rows), tuple(totals),
                       self.delivery(), notes)  # fmt: skip

    def delivery(self) -> Section:
        lines = [Charge("Basic Service (not including usage)", Decimal("52.52") if self.business else Decimal("18.00"))]
        if self.business:
            lines.append(metered("Demand Delivery", self.kw, "kW", "13.05"))
            lines.append(metered("Energy Delivery", self.kwh, "kWh", "0.01132", field="kwh"))
        else:
            lines.append(metered("Delivery", self.kwh, "kWh", "0.07104", field="kwh"))
        lines.append(metered("Incr State Assessment", self.kwh, "kWh", "0.00051", field="kwh"))
        lines.append(metered("SBC", self.kwh, "kWh", "0.006107", field="kwh"))
        lines.append(metered("Legacy Transition Chrg", self.kwh, "kWh", "-0.000412", field="kwh"))
        lines.append(metered("RDM", self.kwh, "kWh", "0.00231", field="kwh"))
        lines.append(metered("Transmission Rev Adj", self.kwh, "kWh", "-0.00217", field="kwh"))
        if not self.business and self.rng.random() < 0.4:
            lines.append(Charge("CDG Credit Applied", -to_cents(Decimal(self.rng.randint(400, 1600)) / 100)))
        lines.append(
            Charge("Tariff Surcharge", to_cents(sum((c.amount for c in lines), Decimal(0)) * Decimal("0.0102")))
        )
        return Section("Electricity Delivery", tuple(lines), "Total Electricity Delivery")

    def gas(self) -> Metered:
        meter = digits(self.rng, 8)
        self.therms = self.rng.randint(14, 160)
        self.other_values |= {"gas_meter": meter, "therms": str(self.therms)}
        row = self.reading("Gas", self.therms, "therms", 1)
        lines = [
            Charge("Basic Service (including first 3 therms)", Decimal("24.41")),
            metered("Next 47 Therms", max(0, min(47, self.therms - 3)), "therms", "0.61240"),
            metered("Over/Last", max(0, self.therms - 50), "therms", "0.20117"),
            metered("Delivery Adjustment", self.therms, "therms", "0.04821"),
        ]
        charges = Section("Gas Delivery", tuple(lines), "Total Gas Delivery")
        return Metered("Gas Delivery", meter, "other:gas_meter", "Gas SC1 Residential Heat", (row,), (), charges)

    def supplies(self) -> tuple[Section, ...]:
        price = "0.09416" if self.variant == "supplier" else "0.07288"
        lines = [metered("Electricity Supply", self.kwh, "kWh", price, field="kwh")]
        if self.variant != "supplier":
            lines.append(metered("Merchant Function Charge", self.kwh, "kWh", "0.00292", field="kwh"))
            lines.append(metered("ESRM", self.kwh, "kWh", "-0.00133", field="kwh"))
        lines.append(Charge("Sales Tax", to_cents(sum((c.amount for c in lines), Decimal(0)) * Decimal("0.04"))))
        sections = [Section("Electricity Supply", tuple(lines), "Total Electricity Supply")]
        if self.variant == "gas_electric":
            gas = metered("Gas Supply", self.therms, "therms", "0.44710")
            sections.append(Section("Gas Supply", (gas,), "Total Gas Supply"))
        return tuple(sections)

    def history(self, now: int, spread: float = 0.35) -> list[int]:
        return [int(now * self.rng.uniform(1 - spread, 1 + spread)) for _ in range(12)] + [now]

    def bill(self, who: Account) -> NationalGridBill:
        customer = invent_customer(who.chance, "national_grid", business=self.business)
        number = who.number((5, 5))
        account = grouped(number, (5, 5))
        services = [self.electric()] + ([self.gas()] if self.variant == "gas_electric" else [])
        supply = self.supplies()
        other = Section("Other Charges/Adjustments", (Charge("Paperless Billing Credit", Decimal("-0.48")),),
                        "Total Other Charges/Adjustments")  # fmt: skip
        current = total_of([*(service.charges for service in services), *supply, other])
        balance = invent_balance(self.rng, current, self.period.statement)
        if self.variant == "payment_plan":
            balance = Balance(balance.previous, to_cents(balance.previous / 2), balance.paid_on, current)
        used = self.history(self.kwh)
        names = months_back(self.period.end, 13)
        if self.variant == "supplier":
            self.other_values["supplier_account"] = digits(self.rng, 10)
        self.other_values["history_month_kwh"] = str(used[-2])
        truth = Truth(
            utility="National Grid", account_number=account, account_digits=number, pod_id=None,
            service_address=customer.service.one_line, customer_name=customer.name,
            period_start=self.period.start, period_end=self.period.end, kwh=self.kwh,
            annual_kwh=sum(used[1:]), annual_basis="12 months printed", meter_numbers=(self.meter,), rate_class=self.rate,
            statement_date=self.period.statement, amount_due=f"{balance.due:.2f}", days=self.period.plain_days,
            other=self.other_values,
        )  # fmt: skip
        dba = f"DBA {self.rng.choice(('UPSTATE', 'VALLEY', 'NORTH COUNTRY'))} {customer.name}"[:NAME_WIDTH]
        gas_used = self.history(self.therms) if self.variant == "gas_electric" else []
        demand = (
            [f"{self.kw * self.rng.randint(70, 130) / 100:.2f}" for _ in range(11)] + [str(self.kw)]
            if self.business
            else []
        )
        return NationalGridBill(
            variant=self.variant, customer=customer, doing_business_as=dba if self.variant == "business" else "",
            account=account, period=self.period, services=tuple(services), supply=supply,
            supplier="LANTERN RIDGE ENERGY LLC" if self.variant == "supplier" else "National Grid",
            supplier_account=self.other_values.get("supplier_account", ""), other=other, balance=balance,
            cycle=f"{self.rng.randint(1, 20)}", zone=LOAD_ZONES[customer.service.town],
            history=tuple(zip(names, used, strict=True)),
            gas_history=tuple(zip(names, gas_used, strict=True)) if gas_used else (),
            demand_history=tuple(zip(names[1:], demand, strict=True)) if demand else (),
            history_on_page=2 if self.business else self.rng.choice((1, 2)), truth=truth,
        )  # fmt: skip


def invent_bill(rng: random.Random, who: Account, variant: str, statement: date | None = None) -> NationalGridBill:
    """Invent a National Grid bill.

    Args:
        rng: Source of the figures.
        who: The account it is for.
        variant: One of `VARIANTS`.
        statement: Date of issue; None to invent one.

    Returns:
        Figures that agree with each other: the history's last row is this bill's use, charges add up to the
        amount due, the day count is the plain difference of the dates.
    """
    return _Invention(rng, variant, statement).bill(who)
