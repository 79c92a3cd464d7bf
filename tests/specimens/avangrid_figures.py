"""Invent the figures of NYSEG and RG&E bills, so that they agree with each other."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

from tests.specimens.avangrid import HOUSES, AvangridBill, House, Register, Service
from tests.specimens.bill import Truth
from tests.specimens.figures import (
    Account,
    Charge,
    Section,
    digits,
    grouped,
    invent_balance,
    invent_period,
    metered,
    peak_kw,
    split_by_month,
    to_cents,
    total_of,
)
from tests.specimens.people import invent_customer


class _Invention:
    """Invent one bill step by step from one source of chance."""

    def __init__(self, rng: random.Random, house: House, variant: str, statement: date | None) -> None:
        self.rng, self.house, self.variant = rng, house, variant
        self.business = variant in ("demand", "lighting") or (variant == "time_of_use" and house.key == "nyseg")
        self.period = invent_period(rng, statement)
        self.kwh = 0
        self.meters: list[str] = []

    def pod_id(self, commodity: str) -> str:
        return f"{self.house.prefix}{commodity}0000{digits(self.rng, 8)}"

    def meter(self) -> str:
        start = "0080" if self.rng.random() < 0.15 else self.house.meter_start
        return start + digits(self.rng, 6)

    def energy_register(self, meter: str, usage: int, multiplier: int, field: str | None = "kwh") -> Register:
        difference = usage // multiplier
        previous = self.rng.randint(1200, 99000 - difference)
        letter = "E" if self.rng.random() < 0.12 else self.rng.choice("AR")
        return Register(meter, str(previous + difference), str(previous), str(difference), multiplier,
                        f"{difference * multiplier} kwh", letter, field)  # fmt: skip

    def electric_registers(self) -> tuple[Register, ...]:
        meter = self.meter()
        self.meters.append(meter)
        if self.variant == "time_of_use":
            multiplier = self.rng.choice((10, 40, 80)) if self.business else 1
            low, high = (30, 160) if self.business else (90, 400)
            rows = [
                self.energy_register(f"{meter}/{name}", self.rng.randint(low, high) * multiplier, multiplier, None)
                for name in ("ON", "MID", "OFF")
            ]
            self.kwh = sum(int(row.usage.split()[0]) for row in rows)
            return tuple(rows)
        multiplier = self.rng.choice((1, 1, 20, 40)) if self.business else 1
        self.kwh = (
            self.rng.randint(1800, 9900) // multiplier * multiplier if self.business else self.rng.randint(140, 1500)
        )
        rows = [self.energy_register(meter, self.kwh, multiplier)]
        if self.variant in ("demand", "lighting"):
            read_kw = to_cents(peak_kw(self.rng, self.kwh, self.period) / multiplier)
            self.kw = read_kw * multiplier
            rows.append(Register(meter, f"{read_kw:.2f}", "", f"{read_kw:.2f}", multiplier, f"{self.kw:.2f} kw", "R"))
            reactive = self.energy_register(
                meter, self.rng.randint(300, 1700) // multiplier * multiplier, multiplier, None
            )
            rows.append(Register(**{**vars(reactive), "usage": reactive.usage.replace("kwh", "rkvah")}))
        return tuple(rows)

    def delivery(self) -> Section:
        label = "Basic service charge" if self.house.key == "nyseg" else "Customer charge"
        flat = Decimal("19.00") if not self.business else Decimal("38.50")
        lines = [Charge(label, flat)]
        if self.variant in ("demand", "lighting"):
            lines.append(metered("Demand charge", self.kw, "kw", "11.24"))
        if not self.business and self.rng.random() < 0.2:
            lines.append(Charge("Energy assistance credit", Decimal("-36.43")))
        lines.append(
            metered("Delivery charge", self.kwh, "kwh", "0.06823" if not self.business else "0.01275", field="kwh")
        )
        lines += self.by_month("Transition charge", ("0.002117", "0.001894"))
        lines += self.by_month("Revenue decoupling mech", ("-0.001206", "0.000731"))
        lines.append(metered("SBC charge", self.kwh, "kwh", "0.005902", field="kwh"))
        lines.append(metered("Recovery charge", self.kwh, "kwh", "0.001338", field="kwh"))
        return Section("Electricity Delivery Charges", tuple(lines), "Subtotal Electricity Delivery")

    def by_month(self, label: str, rates: tuple[str, str]) -> list[Charge]:
        parts = split_by_month(self.kwh, self.period.start, self.period.end)
        if len(parts) == 1:
            return [metered(label, self.kwh, "kwh", rates[0], field="kwh")]
        return [
            metered(f"{label} - {month}", part, "kwh", rates[index % 2]) for index, (month, part) in enumerate(parts)
        ]

    def supply(self, registers: tuple[Register, ...]) -> Section:
        lines: list[Charge] = []
        if self.variant == "time_of_use":
            for row, name, rate in zip(
                registers, ("On-peak", "Mid-peak", "Off-peak"), ("0.10412", "0.08377", "0.06105"), strict=True
            ):
                lines.append(metered(f"{name} supply charge", int(row.usage.split()[0]), "kwh", rate))
        else:
            lines += self.by_month(
                "Variable supply charge" if self.business else "Supply charge", ("0.07849", "0.08213")
            )
        lines.append(metered("Merchant function charge", self.kwh, "kwh", "0.003711", field="kwh"))
        return Section("Electricity Supply Charges", tuple(lines), "Subtotal Electricity Supply")

    def taxes(self, sections: list[Section], kind: str) -> Section:
        base = total_of(sections)
        lines = (
            Charge("Tariff surcharge - delivery", to_cents(sections[0].total * Decimal("0.0204")), "", "2.0408%"),
            Charge("State & local sales tax", to_cents(base * Decimal("0.04")), "", "4.0000%"),
        )
        return Section(f"{kind} Taxes and Surcharges", lines, f"Subtotal {kind} Taxes and Surcharges")

    def electric(self) -> Service:
        registers = self.electric_registers()
        esco = self.variant == "esco"
        sections = [self.delivery()] + ([] if esco else [self.supply(registers)])
        sections.append(self.taxes(sections, "Electricity"))
        supplier = "ESCO" if esco else ("NYSEG" if self.house.key == "nyseg" else "RGE")
        if self.house.key == "nyseg":
            code = "12001" if not self.business else ("12006" if self.variant == "time_of_use" else "12002")
            name = f"Electricity Service - {'Nonresidential' if self.business else 'Residential'}"
            rate, self.rate_class = f"{code} {supplier} Supply Service", code
        else:
            number = "SC4" if self.variant == "time_of_use" else ("SC7" if self.business else "SC1")
            tail = {"SC4": " Residential TOU II", "SC1": " - Residential", "SC7": " - General Service"}[number]
            name, rate, self.rate_class = (
                f"PSC19 {number}{tail}",
                f"{supplier} Supply Service",
                f"PSC19 {number}",
            )
        factor = f"{self.rng.randint(880, 996) / 10:.1f}%" if self.variant == "demand" else ""
        return Service("bulb", name, "Electricity Rate", rate, self.pod_id("01"), "pod_id", registers,
                       tuple(sections), "Total Electricity Cost", factor)  # fmt: skip

    def gas(self) -> Service:
        meter = self.meter()
        usage = self.rng.randint(12, 180)
        row = self.energy_register(meter, usage, 1, None)
        row = Register(**{**vars(row), "usage": f"{usage} ccf"})
        therms = to_cents(usage * Decimal("1.031"))
        delivery = Section("Gas Delivery Charges", (
            Charge("Basic service charge", Decimal("17.60")),
            metered("Delivery charge", therms, "therms", "0.38114"),
            metered("Revenue decoupling mech", therms, "therms", "0.01207"),
            metered("System benefits charge", therms, "therms", "0.00942"),
        ), "Subtotal Gas Delivery")  # fmt: skip
        supply = Section("Gas Supply Charges", (
            metered("Gas supply charge", therms, "therms", "0.46120"),
            metered("Merchant function charge", therms, "therms", "0.01853"),
        ), "Subtotal Gas Supply")  # fmt: skip
        sections = [delivery, supply]
        sections.append(self.taxes(sections, "Gas"))
        rate = "08701H Sales" if self.rng.random() < 0.6 else "08702 Sales"
        self.gas_pod, self.gas_meter = self.pod_id("02"), meter
        return Service("flame", "Gas Service - Residential", "Gas Rate", rate, self.gas_pod, "other:gas_pod_id",
                       (row,), tuple(sections), "Total Gas Cost")  # fmt: skip

    def lighting(self) -> Service:
        self.lamp_kwh = self.rng.randint(28, 140)
        delivery = Section("Electricity Delivery Charges", (
            Charge("Luminaire charge - 100W HPS", Decimal("14.32")),
            metered("Delivery charge", self.lamp_kwh, "kwh", "0.03914"),
            metered("SBC charge", self.lamp_kwh, "kwh", "0.005902"),
        ), "Subtotal Electricity Delivery")  # fmt: skip
        supply = Section("Electricity Supply Charges", (
            metered("Variable supply charge", self.lamp_kwh, "kwh", "0.05871"),
        ), "Subtotal Electricity Supply")  # fmt: skip
        self.lamp_pod = self.pod_id("01")
        rate = "12005 NYSEG Supply Service" if self.house.key == "nyseg" else "RGE Supply Service"
        name = "Electricity Service - Outdoor Lighting" if self.house.key == "nyseg" else "PSC18 SC1 - Outdoor Lighting"
        return Service("bulb", name, "Electricity Rate", rate, self.lamp_pod, "other:lighting_pod_id", (),
                       (delivery, supply), "Total Electricity Cost")  # fmt: skip

    def bill(self, who: Account) -> AvangridBill:
        customer = invent_customer(who.chance, self.house.key, business=self.business)
        number = self.house.account_start + who.number((8,))
        account = grouped(number, (4, 4, 3))
        services: list[Service] = [] if self.variant == "gas_only" else [self.electric()]
        other: dict[str, str] = {}
        if self.variant in ("gas_electric", "gas_only"):
            services.append(self.gas())
            other |= {"gas_pod_id": self.gas_pod, "gas_meter": self.gas_meter}
        if self.variant == "lighting":
            services.append(self.lighting())
            other |= {"lighting_pod_id": self.lamp_pod, "lighting_kwh": str(self.lamp_kwh)}
        extra = (Charge("Late payment charge", Decimal("2.71")),) if self.rng.random() < 0.3 else ()
        current = sum((service.total for service in services), Decimal(0)) + sum((c.amount for c in extra), Decimal(0))
        balance = invent_balance(self.rng, current, self.period.statement)
        electric = self.variant != "gas_only"
        truth = Truth(
            utility=self.house.word, account_number=account, account_digits=number,
            pod_id=services[0].pod_id if electric else None, service_address=customer.service.one_line,
            customer_name=customer.name, period_start=self.period.start, period_end=self.period.end,
            kwh=self.kwh if electric else None, annual_kwh=None, annual_basis="not printed",
            meter_numbers=tuple(self.meters), rate_class=self.rate_class if electric else services[0].rate.split()[0],
            statement_date=self.period.statement, amount_due=f"{balance.due:.2f}", days=self.period.inclusive_days,
            other=other,
        )  # fmt: skip
        return AvangridBill(self.house, self.variant, customer, account, self.period, tuple(services), extra, balance,
                            self.rng.random() < 0.25, truth)  # fmt: skip


def invent_bill(
    rng: random.Random, who: Account, utility: str, variant: str, statement: date | None = None
) -> AvangridBill:
    """Invent a NYSEG or RG&E bill.

    Args:
        rng: Source of the figures.
        who: The account it is for.
        utility: `nyseg` or `rge`.
        variant: One of `VARIANTS`.
        statement: Date of issue; None to invent one.

    Returns:
        Figures that agree with each other: kWh is reading difference times multiplier, charges add up to
        the amount due, the day count includes both ends of the period.
    """
    return _Invention(rng, HOUSES[utility], variant, statement).bill(who)
