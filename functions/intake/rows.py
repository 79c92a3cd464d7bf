"""The rows of the Sheet: how an intake becomes the cells of the columns in contract.toml. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from intake import contract
from intake.bounds import MAX_LINE, MAX_PARAGRAPH, cell_fits
from intake.clock import OFFICE_TIME
from intake.model import Intake

Cell = str | int | float

ID_COLUMN = "Intake ID"
COPY_COLUMN = "Drive (folder)"
"""Links to the folder with the bill's copy; written later than the row, because a row must not wait for a copy."""
KEY_FIELDS = ("utility", "account_number", "pod_id", "kwh")
"""The fields that enroll a customer; the row's confidence is the lowest confidence among those that were found."""
DAY_ZERO = datetime(1899, 12, 30)
"""Day 0 of a sheet's dates (https://developers.google.com/workspace/sheets/api/guides/formats#about_date_time_values)."""
_DAY_S = 86_400


class Kind(Enum):
    """What the cells of a column hold; decides how they look and how something typed into them is understood."""

    TEXT = "text"  # digits that are no number too: what is typed keeps its leading zeros
    WORDS = "words"
    LINES = "lines"  # words on several lines
    YES_NO = "yes_no"
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
        form: The field of the form that it shows, if it shows one.
        read: The field of the bill that it shows, if it shows one.
        office: Whether the office corrects it by hand, unless the deployment names other columns.
    """

    name: str
    kind: Kind
    width: int
    form: str = ""
    read: str = ""
    office: bool = False


_COLUMNS = tuple(Column(**{**entry, "kind": Kind(entry["kind"])}) for entry in contract.columns())
OFFICE_COLUMNS = tuple(column.name for column in _COLUMNS if column.office)


def columns(*, copies: bool) -> tuple[Column, ...]:
    """Return the columns in the order of a new Sheet.

    Args:
        copies: Whether bills are copied to Drive; without that there is no column for it.
    """
    return tuple(column for column in _COLUMNS if copies or column.name != COPY_COLUMN)


def copy_mark(intake_id: str) -> str:
    """Return what stands in a row's COPY_COLUMN until the copy is made: a text that occurs nowhere else in the Sheet.

    The link takes its place by its content, not by its address, so that it gets into the right cell wherever the office
    has sorted or moved the row to in the meantime. It is longer than any answer or any line of a bill may be, so that
    no other text can be mistaken for it.
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
        A value outside of its bounds is left out and reported: see `intake.bounds`.
    """
    links = [f"{bill_link_base}{bucket}/{file.object}" for file in intake.files]
    fields = intake.shown_fields()
    of_us: dict[str, Cell] = {
        **_known_cells(intake),
        "Agent Name": (intake.agent or {"name": ""})["name"],
        "Pages": intake.pages,
        "Bill (link)": "\n".join(links),
        "Period": " to ".join(fields[name]["value"] for name in ("period_start", "period_end") if name in fields),
        "Confidence": min((fields[name]["confidence"] for name in KEY_FIELDS if name in fields), default=""),
    }
    cells = {
        column.name: _read_cell(column, fields) if column.read else of_us.get(column.name, "")
        for column in columns(copies=copies)
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
    """Return the cells of a shortened row: what Google is sure to accept, and why there is no more.

    Args:
        intake: A read intake.
        why: The end of a sentence.
        answers: Whether what was typed into the form is part of it; without it nothing is that came from outside.
        copies: Whether bills are copied to Drive.
    """
    cells = _known_cells(intake)
    if not answers:
        cells = {name: cells[name] for name in (ID_COLUMN, "Submitted")}
    empty: dict[str, Cell] = dict.fromkeys((column.name for column in columns(copies=copies)), "")
    return {
        **empty,
        **{name: cell for name, cell in cells.items() if cell_fits(name, cell)},
        **({COPY_COLUMN: copy_mark(intake.id)} if copies else {}),
        "Status": "check",
        "Attention": f"This row is incomplete: {why} Look at the bill, and enter the rest by hand.",
    }


def _left_out(column: str) -> str:
    return (
        f"The {column} was left out: it is too long, or contains characters that cannot be printed. Enter it by hand."
    )


def day_number(moment: datetime | date) -> int | float:
    """Return a date, or a time of day on a date as the wall clock shows it, as the number by which a sheet keeps it."""
    if not isinstance(moment, datetime):
        return moment.toordinal() - DAY_ZERO.toordinal()
    wall = moment.replace(tzinfo=None, microsecond=0)
    return round((wall - DAY_ZERO).total_seconds() / _DAY_S, 8)  # to a thousandth of a second


def _known_cells(intake: Intake) -> dict[str, Cell]:
    """Return the cells that are known as soon as the form is sent: id, time, agent and answers."""
    answers = {column: intake.form.get(column.form) for column in _COLUMNS if column.form}
    return {
        ID_COLUMN: intake.id,
        "Submitted": day_number(intake.submitted_at.astimezone(OFFICE_TIME)),
        "Agent ID": (intake.agent or {"id": intake.form["agent_id"]})["id"],
        **{
            # A box without a tick is an empty answer. An intake from before the field was added has no answer.
            column.name: "no" if answer == "" and column.kind is Kind.YES_NO else answer or ""
            for column, answer in answers.items()
        },
    }


def _read_cell(column: Column, fields: Mapping[str, Mapping[str, Any]]) -> Cell:
    """Return the cell of what was read: digits as text, numbers and dates as numbers, "" where nothing was found."""
    if column.read not in fields:
        return ""
    value: Cell = fields[column.read]["value"]
    return day_number(date.fromisoformat(str(value))) if column.kind is Kind.DATE and value else value
