"""Wording without any figures worth reading: the messages and terms that fill a bill's other pages."""

from __future__ import annotations

import textwrap

from tests.specimens.draw import SANS, Sheet

MESSAGES = (
    "Thank you for letting {word} serve you. If you smell gas, leave at once and call from another place. To report "
    "a power interruption call {phone}; have your account number at hand.",
    "Your meter is read about once a month. When we cannot read it we estimate your use from earlier bills and the "
    "weather, and correct any difference with the next actual reading. You may send us your own reading on our site.",
    "You may choose who supplies your energy. {word} delivers it whoever the supplier is, and there is no charge to "
    "change. Ask a supplier for the price per kilowatt-hour and the length of the agreement before you sign.",
    "Help with heating costs may be available from your county between November and March. Payment agreements can "
    "spread a balance over several months. Call {phone} between 7 a.m. and 7 p.m. on working days.",
    "Budget billing evens out your payments through the year. Your account is compared with your real use every "
    "three months, so that nothing large is left at the end.",
    "Please keep trees and shrubs clear of the meter and of the service line. Before you dig, call 811.",
)

TERMS = (
    (
        "Basic service charge",
        "A fixed charge for metering, billing and keeping your account, whatever you use.",
    ),
    (
        "Delivery charge",
        "What it costs {word} to bring energy to you over its lines or pipes, by the unit delivered.",
    ),
    (
        "Demand charge",
        "For larger customers: a charge on the highest rate of use in the period, in kilowatts (kw).",
    ),
    ("Kilowatt-hour (kwh)", "The energy that a device of 1,000 watts uses in one hour."),
    ("Merchant function charge", "The cost of buying energy for customers and of credit and collection."),
    (
        "Multiplier",
        "Some meters count in larger steps; the reading difference is multiplied to find the use.",
    ),
    (
        "Revenue decoupling mechanism",
        "Returns or collects the difference between allowed and actual delivery revenue.",
    ),
    (
        "SBC charge",
        "System benefits: energy efficiency, clean energy programs and help for low-income customers.",
    ),
    ("Supply charge", "The energy itself, at market price, when you buy it from {word}."),
    ("Transition charge", "Costs and credits left from the change to a competitive market."),
    ("Estimated reading", "A reading that was calculated because nobody could read the meter."),
)

#: Only NYSEG and RG&E print one.
POD_TERM = (
    "PoD ID",
    "Point of delivery: the number of the place where energy is delivered. Suppliers ask for it.",
)


def paragraph(
    sheet: Sheet, x: float, y: float, text: str, *, columns: int, size: float = 9, step: float = 0.0112
) -> float:
    """Set wrapped text. Return the base line after it."""
    return sheet.lines(x, y, textwrap.wrap(text, columns), step=step, size=size, font=SANS)
