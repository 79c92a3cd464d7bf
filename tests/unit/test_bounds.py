"""The table of bounds: what does not fit is no value and is said, whatever a stranger's bill holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from intake.bounds import bounded, cell_fits
from intake.extraction.result import FIELDS as FIELD_NAMES
from intake.extraction.result import Found, Reading
from intake.model import Quad
from intake.rows import COPY_COLUMN, columns, row_of

from tests.support.fakes import an_intake

PLACE = Quad(0.1, 0.1, 0.2, 0.1, 0.2, 0.12, 0.1, 0.12)

FITTING: dict[str, list[Any]] = {
    "utility": ["Con Edison", "Orange & Rockland"],
    "account_number": ["10012345678", "0" * 30],
    "account_number_printed": ["1001-2345-678"],
    "pod_id": ["N01000012345678"],
    "service_address": ["12 CHERRY HILL RD, ITHACA NY 14850", "1" * 200, "4 RUE DE L'ÉGLISE, LÉVIS NY 10001"],
    "service_address_parts": [{"house_number": "1", "street": "A ST", "town": "ROME", "state": "NY", "zip": "13440"}],
    "customer_name": ["JOSÉ O’BRIEN-PEÑA", "李"],
    "period_start": ["2026-10-13"],
    "period_end": ["2000-01-01", "2099-12-31"],
    "kwh": [0, 643, 10**8],
    "net_kwh": [-300, 0],
    "annual_kwh": [10**9],
    "annual_kwh_basis": ["12 months printed"],
    "meter_number": ["0300112233"],
    "rate_class": ["12001"],
    "statement_date": ["2026-11-15"],
    "amount_due": [0, 12.5],
}
UNFIT: dict[str, list[Any]] = {
    "utility": ["", "N" * 61, 5],
    "account_number": ["0" * 31, "1001-2345-678", "١٢٣٤٥٦٧٨٩٠", 10012345678, "1001234\n"],
    "account_number_printed": ["1001\u20112345", "-" * 31],
    "pod_id": ["n01", "N01 00", "N" * 31],
    "service_address": ["1" * 201, "12 MILL ST\nROME", "12 MILL ST\u202e", "\ue000", "\ud800", "\x1b[2J", "A\u2028B"],
    "service_address_parts": ["12 MILL ST", {"house_number": "1"}, {**FITTING["service_address_parts"][0], "zip": ""}],
    "customer_name": ["A" * 50_000, "A\u200bB", "", None],
    "period_start": ["1999-12-31", "2026-13-01", "2026-W01-1", "20261013", 46000],
    "period_end": ["2100-01-01", "9999-12-31"],
    "kwh": [-1, 10**8 + 1, int("9" * 40), 643.5, True, "643", float("nan")],
    "net_kwh": [-(10**8) - 1],
    "annual_kwh": [10**9 + 1, -1],
    "annual_kwh_basis": ["x" * 61],
    "meter_number": ["03 001"],
    "rate_class": ["S" * 61],
    "statement_date": ["2026-02-30", ""],
    "amount_due": [float("inf"), float("nan"), -1, 10**8 + 1],
}


def a_reading(name: str, value: Any, **changes: Any) -> Reading:
    return Reading({name: replace(Found(value, 0.9, 1, PLACE, "label left"), **changes)})


@pytest.mark.parametrize("name", FIELD_NAMES)
def test_every_field_has_its_bounds(name: str) -> None:
    """What fits stays as it is; what does not is left out and named as low_confidence."""
    for value in FITTING[name]:
        assert bounded(a_reading(name, value)).fields[name].value == value
    for value in UNFIT[name]:
        kept = bounded(a_reading(name, value))
        assert (kept.fields, kept.diagnostics.low_confidence) == ({}, (name,)), value


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": 1.01},
        {"confidence": float("nan")},
        {"confidence": "0.9"},
        {"page": 0},
        {"page": 1.5},
        {"how": "x" * 61},
        {"quad": PLACE._replace(x0=float("inf"))},
        {"quad": PLACE._replace(y3=-1.5)},
        {"quad": (*PLACE[:7], "0")},
    ],
)
def test_the_evidence_has_bounds_too(changes: dict[str, Any]) -> None:
    """A value whose place or confidence is none is none."""
    assert bounded(a_reading("kwh", 643, **changes)).fields == {}


def test_a_field_that_is_not_known_is_none() -> None:
    """A name that nobody expects is not stored, and not named either."""
    kept = bounded(a_reading("note", "anything"))
    assert (kept.fields, kept.diagnostics.low_confidence) == ({}, ())


def test_of_a_reading_that_fits_nothing_changes() -> None:
    """The diagnostics stay, and the fields that fit stay beside one that does not."""
    good = a_reading("kwh", 643)
    assert bounded(good) is good
    mixed = Reading({**good.fields, **a_reading("customer_name", "A" * 300).fields})
    assert set(bounded(mixed).fields) == {"kwh"}


def test_every_cell_of_a_row_has_its_bounds() -> None:
    """No column takes a text that Google could refuse."""
    for column in columns(copies=True):
        assert cell_fits(column.name, "")
        assert not cell_fits(column.name, "x" * 50_001)
        assert not cell_fits(column.name, "x\x00")
        assert not cell_fits(column.name, 10**40)
    assert cell_fits("Bill (link)", "https://a/1\nhttps://a/2")
    assert not cell_fits("Account Name", "two\nlines")


def test_a_cell_out_of_bounds_is_left_out_and_said() -> None:
    """The row goes out without it, whole in every other column."""
    form = {**an_intake().form, "account_name": "A" * 300}
    row = row_of(replace(an_intake(), form=form), "https://x/", "b", copies=True)
    assert (row["Account Name"], row["Status"]) == ("", "check")
    assert row["Contact Name"] == an_intake().form["contact_name"]
    assert row["Attention"] == (
        "The Account Name was left out: it is too long, or contains characters that cannot be printed. Enter it by hand."
    )
    assert all(cell_fits(name, cell) for name, cell in row.items())
    assert COPY_COLUMN in row


def test_the_attention_of_a_row_has_an_end() -> None:
    """However much there is to say, the cell stays within its bounds."""
    items = [{"code": "low_confidence", "field": "kwh", "message": "x" * 900}] * 9
    assert cell_fits("Attention", row_of(an_intake(attention=items), "", "")["Attention"])
