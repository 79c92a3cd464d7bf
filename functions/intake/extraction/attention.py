"""What the agent or the office should check: each with one sentence that says what is wrong and what to do.

A row's Status is `ok` if there is nothing to check. So that `ok` means complete, every field that the row needs is either
there with high confidence or reported here, for whatever reason it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rapidfuzz import fuzz

from intake.extraction.result import Diagnostics, Reading
from intake.extraction.utility_profiles import unknown, utilities

OLD_DAYS = 90
"""An older bill says little about today's supply, so the office asks for a recent one."""
LOW = 0.85
"""A reported value with less confidence than this needs a check."""
_FEW_WORDS = 15
_HARDLY_A_WORD = 3
_MOST_UNSURE = 0.5
_BILL_MARKS = 2
_ALIKE_NAMES = 75

FIELD_NAMES = {
    "utility": "utility",
    "account_number": "account number",
    "pod_id": "PoD ID",
    "kwh": "electric use (kWh)",
    "period_end": "billing period",
    "service_address": "service address",
    "customer_name": "customer name",
}
"""The fields that a complete row needs, the most important first, in words. Any that is missing or uncertain is reported."""


@dataclass(frozen=True)
class Attention:
    """One thing to check.

    Attributes:
        code: What it is, for programs.
        field: The field it is about; "" for the bill as a whole.
        message: One sentence, and what to do.
    """

    code: str
    field: str
    message: str


@dataclass(frozen=True)
class EarlierIntake:
    """An earlier submission that may be of the same bill.

    Attributes:
        id: The intake.
        submitted_at: When it was accepted.
        same_file: Whether a file has the same bytes.
        same_period: Whether account number and period are the same.
    """

    id: str
    submitted_at: datetime
    same_file: bool
    same_period: bool


def attention(
    reading: Reading, form: Mapping[str, str], today: date, earlier: Sequence[EarlierIntake]
) -> list[Attention]:
    """Return what the agent or the office should check, the most important first.

    Args:
        reading: What was read.
        form: The agent's answers by field name.
        today: The day of the submission.
        earlier: Submissions of the same file, or of the same account and period.
    """
    diagnostics = reading.diagnostics
    if _is_unreadable(reading):
        found = [_UNREADABLE]
    elif not reading.fields and diagnostics.bill_marks < _BILL_MARKS:
        found = [_NOT_A_BILL]
    else:
        found = [
            *_second_bill(diagnostics),
            *_missing(reading, form),
            *_differences(reading, form),
            *_age(reading, today),
            *_unsure(reading),
        ]
    return [*found, *_repeated(earlier)]


def _is_unreadable(reading: Reading) -> bool:
    """Return whether this is a bill that cannot be read. A few clear words, none of them a bill's, are not a bill."""
    diagnostics = reading.diagnostics
    if diagnostics.unsure > _MOST_UNSURE and not reading.fields:
        return True
    nothing_of_a_bill = not reading.fields and not diagnostics.bill_marks
    return diagnostics.words < (_HARDLY_A_WORD if nothing_of_a_bill else _FEW_WORDS)


_UNREADABLE = Attention(
    "unreadable",
    "",
    "The photo cannot be read. Take it again: lay the bill flat, in good light, without glare, in focus, filling the frame.",
)
_NOT_A_BILL = Attention(
    "not_a_bill",
    "",
    "This does not look like a utility bill. Send a photo or PDF of the customer's electric bill.",
)


def _second_bill(diagnostics: Diagnostics) -> Iterator[Attention]:
    if diagnostics.second_bill:
        yield Attention(
            "second_bill",
            "",
            "There is another bill under this one in the photo. Only the top one was read. "
            "Compare the row with the customer's bill, or photograph that bill alone.",
        )


def _missing(reading: Reading, form: Mapping[str, str]) -> Iterator[Attention]:
    """Report every field of the row that is missing and not covered by another sentence."""
    diagnostics = reading.diagnostics
    said = {*reading.fields, *diagnostics.conflicting, *diagnostics.low_confidence}
    if diagnostics.gas and not diagnostics.electric:
        said |= {"pod_id", "kwh"}
        yield Attention(
            "gas_only",
            "",
            "Only gas service was found. Community solar needs the electric bill. Send the page that shows electric service.",
        )
    if diagnostics.account_cut and "account_number" not in said:
        said.add("account_number")
        yield Attention(
            "account_cut_off",
            "account_number",
            "The account number is cut off or incomplete. Photograph the page again with its whole top in view.",
        )
    if not _prints_pod(reading, form):
        said.add("pod_id")
    missing = [name for name in FIELD_NAMES if name not in said]
    if missing:
        yield _missing_sentence(diagnostics, missing)


def _prints_pod(reading: Reading, form: Mapping[str, str]) -> bool:
    """Return whether to expect a PoD ID: by the bill's utility, or by the form's if the bill's was not recognized."""
    if "utility" in reading.fields:
        return reading.diagnostics.prints_pod is True
    chosen = next((known for known in utilities() if known.name == form.get("utility")), unknown())
    return True in (reading.diagnostics.prints_pod, chosen.prints_pod)


def _missing_sentence(diagnostics: Diagnostics, missing: Sequence[str]) -> Attention:
    seen = {kind for kinds in diagnostics.page_kinds.values() for kind in kinds}
    several = len(diagnostics.page_kinds) > 1
    printed = min(diagnostics.printed_pages.values(), default=0)
    names = [FIELD_NAMES[name] for name in missing]
    what = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    if "kwh" in missing and "detail" not in seen:
        this = "These pages show" if several else f"This is page {printed}; it shows" if printed else "This page shows"
        then = f"Photograph {diagnostics.photograph or 'also the page with the meter readings'}."
        return Attention("wrong_page", missing[0], f"{this} no {what}. {then}")
    where = "these pages" if several else f"this page, page {printed} of the bill" if printed else "this page"
    message = (
        f"No {what} could be read on {where}. Photograph the page that shows {'them' if len(missing) > 1 else 'it'} "
        "with nothing covering the text, or read the bill by hand."
    )
    return Attention("missing", missing[0], message)


def _differences(reading: Reading, form: Mapping[str, str]) -> Iterator[Attention]:
    utility, chosen = reading.fields.get("utility"), form.get("utility", "")
    if utility and chosen and utility.value != chosen:
        yield Attention(
            "utility_differs",
            "utility",
            f"The bill is from {utility.value}, but the form says {chosen}. Check which one is right.",
        )
    if utility and reading.diagnostics.contradicting:
        yield Attention(
            "utility_contradicted",
            "utility",
            f"The bill names {utility.value}, but a number on it looks like one of {reading.diagnostics.contradicting}. "
            "Check which one is right.",
        )
    name, account = reading.fields.get("customer_name"), form.get("account_name", "")
    if name and account and not _same_name(str(name.value), account):
        yield Attention(
            "name_differs",
            "customer_name",
            "The name on the bill differs from the account name in the form. Check that it is the right customer's bill.",
        )


def _same_name(one: str, other: str) -> bool:
    """Return whether two names may mean the same customer; order, initials, punctuation and a typo or two do not matter."""
    words = [re.sub(r"[^A-Z0-9 ]", "", name.upper()) for name in (one, other)]
    if fuzz.token_set_ratio(*words) >= _ALIKE_NAMES:
        return True
    return fuzz.ratio(*(name.replace(" ", "") for name in words)) >= _ALIKE_NAMES


def _age(reading: Reading, today: date) -> Iterator[Attention]:
    issued = reading.fields.get("statement_date") or reading.fields.get("period_end")
    if issued and (age := (today - date.fromisoformat(str(issued.value))).days) > OLD_DAYS:
        yield Attention(
            "old_bill",
            "statement_date",
            f"The bill is {age} days old; the limit is {OLD_DAYS} days. Ask the customer for a recent one.",
        )


def _unsure(reading: Reading) -> Iterator[Attention]:
    diagnostics = reading.diagnostics
    for name, words in FIELD_NAMES.items():
        found = reading.fields.get(name)
        if name in diagnostics.conflicting:
            message = f"Different values were found for the {words}. Send only one bill, for one account."
        elif name in diagnostics.low_confidence:
            message = f"The {words} could not be read reliably. Check it on the bill, or take a closer, sharper photo."
        elif found and found.confidence < LOW:
            message = f"The {words} was hard to read. Compare it with the bill."
        else:
            continue
        yield Attention("low_confidence", name, message)


def _repeated(earlier: Sequence[EarlierIntake]) -> Iterator[Attention]:
    matching = [intake for intake in earlier if intake.same_file or intake.same_period]
    if matching:
        first = min(matching, key=lambda intake: (intake.submitted_at, intake.id))
        what = "This file" if any(intake.same_file for intake in matching) else "A bill for this account and period"
        yield Attention(
            "already_submitted",
            "",
            f"{what} was already submitted on {first.submitted_at:%Y-%m-%d} (intake {first.id}). "
            "Submit it again only if that one was wrong.",
        )
