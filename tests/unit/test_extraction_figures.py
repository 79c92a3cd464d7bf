"""Figures that are not the use of the period: other directions, other times, other accounts, and reads that were put right."""

from __future__ import annotations

from datetime import date

import pytest
from intake.extraction import attention, read_bill

from tests.support.drawn import drawn, head
from tests.support.lettering import Line

TODAY = date(2026, 11, 28)
Item = str | tuple[str, int]


def laid(items: list[Item], y: float = 0.2) -> list[Line]:
    """Lay out rows under one another: a text with its columns, or a meter's label with the use between two readings."""
    lines: list[Line] = []
    for index, item in enumerate(items):
        at = y + 0.02 * index
        if isinstance(item, str):
            lines += zip((0.03, 0.35, 0.5, 0.65, 0.8), [at] * 5, item.split(" | "), strict=False)
        else:
            label, use = item
            cells = (label, "11/11/26", str(50_000 + use), "10/13/26", "50000", str(use), f"{use} kWh", "29 days")
            lines += zip((0.03, 0.27, 0.36, 0.45, 0.54, 0.63, 0.73, 0.86), [at] * 8, cells, strict=True)
    return lines


def figures(items: list[Item], utility: str = "Central Hudson", account: str = "2100-1234-56-7") -> dict[str, object]:
    """Return the figures of use that are read, and whether a missing one is said."""
    reading = read_bill(drawn([*head(utility, account), *laid(items)]), TODAY)
    told = " ".join(item.message for item in attention(reading, {"utility": utility}, TODAY, []))
    assert "kwh" in reading.fields or "electric use (kWh)" in told
    return {name: found.value for name, found in reading.fields.items() if name.endswith("kwh")}


DELIVERED: dict[str, list[Item]] = {
    "delivered and received": [("Delivered 12345678", 800), ("Received 12345678", 300)],
    "the other way round": [("Received", 300), ("Delivered", 800)],
    "from and to grid": [("From Grid 12345678", 800), ("To Grid 12345678", 300)],
    "received from the grid": [("Received from grid", 800), ("Delivered to grid", 300)],
    "to you and by you": [("Delivered to you", 800), ("Delivered by you", 300)],
    "import and export": [("Import", 800), ("Export", 300)],
    "imported and exported kWh": [("Exported kWh", 300), ("Imported kWh", 800)],
    "consumption and generation": [("Consumption", 800), ("Generation", 300)],
    "consumption and production": [("Consumption", 800), ("Production", 300)],
    "inflow and outflow": [("Inflow", 800), ("Outflow", 300)],
    "in and out": [("kWh In", 800), ("kWh Out", 300)],
    "forward and reverse": [("Forward", 800), ("Reverse", 300)],
    "excess sent": [("12345678", 800), ("Excess Sent", 300)],
    "sold back": [("12345678", 800), ("12345678 sold back", 300)],
    "registers of both ways": [("Delivered On-Peak", 300), ("Delivered Off-Peak", 500), ("Received On-Peak", 100),
                               ("Received Off-Peak", 200), "Total Delivered | 800 kWh", "Total Received | 300 kWh"],
    "a net called total": [("Delivered", 800), ("Received", 300), "Total usage | 500 kWh"],
    "charges of the net": [("Delivered", 800), ("Received", 300), "Delivery charge | 500 kWh | x 0.09417 | 47.09",
                           "SBC charge | 500 kWh | x 0.00590 | 2.95"],
    "registers, and the unit before the total": [("On-Peak", 300), ("Off-Peak", 500), "Total kWh used: 800"],
    "from the utility": [("Utility to customer", 800), ("Customer to utility", 300)],
    "a meter for the panels": [("Billing meter", 800), ("Generation meter", 300)],
    "a meter that was changed": ["12345678 | 10/27/26 51945 | 10/13/26 51545 400 | 400 kWh",
                                 "99887766 | 11/11/26 900 | 10/27/26 500 400 | 400 kWh", "Total usage | 800 kWh"],
    "a host's transfer beside it": [("12345678", 800), "Transfer kWh from Host | 1450 kWh", "Current Bill Period kWh | 800 kWh",
                                    "kWh Carried Forward | 650 kWh"],
    "charges of another period": [("12345678", 800), "Corrected charges for Sep 12, 2026 to Oct 12, 2026",
                                  "Delivery | 640 kWh | x 0.08120 | 51.97", "Supply | 640 kWh | x 0.08120 | 51.97"],
    "an adjustment of a price": [("12345678", 800), "Power cost adjustment | 800 kWh | x 0.00120 | 0.96"],
    "a row with an equals sign": ["Energy Delivered | Oct 13 - Nov 11 | 52345 - 51545 | = 800 kWh",
                                  "Energy Received | Oct 13 - Nov 11 | 9300 - 9000 | = 300 kWh"],
    "a bank beside it": [("12345678", 800), "kWh banked | 120 kWh", "Carried forward | 120 kWh"],
    "the year of the host beside it": [("12345678", 800), "Host account last 12 months | 9,200 kWh"],
    "demand and reactive rows": [("12345678", 800), "12345678 | 14.98 kW", "12345678 | 1134 kvarh"],
    "gas beside it": [("12345678", 800), "Gas Service", "0001112222 | 8802 | 8755 | 47 therms | 28 days"],
    "the month before above it": ["12345678 | 10/13/26 51545 | 09/12/26 50900 645 | 645 kWh | 31 days", ("12345678", 800)],
    "registers and their total": [("On-Peak", 300), ("Off-Peak", 500), ("Total", 800), "Billed Energy Usage | 800 kWh"],
    "the total above": [("Total Usage", 800), ("On-Peak", 300), ("Off-Peak", 500)],
    "the total called billed": [("On-Peak", 300), ("Off-Peak", 500), ("Billed", 800)],
    "the total without readings": [("On-Peak", 300), ("Off-Peak", 400), ("Super Off-Peak", 100), "Total kWh | 800 kWh"],
    "two meters and a billed total": [("12345678", 500), ("87654321", 300), "Total usage | 800 kWh"],
    "seasons and a total": ["12345678 Summer | 52345 51945 400 | 400 kWh | 14 days",
                            "12345678 Winter | 52745 52345 400 | 400 kWh | 15 days", "Total usage | 800 kWh"],
    "a corrected read": [("12345678", 900), ("12345678 corrected", 800)],
    "a re-billed read": [("12345678", 900), ("12345678 re-billed", 800)],
    "a revised read first": [("12345678 revised", 800), ("12345678", 900)],
    "a cancelled read": [("12345678 cancelled", 900), ("12345678", 800)],
    "an estimated read, then an actual one": [("12345678 Estimated", 900), ("12345678 Actual", 800)],
    "one of two registers corrected": [("12345678 On-Peak", 300), ("12345678 Off-Peak", 600),
                                       ("12345678 Off-Peak corrected", 500), "Total usage | 800 kWh"],
    "a billed total and its average": ["Total usage this period | 800 kWh", "Average daily use | 27.6 kWh"],
}  # fmt: skip


@pytest.mark.parametrize("items", DELIVERED.values(), ids=DELIVERED)
def test_the_use_is_what_the_grid_delivered(items: list[Item]) -> None:
    """Of figures in both directions, of registers and of reads put right, 800 kWh is the use."""
    assert figures(items)["kwh"] == 800


NETS: dict[str, tuple[list[Item], int, int]] = {
    "a line": ([("Delivered", 800), ("Received", 300), "Net Usage | 500 kWh"], 800, 500),
    "a row": ([("Delivered", 800), ("Received", 300), ("Net", 500)], 800, 500),
    "less than nothing": ([("Delivered", 300), ("Received", 800), "Net kWh | -500 kWh"], 300, -500),
    "billed": ([("Import", 800), ("Export", 300), "Net billed usage | 500 kWh"], 800, 500),
}


@pytest.mark.parametrize(("items", "use", "net"), NETS.values(), ids=NETS)
def test_a_printed_net_is_a_fact_of_its_own(items: list[Item], use: int, net: int) -> None:
    """What was delivered less what was received is printed: it is the net, and never the use."""
    found = figures(items)
    assert (found["kwh"], found["net_kwh"]) == (use, net)


def test_a_net_alone_is_no_use() -> None:
    """What the grid delivered is not printed."""
    assert figures(["Net usage | 500 kWh", "Net energy used | 500 kWh"]) == {"net_kwh": 500}


def test_an_average_by_day_confirms_registers() -> None:
    """341 kWh a day for 29 days are 9,883 kWh, not the 5,000 of one register."""
    registers: list[Item] = [("On-Peak", 5000), ("Off-Peak", 4883)]
    for average in (
        "You used 341 kWh a day",
        "Daily use: 341 kWh/day",
        "Average kWh per day | 341",
        "Daily average (kWh) | 340.8",
    ):
        assert figures([*registers, average])["kwh"] == 9883
    assert "kwh" not in figures([*registers, "Average daily use | 172 kWh"])
    assert "kwh" not in figures([*registers, "Last year average daily use | 341 kWh"])


def test_a_printed_year_is_the_annual_use() -> None:
    """It is no use of the period, and outweighs an estimate."""
    assert figures(["Your energy use over the past 12 months | 6,450 kWh"]) == {"annual_kwh": 6450}
    found = figures([("12345678", 800), "Total usage last 12 months | 6,450 kWh"])
    assert (found["kwh"], found["annual_kwh"]) == (800, 6450)


TWICE = (
    "banked", "carried forward", "rolled over", "allocated", "of satellite accounts", "host account", "last year",
    "same month last year", "Nov 2025", "in Nov 2025", "Nov '25", "2025", "September", "to date", "year to date",
    "last month", "previous bill", "prior period", "next month", "projected", "of similar homes", "of your neighbors",
    "of efficient neighbors", "typical", "expected", "goal", "solar", "exported", "sent to the grid", "since January",
    "lifetime", "on-peak", "per day", "10/13/25 to 11/11/25", "at risk",
    "of somebody else", "in the last 30 days", "allowance", "limit", "adjusted for weather",
    "of account 99-1234", "at 12 Oak St",
)  # fmt: skip


@pytest.mark.parametrize("words", TWICE)
def test_the_use_of_something_else_is_none_though_printed_twice(words: str) -> None:
    """Two labels of use with the same figure, and words that make it another figure."""
    assert "kwh" not in figures([f"Total usage {words} | 502 kWh", f"Energy used {words} | 502 kWh"])


HEADINGS = (
    "Same month last year", "November 2025", "Last year", "Usage history", "Comparison with similar homes", "Net metering bank",
    "Community Distributed Generation", "Satellite accounts", "Credits",
    "Cancelled charges", "Past 12 months", "Previous bill", "Your solar production",
)  # fmt: skip


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_heading_counts_for_the_lines_below(heading: str) -> None:
    """Plain labels of use under the heading of something else."""
    assert "kwh" not in figures([heading, "Total usage | 502 kWh", "Energy used | 502 kWh"])


NONE: dict[str, list[Item]] = {
    "channels": [("Channel 1", 800), ("Channel 2", 300)],
    "a channel that is the total": [("12345678 Channel 1", 800), ("12345678 Channel 2", 300), "Total usage | 800 kWh"],
    "registers": [("On-Peak", 300), ("Off-Peak", 500)],
    "one register": [("On-Peak", 300)],
    "a register was not read": [("On-Peak", 300), ("Total", 800)],
    "two meters": [("12345678", 800), ("87654321", 300)],
    "two services": [("12345678", 5000), "Electric service", ("87654321", 300)],
    "another meter corrected": [("12345678", 800), ("87654321 corrected", 300)],
    "registers by letter": [("0300123456 D", 800), ("0300123456 R", 300)],
    "a meter for a car": [("House 12345678", 800), ("EV charger 87654321", 300)],
    "a meter behind the other": [("Main 12345678", 800), ("Submeter 87654321", 300), "Billed usage | 800 kWh"],
    "the unit over the column of a net meter": ["Received | 11/11/26 9300 | 10/13/26 9000 300", "Energy used | 500 kWh",
                                                "Billed Energy Usage | 500 kWh"],
    "lines of a net meter": ["Energy used | 800 kWh", "Energy generated | 300 kWh", "Net energy | 500 kWh",
                             "Billed usage | 500 kWh"],
    "only what was sent": [("Received", 300)],
    "a history by days": ["11/11/26 | 29 days | 502 kWh"],
    "a total that is not the sum": [("Peak", 300), ("Off-Pk", 500), "Total electricity used | 850 kWh"],
    "a correction": [("12345678", 800), "Correction of previous read | 100 kWh"],
    "a true-up": [("12345678", 800), "True-up of estimated bills | -120 kWh"],
    "two totals": ["Total usage | 800 kWh", "Total usage | 950 kWh", "Energy used | 950 kWh"],
    "decimals": ["Total usage | 1,234.5 kWh", "Energy used | 1,234.5 kWh"],
    "other units": ["Total usage | 1200 kVAh", "Energy used | 1200 kVARh", "Billed usage | 1.2 MWh"],
    "seasons": ["12345678 Summer | 52345 51945 400 | 400 kWh | 14 days",
                "12345678 Winter | 52745 52345 400 | 400 kWh | 15 days"],
    "a part of the period": ["12345678 | 10/27/26 52345 | 10/13/26 51945 400 | 400 kWh | 14 days"],
    "the period before": ["12345678 | 10/13/26 51545 | 09/12/26 50900 645 | 645 kWh | 31 days"],
    "an adjustment": [("12345678", 800), "Adjustment | -100 kWh", "Billed usage | 700 kWh"],
    "credits of a farm": ["CDG allocation | 450 kWh | x 0.08120 | 36.54", "Satellite credit | 450 kWh | x 0.08120 | 36.54"],
    "amounts in the customer's favour": ["Delivery | 450 kWh | x 0.08120 | -36.54", "Supply | 450 kWh | x 0.08120 | -36.54"],
    "40 digits": ["Total usage | " + 40 * "9" + " kWh", "Energy used | " + 40 * "9" + " kWh"],
    "11 digits": ["Total usage | 12345678901 kWh", "Energy used | 1,234,567,890 kWh"],
    "a column of last year": ["Electricity | | Last year", "Total usage | | 900 kWh", "Energy used | | 900 kWh"],
}  # fmt: skip


@pytest.mark.parametrize("items", NONE.values(), ids=NONE)
def test_what_nothing_confirms_is_not_reported(items: list[Item]) -> None:
    """Registers without a total, parts of a period, credits, and numbers that no bill prints."""
    assert "kwh" not in figures(items)


def test_charges_are_believed_as_before() -> None:
    """Two charges whose arithmetic is right name the use, whatever is called generation or community among them."""
    charges: list[Item] = [
        "Delivery charge | 800 kWh | x 0.09417 | 75.34",
        "System benefit charge | 800 kWh | x 0.00590 | 4.72",
    ]
    assert figures(charges)["kwh"] == 800
    assert figures([*charges, "Generation charge | 800 kWh | x 0.05000 | 40.00"])["kwh"] == 800
