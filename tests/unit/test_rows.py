"""The row of an intake: the office's columns, ready for filtering."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from intake.bounds import MAX_LINE, cell_fits
from intake.model import Status
from intake.rows import COPY_COLUMN, columns, copy_mark, day_number, row_of, short_row

from tests.support.fakes import ANSWERS, INTAKE_ID, an_intake

READ_COLUMNS = (
    "Utility (read)",
    "Account Number",
    "PoD ID",
    "Service Address",
    "Customer Name",
    "Period",
    "Period Start",
    "Period End",
    "kWh",
    "Net kWh",
    "Annual kWh",
    "Annual kWh basis",
    "Confidence",
)


def test_row() -> None:
    """A row has the office's columns, in New York's time, with one link a file."""
    intake = an_intake(INTAKE_ID, "pdf", "jpeg", file_pages=(3, 1), status=Status.READ)
    assert row_of(intake, "https://storage.example.com/", "bills") == {
        "Intake ID": INTAKE_ID,
        "Submitted": 46095.46488426,
        "Business Entity": "Finger Lakes Widgets LLC",
        "Account Name": "Finger Lakes Widgets",
        "Contact Name": "Robin Example",
        "Title": "Owner",
        "Phone": "607-555-0123",
        "Email": "robin@example.com",
        "Utility (form)": "NYSEG",
        "Account Type": "Mass Market",
        "Developer": "Meadow Solar",
        "Consent": "yes",
        "Text messages": "no",
        "Agent ID": "AG-17",
        "Agent Name": "",
        "Pages": 4,
        "Bill (link)": (
            f"https://storage.example.com/bills/bills/{INTAKE_ID}/u1/01\n"
            f"https://storage.example.com/bills/bills/{INTAKE_ID}/u1/02"
        ),
        **dict.fromkeys(READ_COLUMNS, ""),
        "Status": "ok",
        "Attention": "",
    }


def test_row_of_a_read_bill() -> None:
    """What was read stands in its own columns: digits as text, numbers and dates as numbers; attention makes it a check."""
    found = {
        "utility": ("NYSEG", 0.99),
        "account_number": ("10012345678", 0.97),
        "pod_id": ("N01000012345678", 0.9),
        "service_address": ("12 MILL ST, ITHACA NY 14850", 0.8),
        "customer_name": ("ROBIN EXAMPLE", 0.7),
        "period_start": ("2026-02-03", 0.9),
        "period_end": ("2026-03-04", 0.9),
        "kwh": (612, 0.95),
        "net_kwh": (-45, 0.9),
        "annual_kwh": (7448, 0.6),
        "annual_kwh_basis": ("estimated from one period", 0.6),
    }
    fields = {name: {"value": value, "confidence": sure, "page": 1} for name, (value, sure) in found.items()}
    attention = [
        {"code": "old_bill", "field": "statement_date", "message": "The bill is 91 days old."},
        {"code": "name_differs", "field": "customer_name", "message": "The name differs."},
    ]
    row = row_of(an_intake(reading={"fields": fields, "diagnostics": {}}, attention=attention), "https://x/", "b")
    assert {name: row[name] for name in (*READ_COLUMNS, "Status", "Attention")} == {
        "Utility (read)": "NYSEG",
        "Account Number": "10012345678",
        "PoD ID": "N01000012345678",
        "Service Address": "12 MILL ST, ITHACA NY 14850",
        "Customer Name": "ROBIN EXAMPLE",
        "Period": "2026-02-03 to 2026-03-04",
        "Period Start": 46056,
        "Period End": 46085,
        "kWh": 612,
        "Net kWh": -45,
        "Annual kWh": 7448,
        "Annual kWh basis": "estimated from one period",
        "Confidence": 0.9,
        "Status": "check",
        "Attention": "The bill is 91 days old.\nThe name differs.",
    }


def test_row_in_winter_time() -> None:
    """The office's time follows the season."""
    intake = replace(an_intake(), submitted_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert row_of(intake, "", "")["Submitted"] == pytest.approx(46023 + (22 * 3600 + 4 * 60 + 5) / 86400)


@pytest.mark.parametrize(("answer", "cell"), [("yes", "yes"), ("no", "no"), ("", "no"), (None, "")])
def test_a_box_without_a_tick_is_a_no(answer: str | None, cell: str) -> None:
    """An intake from before the box was on the form says nothing."""
    form = {name: value for name, value in {**ANSWERS, "sms_consent": answer}.items() if value is not None}
    assert row_of(replace(an_intake(), form=form), "", "")["Text messages"] == cell


def test_row_of_a_listed_agent() -> None:
    """The agent stands in the row as the office spells the id, with the name."""
    row = row_of(an_intake(agent={"id": "AG-017", "name": "Sam Example"}), "", "")
    assert (row["Agent ID"], row["Agent Name"]) == ("AG-017", "Sam Example")


@pytest.mark.parametrize("copies", [False, True])
def test_row_has_the_columns_of_a_new_sheet(copies: bool) -> None:
    """A row fills every column there is, in their order; the one of copies only where there are copies."""
    row = row_of(an_intake(), "", "", copies=copies)
    assert list(row) == [column.name for column in columns(copies=copies)]
    assert (COPY_COLUMN in row) == copies


def test_what_stands_for_a_copy_to_come_is_unlike_any_other() -> None:
    """The text that a link will take the place of names the intake, and is longer than an answer or a line may be."""
    mark = row_of(an_intake(), "", "", copies=True)[COPY_COLUMN]
    assert mark == copy_mark(INTAKE_ID)
    assert str(mark).startswith(f"to be copied ({INTAKE_ID})")
    assert len(str(mark)) > MAX_LINE
    assert not cell_fits("Account Name", mark)


def test_a_short_row_holds_what_is_sure_to_be_accepted() -> None:
    """Id, time, answers within their bounds, and why there is no more; every column has its cell."""
    odd = {**ANSWERS, "account_name": "x" * 50_001, "contact_name": "A\u202eB"}
    row = short_row(replace(an_intake(), form=odd, reading={"fields": None}), "Reasons.", copies=True)
    assert list(row) == [column.name for column in columns(copies=True)]
    answered = {column.name: ANSWERS[column.form] for column in columns(copies=True) if column.form}
    assert {name: cell for name, cell in row.items() if cell != ""} == {
        **{name: answer for name, answer in answered.items() if name not in ("Account Name", "Contact Name")},
        "Intake ID": INTAKE_ID,
        "Submitted": row["Submitted"],
        "Agent ID": ANSWERS["agent_id"],
        COPY_COLUMN: copy_mark(INTAKE_ID),
        "Status": "check",
        "Attention": "This row is incomplete: Reasons. Look at the bill, and enter the rest by hand.",
    }


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (date(1899, 12, 31), 1),
        (date(2020, 1, 1), 43831),
        (date(2026, 11, 25), 46351),
        (datetime(2026, 11, 25, 12, 0), 46351.5),
        (datetime(2026, 11, 25, 18, 0, 0, 999_999), 46351.75),
    ],
)
def test_days_are_counted_from_the_end_of_1899(moment: date, number: float) -> None:
    """A sheet's day numbers; parts of a day are its fractions, parts of a second are dropped."""
    assert day_number(moment) == number
