"""Account numbers are whole: with all their groups, with what follows after a gap or a line's end, or they are none."""

from __future__ import annotations

from datetime import date

import pytest
from intake.extraction import Reading, attention, read_bill

from tests.support.drawn import drawn, head
from tests.support.lettering import Line

TODAY = date(2026, 11, 28)
LABEL = "Account Number: "


def read(utility: str, lines: list[Line]) -> tuple[Reading, list[str]]:
    """Return what is read of a page with these lines besides its head, and what is said of it."""
    reading = read_bill(drawn([*head(utility), *lines]), TODAY)
    told = attention(reading, {"utility": utility}, TODAY, [])
    assert "account_number" in reading.fields or any("account number" in item.message for item in told)
    return reading, [item.message for item in told]


def account(utility: str, *lines: Line) -> object:
    found = read(utility, list(lines))[0].fields.get("account_number")
    return found.value if found else None


def beside(text: str, *more: Line) -> list[Line]:
    return [(0.5, 0.04, LABEL + text), *more]


WHOLE: dict[str, tuple[str, list[Line], str]] = {
    "all groups": ("Central Hudson", beside("2100-1234-56-7"), "21001234567"),
    "blanks for hyphens": ("Central Hudson", beside("2100 1234 56 7"), "21001234567"),
    "a hyphen lost": ("Central Hudson", beside("2100-1234-567"), "21001234567"),
    "no hyphens": ("Central Hudson", beside("2100123456"), "2100123456"),
    "a hyphen, then a gap": ("Central Hudson", beside("2100-1234-", (0.8, 0.04, "56-7")), "21001234567"),
    "a hyphen at the end of the line": ("Central Hudson", beside("2100-1234-", (0.6, 0.057, "56-7")), "21001234567"),
    "a line's end without one": ("Central Hudson", beside("2100-1234", (0.6, 0.057, "56-7")), "21001234567"),
    "under the label": ("NYSEG", beside("1001-2345-", (0.5, 0.057, "678")), "10012345678"),
    "a gap": ("Con Edison", beside("6612345678", (0.8, 0.04, "00012")), "661234567800012"),
    "a gap under the label": ("Con Edison", [(0.5, 0.04, LABEL), (0.5, 0.056, "6612345678"), (0.7, 0.056, "00012")],
                              "661234567800012"),
    "another column": ("Con Edison", [(0.5, 0.04, LABEL), (0.7, 0.04, "Cycle"), (0.5, 0.056, "66123456780"),
                                      (0.7, 0.056, "0712")], "66123456780"),
    "too short to belong to it": ("Con Edison", beside("66123456780", (0.8, 0.04, "07")), "66123456780"),
    "half of it before a gap": ("National Grid", beside("12345-", (0.8, 0.04, "67890")), "1234567890"),
    "no groups known": ("Orange & Rockland", beside("12345-67890"), "1234567890"),
    "elsewhere without its end": ("Central Hudson", beside("2100-1234-56-7", (0.5, 0.5, LABEL + "2100-1234-56")),
                                  "21001234567"),
}  # fmt: skip


@pytest.mark.parametrize(("utility", "lines", "number"), WHOLE.values(), ids=WHOLE)
def test_a_number_is_followed_to_its_end(utility: str, lines: list[Line], number: str) -> None:
    """What breaks off is looked for on; what only stands beside it is left out."""
    assert account(utility, *lines) == number


BROKEN: dict[str, tuple[str, list[Line]]] = {
    "the last group": ("Central Hudson", beside("2100-1234-56")),
    "the first group": ("Central Hudson", beside("1234-56-7")),
    "blanks and no last group": ("Central Hudson", beside("2100 1234 56")),
    "a hyphen at the end": ("Central Hudson", beside("2100-1234-56-")),
    "a hyphen apart at the end": ("Central Hudson", beside("2100-1234-56 -")),
    "one digit of 15": ("Con Edison", beside("66-1234-5678-0001")),
    "11 digits in groups of 15": ("Con Edison", beside("66-1234-5678-0")),
    "11 digits, or 15": ("Con Edison", beside("66123456780", (0.8, 0.04, "0012"))),
    "half of it": ("National Grid", beside("12345-")),
    "two digits": ("National Grid", beside("12345-678")),
    "the last group of three": ("NYSEG", beside("1001-2345-")),
    "the paper's edge": ("NYSEG", [(0.83, 0.04, LABEL + "1001-2345-678")]),
    "digits after a gap": ("Orange & Rockland", beside("12345678", (0.8, 0.04, "901"))),
    "a hyphen where no groups are known": ("Orange & Rockland", beside("12345-67890-")),
    "asterisks before it": ("Orange & Rockland", beside("****-*12345678")),
    "crosses before it": ("PSEG Long Island", beside("XXXX 12345678")),
    "only its ending": ("PSEG Long Island", [(0.5, 0.04, "Account number ending in 12345678")]),
}  # fmt: skip


@pytest.mark.parametrize(("utility", "lines"), BROKEN.values(), ids=BROKEN)
def test_a_part_of_a_number_is_none_and_said(utility: str, lines: list[Line]) -> None:
    """Half a number enrols somebody else, or nobody."""
    assert account(utility, *lines) is None


@pytest.mark.parametrize("utility", ["Central Hudson", "Con Edison", "Orange & Rockland"])
@pytest.mark.parametrize(("number", "other"), [("20012345678", "RG&E"), ("10012345678", "NYSEG")])
def test_a_name_outweighs_a_prefix_and_the_contradiction_is_said(utility: str, number: str, other: str) -> None:
    """The bill names its utility; that an account number begins like another one's is for a person to judge."""
    reading, told = read(utility, beside(number))
    assert reading.fields["utility"].value == utility
    assert f"The bill names {utility}, but a number on it looks like one of {other}. Check which one is right." in told


@pytest.mark.parametrize("number", [LABEL + "2001-2345-678", "PoD ID: R01000012345678"])
def test_a_number_in_anothers_groups_leaves_the_utility_open(number: str) -> None:
    """Then the name may be a supplier's."""
    reading, told = read("Central Hudson", [(0.5, 0.1, number)])
    assert "utility" not in reading.fields
    assert "Different values were found for the utility. Send one bill only, one account at a time." in told


def test_a_supplier_with_a_utilitys_name_is_none() -> None:
    """ConEdison Solutions sells energy to customers of all utilities."""
    lines: list[Line] = [(0.03, 0.3, "ConEdison Solutions"), (0.5, 0.1, "PoD ID: N01000012345678")]
    reading, _ = read("NYSEG", [*beside("1001-2345-678"), *lines])
    assert reading.fields["utility"].value == "NYSEG"
