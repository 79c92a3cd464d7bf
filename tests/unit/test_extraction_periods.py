"""The billing period: the electric service's, of this bill, and nobody's plans."""

from __future__ import annotations

from datetime import date

import pytest
from intake.extraction import attention, read_bill

from tests.support.drawn import drawn, head
from tests.support.lettering import Line

TODAY = date(2026, 11, 28)
THIS, BEFORE, LATER = (
    "Oct 13, 2026 to Nov 11, 2026",
    "Sep 12, 2026 to Oct 12, 2026",
    "Nov 12, 2026 to Dec 11, 2026",
)
END = "2026-11-11"


def dates_read(*lines: Line, period: str = "") -> dict[str, object]:
    """Return the dates that are read, and whether a missing period is said."""
    reading = read_bill(drawn([*head("Central Hudson", "2100-1234-56-7", period), *lines]), TODAY)
    told = " ".join(item.message for item in attention(reading, {"utility": "Central Hudson"}, TODAY, []))
    assert "period_end" in reading.fields or "billing period" in told
    return {name: found.value for name, found in reading.fields.items() if name in ("period_end", "statement_date")}


OTHERS = (
    "Next Billing Period: ", "Next bill ", "Your next billing period: ", "Upcoming billing period: ",
    "Previous billing period: ", "Last billing period: ", "Prior period ", "Same period last year: ", "Annual period: ",
    "Estimated next billing period: ", "Original billing period: ", "Cancelled billing period: ", "Host account period: ",
    "Contract term: ", "Payments received ", "Rates in effect ", "Supply price ", "Budget plan ", "Promotional rate from ",
    "Next scheduled reading between ", "Service interruption ",
)  # fmt: skip


@pytest.mark.parametrize("words", OTHERS)
def test_dates_of_something_else_are_no_period(words: str) -> None:
    """Alone they are none, and beside the period they are no rival of it."""
    other: Line = (0.5, 0.08, words + BEFORE)
    assert "period_end" not in dates_read(other)
    assert dates_read(other, period=THIS)["period_end"] == END


def test_a_line_of_its_own_above_counts() -> None:
    """`Next bill` over a plain label."""
    assert "period_end" not in dates_read((0.5, 0.08, "Next bill"), (0.5, 0.096, f"Billing Period: {BEFORE}"))


@pytest.mark.parametrize(
    "lines",
    [
        [(0.5, 0.06, f"Billing Period: {LATER}")],
        [(0.5, 0.06, f"Billing Period: {THIS}"), (0.5, 0.08, "Statement Date: Oct 20, 2026")],
    ],
)
def test_a_period_in_the_future_is_none(lines: list[Line]) -> None:
    """Of the submission, or of the statement."""
    assert "period_end" not in dates_read(*lines)


def test_the_next_statement_is_not_this_one() -> None:
    """Nor is one after the submission."""
    issued: Line = (0.5, 0.08, "Statement Date: Nov 12, 2026")
    following: Line = (0.5, 0.1, "Next statement date: Nov 20, 2026")
    assert dates_read(issued, following, period=THIS) == {"period_end": END, "statement_date": "2026-11-12"}
    assert dates_read(following, period=THIS) == {"period_end": END}
    assert dates_read((0.5, 0.08, "Statement Date: Dec 20, 2026"), period=THIS) == {"period_end": END}


BESIDE_GAS: dict[str, list[Line]] = {
    "below": [(0.03, 0.2, "Electric service"), (0.5, 0.2, "Service period 10/13/26 - 11/11/26"),
              (0.03, 0.3, "Gas Service"), (0.5, 0.3, "Service period 10/13/26 - 11/10/26")],
    "above": [(0.03, 0.2, "Gas Service"), (0.5, 0.2, "Service period 10/13/26 - 11/10/26"),
              (0.03, 0.3, "Electric service"), (0.5, 0.3, "Service period 10/13/26 - 11/11/26")],
    "side by side": [(0.03, 0.2, "Electric service"), (0.5, 0.2, "Gas Service"),
                     (0.03, 0.22, "Service period 10/13/26 - 11/11/26"), (0.5, 0.22, "Service period 10/12/26 - 11/10/26")],
    "in the label": [(0.03, 0.2, "Electric service period 10/13/26 - 11/11/26"),
                     (0.03, 0.22, "Gas service period 10/12/26 - 11/10/26")],
    "by one word": [(0.03, 0.2, "Electric"), (0.3, 0.2, "10/13/26 - 11/11/26"),
                    (0.03, 0.22, "Gas"), (0.3, 0.22, "10/12/26 - 11/10/26")],
    "a heading a day off": [(0.5, 0.06, "Billing Period: Oct 12, 2026 to Nov 11, 2026"),
                            (0.03, 0.2, "Electric service period 10/13/26 - 11/11/26")],
}  # fmt: skip


@pytest.mark.parametrize("lines", BESIDE_GAS.values(), ids=BESIDE_GAS)
def test_the_electric_period_is_the_bills(lines: list[Line]) -> None:
    """Gas is read on another day: that is no contradiction, and costs neither period nor use."""
    use: list[Line] = [(0.03, 0.5, "Electric service"), (0.03, 0.52, "Total usage this period"), (0.5, 0.52, "800 kWh"),
                       (0.03, 0.54, "Energy used"), (0.5, 0.54, "800 kWh")]  # fmt: skip
    reading = read_bill(drawn([*head("Central Hudson", "2100-1234-56-7", ""), *lines, *use]), TODAY)
    assert (reading.fields["period_end"].value, reading.fields["kwh"].value) == (END, 800)


def test_the_gas_period_alone_is_not_the_electric_one() -> None:
    """It may differ by a day."""
    assert "period_end" not in dates_read(
        (0.03, 0.3, "Gas Service"), (0.03, 0.32, "Service period 10/13/26 - 11/10/26")
    )


@pytest.mark.parametrize("sentence", ["Please pay within 20 days of the statement", "Due in 21 days"])
def test_other_numbers_of_days_contradict_no_period(sentence: str) -> None:
    """Only a number that stands for itself, or beside dates or its label, is that of the period."""
    assert dates_read((0.03, 0.3, sentence), period=THIS)["period_end"] == END


def test_a_printed_number_of_days_still_contradicts_a_misread_date() -> None:
    """Oct 18 read for Oct 13: five days are missing."""
    assert "period_end" not in dates_read((0.5, 0.08, "Number of days: 29"), period="Oct 18, 2026 to Nov 11, 2026")


def test_two_periods_are_two_bills() -> None:
    """Both with their labels: neither is taken."""
    assert "period_end" not in dates_read((0.5, 0.3, f"Billing Period: {BEFORE}"), period=THIS)
