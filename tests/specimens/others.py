"""Invent and draw bills of the other New York utilities: plain, with labelled values.

Their real layouts are not known well. Central Hudson and Con Edison print account numbers of the lengths
used here; for Orange & Rockland and PSEG Long Island even the length is invented, so these specimens only
show whether a reader follows labels.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.specimens.bill import Truth
from tests.specimens.draw import SANS_BOLD, Pad, Sheet
from tests.specimens.figures import (
    Account,
    Balance,
    Charge,
    Period,
    Section,
    digits,
    dollars,
    grouped,
    invent_balance,
    invent_period,
    metered,
    to_cents,
    total_of,
)  # fmt: skip
from tests.specimens.filler import MESSAGES, TERMS, paragraph
from tests.specimens.people import Customer, invent_customer

VARIANTS = ("residential", "business")


@dataclass(frozen=True)
class Style:
    """What differs between these utilities.

    Attributes:
        word: The utility's name.
        colour: Of the head and the rules.
        accounts: Groupings of account numbers in use.
        date_format: For `strftime`; `%-d` is not portable, so days carry their zero.
        usage_label: Left of the billed energy.
        rates: Rate names: residential, business.
        labels_above: Whether labels stand above their values, or left of them.
    """

    word: str
    colour: tuple[float, float, float]
    accounts: tuple[tuple[int, ...], ...]
    date_format: str
    usage_label: str
    rates: tuple[str, str]
    labels_above: bool


STYLES = {
    "central_hudson": Style("Central Hudson", (0.0, 0.36, 0.25), ((10,), (4, 4, 2, 1)), "%m/%d/%Y", "Total kWh used",
                            ("SC 1 Residential", "SC 2 Non-Demand"), True),
    "con_edison": Style("Con Edison", (0.0, 0.44, 0.75), ((2, 4, 4, 4, 1), (11,)), "%b %d, %Y", "Your energy use",
                        ("EL1 Residential or Religious", "EL2 Small Non-residential"), False),
    "orange_rockland": Style("Orange & Rockland", (0.85, 0.40, 0.05), ((5, 5),), "%b %d, %Y", "Total usage",
                             ("SC1 Residential", "SC2 General Secondary"), False),
    "pseg_li": Style("PSEG Long Island", (0.93, 0.45, 0.0), ((10,),), "%m/%d/%Y", "Billed usage",
                     ("Rate 180 Residential", "Rate 280 Business"), True),
}  # fmt: skip


@dataclass(frozen=True)
class PlainBill:
    """All figures of one bill, ready to be drawn."""

    style: Style
    customer: Customer
    account: str
    period: Period
    sections: tuple[Section, ...]
    balance: Balance
    meter: str
    readings: tuple[int, int]
    multiplier: int
    kwh: int
    rate: str
    truth: Truth


def invent_bill(
    rng: random.Random, who: Account, utility: str, variant: str, statement: date | None = None
) -> PlainBill:
    """Invent a bill.

    Args:
        rng: Source of the figures.
        who: The account it is for.
        utility: A key of `STYLES`.
        variant: One of `VARIANTS`.
        statement: Date of issue; None to invent one.

    Returns:
        Figures that agree with each other.
    """
    style, business = STYLES[utility], variant == "business"
    customer = invent_customer(who.chance, utility, business=business)
    groups = who.chance.choice(style.accounts)
    number = who.number(groups)
    account = grouped(number, groups)
    period, meter = invent_period(rng, statement), digits(rng, 9)
    multiplier = rng.choice((1, 10, 20)) if business else 1
    difference = rng.randint(1500, 9000) // multiplier if business else rng.randint(150, 1300)
    kwh, previous = difference * multiplier, rng.randint(900, 80000)
    delivery = Section("Delivery charges", (
        Charge("Basic service charge", Decimal("19.50")), metered("Delivery", kwh, "kWh", "0.09417", field="kwh"),
        metered("System benefit charge", kwh, "kWh", "0.0059", field="kwh"),
    ), "Total delivery charges")  # fmt: skip
    supply = Section("Supply charges", (
        metered("Supply", kwh, "kWh", "0.08244", field="kwh"),
        metered("Merchant function charge", kwh, "kWh", "0.0031", field="kwh"),
    ), "Total supply charges")  # fmt: skip
    tax = Section(
        "Taxes",
        (Charge("Sales tax", to_cents((delivery.total + supply.total) * Decimal("0.045"))),),
        "Total taxes",
    )
    sections = (delivery, supply, tax)
    balance = invent_balance(rng, total_of(sections), period.statement)
    rate = style.rates[business]
    truth = Truth(
        utility=style.word, account_number=account, account_digits=number, pod_id=None,
        service_address=customer.service.one_line, customer_name=customer.name, period_start=period.start,
        period_end=period.end, kwh=kwh, annual_kwh=None, annual_basis="not printed", meter_numbers=(meter,),
        rate_class=rate, statement_date=period.statement, amount_due=f"{balance.due:.2f}", days=period.plain_days,
    )  # fmt: skip
    return PlainBill(style, customer, account, period, sections, balance, meter, (previous, previous + difference),
                     multiplier, kwh, rate, truth)  # fmt: skip


def draw_bill(bill: PlainBill) -> Pad:
    """Draw a bill of three pages: summary, detail, terms. Return it with the places of the true values."""
    pad = Pad(612.0, 792.0)
    for draw_body in (_summary, _detail, _terms):
        with pad.sheet() as sheet:
            _header(sheet, bill)
            draw_body(sheet, bill)
    return pad


def _fact(sheet: Sheet, bill: PlainBill, x: float, y: float, label: str, lines: list[str], field: str | None) -> None:
    """Set one labelled value, the label above it or left of it."""
    if bill.style.labels_above:
        sheet.text(x, y, label, size=7.5, font=SANS_BOLD, colour=bill.style.colour)
        sheet.lines(x, y + 0.0155, lines, step=0.0145, size=9.5, field=field)
    else:
        box = sheet.text(x, y, f"{label}: ", size=9, font=SANS_BOLD)
        sheet.lines(box[2], y, lines, step=0.0145, size=9.5, field=field)


def _header(sheet: Sheet, bill: PlainBill) -> None:
    sheet.fill((0.03, 0.03, 0.045, 0.06), bill.style.colour)
    sheet.text(0.055, 0.056, bill.style.word, size=22, font=SANS_BOLD, colour=bill.style.colour)
    sheet.text(0.97, 0.035, f"Page {sheet.number} of 3", size=8, align="right")
    _fact(sheet, bill, 0.58, 0.050, "Account number", [bill.account], "account_number")
    if sheet.number > 1:
        _fact(sheet, bill, 0.05, 0.085, "Name", [bill.customer.name], "customer_name")
    sheet.rule(0.03, 0.112, 0.97, 0.112, stroke=1.5, colour=bill.style.colour)


def _summary(sheet: Sheet, bill: PlainBill) -> None:
    service, form = bill.customer.service, bill.style.date_format
    one_line = not bill.style.labels_above
    address = [service.one_line] if one_line else [service.street, f"{service.town} NY {service.zip_code}"]
    _fact(sheet, bill, 0.05, 0.14, "Name", [bill.customer.name], "customer_name")
    _fact(
        sheet,
        bill,
        0.05,
        0.185,
        "Service address" if one_line else "SERVICE DELIVERED TO",
        address,
        "service_address",
    )
    _fact(sheet, bill, 0.58, 0.14, "Bill date", [bill.period.statement.strftime(form)], "statement_date")
    _fact(sheet, bill, 0.58, 0.185, "Total amount due", [dollars(bill.balance.due)], "amount_due")
    _fact(sheet, bill, 0.58, 0.23, "Due by", [bill.period.due.strftime(form)], None)
    sheet.text(0.05, 0.30, "Your account at a glance", size=13, font=SANS_BOLD, colour=bill.style.colour)
    rows = (("Previous balance", bill.balance.previous), ("Payments, thank you", -bill.balance.paid),
            ("New charges", bill.balance.current), ("Total amount due", bill.balance.due))  # fmt: skip
    for row, (label, amount) in enumerate(rows):
        sheet.text(0.06, 0.33 + row * 0.02, label, size=10)
        sheet.text(0.60, 0.33 + row * 0.02, dollars(amount), size=10, align="right")
    y = 0.45
    for text in MESSAGES[1:4]:
        y = (
            paragraph(
                sheet,
                0.05,
                y,
                text.format(word=bill.style.word, phone="1-800-555-0150"),
                columns=104,
                step=0.0145,
            )
            + 0.012
        )
    sheet.rule(0.0, 0.72, 1.0, 0.72, dashes="[4 3] 0")
    mailing = bill.customer.mailing
    sheet.lines(0.09, 0.82, [bill.customer.name, mailing.street, mailing.mailing_town], step=0.016, size=10)
    _fact(sheet, bill, 0.58, 0.76, "Account number", [bill.account], "account_number")


def _detail(sheet: Sheet, bill: PlainBill) -> None:
    period, form = bill.period, bill.style.date_format
    sheet.text(0.05, 0.145, "Electricity details", size=13, font=SANS_BOLD, colour=bill.style.colour)
    box = sheet.text(0.05, 0.175, "Billing period: ", size=9.5, font=SANS_BOLD)
    box = sheet.text(box[2], 0.175, period.start.strftime(form), size=9.5, field="period_start")
    box = sheet.text(box[2], 0.175, " to ", size=9.5)
    box = sheet.text(box[2], 0.175, period.end.strftime(form), size=9.5, field="period_end")
    sheet.text(box[2], 0.175, f"  ({period.plain_days} days)", size=9.5)
    box = sheet.text(0.05, 0.195, "Rate: ", size=9.5, font=SANS_BOLD)
    sheet.text(box[2], 0.195, bill.rate, size=9.5, field="rate_class")
    heads = ["Meter #", "Current reading", "Previous reading", "Difference", "Multiplier"]
    values = [
        bill.meter,
        str(bill.readings[1]),
        str(bill.readings[0]),
        str(bill.readings[1] - bill.readings[0]),
        str(bill.multiplier),
    ]
    for column, (head, value) in enumerate(zip(heads, values, strict=True)):
        sheet.text(0.06 + column * 0.175, 0.225, head, size=8.5, font=SANS_BOLD)
        sheet.text(0.06 + column * 0.175, 0.243, value, size=9.5, field="meter_numbers" if column == 0 else None)
    box = sheet.text(0.06, 0.270, f"{bill.style.usage_label}  ", size=10, font=SANS_BOLD)
    sheet.text(box[2], 0.270, f"{bill.kwh} kWh", size=10, font=SANS_BOLD, field="kwh")
    y = 0.31
    for section in bill.sections:
        sheet.text(0.05, y, section.title, size=10, font=SANS_BOLD)
        for charge in section.charges:
            y += 0.0165
            sheet.text(0.06, y, charge.label, size=9)
            if charge.quantity:
                box = sheet.text(0.36, y, charge.quantity, size=9, field=charge.field)
                sheet.text(box[2], y, f"  x  {charge.rate}", size=9)
            sheet.text(0.80, y, dollars(charge.amount), size=9, align="right")
        y += 0.0175
        sheet.text(0.06, y, section.subtotal_label, size=9.5, font=SANS_BOLD)
        sheet.text(0.80, y, dollars(section.total), size=9.5, font=SANS_BOLD, align="right")
        y += 0.028


def _terms(sheet: Sheet, bill: PlainBill) -> None:
    y = 0.145
    for title, text in TERMS[:9]:
        sheet.text(0.05, y, title, size=9, font=SANS_BOLD)
        y = paragraph(sheet, 0.05, y + 0.014, text.format(word=bill.style.word), columns=104, step=0.0142) + 0.012
