"""The rows of the Sheet: which columns there are, what kind each is, and how an intake becomes its cells. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from intake.bounds import MAX_LINE, MAX_PARAGRAPH, cell_fits
from intake.model import Intake

Cell = str | int | float

ID_COLUMN = "Intake ID"
COPY_COLUMN = "Drive (folder)"
"""Links to the folder with the bill's copy; written later than the row, because a copy must not hold a row back."""
KEY_FIELDS = ("utility", "account_number", "pod_id", "kwh")
"""The fields by which a customer is enrolled; the row's confidence is that of the least sure of them that were found."""
OFFICE_TIME = ZoneInfo("America/New_York")
_DAY_ZERO = datetime(1899, 12, 30)
"""Day 0 of a sheet's dates (https://developers.google.com/workspace/sheets/api/guides/formats#about_date_time_values)."""
_DAY_S = 86_400


class Kind(Enum):
    """What the cells of a column hold; decides how they look and how something typed into them is understood."""

    TEXT = "text"  # digits that are no number too: what is typed keeps its leading zeros
    WORDS = "words"
    NUMBER = "number"
    SHARE = "share"  # 0..1, shown in percent
    DATE = "date"
    MOMENT = "moment"


@dataclass(frozen=True)
class Column:
    """A column of ours.

    Attributes:
        name: Its header, by which it is found wherever the office moved it.
        kind: What its cells hold.
        width: Pixels, when the Sheet is made.
    """

    name: str
    kind: Kind
    width: int


_COLUMNS = (
    Column(ID_COLUMN, Kind.TEXT, 120),
    Column("Submitted", Kind.MOMENT, 140),
    Column("Business Entity", Kind.WORDS, 160),
    Column("Account Name", Kind.WORDS, 160),
    Column("Contact Name", Kind.WORDS, 140),
    Column("Title", Kind.WORDS, 100),
    Column("Phone", Kind.TEXT, 110),
    Column("Email", Kind.WORDS, 180),
    Column("Utility (form)", Kind.WORDS, 120),
    Column("Account Type", Kind.WORDS, 150),
    Column("Developer", Kind.WORDS, 140),
    Column("Agent ID", Kind.TEXT, 90),
    Column("Agent Name", Kind.WORDS, 140),
    Column("Pages", Kind.NUMBER, 60),
    Column("Bill (link)", Kind.WORDS, 160),
    Column(COPY_COLUMN, Kind.WORDS, 160),
    Column("Utility (read)", Kind.WORDS, 120),
    Column("Account Number", Kind.TEXT, 130),
    Column("PoD ID", Kind.TEXT, 150),
    Column("Service Address", Kind.WORDS, 240),
    Column("Customer Name", Kind.WORDS, 160),
    Column("Period", Kind.WORDS, 170),
    Column("Period Start", Kind.DATE, 95),
    Column("Period End", Kind.DATE, 95),
    Column("kWh", Kind.NUMBER, 80),
    Column("Net kWh", Kind.NUMBER, 80),
    Column("Annual kWh", Kind.NUMBER, 90),
    Column("Annual kWh basis", Kind.WORDS, 160),
    Column("Confidence", Kind.SHARE, 90),
    Column("Status", Kind.WORDS, 70),
    Column("Attention", Kind.WORDS, 360),
)


def columns(*, copies: bool) -> tuple[Column, ...]:
    """Return the columns in the order of a new Sheet.

    Args:
        copies: Whether bills are copied to Drive; without that there is no column for it.
    """
    return tuple(column for column in _COLUMNS if copies or column.name != COPY_COLUMN)


def copy_mark(intake_id: str) -> str:
    """Return what stands in a row's COPY_COLUMN until the copy is made: unlike any other text of the Sheet.

    The link takes its place by its content, not by its address, so that it gets into the right cell wherever the office
    has sorted or moved the row to in the meantime. It is longer than any answer or any line of a bill may be, so that
    nobody's text can be taken for it.
    """
    return f"to be copied ({intake_id}) ".ljust(MAX_LINE + 1, ".")


def row_of(intake: Intake, bill_link_base: str, bucket: str, *, copies: bool = False) -> dict[str, Cell]:
    """Return the cells of an intake's row by column name.

    Args:
        intake: A read intake.
        bill_link_base: What stands before `BUCKET/OBJECT` in a link.
        bucket: The bucket of the bills.
        copies: Whether bills are copied to Drive.

    Returns:
        Texts and numbers, ready for filtering; times and dates are a sheet's day numbers, the time the office's (New York).
        A value outside of its bounds is left out and said: see `intake.bounds`.
    """
    form = intake.form
    links = [f"{bill_link_base}{bucket}/{file.object}" for file in intake.files]
    agent = intake.agent or {"id": form["agent_id"], "name": ""}
    cells: dict[str, Cell] = {
        ID_COLUMN: intake.id,
        "Submitted": day_number(intake.submitted_at.astimezone(OFFICE_TIME)),
        "Business Entity": form["business_entity"],
        "Account Name": form["account_name"],
        "Contact Name": form["contact_name"],
        "Title": form["title"],
        "Phone": form["phone"],
        "Email": form["email"],
        "Utility (form)": form["utility"],
        "Account Type": form["account_type"],
        "Developer": form["developer"],
        "Agent ID": agent["id"],
        "Agent Name": agent["name"],
        "Pages": intake.pages,
        "Bill (link)": "\n".join(links),
        **({COPY_COLUMN: ""} if copies else {}),
        **_read_cells(intake),
    }
    unfit = [name for name, cell in cells.items() if not cell_fits(name, cell)]
    said = [*(item["message"] for item in intake.attention), *map(_left_out, unfit)]
    return {
        **cells,
        **dict.fromkeys(unfit, ""),
        **({COPY_COLUMN: copy_mark(intake.id)} if copies else {}),
        "Status": "check" if said else "ok",
        "Attention": "\n".join(said)[:MAX_PARAGRAPH],
    }


def short_row(intake: Intake, why: str, *, answers: bool = True, copies: bool = False) -> dict[str, Cell]:
    """Return the cells of a row that cannot be written whole: what is sure to be accepted, and why there is no more.

    Args:
        intake: A read intake.
        why: The end of a sentence.
        answers: Whether what was typed into the form is part of it; without it nothing is that came from outside.
        copies: Whether bills are copied to Drive.
    """
    form = {
        "Business Entity": "business_entity",
        "Account Name": "account_name",
        "Contact Name": "contact_name",
        "Phone": "phone",
        "Email": "email",
        "Utility (form)": "utility",
        "Agent ID": "agent_id",
    }
    cells: dict[str, Cell] = {
        ID_COLUMN: intake.id,
        "Submitted": day_number(intake.submitted_at.astimezone(OFFICE_TIME)),
        **({column: intake.form.get(name, "") for column, name in form.items()} if answers else {}),
    }
    empty: dict[str, Cell] = dict.fromkeys((column.name for column in columns(copies=copies)), "")
    return {
        **empty,
        **{name: cell for name, cell in cells.items() if cell_fits(name, cell)},
        **({COPY_COLUMN: copy_mark(intake.id)} if copies else {}),
        "Status": "check",
        "Attention": f"This row could not be written whole: {why} Look at the bill, and type the rest in by hand.",
    }


def _left_out(column: str) -> str:
    return f"The {column} was left out: it is too long, or holds characters that cannot be printed. Type it in by hand."


def day_number(moment: datetime | date) -> int | float:
    """Return a date, or a time of day on a date as the wall clock shows it, as the number by which a sheet keeps it."""
    if not isinstance(moment, datetime):
        return moment.toordinal() - _DAY_ZERO.toordinal()
    wall = moment.replace(tzinfo=None, microsecond=0)
    return round((wall - _DAY_ZERO).total_seconds() / _DAY_S, 8)  # to a thousandth of a second


def _read_cells(intake: Intake) -> dict[str, Cell]:
    """Return the cells of what was read: digits as text, numbers and dates as numbers, "" where nothing was found."""
    fields = intake.shown_fields()

    def value(name: str) -> Any:
        return fields[name]["value"] if name in fields else ""

    def day(name: str) -> Cell:
        return day_number(date.fromisoformat(value(name))) if value(name) else ""

    sure = [fields[name]["confidence"] for name in KEY_FIELDS if name in fields]
    return {
        "Utility (read)": value("utility"),
        "Account Number": value("account_number"),
        "PoD ID": value("pod_id"),
        "Service Address": value("service_address"),
        "Customer Name": value("customer_name"),
        # As a person reads it; the two dates beside it are there to filter and to count with.
        "Period": " to ".join(value(name) for name in ("period_start", "period_end") if value(name)),
        "Period Start": day("period_start"),
        "Period End": day("period_end"),
        "kWh": value("kwh"),
        "Net kWh": value("net_kwh"),
        "Annual kWh": value("annual_kwh"),
        "Annual kWh basis": value("annual_kwh_basis"),
        "Confidence": min(sure) if sure else "",
    }
