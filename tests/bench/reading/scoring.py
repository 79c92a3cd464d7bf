"""Compare a reading with the truth, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from intake.extraction import Attention, Reading, attention
from intake.extraction.attention import FIELD_NAMES


class Outcome(StrEnum):
    """What became of one field of one picture."""

    RIGHT = "right"
    MISSING = "missing"
    SILENT = "silent"
    WRONG = "WRONG"
    NOT_READABLE = "not readable"


@dataclass(frozen=True)
class Score:
    """One field of one picture.

    Attributes:
        field: Its name.
        utility: Key of the specimen's utility.
        outcome: What became of it.
        confidence: Of the reported value; 0 if none was.
        case: Which picture.
        detail: What was read and what is true, for wrong values.
    """

    field: str
    utility: str
    outcome: Outcome
    confidence: float
    case: str
    detail: str


#: Fields that are scored, with the place in the truth that makes each readable.
FIELDS = {
    "utility": "account_number",
    "account_number": "account_number",
    "pod_id": "pod_id",
    "kwh": "kwh",
    "service_address": "service_address",
    "customer_name": "customer_name",
    "period_start": "period_start",
    "period_end": "period_end",
    "annual_kwh": "annual_kwh",
    "meter_number": "meter_numbers",
    "rate_class": "rate_class",
    "statement_date": "statement_date",
    "amount_due": "amount_due",
}


def score(
    reading: Reading, truth: dict[str, Any], readable: frozenset[str], utility: str, case: str
) -> Iterator[Score]:
    """Yield the outcome of every field that has a true value or was reported.

    A value that is missing without a word about it in the row's Attention is silent: the worse kind of missing.

    The utility has no place of its own on a specimen: it counts as readable where the account number is. Names,
    addresses and rates are compared without blanks, case and punctuation. An estimated annual use is no reading.

    Args:
        reading: What was read.
        truth: `Truth.as_json` of the specimen.
        readable: Fields that a person can read in the picture.
        utility: Key of the utility, for the table.
        case: Name of the picture.
    """
    today = date.fromisoformat(truth["statement_date"])
    said = attention(reading, {"utility": truth["utility"]}, today, [])
    for field, place in FIELDS.items():
        found = reading.fields.get(field)
        if field == "annual_kwh" and found and reading.fields["annual_kwh_basis"].value != "12 months printed":
            found = None
        accepted = _accepted(field, truth)
        if found is None:
            if accepted:
                outcome = Outcome.NOT_READABLE
                if place in readable:
                    outcome = Outcome.MISSING if _is_said(field, said) else Outcome.SILENT
                yield Score(field, utility, outcome, 0.0, case, "")
            continue
        outcome = Outcome.RIGHT if _plain(found.value) in accepted else Outcome.WRONG
        yield Score(
            field,
            utility,
            outcome,
            found.confidence,
            case,
            f"read {found.value!r} ({found.how}), true {sorted(accepted)}",
        )


def _is_said(field: str, said: Sequence[Attention]) -> bool:
    """Tell whether somebody who reads the row learns that a value is missing; fields that are no columns are not missed."""
    whole_bill = {"unreadable", "not_a_bill", "gas_only"}
    words = FIELD_NAMES.get({"period_start": "period_end"}.get(field, field))
    return words is None or any(item.code in whole_bill or words in item.message for item in said)


#: The class itself, as `SC 1` of `SC 1 Residential`: enough where a utility's classes are read by labels only.
_RATE_CODE = re.compile(r"(?:P?S\.?C\.?|EL|Rate)\s?-?\s?(?:No\.?\s?)?\d{1,3}[A-Z]?\b")


def _accepted(field: str, truth: dict[str, Any]) -> set[str]:
    if field == "meter_number":
        return {_plain(meter) for meter in truth["meter_numbers"]}
    if field == "account_number":
        return {truth["account_digits"]}
    if field == "amount_due":
        return {_plain(float(truth["amount_due"]))}
    if field == "rate_class" and truth["pod_id"] is None and truth["kwh"] is None:
        return set()  # the class of a gas service is not wanted
    if field == "rate_class" and (code := _RATE_CODE.match(truth[field])):
        return {_plain(truth[field]), _plain(code[0])}
    value = truth[field]
    return set() if value is None else {_plain(value)}


def _plain(value: object) -> str:
    if isinstance(value, (int, float)):
        return f"{value:.2f}"
    return re.sub(r"[^A-Z0-9]", "", str(value).upper())
