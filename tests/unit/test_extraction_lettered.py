"""Pages lettered by hand: numbers beside the wanted ones, slips of OCR, two bills. No value rather than a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from intake.extraction import attention

from tests.support.lettering import (
    ACCOUNT,
    ADDRESS,
    DIGITS,
    GRID,
    MONTHS,
    NAME,
    PAGE,
    POD,
    USES,
    Line,
    charge,
    detail_page,
    header,
    history,
    meter_row,
    read,
    replaced,
    service,
    values,
    without,
)

GAS = "Gas Service - Residential"
GAS_POD, OTHER_POD = "N02000012345678", "N01000087654321"
OTHER = "1009-8765-432"
STUB: list[Line] = [(0.70, 0.80, "Account Number"), (0.70, 0.815, DIGITS)]
SECOND: list[Line] = [(0.62, 0.7, "Account Number:"), (0.86, 0.7, OTHER)]
KEYS = ("utility", "account_number", "pod_id", "kwh", "period_start", "period_end", "statement_date", "meter_number")

GRID_MARKS: list[Line] = [
    (0.3, 0.11, "DETAIL OF CURRENT CHARGES"),
    (0.6, 0.17, "NEXT SCHEDULED READ DATE ON OR ABOUT"),
    (0.6, 0.185, "NUMBER OF DAYS IN PERIOD 32"),
    (0.6, 0.20, "VOLTAGE DELIVERY LEVEL 0 - 2.2 kv"),
]
SUPPLIER: list[Line] = [(0.3, 0.3, "SUPPLIER Invented Energy"), (0.3, 0.314, "ACCOUNT NO 9876543210")]


def registers(*which: str) -> list[Line]:
    """Return a service of three registers, of which only these rows were read, and two charges of the whole."""
    rows = {"ON": ("5680 kwh", "142"), "MID": ("4360 kwh", "109"), "OFF": ("4720 kwh", "118")}
    lines = [*header(), *service(0.14)]
    for row, name in enumerate(rows):
        if name in which:
            lines += meter_row(0.19 + 0.014 * row, *rows[name], meter=f"0300123456/{name}", multiplier="40")
    return [*lines, *charge(0.26, "Delivery charge", 14760, "0.01275"), *charge(0.274, "SBC charge", 14760, "0.005902")]


@dataclass(frozen=True)
class Case:
    """Pages, and what must be read of them: None for a field that must not be reported, a set for one of several values."""

    pages: tuple[list[Line], ...]
    expected: dict[str, object]
    confidence: float = 0.97
    conflicting: str = ""
    low_confidence: str = ""


def case(
    *pages: list[Line], confidence: float = 0.97, conflicting: str = "", low_confidence: str = "", **expected: object
) -> Case:
    return Case(pages, expected, confidence, conflicting, low_confidence)


GAS_BESIDE = [*service(0.32, kind=GAS, pod=GAS_POD), *meter_row(0.37, "37 ccf", "37", meter="0300999999")]
LIGHT = service(0.32, kind="Electricity Service - Outdoor Lighting", pod=OTHER_POD)
LIGHT += [*charge(0.36, "Delivery charge", 65, "0.03914"), *charge(0.374, "SBC charge", 65, "0.005902")]
LAMPS = [*header(), *service(0.14, kind="Electricity Service -"), *charge(0.24, "Delivery charge", 65, "0.03914")]
SHARES = [
    *charge(0.24, "Transition charge - May", 700, "0.002117"),
    *charge(0.254, "Transition charge - Jun", 87, "0.001894"),
]
MONTH_BEFORE = [
    *header(),
    *service(0.14, dates="04/02/25 - 05/01/25"),
    *meter_row(0.19, "640 kwh", "640"),
    *charge(0.24, "Delivery charge", 640, "0.06823"),
    *charge(0.282, "SBC charge", 640, "0.005902"),
]
HALF_ROW: list[Line] = [(0.57, 0.19, "451"), (0.65, 0.19, "20"), (0.72, 0.19, "9020 kwh"), (0.88, 0.19, "30 days")]
HALF_PAGE = [*header(), *service(0.14), *charge(0.24, "", 9020, "0.06823")[1:]]
METER = without(meter_row(0.19, "787 kwh", "787"), "50787 A", "05/31/25")
EVIDENCE = [*charge(0.288, "Recovery charge", 14760, "0.001338"), *charge(0.302, "Merchant charge", 14760, "0.003711")]
UNLABELLED = [line for y, kwh in ((0.24, 787), (0.254, 700), (0.268, 87)) for line in charge(y, "", kwh, "0.06823")[1:]]
LONE = [*header(), *service(0.14), (0.03, 0.19, "0300123456"), (0.72, 0.19, "787 kwh"), (0.88, 0.19, "30 days")]
NOWHERE: list[Line] = [
    (0.05, 0.03, "Lantern River Power"),
    (0.5, 0.03, "Account number: 4412-8890-1"),
    (0.5, 0.05, "Bill date: 06/03/2025"),
    (0.05, 0.05, "Service address: 12 INVENTED RD, POTSDAM NY 13676"),
    (0.05, 0.08, "Billing period: 05/01/2025 to 05/31/2025 (30 days)"),
    (0.05, 0.11, "Total kWh used 481 kWh"),
    *[(0.05, 0.13, "Delivery"), (0.3, 0.13, "481 kWh x 0.09417"), (0.8, 0.13, "$45.30")],
    *[(0.05, 0.15, "System benefit charge"), (0.3, 0.15, "481 kWh x 0.0059"), (0.8, 0.15, "$2.84")],
]
RATE = "Electricity Rate - {} NYSEG Supply Service"
GENEVA = replaced(PAGE, "HSE, GENEVA", "HSE GENEVA")
WORKS = detail_page(name="MACHINE WORKS")

CASES = {
    # PoD ID
    "a gas PoD is no PoD": case([*header(), *GAS_BESIDE], pod_id=None),
    "gas beside electricity": case([*PAGE, *GAS_BESIDE], pod_id=POD, kwh=787, meter_number="0300123456"),
    "lighting beside it": case([*PAGE, *LIGHT], pod_id=POD, kwh=787),
    "two electric PoDs": case([*PAGE, *service(0.32, pod=OTHER_POD)], pod_id=None, conflicting="pod_id"),
    "no meter table, so it may be the lamps'": case(LAMPS, pod_id=None, low_confidence="pod_id"),
    # account number
    "at the edge of the picture": case([*without(header(), ACCOUNT), (1 - 0.0085 * 13, 0.042, ACCOUNT)], account_number=None),
    "unsure": case(header(), confidence=0.75, account_number=None),
    "unsure, and repeated without hyphens": case([*header(), *STUB], confidence=0.75, account_number=DIGITS),
    "the scan line alone": case(
        [*without(header(), ACCOUNT), (0.1, 0.9, f"70{DIGITS}00000205560000020556")], account_number=None
    ),
    "another account on the next page": case(
        [*header(sheet=1), *STUB], detail_page("1001-2345-679"), account_number=None, conflicting="account_number"
    ),
    "another account, its end differs": case(
        [*header(sheet=1), *STUB], detail_page("1001-2345-921"), account_number=None, conflicting="account_number"
    ),
    "a second bill in view": case([*PAGE, *SECOND], account_number=None),
    "a short number beside another account": case(
        [*detail_page("001-2345-678"), *SECOND], confidence=0.99, account_number={None, OTHER.replace("-", "")}
    ),
    "the supplier's beside it": case([*GRID, *SUPPLIER], account_number="0123456789"),
    "the supplier's alone": case([*without(GRID, "ACCOUNT NUMBER", "01234-56789"), *SUPPLIER], account_number=None),
    "the supplier's, utility unknown": case([*SUPPLIER, (0.3, 0.36, "Electricity Supply")], account_number=None),
    # use
    "the months' shares alone": case([*header(), *service(0.14), *SHARES], kwh=None),
    "demand rows below": case([*PAGE, *meter_row(0.204, "1134 rkvah", "1134"), (0.03, 0.218, "0300123456"),
                               (0.72, 0.218, "14.98 kw")], kwh=787),
    "registers add up": case(registers("ON", "MID", "OFF"), kwh=14760, meter_number="0300123456"),
    "a register was not read": case(registers("ON", "OFF"), kwh={None, 14760}),
    "a register was not read, no charges": case([line for line in registers("ON", "OFF") if line[1] < 0.25], kwh=None),
    "four charges outvote a lost register": case([*registers("ON", "OFF"), *EVIDENCE], kwh=14760),
    "misread in its column": case(
        [(x, y, "737 kwh" if (x, text) == (0.72, "787 kwh") else text) for x, y, text in PAGE], kwh={None, 787}
    ),
    "readings contradict it": case(replaced(PAGE, "787 kwh", "1,787 kwh"), kwh=None),
    "nothing confirms it": case(LONE, kwh=None),
    "difference times multiplier": case([*HALF_PAGE, *HALF_ROW], kwh=9020),
    "difference without multiplier": case([*header(), *service(0.14), *without(HALF_ROW, "20")], kwh=None),
    "charges whose labels are cut off": case([*header(), *service(0.14), *METER, *UNLABELLED], kwh=787),
    "charges whose labels are cut off, not all": case([*header(), *service(0.14), *METER, *UNLABELLED[:8]], kwh=None),
    "two months of one account": case(
        PAGE, MONTH_BEFORE, kwh=None, annual_kwh=None, period_start=None, period_end=None, account_number=DIGITS
    ),
    # period
    "ten days too short": case(replaced(PAGE, "05/02/25 -", "05/12/25 -"), period_start=None),
    # rate
    "a rate": case([*header(), (0.03, 0.14, RATE.format(12001))], rate_class="12001"),
    "the rate of outdoor lighting": case([*header(), (0.03, 0.14, RATE.format(12005))], rate_class=None),
    # address
    "a lost comma": case(GENEVA, confidence=0.99, service_address=ADDRESS),
    "a pole with a zero for its letter": case(
        replaced(PAGE, "RD HSE", "RD P062-8"), service_address="12 INVENTED RD PO62-8, GENEVA NY 14456"
    ),
    "a gap in the town": case(
        [*without(GRID, "POTSDAM NY 13676"), (0.28, 0.054, "GLENS"), (0.28 + 13 * 0.0085, 0.054, "NY 12801")],
        service_address=None,
    ),
    # name
    "it goes on elsewhere": case([*GRID, (0.05, 0.8, f"{NAME} BAKERY")], customer_name=None),
    "first name and initial": case(replaced(GRID, NAME, "ORLA T"), customer_name=None),
    "first name and initial with a dot": case(replaced(GRID, NAME, "ORLA T."), customer_name=None),
    "an initial at the end": case(replaced(GRID, NAME, "TESTWOOD ORLA T"), customer_name="TESTWOOD ORLA T"),
    "a street under an unread name": case(without(GRID, NAME), customer_name=None),
    "ends before its column": case(replaced(PAGE, NAME, "ORLA TESTWOO"), customer_name=None),
    "ran into the period": case(replaced(GRID, NAME, "ORLA TESTWOOD GREENHOUSES INCSep 6,2025 to Oct5,2025"),
                                customer_name=None),
    "a zero for an O": case(detail_page(name="40 0TTER L0DGE"), customer_name="40 OTTER LODGE"),
    "a business": case(detail_page(name="OTTER LAKE BAKERY"), customer_name="OTTER LAKE BAKERY"),
    "a business with a number": case(detail_page(name="14 OTTER LAKE SUPPLY"), customer_name="14 OTTER LAKE SUPPLY"),
    "whose bakery?": case(detail_page(name="BAKERY LLC"), customer_name=None),
    "whose works?": case(WORKS, customer_name=None),
    "a last name alone": case(detail_page(name="TESTWOOD-LINDENMARK"), customer_name=None),
    "two names without their blank": case(
        detail_page(name="WINIFREDTESTWOOD-LINDENMARK"), customer_name="WINIFREDTESTWOOD-LINDENMARK"
    ),
    "repeated": case([*WORKS, (0.08, 0.93, "MACHINE WORKS")], customer_name="MACHINE WORKS"),
    "repeated with more in front": case([*WORKS, (0.08, 0.93, "67 MACHINE WORKS")], customer_name=None),
    "repeated with more behind": case([*WORKS, (0.08, 0.93, "MACHINE WORKS OF OWEGO")], customer_name=None),
    "higher than its label on curled paper": case(
        [(x, y - 0.0046, text) if text == ACCOUNT else (x, y, text) for x, y, text in PAGE], customer_name=NAME
    ),
    # utility
    "labels above their values": case(
        GRID, utility="National Grid", account_number="0123456789", account_number_printed="01234-56789", amount_due=1234.5,
        service_address="12 INVENTED RD, POTSDAM NY 13676", customer_name=NAME, period_start="2025-04-04",
        period_end="2025-05-06", pod_id=None,
    ),
    "unknown": case(
        NOWHERE, utility=None, account_number="441288901", account_number_printed="4412-8890-1", kwh=481,
        period_end="2025-05-31", statement_date="2025-06-03", service_address="12 INVENTED RD, POTSDAM NY 13676",
    ),
    "PSE&G is in New Jersey": case(
        [(0.05, 0.03, "PSE&G"), (0.5, 0.03, "Account number: 69 643 822 03"), (0.5, 0.05, "Amount Due: $12.50")],
        utility=None,
    ),
    "a month that was misread": case([*GRID, *history([*MONTHS[:4], "Nov 24", *MONTHS[5:13]])], annual_kwh=None),
    "a year that ends after the bill": case([*GRID, *history(MONTHS[1:])], annual_kwh=None),
    "the last twelve of thirteen months": case(
        [*GRID, *history(MONTHS[:13])], annual_kwh=sum(USES[1:]), annual_kwh_basis="12 months printed"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_read_of_a_page(case: Case) -> None:
    reading = read(*case.pages, confidence=case.confidence)
    found = values(reading)
    for name, value in case.expected.items():
        assert found.get(name) in (value if isinstance(value, set) else {value}), name
    assert not case.conflicting or case.conflicting in reading.diagnostics.conflicting
    assert not case.low_confidence or case.low_confidence in reading.diagnostics.low_confidence


def test_a_plain_detail_page_is_read() -> None:
    """The page that the cases change gives all it has; the estimate of a year weighs the days of the period."""
    reading = read(PAGE)
    found = values(reading)
    assert {name: found[name] for name in KEYS} == {
        "utility": "NYSEG", "account_number": DIGITS, "pod_id": POD, "kwh": 787, "period_start": "2025-05-02",
        "period_end": "2025-05-31", "statement_date": "2025-06-03", "meter_number": "0300123456",
    }  # fmt: skip
    assert (found["account_number_printed"], found["customer_name"], found["service_address"]) == (
        ACCOUNT,
        NAME,
        ADDRESS,
    )
    assert found["service_address_parts"] == {
        "house_number": "12", "street": "INVENTED RD HSE", "town": "GENEVA", "state": "NY", "zip": "14456",
    }  # fmt: skip
    assert (found["annual_kwh"], found["annual_kwh_basis"]) == (round(787 * 365 / 30), "estimated from one period")
    assert reading.fields["annual_kwh"].confidence <= 0.5
    assert values(read(PAGE, PAGE)) == found  # photographed twice


SLIPS: dict[str, tuple[str, str, tuple[str, ...], object]] = {
    "letters or pieces in a PoD": ("pod_id", POD, (
        "NO1000012345678", "N0100O012345678", "n01000012345678", "N01000012345678.", "N01 000012345678",
        "N0 1000 0123 45678", "N 01000012345678", "NO1OOOO12345678", "N01-000012345678", "|N01000012345678",
        "N01000012345678|"), POD),
    "a PoD in no format": ("pod_id", POD, (
        "N0100001234567", "N010000123456789", "N01000A12345678", "01000012345678", "X01000012345678"), None),
    "slips in an account number": ("account_number", ACCOUNT, (
        "1OO1-2345-678", "1001 2345 678", "10012345678", "1001-2345678", "1001-2345 -678", "1001 - 2345 - 678",
        "1001 -2345- 678", "1001- 2345-678"), DIGITS),
    "an account number in no format": ("account_number", ACCOUNT, (
        "1001-2345-67", "1001-2345-6789", "3001-2345-678", "100I-2345-S", "800.555.0114", "0300123456", "01-2345-678",
        "001-2345-67", "301-2345-678", "100-2345-678", "0012345678"), None),
    "slips in the unit": ("kwh", "kwh", (
        "kWh", "KWH", "kwn", "kWn", "kvvh", "kVVh", "k wh", "kw h", "kwh."), 787),
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "old", "printed", "value"),
    [(field, old, printed, value) for field, old, texts, value in SLIPS.values() for printed in texts],
)
def test_slips_and_formats(field: str, old: str, printed: str, value: object) -> None:
    """What the utility's format can put right is; what breaks the format is no value."""
    lines = detail_page(account=printed) if old == ACCOUNT else replaced(PAGE, old, printed)
    assert values(read(lines)).get(field) == value


def test_a_cut_off_number_is_a_sign() -> None:
    assert read(detail_page(account="1001-23")).diagnostics.account_cut


@pytest.mark.parametrize("printed", ["001-2345-678", "101-2345-678"])
def test_a_lost_digit_of_the_known_prefix_is_completed_and_to_be_compared(printed: str) -> None:
    """Engines overlook a 1 at the beginning; all of the utility's numbers begin with 100, so nothing else is possible."""
    reading = read(detail_page(account=printed), confidence=0.99)
    assert reading.fields["account_number"].value == DIGITS
    told = attention(reading, {"utility": "NYSEG", "account_name": "Orla Testwood"}, date(2025, 6, 20), [])
    assert [(item.code, item.field) for item in told] == [("low_confidence", "account_number")]


@pytest.mark.parametrize("name", ["RGE", "RG8E", "R6&E", ""])
def test_an_unreadable_logo_is_told_by_the_numbers(name: str) -> None:
    """Prefix and PoD letter belong to one utility only."""
    lines = replaced(replaced(detail_page(account="2001-2345-678"), POD, POD.replace("N", "R")), "NYSEG", name)
    found = values(read([line for line in lines if line[2]]))
    assert (found["utility"], found["account_number"]) == ("RG&E", "2" + DIGITS[1:])


def test_a_cut_off_utility_is_told_by_the_layout_and_to_be_compared() -> None:
    """National Grid's numbers have no prefix; its wording together with a number in its groups tells it."""
    nameless = without(GRID, "nationalgrid")
    reading = read([*nameless, *GRID_MARKS])
    assert (reading.fields["utility"].value, reading.fields["utility"].how) == ("National Grid", "layout")
    assert reading.fields["account_number"].value == "0123456789"
    assert reading.fields["utility"].confidence < 0.85
    assert "utility" not in read([*nameless, *GRID_MARKS[:1]]).fields
