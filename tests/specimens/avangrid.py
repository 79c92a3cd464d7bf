"""Say what is on a NYSEG or RG&E bill; both use one template.

Facts of the layout: formats of account numbers and PoD IDs, rate codes, columns and units, the month
split of charges, and the traps (gas and lighting PoD IDs, kW and rkvah rows) are those seen on real bills.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.specimens.bill import Truth
from tests.specimens.figures import Balance, Charge, Period, Section, dollars, total_of
from tests.specimens.people import Customer

VARIANTS = ("residential", "demand", "time_of_use", "gas_electric", "lighting", "esco", "gas_only")


@dataclass(frozen=True)
class House:
    """What differs between the two companies."""

    key: str
    word: str
    legal: str
    prefix: str
    account_start: str
    meter_start: str
    phone: str
    box: str


HOUSES = {
    "nyseg": House("nyseg", "NYSEG", "NYSEG", "N", "100", "0300", "800.555.0114", "P.O. BOX 847812"),
    "rge": House("rge", "RG&E", "RG&E", "R", "200", "0350", "800.555.0127", "P.O. BOX 847813"),
}


@dataclass(frozen=True)
class Register:
    """One row of the meter table; `previous` is empty for registers that start at zero."""

    meter: str
    current: str
    previous: str
    difference: str
    multiplier: int
    usage: str
    letter: str
    field: str | None = None


@dataclass(frozen=True)
class Service:
    """One service block of the detail page.

    Attributes:
        icon: `bulb` or `flame`.
        name: First line, as printed.
        rate_label: `Electricity Rate` or `Gas Rate`.
        rate: As printed.
        pod_id: Its PoD ID.
        pod_field: The truth field or trap that the PoD ID is.
        registers: Rows of the meter table; none for lighting.
        sections: Charges.
        total_label: Text of the grey total bar.
        power_factor: Percent as printed, or empty.
    """

    icon: str
    name: str
    rate_label: str
    rate: str
    pod_id: str
    pod_field: str
    registers: tuple[Register, ...]
    sections: tuple[Section, ...]
    total_label: str
    power_factor: str = ""

    @property
    def total(self) -> Decimal:
        """Sum its charges."""
        return total_of(self.sections)


@dataclass(frozen=True)
class AvangridBill:
    """All figures of one bill, ready to be drawn."""

    house: House
    variant: str
    customer: Customer
    account: str
    period: Period
    services: tuple[Service, ...]
    miscellaneous: tuple[Charge, ...]
    balance: Balance
    autopay: bool
    truth: Truth

    @property
    def account_digits(self) -> str:
        """The account number as the stub prints it."""
        return self.account.replace("-", "")

    @property
    def residential(self) -> bool:
        """Whether the account class on page 1 is Residential."""
        return not self.customer.business


def previous_read_date(period: Period) -> date:
    """Return the day of the last reading: the day before the period starts, so that dates and days agree."""
    return period.start - timedelta(1)


def amount_text(bill: AvangridBill) -> str:
    """Write the amount due as both companies print it."""
    return dollars(bill.balance.due)
