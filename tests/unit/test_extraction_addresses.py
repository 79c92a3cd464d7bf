"""Service addresses of all kinds: as printed, and as engines give them with blanks and commas lost and letters misread."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

import pytest
from intake.extraction import attention, read_bill
from intake.extraction.attention import LOW
from intake.extraction.postal import MOST_CHARACTERS, one_line, one_line_of, town_of, two_lines_of
from intake.extraction.streets import street_of

from tests.support.lettering import Line, header, page, service

CASES: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "extraction_cases" / "addresses.toml").read_text("utf-8")
)
ADDRESSES: list[str] = CASES["whole"]
DAY = date(2025, 6, 20)
NAMES = ("RAFAELA P OAKHOLLOW", "RAFAELAPOAKHOLLOW")
LEAST = 0.78
"""What the text of an address must be sure of to be reported from words that are certain."""


def parted(address: str) -> tuple[str, str, str]:
    street, rest = address.rsplit(", ", 1)
    town, code = rest.split(" NY ")
    return street, town, code


def misread(town: str, rng: Random) -> str:
    """Return a town with one of its letters read as another one."""
    at = rng.choice([index for index, sign in enumerate(town) if sign != " "])
    return town[:at] + rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ".replace(town[at], "")) + town[at + 1 :]


KEPT: dict[str, Callable[[str, str, str], str]] = {
    "as printed": lambda street, town, code: f"{street}, {town} NY {code}",
    "no comma": lambda street, town, code: f"{street} {town} NY {code}",
    "comma before the state": lambda street, town, code: f"{street}, {town}, NY {code}",
    "comma before the state only": lambda street, town, code: f"{street} {town}, NY {code}",
    "dots": lambda street, town, code: f"{street}. {town}, N.Y. {code}",
    "words behind it": lambda street, town, code: f"{street}, {town} NY {code} Page 3 of 4",
    "code joined": lambda street, town, code: f"{street} {town} NY{code}",
    "state joined": lambda street, town, code: f"{street} {town}NY {code}",
    "number joined": lambda street, town, code: re.sub(r"^([\d-]+) (?=[A-Z]{3})", r"\1", f"{street} {town} NY {code}"),
    "words of the town joined": lambda street, town, code: f"{street}, {town.replace(' ', '')} NY {code}",
    "no state": lambda street, town, code: f"{street}, {town} {code}",
    "digits for letters": lambda street, town, code: f"{street}, {town.replace('O', '0').replace('I', '1')} NY {code}",
}
"""What must still be read, letter by letter."""
DAMAGED: dict[str, Callable[[str, str, str], str]] = {
    "town joined to the street": lambda street, town, code: f"{street}{town} NY {code}",
    "words of the street joined": lambda street, town, code: f"{street.replace(' ', '')} {town} NY {code}",
    "all joined": lambda street, town, code: f"{street}{town}NY{code}".replace(" ", ""),
    "town misread": lambda street, town, code: f"{street}, {misread(town, Random(street))} NY {code}",
    "town misread, no comma": lambda street, town, code: f"{street} {misread(town, Random(street))} NY {code}",
    "two letters misread": lambda street, town, code: (
        f"{street}, {misread(misread(town, Random(street)), Random(code))} NY {code}"
    ),
    "another town's code": lambda street, town, code: (
        f"{street}, {town} NY {'12345' if code[0:2] != '12' else '14850'}"
    ),
}
"""What may be read, and never wrongly; without a comma or blank it is to be compared."""


def read(text: str) -> tuple[str, float] | None:
    """Return the address of a line as it would be reported."""
    found = one_line_of(text)
    return (one_line(found[0]), found[1]) if found and found[1] >= LEAST else None


@pytest.mark.parametrize("damage", KEPT)
def test_every_kind_of_address_is_read(damage: str) -> None:
    """The comma comes where the street ends, wherever it was printed."""
    for address in ADDRESSES:
        line = KEPT[damage](*parted(address))
        found = read(line)
        assert found is not None, line
        assert found[0] == address


@pytest.mark.parametrize("damage", DAMAGED)
def test_no_damage_makes_another_address(damage: str) -> None:
    """It is the address, or none; only blanks within the street may be lost, and then it is to be compared."""
    for address in ADDRESSES:
        line = DAMAGED[damage](*parted(address))
        found = read(line)
        if found is not None and damage != "another town's code":
            assert found[0].replace(" ", "") == address.replace(" ", ""), line
            assert found[0] == address or 0.97 * found[1] < LOW or "L-183" in address, line
        assert found is None or damage != "another town's code", line


def test_what_can_be_put_right_is() -> None:
    """Most of what engines do to a town is undone by its ZIP code."""
    for damage, least in {"town misread": 80, "town misread, no comma": 70, "town joined to the street": 80}.items():
        assert sum(read(DAMAGED[damage](*parted(address))) is not None for address in ADDRESSES) >= least


@pytest.mark.parametrize(("line", "address"), (CASES["joined"] | CASES["compare"]).items())
def test_lines_as_engines_give_them(line: str, address: str) -> None:
    """Joined words are parted and what was printed stays; a name that may have lost a blank is to be compared."""
    found = read(line)
    assert found is not None
    assert found[0] == address
    assert line in CASES["joined"] or found[1] < LOW


@pytest.mark.parametrize("line", CASES["none"])
def test_what_can_be_read_in_two_ways_or_none_is_none(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(
    ("street", "town", "address"),
    [
        ("12 CHERRY HILL RD", "ITHACA NY 14850", "12 CHERRY HILL RD, ITHACA NY 14850"),
        ("12CHERRYHILL RD", "ITHACANY14850", "12 CHERRYHILL RD, ITHACA NY 14850"),
        ("45-17 21ST ST", "LONG ISLAND CITY, NY 11101", "45-17 21ST ST, LONG ISLAND CITY NY 11101"),
        ("9 ELM ST", "HORNEIL NY 14843", "9 ELM ST, HORNELL NY 14843"),
    ],
)
def test_two_lines(street: str, town: str, address: str) -> None:
    """The line break is the comma."""
    found = two_lines_of(street, town)
    assert found is not None
    assert one_line(found[0]) == address


def test_a_mailing_line_is_known_by_its_nine_digits() -> None:
    """Service addresses have five, save where a label says that it is one."""
    towns = [town_of(text) for text in ("ITHACA NY 14850-1234", "ITHACA NY 14850")]
    assert [town.mailing for town in towns if town] == [True, False]


LABEL: Line = (0.03, 0.107, "Service Address:")


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ([(0.03, 0.107, "Service Address: 12 MAIN ST ONEONTA NY 13820")], "12 MAIN ST, ONEONTA NY 13820"),
        ([LABEL, (0.2, 0.107, "12 MAIN ST"), (0.2, 0.119, "ONEONTA NY 13820")], "12 MAIN ST, ONEONTA NY 13820"),
        ([LABEL, (0.03, 0.119, "12 MAIN ST"), (0.03, 0.131, "ONEONTA NY 13820")], "12 MAIN ST, ONEONTA NY 13820"),
        (
            [LABEL, (0.03, 0.119, "12 MAIN ST"), (0.03, 0.131, "APT 3B"), (0.03, 0.143, "ONEONTA NY 13820")],
            "12 MAIN ST APT 3B, ONEONTA NY 13820",
        ),
    ],
    ids=["one line", "two lines beside", "two lines under", "a unit on a line of its own"],
)
def test_places_of_an_address(lines: list[Line], address: str) -> None:
    bare = [line for line in header() if line[1] < 0.1]
    assert read_bill([page([*bare, *service(0.14), *lines])]).fields["service_address"].value == address


@pytest.mark.parametrize("utility", ["Con Edison", "Central Hudson", "PSEG Long Island", "Orange & Rockland"])
@pytest.mark.parametrize("x", [0.03, 0.3])
def test_a_block_without_a_label_is_nobodys_service_address(utility: str, x: float) -> None:
    """It may be the agent's or the landlord's; and the logo over it is no customer."""
    block = ["ACME HOLDINGS LLC", "99 OFFICE PARK RD", "ALBANY NY 12207"]
    lines: list[Line] = [
        (x, 0.03, utility),
        (0.6, 0.03, "Account Number: 66123456780001"),
        (0.6, 0.045, "Billing Period: Oct 13, 2026 to Nov 11, 2026"),
        *((x, 0.045 + 0.012 * row, text) for row, text in enumerate(block)),
        *((0.03, 0.2 + 0.02 * row, "Electric service charges on this page") for row in range(4)),
    ]
    reading = read_bill([page(lines)])
    assert "service_address" not in reading.fields
    assert "customer_name" not in reading.fields or reading.fields["customer_name"].value == "ACME HOLDINGS LLC"


def places(*block: str, x: float = 0.28) -> list[Line]:
    """Return the top of a National Grid page whose SERVICE FOR is cut off."""
    return [
        (0.03, 0.04, "nationalgrid"),
        (0.55, 0.023, "BILLING PERIOD"),
        (0.55, 0.035, "Apr 4, 2025 to May 6, 2025"),
        (0.55, 0.05, "ACCOUNT NUMBER"),
        (0.55, 0.062, "12345-67890"),
        *((x, 0.03 + 0.012 * row, text) for row, text in enumerate(block)),
        (0.3, 0.1, "DETAIL OF CURRENT CHARGES"),
        (0.3, 0.12, "Electricity Delivery"),
        (0.3, 0.14, "NUMBER OF DAYS IN PERIOD 32"),
    ]


def test_an_address_by_its_place_is_to_be_compared() -> None:
    """Where a utility's layout has name and address in one block, its place tells both, but not surely."""
    reading = read_bill([page(places("ORLA TESTWOOD", "12 CHERRY HILL RD", "TROY NY 12180"))])
    found = {name: reading.fields[name] for name in ("service_address", "customer_name")}
    assert [field.value for field in found.values()] == ["12 CHERRY HILL RD, TROY NY 12180", "ORLA TESTWOOD"]
    assert all(field.confidence < LOW for field in found.values())
    said = {item.field for item in attention(reading, {}, DAY, [])}
    assert set(found) <= said


@pytest.mark.parametrize(
    ("block", "x"),
    [
        (("ORLA TESTWOOD", "12 CHERRY HILL RD", "TROY NY 12180-1234"), 0.28),
        (("ORLA TESTWOOD", "C/O BRAM QUILLFEATHER", "12 CHERRY HILL RD", "TROY NY 12180"), 0.28),
        (("BIRCH REALTY", "12 CHERRY HILL RD", "TROY NY 12180"), 0.28),
        (("ORLA TESTWOOD", "12 CHERRY HILL RD", "TROY NY 12180"), 0.03),
    ],
    ids=["nine digits", "in care of", "landlord", "another place"],
)
def test_what_speaks_against_a_block_makes_it_none(block: tuple[str, ...], x: float) -> None:
    """Mailing blocks look the same."""
    lines = [line for line in places(*block, x=x) if x > 0.2 or line[2] != "nationalgrid"]
    lines.append((0.7, 0.3, "National Grid delivers"))
    assert "service_address" not in read_bill([page(lines)]).fields


@pytest.mark.parametrize(
    "logo", ["Con Edison", "conEdison", "CON EDISON COMPANY OF NEW YORK INC", "NYSEG", "National Grid USA"]
)
def test_a_utility_is_no_customer(logo: str) -> None:
    """Its logo stands over the account number where the customer's name is covered."""
    assert read_bill([page([*header(name=logo), *service(0.14)])]).fields.get("customer_name") is None


def test_a_name_with_and_without_its_blanks_is_one() -> None:
    """Two pages, one of them read by an engine that joins words."""
    pages = [page([*header(name=name), *service(0.14)], number) for number, name in enumerate(NAMES, start=1)]
    reading = read_bill(pages)
    assert reading.fields["customer_name"].value == NAMES[0]


def spread(line: str) -> Iterator[str]:
    """Yield long lines that begin like an address."""
    for filler in ("A", "12 ", ". ", ",", "-", "12207 ", "NY 12207", "MAIN ST ", "N ", "#", "'"):
        yield line + filler * (20_000 // len(filler))


@pytest.mark.parametrize("line", ["", "1 ", "1 A, ", "12 MAIN ST, ALBANY NY 12207 "])
def test_of_a_long_line_only_the_beginning_is_looked_at(line: str) -> None:
    """So no search over it grows with what a stranger writes."""
    for text in spread(line):
        assert one_line_of(text) == one_line_of(text[:MOST_CHARACTERS])
        assert town_of(text) is None
        assert street_of(text) is None


def test_the_table_of_towns() -> None:
    """All of New York: five digits and the names of towns, none twice."""
    lines = (resources.files("intake.extraction") / "towns.txt").read_text(encoding="ascii").splitlines()[1:]
    assert len({line[:5] for line in lines}) == len(lines) > 2000
    assert all(re.fullmatch(r"\d{5} [A-Z ]+(,[A-Z ]+)*", line) for line in lines)
    assert {line[:5] for line in lines} & {"12207", "07030"} == {"12207"}
