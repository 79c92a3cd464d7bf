"""Use, period and account number of plain bills without a specimen: the right value, or none and a sentence about it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from intake.extraction import attention, read_bill

from tests.support.drawn import drawn, head
from tests.support.lettering import Line

CASES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "extraction_cases" / "bills.toml").read_text("utf-8"))
TODAY = date(2026, 11, 28)
HUDSON, ACCOUNT = "Central Hudson", "2100-1234-56-7"
THIS, BEFORE, LATER = (
    "Oct 13, 2026 to Nov 11, 2026",
    "Sep 12, 2026 to Oct 12, 2026",
    "Nov 12, 2026 to Dec 11, 2026",
)
END = "2026-11-11"
COLUMNS = (0.03, 0.35, 0.5, 0.65, 0.8)
METER_COLUMNS = (0.03, 0.27, 0.36, 0.45, 0.54, 0.63, 0.73, 0.86)


def values(
    *lines: Line, utility: str = HUDSON, account: str = ACCOUNT, period: str = THIS
) -> tuple[dict[str, Any], str]:
    """Return what is read of a page with these lines, and what the row's Attention says."""
    reading = read_bill(drawn([*head(utility, account, period), *lines]), TODAY)
    told = " ".join(item.message for item in attention(reading, {"utility": utility}, TODAY, []))
    for field, name in (("kwh", "electric use (kWh)"), ("period_end", "billing period"), ("account_number",) * 2):
        assert field in reading.fields or name.replace("_", " ") in told
    return {name: found.value for name, found in reading.fields.items()}, told


def rows(*items: Any) -> list[Line]:
    """Lay out rows under one another, as `bills.toml` describes them."""
    lines: list[Line] = []
    for index, item in enumerate(items):
        at = 0.2 + 0.02 * index
        if isinstance(item, str):
            lines += zip(COLUMNS, [at] * 5, item.split(" | "), strict=False)
        else:
            label, use = item
            cells = (label, "11/11/26", str(50_000 + use), "10/13/26", "50000", str(use), f"{use} kWh", "29 days")
            lines += zip(METER_COLUMNS, [at] * 8, cells, strict=True)
    return lines


def figures(*items: Any) -> dict[str, Any]:
    return {name: value for name, value in values(*rows(*items))[0].items() if name.endswith("kwh")}


def dates(*lines: Line, period: str = "") -> dict[str, Any]:
    found, _ = values(*lines, period=period)
    return {name: value for name, value in found.items() if name in ("period_end", "statement_date")}


def every(table: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[table].values(), ids=CASES[table])


@every("use_800")
def test_the_use_is_what_the_grid_delivered(case: list[Any]) -> None:
    """Of figures in both directions, of registers and of corrected reads, 800 kWh is the use."""
    assert figures(*case)["kwh"] == 800


@every("use_none")
def test_a_use_that_nothing_confirms_is_not_reported(case: list[Any]) -> None:
    assert "kwh" not in figures(*case)


@every("use_and_net")
def test_a_printed_net_is_a_fact_of_its_own(case: list[Any]) -> None:
    items, use, net = case
    found = figures(*items)
    assert (found["kwh"], found["net_kwh"]) == (use, net)


def test_a_net_alone_is_no_use() -> None:
    assert figures("Net usage | 500 kWh", "Net energy used | 500 kWh") == {"net_kwh": 500}


@pytest.mark.parametrize("words", CASES["use_of_something_else"]["words"])
def test_the_use_of_something_else_is_none_though_printed_twice(words: str) -> None:
    assert "kwh" not in figures(f"Total usage {words} | 502 kWh", f"Energy used {words} | 502 kWh")


@pytest.mark.parametrize("heading", CASES["use_of_something_else"]["headings"])
def test_a_heading_counts_for_the_lines_below(heading: str) -> None:
    assert "kwh" not in figures(heading, "Total usage | 502 kWh", "Energy used | 502 kWh")


@pytest.mark.parametrize(
    ("average", "use"),
    [
        ("You used 341 kWh a day", 9883),
        ("Daily use: 341 kWh/day", 9883),
        ("Average kWh per day | 341", 9883),
        ("Daily average (kWh) | 340.8", 9883),
        ("Average daily use | 172 kWh", None),
        ("Last year average daily use | 341 kWh", None),
    ],
)
def test_an_average_by_day_confirms_registers(average: str, use: int | None) -> None:
    """341 kWh a day for 29 days are 9,883 kWh, not the 5,000 of one register."""
    assert figures(["On-Peak", 5000], ["Off-Peak", 4883], average).get("kwh") == use


def test_a_printed_year_is_the_annual_use() -> None:
    """It is no use of the period, and outweighs an estimate."""
    assert figures("Your energy use over the past 12 months | 6,450 kWh") == {"annual_kwh": 6450}
    found = figures(["12345678", 800], "Total usage last 12 months | 6,450 kWh")
    assert (found["kwh"], found["annual_kwh"]) == (800, 6450)


def test_two_charges_name_the_use() -> None:
    """Their arithmetic is right, whatever else is called generation."""
    charges = ["Delivery charge | 800 kWh | x 0.09417 | 75.34", "System benefit charge | 800 kWh | x 0.00590 | 4.72"]
    assert figures(*charges)["kwh"] == 800
    assert figures(*charges, "Generation charge | 800 kWh | x 0.05000 | 40.00")["kwh"] == 800


@pytest.mark.parametrize("label", CASES["period_of_something_else"]["labels"])
def test_dates_of_something_else_are_no_period(label: str) -> None:
    """Alone they are none, and beside the period they are no rival of it."""
    other: Line = (0.5, 0.08, label + BEFORE)
    assert "period_end" not in dates(other)
    assert dates(other, period=THIS)["period_end"] == END


NO_PERIOD: dict[str, tuple[str, list[Line]]] = {
    "the line above says next": ("", [(0.5, 0.08, "Next bill"), (0.5, 0.096, f"Billing Period: {BEFORE}")]),
    "ends after the submission": ("", [(0.5, 0.06, f"Billing Period: {LATER}")]),
    "ends after the statement": (THIS, [(0.5, 0.08, "Statement Date: Oct 20, 2026")]),
    "gas alone": ("", [(0.03, 0.3, "Gas Service"), (0.03, 0.32, "Service period 10/13/26 - 11/10/26")]),
    "fewer days than printed": ("Oct 18, 2026 to Nov 11, 2026", [(0.5, 0.08, "Number of days: 29")]),
    "two periods": (THIS, [(0.5, 0.3, f"Billing Period: {BEFORE}")]),
}


@pytest.mark.parametrize(("period", "lines"), NO_PERIOD.values(), ids=NO_PERIOD)
def test_a_period_that_is_not_this_bills_is_none(period: str, lines: list[Line]) -> None:
    assert "period_end" not in dates(*lines, period=period)


@every("period_beside_gas")
def test_the_electric_period_is_the_bills(case: list[Line]) -> None:
    """Gas is read on another day: that is no contradiction, and costs neither period nor use."""
    use: list[Line] = [(0.03, 0.5, "Electric service"), (0.03, 0.52, "Total usage this period"), (0.5, 0.52, "800 kWh"),
                       (0.03, 0.54, "Energy used"), (0.5, 0.54, "800 kWh")]  # fmt: skip
    found, _ = values(*case, *use, period="")
    assert (found["period_end"], found["kwh"]) == (END, 800)


@pytest.mark.parametrize("sentence", ["Please pay within 20 days of the statement", "Due in 21 days"])
def test_other_numbers_of_days_contradict_no_period(sentence: str) -> None:
    assert dates((0.03, 0.3, sentence), period=THIS)["period_end"] == END


def test_the_next_statement_is_not_this_one() -> None:
    """Nor is one after the submission."""
    issued: Line = (0.5, 0.08, "Statement Date: Nov 12, 2026")
    following: Line = (0.5, 0.1, "Next statement date: Nov 20, 2026")
    assert dates(issued, following, period=THIS) == {"period_end": END, "statement_date": "2026-11-12"}
    assert dates(following, period=THIS) == {"period_end": END}
    assert dates((0.5, 0.08, "Statement Date: Dec 20, 2026"), period=THIS) == {"period_end": END}


@every("number_whole")
def test_a_number_is_followed_to_its_end(case: list[Any]) -> None:
    """What breaks off is completed from where it goes on; what only stands beside it is left out."""
    utility, lines, number = case
    assert values(*lines, utility=utility, account="")[0]["account_number"] == number


@every("number_broken")
def test_a_part_of_a_number_is_none(case: list[Any]) -> None:
    utility, lines = case
    assert "account_number" not in values(*lines, utility=utility, account="")[0]


@pytest.mark.parametrize("utility", [HUDSON, "Con Edison", "Orange & Rockland"])
@pytest.mark.parametrize(("number", "other"), [("20012345678", "RG&E"), ("10012345678", "NYSEG")])
def test_a_name_outweighs_a_prefix_and_the_contradiction_is_reported(utility: str, number: str, other: str) -> None:
    """The bill names its utility; that an account number begins like another one's is for a person to judge."""
    found, told = values(utility=utility, account=number)
    assert found["utility"] == utility
    assert f"The bill names {utility}, but a number on it looks like one of {other}. Check which one is right." in told


@pytest.mark.parametrize("number", ["Account Number: 2001-2345-678", "PoD ID: R01000012345678"])
def test_a_number_in_anothers_groups_leaves_the_utility_open(number: str) -> None:
    """Then the name may be a supplier's."""
    found, told = values((0.5, 0.1, number), account="")
    assert "utility" not in found
    assert "Different values were found for the utility. Send only one bill, for one account." in told


def test_a_supplier_with_a_utilitys_name_is_none() -> None:
    """ConEdison Solutions sells energy to customers of all utilities."""
    lines: list[Line] = [(0.03, 0.3, "ConEdison Solutions"), (0.5, 0.1, "PoD ID: N01000012345678")]
    assert values(*lines, utility="NYSEG", account="1001-2345-678")[0]["utility"] == "NYSEG"


@pytest.mark.parametrize(
    "name", ["ITHACA BAKERY", "GIMME COFFEE", "CITY OF ITHACA", "FIRST BAPTIST CHURCH", "JOE'S PIZZA"]
)
@pytest.mark.parametrize(
    ("utility", "account", "lines"),
    [
        (HUDSON, ACCOUNT, ["Customer name: {}"]),
        (HUDSON, ACCOUNT, ["Customer name", "{}"]),
        ("National Grid", "12345-67890", ["SERVICE FOR", "{}", "12 MAIN ST", "ITHACA NY 14850"]),
    ],
)
def test_a_business_without_a_legal_form_is_a_customer(utility: str, account: str, lines: list[str], name: str) -> None:
    """A text layer loses no words, so no sign of a whole name is asked for."""
    printed: list[Line] = [(0.03, 0.2 + 0.015 * row, text.format(name)) for row, text in enumerate(lines)]
    assert values(*printed, utility=utility, account=account)[0]["customer_name"] == name
