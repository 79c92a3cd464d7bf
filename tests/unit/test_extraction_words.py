"""Engines put different words on a line: marks apart, blanks lost, numbers in pieces; the values are the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from intake.extraction import attention, read_bill
from intake.model import PageWords, Quad, Word

from tests.support.lettering import ACCOUNT, POD, Line, charge, detail_page, header, meter_row, page, service, turned
from tests.unit.test_extraction_attention import TODAY
from tests.unit.test_extraction_traps import DIGITS, GRID_TOP, MONTHS, history, values

PERIOD_PAGE = page([*header(), *service(0.14), (0.88, 0.19, "30 days")])
KEYS = ("utility", "account_number", "pod_id", "kwh", "period_start", "period_end", "statement_date", "meter_number")


def marks_apart(original: PageWords) -> PageWords:
    """Make every mark a word of its own, as in Vision's answer before its breaks are read."""
    words = []
    for word in original.words:
        for match in re.finditer(r"[A-Za-z0-9]+|[^A-Za-z0-9]", word.text):
            u, v, q = match.start() / len(word.text), match.end() / len(word.text), word.quad
            left, right = q.x0 + u * (q.x1 - q.x0), q.x0 + v * (q.x1 - q.x0)
            words.append(Word(match[0], Quad(left, q.y0, right, q.y1, right, q.y2, left, q.y3), word.confidence))
    return PageWords(original.page, original.width, original.height, original.source, words)


def blanks_lost(original: PageWords) -> PageWords:
    """Join the words of a line that one blank parts, as RapidOCR does in small print."""
    words: list[Word] = []
    for word in original.words:
        last = words[-1] if words else None
        if last and last.quad.y0 == word.quad.y0 and 0 <= word.quad.x0 - last.quad.x1 < 0.01:
            a, b = last.quad, word.quad
            quad = Quad(a.x0, a.y0, b.x1, b.y1, b.x2, b.y2, a.x3, a.y3)
            words[-1] = Word(last.text + word.text, quad, min(last.confidence, word.confidence))
        else:
            words.append(word)
    return PageWords(original.page, original.width, original.height, original.source, words)


def replaced(lines: list[Line], old: str, new: str) -> list[Line]:
    return [(x, y, text.replace(old, new)) for x, y, text in lines]


@pytest.mark.parametrize("cut", [marks_apart, blanks_lost])
@pytest.mark.parametrize(("quarters", "degrees"), [(0, 0.0), (1, 9.0), (2, -12.0)])
def test_what_an_engine_calls_a_word_does_not_matter(
    cut: Callable[[PageWords], PageWords], quarters: int, degrees: float
) -> None:
    """The key fields are those of the plain page, whatever the turn."""
    plain = values(read_bill([page(detail_page())]))
    found = values(read_bill([turned(cut(page(detail_page())), quarters, degrees)]))
    assert {name: found.get(name) for name in KEYS} == {name: plain[name] for name in KEYS}
    one, other = (str(one["service_address"]).replace(" ", "") for one in (found, plain))
    assert one == other


@pytest.mark.parametrize("unit", ["kwh", "kWh", "KWH", "kwn", "kWn", "kvvh", "kVVh", "k wh", "kw h", "kwh."])
def test_slips_in_the_unit_do_not_matter(unit: str) -> None:
    """`kwh` is small print on a table's line."""
    assert values(read_bill([page(replaced(detail_page(), "kwh", unit))]))["kwh"] == 787


@pytest.mark.parametrize(
    "printed",
    ["N01 000012345678", "N0 1000 0123 45678", "N 01000012345678", "NO1OOOO12345678", "N01-000012345678",
     "|N01000012345678", "N01000012345678|"],
)  # fmt: skip
def test_pieces_of_a_pod_belong_together(printed: str) -> None:
    """Blanks, dashes, a table's border and the letter O are no part of it."""
    assert values(read_bill([page(replaced(detail_page(), POD, printed))]))["pod_id"] == POD


@pytest.mark.parametrize("printed", ["1001 - 2345 - 678", "1001 -2345- 678", "1001- 2345-678"])
def test_dashes_that_stand_alone_belong_to_the_number(printed: str) -> None:
    """Vision may see blanks around a dash."""
    assert values(read_bill([page(detail_page(account=printed))]))["account_number"] == DIGITS


def test_a_number_in_two_words_is_no_use() -> None:
    """`1 787 kwh` is not 787 kWh, even where all lines say so."""
    lines = replaced(replaced(detail_page(), "787 kwh", "1787 kwh"), "1787 kwh", "1 787 kwh")
    narrow = page(lines)
    words = [
        word._replace(quad=Quad(q.x0 + 0.006, q.y0, q.x1 + 0.006, q.y1, q.x2 + 0.006, q.y2, q.x3 + 0.006, q.y3))
        if word.text == "1" and (q := word.quad)
        else word
        for word in narrow.words
    ]
    found = values(read_bill([PageWords(1, narrow.width, narrow.height, narrow.source, words)]))
    assert found.get("kwh") in (None, 1787)


def test_a_use_that_its_readings_contradict_is_none() -> None:
    """Readings and difference say 787, the billed usage and the charges something that no multiplier makes of it."""
    assert "kwh" not in values(read_bill([page(replaced(detail_page(), "787 kwh", "1,787 kwh"))]))


def test_charges_outvote_a_lost_register() -> None:
    """Of three registers one was not read; four charges whose arithmetic is right name the whole."""
    lines = [
        *header(),
        *service(0.14),
        *meter_row(0.19, "5680 kwh", "142", meter="0300123456/ON", multiplier="40"),
        *meter_row(0.218, "4720 kwh", "118", meter="0300123456/OFF", multiplier="40"),
        *charge(0.26, "Delivery charge", 14760, "0.01275"),
        *charge(0.274, "SBC charge", 14760, "0.005902"),
        *charge(0.288, "Recovery charge", 14760, "0.001338"),
        *charge(0.302, "Merchant function charge", 14760, "0.003711"),
    ]
    assert values(read_bill([page(lines)]))["kwh"] == 14760


@pytest.mark.parametrize("printed", ["001-2345-678", "101-2345-678"])
def test_a_lost_digit_of_the_known_prefix_is_completed_and_to_be_compared(printed: str) -> None:
    """Engines overlook a 1 at the beginning; all of the utility's numbers begin with 100, so nothing else is possible."""
    reading = read_bill([page(detail_page(account=printed), confidence=0.99)])
    assert reading.fields["account_number"].value == DIGITS
    told = attention(reading, {"utility": "NYSEG", "account_name": "Orla Testwood"}, TODAY, [])
    assert [(item.code, item.field) for item in told] == [("low_confidence", "account_number")]


@pytest.mark.parametrize("printed", ["01-2345-678", "001-2345-67", "301-2345-678", "100-2345-678", "0012345678"])
def test_other_lost_digits_are_not_made_up(printed: str) -> None:
    """Where another digit may be lost, or the hyphens are, nothing is completed."""
    assert "account_number" not in read_bill([page(detail_page(account=printed), confidence=0.99)]).fields


def test_two_numbers_one_of_them_short_are_not_merged() -> None:
    """A completed number competes with another account's whole number."""
    lines = [*detail_page(account="001-2345-678"), (0.62, 0.7, "Account Number:"), (0.86, 0.7, "1009-8765-432")]
    assert values(read_bill([page(lines, confidence=0.99)])).get("account_number") != DIGITS


@pytest.mark.parametrize("name", ["RGE", "RG8E", "R6&E", ""])
def test_an_unreadable_logo_is_told_by_the_numbers(name: str) -> None:
    """Prefix and PoD letter belong to one utility only."""
    lines = replaced(replaced(detail_page(account="2001-2345-678"), POD, POD.replace("N", "R")), "NYSEG", name)
    found = values(read_bill([page([line for line in lines if line[2]])]))
    assert (found["utility"], found["account_number"]) == ("RG&E", "2" + DIGITS[1:])


GRID_MARKS: list[Line] = [
    (0.3, 0.11, "DETAIL OF CURRENT CHARGES"),
    (0.6, 0.17, "NEXT SCHEDULED READ DATE ON OR ABOUT"),
    (0.6, 0.185, "NUMBER OF DAYS IN PERIOD 32"),
    (0.6, 0.20, "VOLTAGE DELIVERY LEVEL 0 - 2.2 kv"),
]


def test_a_cut_off_name_is_told_by_the_layout_and_to_be_compared() -> None:
    """National Grid's numbers have no prefix; its wording together with a number in its groups tells it."""
    nameless = [line for line in GRID_TOP if line[2] != "nationalgrid"]
    reading = read_bill([page([*nameless, *GRID_MARKS])])
    assert (reading.fields["utility"].value, reading.fields["utility"].how) == ("National Grid", "layout")
    assert reading.fields["account_number"].value == "0123456789"
    assert reading.fields["utility"].confidence < 0.85
    assert "utility" not in read_bill([page([*nameless, *GRID_MARKS[:1]])]).fields


def test_a_street_under_an_unread_name_is_not_the_name() -> None:
    """Names may begin with digits, but a line over the town is the street."""
    lines = [line for line in GRID_TOP if line[2] != "ORLA TESTWOOD"]
    assert "customer_name" not in values(read_bill([page(lines)]))


def test_a_name_that_ends_before_its_column_is_not_whole() -> None:
    """The bar's values are flush right; a letter was not read."""
    lines = [(x, y, "ORLA TESTWOO" if text == "ORLA TESTWOOD" else text) for x, y, text in detail_page()]
    assert "customer_name" not in values(read_bill([page(lines)]))


def test_a_lost_month_is_not_taken_from_the_gas_table() -> None:
    """The tables stand side by side; where a use was not read, the next number on the line is therms."""
    table = history(MONTHS)
    lost = next(index for index, line in enumerate(table) if line[2].startswith("Nov 24"))
    x, y, _ = table[lost]
    therms: list[Line] = [(0.2, 0.19, "Gas Usage"), (0.2, y, "Nov 24 53")]
    whole = read_bill([page([*GRID_TOP, *table, *therms])])
    assert whole.fields["annual_kwh_basis"].value == "12 months printed"
    table[lost] = (x, y, "Nov 24")
    assert "annual_kwh" not in values(read_bill([page([*GRID_TOP, *table, *therms])]))
    table[lost] = (x, y, "Nov 24")
    bare: list[Line] = [(0.24, y, "53")]
    assert "annual_kwh" not in values(read_bill([page([*GRID_TOP, *table, *bare])]))


def test_the_suppliers_number_is_not_the_customers_even_where_the_utility_is_unknown() -> None:
    """The logo is cut off, and ACCOUNT NO is a good label on other bills; but it stands under SUPPLIER."""
    supplier: list[Line] = [
        (0.3, 0.3, "SUPPLIER"), (0.4, 0.3, "Invented Energy LLC"), (0.3, 0.314, "PHONE 800-555-0114"),
        (0.3, 0.328, "ACCOUNT NO 9876543210"),
    ]  # fmt: skip
    assert "account_number" not in values(read_bill([page([*supplier, (0.3, 0.36, "Electricity Supply")])]))


def test_a_lost_comma_is_found_again() -> None:
    """The street ends with its type, or with the unit after it."""
    lines = replaced(detail_page(), "12 INVENTED RD HSE, GENEVA", "12 INVENTED RD HSE GENEVA")
    found = values(read_bill([page(lines, confidence=0.99)]))
    assert found["service_address"] == "12 INVENTED RD HSE, GENEVA NY 14456"


def test_a_word_missing_in_an_address_makes_it_none() -> None:
    """A gap wider than the other blanks may hide one: GLENS FALLS is not GLENS."""
    lines = [line for line in GRID_TOP if line[2] != "POTSDAM NY 13676"]
    gap = page([*lines, (0.28, 0.054, "GLENS"), (0.28 + 13 * 0.0085, 0.054, "NY 12801")])
    assert "service_address" not in values(read_bill([gap]))


def test_a_hole_in_a_street_of_few_words_makes_it_none() -> None:
    """With two gaps in a line, the wider one must not set its own measure: WILL MERE was WILLOWMERE."""
    street = next(line for line in GRID_TOP if line[0] == 0.28 and line[2][0].isdigit())
    lines = [line for line in GRID_TOP if line != street]
    hole: list[Line] = [(0.28, street[1], "5050WILL"), (0.28 + 8 * 0.0085 + 0.0235, street[1], "MERE RD")]
    for top in (lines, [line for line in lines if line[2] != "SERVICE FOR"]):
        assert "service_address" in values(read_bill([page([*top, (0.28, street[1], "5050WILLOWMERE RD")])]))
        assert "service_address" not in values(read_bill([page([*top, *hole])]))


def test_the_number_keeps_its_hyphens_as_printed() -> None:
    """Slips and splits do not show in what the office copies."""
    reading = read_bill([marks_apart(page(detail_page()))])
    assert reading.fields["account_number_printed"].value == ACCOUNT


def test_on_curled_paper_a_value_may_lie_higher_than_its_label() -> None:
    """The name is what stands over both, not the value itself."""
    lines = [(x, y - 0.0046, text) if text == ACCOUNT else (x, y, text) for x, y, text in detail_page()]
    assert values(read_bill([page(lines)]))["customer_name"] == "ORLA TESTWOOD"


def test_the_state_alone_may_be_hard_to_read() -> None:
    """All addresses are in New York: a smudge on NY takes nothing from the rest."""
    whole = page(detail_page())
    smudged = [word._replace(confidence=0.6) if word.text == "NY" else word for word in whole.words]
    found = read_bill([replace(whole, words=smudged)]).fields["service_address"]
    assert (found.value, found.confidence > 0.85) == ("12 INVENTED RD HSE, GENEVA NY 14456", True)


def test_a_pole_with_a_zero_for_its_letter() -> None:
    """PO62-8 names a pole; P062-8 does not."""
    lines = replaced(detail_page(), "12 INVENTED RD HSE", "12 INVENTED RD P062-8")
    assert values(read_bill([page(lines)]))["service_address"] == "12 INVENTED RD PO62-8, GENEVA NY 14456"


def test_the_printed_days_confirm_dates_that_were_hard_to_read() -> None:
    """A misread digit would give another number of days; without the number, the same dates are not sure enough."""
    hard = replace(PERIOD_PAGE, words=[w._replace(confidence=0.62) if "/" in w.text else w for w in PERIOD_PAGE.words])
    assert values(read_bill([hard]))["period_end"] == "2025-05-31"
    uncounted = replace(hard, words=[w for w in hard.words if w.text not in ("30", "days")])
    assert "period_end" not in values(read_bill([uncounted]))


def test_a_difference_times_its_multiplier_proves_the_use() -> None:
    """Where the left half of the meter's row was not read."""
    rest: list[Line] = [(0.57, 0.19, "451"), (0.65, 0.19, "20"), (0.72, 0.19, "9020 kwh"), (0.88, 0.19, "30 days")]
    lines = [*header(), *service(0.14), *rest, *charge(0.24, "", 9020, "0.06823")[1:]]
    assert values(read_bill([page(lines)]))["kwh"] == 9020
    lines = [*header(), *service(0.14), *(line for line in rest if line[2] != "20")]
    assert "kwh" not in values(read_bill([page(lines)]))


def test_a_name_that_ran_into_the_period_beside_it_is_none() -> None:
    """Words joined over the gap between two columns."""
    lines = replaced(GRID_TOP, "ORLA TESTWOOD", "ORLA TESTWOOD GREENHOUSES INCSep 6,2025 to Oct5,2025")
    assert "customer_name" not in values(read_bill([page(lines)]))


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("OTTER LAKE BAKERY", True),  # ends where the account number ends, and begins with no word of a trade
        ("14 OTTER LAKE SUPPLY", True),
        ("BAKERY LLC", False),  # whose?
        ("MACHINE WORKS", False),
        ("TESTWOOD-LINDENMARK", False),  # a last name alone
        ("WINIFREDTESTWOOD-LINDENMARK", True),  # lost its blank, not a word
    ],
)
def test_a_business_name_that_may_have_lost_a_word_is_none(name: str, is_read: bool) -> None:
    """A name over the account number may have lost its first word; it is reported if its own words say that it has not."""
    found = values(read_bill([page(detail_page(name=name))]))
    assert found.get("customer_name") == (name if is_read else None)


def test_a_zero_among_the_letters_of_a_name_is_an_o() -> None:
    """Engines mix them up; a house number keeps its zeros."""
    lines = detail_page(name="40 0TTER L0DGE")
    assert values(read_bill([page(lines)]))["customer_name"] == "40 OTTER LODGE"


def test_a_second_line_confirms_a_name_and_a_longer_one_replaces_it() -> None:
    """The same name in another place tells that no word was lost; one with more words tells that one was."""
    lines = detail_page(name="MACHINE WORKS")
    assert values(read_bill([page([*lines, (0.08, 0.93, "MACHINE WORKS")])]))["customer_name"] == "MACHINE WORKS"
    assert "customer_name" not in values(read_bill([page([*lines, (0.08, 0.93, "67 MACHINE WORKS")])]))
    assert "customer_name" not in values(read_bill([page([*lines, (0.08, 0.93, "MACHINE WORKS OF OWEGO")])]))
