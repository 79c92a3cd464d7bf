"""What the agent should know at once: each with one sentence that says what is wrong and what to do.

A row's Status is `ok` when there is nothing to say. So that `ok` means complete, every field that the row needs is either
there and sure, or spoken of here; why it is missing does not matter.
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
"""A bill issued longer ago says little of today's supply: the office asks for a recent one."""
LOW = 0.85
"""A reported value less sure than this is to be looked at."""
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
"""The fields without which a row is not complete, the gravest first, in words. Each that is not there or not sure is said."""


@dataclass(frozen=True)
class Attention:
    """One thing to look at.

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
    """Return what the agent or the office should look at, the gravest first.

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
    """Tell whether there is a bill to be read and it cannot be: few words that are sure and none of a bill are no bill."""
    diagnostics = reading.diagnostics
    if diagnostics.unsure > _MOST_UNSURE and not reading.fields:
        return True
    nothing_of_a_bill = not reading.fields and not diagnostics.bill_marks
    return diagnostics.words < (_HARDLY_A_WORD if nothing_of_a_bill else _FEW_WORDS)


_UNREADABLE = Attention(
    "unreadable",
    "",
    "The picture cannot be read. Photograph the bill again: flat, in good light, sharp, without glare, filling the picture.",
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
            "Another bill lies under this one in the picture; only the one on top was read. "
            "Compare the row with the customer's bill, or photograph that bill alone.",
        )


def _missing(reading: Reading, form: Mapping[str, str]) -> Iterator[Attention]:
    """Say every field of the row that is not there and that no other sentence speaks of, whatever it is missing for."""
    diagnostics = reading.diagnostics
    said = {*reading.fields, *diagnostics.conflicting, *diagnostics.low_confidence}
    if diagnostics.gas and not diagnostics.electric:
        said |= {"pod_id", "kwh"}
        yield Attention(
            "gas_only",
            "",
            "Only gas service was found. Community solar needs the electric bill: send the page with the electricity service.",
        )
    if diagnostics.account_cut and "account_number" not in said:
        said.add("account_number")
        yield Attention(
            "account_cut_off",
            "account_number",
            "The account number is cut off or cannot be read whole. Photograph the page again with all of the top in view.",
        )
    if not _prints_pod(reading, form):
        said.add("pod_id")
    missing = [name for name in FIELD_NAMES if name not in said]
    if missing:
        yield _missing_sentence(diagnostics, missing)


def _prints_pod(reading: Reading, form: Mapping[str, str]) -> bool:
    """Tell whether a PoD ID is to be expected: by the bill's utility, or by the form's if that was not recognised."""
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
        then = f"Photograph {diagnostics.photograph or 'the page with the meter readings too'}."
        return Attention("wrong_page", missing[0], f"{this} no {what}. {then}")
    where = "these pages" if several else f"this page, page {printed} of the bill" if printed else "this page"
    message = (
        f"No {what} could be read on {where}. Photograph the page that prints {'them' if len(missing) > 1 else 'it'} "
        "with nothing over the print, or read the bill by hand."
    )
    return Attention("missing", missing[0], message)


def _differences(reading: Reading, form: Mapping[str, str]) -> Iterator[Attention]:
    utility, chosen = reading.fields.get("utility"), form.get("utility", "")
    if utility and chosen and utility.value != chosen:
        yield Attention(
            "utility_differs",
            "utility",
            f"The bill is from {utility.value}, the form says {chosen}. Check which one is right.",
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
    """Tell whether two names may mean one customer: order, initials, punctuation and a slip or two do not matter."""
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
            f"The bill is {age} days old; it must not be older than {OLD_DAYS}. Ask the customer for a recent one.",
        )


def _unsure(reading: Reading) -> Iterator[Attention]:
    diagnostics = reading.diagnostics
    for name, words in FIELD_NAMES.items():
        found = reading.fields.get(name)
        if name in diagnostics.conflicting:
            message = f"Different values were found for the {words}. Send one bill only, one account at a time."
        elif name in diagnostics.low_confidence:
            message = f"The {words} could not be read surely. Check it on the bill, or photograph it again closer and sharper."
        elif found and found.confidence < LOW:
            message = f"The {words} was hard to read. Compare it with the bill."
        else:
            continue
        yield Attention("low_confidence", name, message)


def _repeated(earlier: Sequence[EarlierIntake]) -> Iterator[Attention]:
    matching = [intake for intake in earlier if intake.same_file or intake.same_period]
    if matching:
        first = min(matching, key=lambda intake: (intake.submitted_at, intake.id))
        what = "This file" if any(intake.same_file for intake in matching) else "A bill of this account and period"
        yield Attention(
            "already_submitted",
            "",
            f"{what} was already submitted on {first.submitted_at:%Y-%m-%d} (intake {first.id}). "
            "Submit it again only if that one was wrong.",
        )
