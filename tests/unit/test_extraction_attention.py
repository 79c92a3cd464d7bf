"""What the agent is told about a bill: the code, the field, and the sentence word for word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Any

import pytest
from intake.extraction import EarlierIntake, Reading, attention, read_bill
from intake.extraction.attention import FIELD_NAMES, OLD_DAYS
from intake.extraction.result import Diagnostics, Found
from intake.model import PageWords, Quad

from tests.support.lettering import ACCOUNT, Line, detail_page, header, page, service

TODAY = date(2025, 6, 20)
FORM = {"utility": "NYSEG", "account_name": "Orla Testwood"}
SUMMARY: list[Line] = [
    *header(sheet=1),
    (0.1, 0.2, "Previous invoice"),
    (0.5, 0.2, "$10.00"),
    (0.1, 0.22, "Next Scheduled Read Date: On or about June 30, 2025"),
    (0.5, 0.24, "See details beginning on page 3"),
]


def told(
    *pages: list[Line], form: dict[str, str] = FORM, today: date = TODAY, confidence: float = 0.97
) -> dict[str, str]:
    reading = read_bill([page(lines, number, confidence) for number, lines in enumerate(pages, start=1)])
    return {item.code: item.message for item in attention(reading, form, today, [])}


def test_a_good_bill_needs_no_attention() -> None:
    """The right page, the right customer, a recent bill."""
    assert told(detail_page()) == {}


def test_page_one_alone_is_the_wrong_page() -> None:
    """The agent can still photograph the right one."""
    assert told(SUMMARY)["wrong_page"] == (
        "This is page 1; it shows no PoD ID, electric use (kWh) or billing period. "
        "Photograph page 3, the one headed DETAILED ACCOUNT ACTIVITY."
    )


def test_both_pages_together_are_right() -> None:
    """Page 1 does no harm beside page 3."""
    assert told(SUMMARY, detail_page()) == {}


@pytest.mark.parametrize("pages", [[], [PageWords(1, 100, 100, "picture", [])]])
def test_a_picture_without_words_is_unreadable(pages: list[PageWords]) -> None:
    """Blur and glare leave no words."""
    [only] = attention(read_bill(pages), FORM, TODAY, [])
    assert (only.code, only.field) == ("unreadable", "")
    assert only.message == (
        "The photo cannot be read. Take it again: lay the bill flat, in good light, without glare, in focus, filling the frame."
    )


def test_a_letter_is_not_a_bill() -> None:
    """Readable text that has nothing of a bill."""
    lines: list[Line] = [
        (0.1, 0.1 + 0.02 * row, "Dear Orla, the choir meets on Sunday in the village hall") for row in range(5)
    ]
    assert told(lines) == {
        "not_a_bill": "This does not look like a utility bill. Send a photo or PDF of the customer's electric bill."
    }


def test_a_few_sharp_words_are_not_a_bill() -> None:
    """A door plate, a car: there is text, it is sharp, and it is not a bill's."""
    assert set(told([(0.1, 0.1, "Please ring twice")], confidence=0.96)) == {"not_a_bill"}


@pytest.mark.parametrize(("lines", "confidence"), [([(0.03, 0.04, "NYSEG")], 0.96), ([(0.1, 0.1, "Pl rns tc")], 0.4)])
def test_a_few_words_of_a_bill_or_none_that_is_sure_are_unreadable(lines: list[Line], confidence: float) -> None:
    """The large logo of a bill is read where all else is blurred; of a picture out of focus only noise is."""
    assert set(told(lines, confidence=confidence)) == {"unreadable"}


def test_gas_only() -> None:
    """A customer with gas service has no electric use to offset."""
    lines = [
        *header(),
        *service(0.14, kind="Gas Service - Residential", pod="N02000012345678"),
        (0.1, 0.2, "Gas Delivery Charges"),
    ]
    codes = told(lines)
    assert codes["gas_only"] == (
        "Only gas service was found. Community solar needs the electric bill. Send the page that shows electric service."
    )
    assert "wrong_page" not in codes


def test_a_cut_off_account_number() -> None:
    """The number runs out of the picture."""
    assert told(detail_page(account="1001-23"))["account_cut_off"] == (
        "The account number is cut off or incomplete. Photograph the page again with its whole top in view."
    )


def test_another_utility_than_in_the_form() -> None:
    """One of the two is wrong."""
    assert told(detail_page(), form={**FORM, "utility": "RG&E"}) == {
        "utility_differs": "The bill is from NYSEG, but the form says RG&E. Check which one is right."
    }


@pytest.mark.parametrize("name", ["orla testwood", "Testwood, Orla", "Orla M. Testwood", "ORLATESTWOOD"])
def test_the_same_name_in_other_words(name: str) -> None:
    """Order, case, initials and blanks do not matter."""
    assert told(detail_page(), form={**FORM, "account_name": name}) == {}


def test_another_name_than_in_the_form() -> None:
    """The bill may be another customer's."""
    assert told(detail_page(), form={**FORM, "account_name": "Bram Quillfeather"}) == {
        "name_differs": "The name on the bill differs from the account name in the form. "
        "Check that it is the right customer's bill."
    }


def test_an_old_bill() -> None:
    """Ninety days are allowed, ninety-one are not."""
    issued = date(2025, 6, 3)
    assert told(detail_page(), today=date.fromordinal(issued.toordinal() + OLD_DAYS)) == {}
    assert told(detail_page(), today=date.fromordinal(issued.toordinal() + OLD_DAYS + 1)) == {
        "old_bill": "The bill is 91 days old; the limit is 90 days. Ask the customer for a recent one."
    }


WHOLE = Found("x", 0.95, 1, Quad(*8 * [0.5]), "label left")
ROW_FIELDS = ("utility", "account_number", "pod_id", "kwh", "period_end", "service_address", "customer_name")
NYSEG_PAGE = Diagnostics(words=300, bill_marks=5, page_kinds={"1": ("detail",)}, electric=True, prints_pod=True)


def read(without: Iterable[str] = (), **diagnostics: Any) -> Reading:
    """Return a reading of all fields of the row but some."""
    values = {"utility": "NYSEG", "period_end": "2025-06-02"}
    fields = {name: replace(WHOLE, value=values.get(name, "x")) for name in ROW_FIELDS if name not in without}
    return Reading(fields, replace(NYSEG_PAGE, **diagnostics))


@pytest.mark.parametrize("diagnostics", [{}, {"page_kinds": {"1": ()}}, {"page_kinds": {"1": (), "2": ()}}])
def test_ok_means_complete(diagnostics: dict[str, Any]) -> None:
    """Whatever is missing, one sentence names all of it and says what to do."""
    for without in (fields for count in range(1, len(ROW_FIELDS)) for fields in combinations(ROW_FIELDS, count)):
        [item] = attention(read(without, **diagnostics), {"utility": "NYSEG"}, TODAY, [])
        said = [name for name in ROW_FIELDS if FIELD_NAMES[name] in item.message]
        assert said == list(without)
        assert "Photograph" in item.message


def test_nothing_is_said_of_a_complete_reading() -> None:
    """All that the row needs is there and sure."""
    assert attention(read(), {"utility": "NYSEG"}, TODAY, []) == []


@pytest.mark.parametrize("name", ROW_FIELDS)
@pytest.mark.parametrize("reason", ["conflicting", "low_confidence", "unsure", "missing"])
def test_each_field_is_said_once(name: str, reason: str) -> None:
    """A value that competes, was low_confidence, or is not sure enough has its own sentence, and only that."""
    reading = read([name] if reason != "unsure" else [])
    if reason == "unsure":
        unsure = {**reading.fields, name: replace(reading.fields[name], confidence=0.84)}
        reading = replace(reading, fields=unsure)
    elif reason != "missing":
        changes: dict[str, Any] = {reason: (name,)}
        reading = replace(reading, diagnostics=replace(reading.diagnostics, **changes))
    [item] = attention(reading, {"utility": "NYSEG"}, TODAY, [])
    assert FIELD_NAMES[name] in item.message


def test_what_is_missing_word_for_word() -> None:
    """What is wrong, and what to do about it."""
    [item] = attention(read(["account_number"], printed_pages={"1": 3}), {"utility": "NYSEG"}, TODAY, [])
    assert (item.code, item.field, item.message) == (
        "missing",
        "account_number",
        "No account number could be read on this page, page 3 of the bill. "
        "Photograph the page that shows it with nothing covering the text, or read the bill by hand.",
    )


@pytest.mark.parametrize(
    ("utility", "prints_pod", "chosen", "said"),
    [
        ("National Grid", False, "National Grid", False),
        ("Con Edison", None, "Con Edison", False),
        ("Con Edison", None, "NYSEG", False),
        ("NYSEG", True, "National Grid", True),
        ("", None, "NYSEG", True),
        ("", None, "", False),
    ],
)
def test_a_pod_id_is_missed_only_where_it_is_printed(
    utility: str, prints_pod: bool | None, chosen: str, said: bool
) -> None:
    """By the utility of the bill; where that was not recognised, by the one in the form."""
    reading = read(["pod_id", *([] if utility else ["utility"])], prints_pod=prints_pod)
    if utility:
        fields = {**reading.fields, "utility": replace(WHOLE, value=utility)}
        reading = replace(reading, fields=fields)
    messages = [item.message for item in attention(reading, {"utility": chosen}, TODAY, [])]
    assert any("PoD ID" in message for message in messages) == said


def test_two_accounts() -> None:
    """A second bill in view competes with the first."""
    reading = read_bill([page([*detail_page(), (0.62, 0.7, "Account Number:"), (0.86, 0.7, "1009-8765-432")])])
    [item] = [item for item in attention(reading, FORM, TODAY, []) if item.field == "account_number"]
    assert item.code == "low_confidence"
    assert item.message == "Different values were found for the account number. Send only one bill, for one account."


def test_values_that_were_hard_to_read() -> None:
    """Reported, but to be compared with the bill."""
    lines = [entry for entry in header() if entry[2] != ACCOUNT]
    half = page([(0.8605, 0.042, ACCOUNT)], confidence=0.86)
    rest = page([*lines, *service(0.14)])
    reading = read_bill([PageWords(1, rest.width, rest.height, "picture", [*rest.words, *half.words])])
    messages = [item.message for item in attention(reading, FORM, TODAY, []) if item.field == "account_number"]
    assert messages == ["The account number was hard to read. Compare it with the bill."]


def test_a_bill_that_was_submitted_before() -> None:
    """The first of the earlier intakes is named."""
    earlier = [
        EarlierIntake("b" * 32, datetime(2025, 6, 12, tzinfo=UTC), same_file=False, same_period=True),
        EarlierIntake("a" * 32, datetime(2025, 6, 10, tzinfo=UTC), same_file=False, same_period=True),
    ]
    [item] = attention(read_bill([page(detail_page())]), FORM, TODAY, earlier)
    assert item.code == "already_submitted"
    assert item.message == (
        f"A bill for this account and period was already submitted on 2025-06-10 (intake {'a' * 32}). "
        "Submit it again only if that one was wrong."
    )


def test_a_file_that_was_submitted_before() -> None:
    """Nothing needs to be readable for that."""
    earlier = [EarlierIntake("a" * 32, datetime(2025, 6, 10, tzinfo=UTC), same_file=True, same_period=False)]
    found = attention(read_bill([]), FORM, TODAY, earlier)
    assert [item.code for item in found] == ["unreadable", "already_submitted"]
    assert found[1].message.startswith("This file was already submitted on 2025-06-10")


def test_an_earlier_intake_of_another_bill_does_not_matter() -> None:
    """Neither the same file nor the same period."""
    earlier = [EarlierIntake("a" * 32, datetime(2025, 6, 10, tzinfo=UTC), same_file=False, same_period=False)]
    assert attention(read_bill([page(detail_page())]), FORM, TODAY, earlier) == []
