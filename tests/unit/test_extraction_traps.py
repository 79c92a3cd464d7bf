"""Numbers that stand next to the wanted ones, slips of OCR, and pictures of two bills: no value rather than a wrong one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from intake.extraction import Reading, read_bill
from intake.model import PageWords

from tests.support.lettering import ACCOUNT, POD, Line, charge, detail_page, header, meter_row, page, service, turned

DIGITS = ACCOUNT.replace("-", "")


def read(*pages: list[Line], confidence: float = 0.97) -> Reading:
    return read_bill([page(lines, number, confidence) for number, lines in enumerate(pages, start=1)])


def values(reading: Reading) -> dict[str, object]:
    return {name: found.value for name, found in reading.fields.items()}


def test_a_plain_detail_page_is_read() -> None:
    """The page that the other tests change gives all it has."""
    found = values(read(detail_page()))
    assert found["utility"] == "NYSEG"
    assert (found["account_number"], found["account_number_printed"]) == (DIGITS, ACCOUNT)
    assert found["pod_id"] == POD
    assert found["kwh"] == 787
    assert (found["period_start"], found["period_end"]) == ("2025-05-02", "2025-05-31")
    assert (found["customer_name"], found["meter_number"]) == ("ORLA TESTWOOD", "0300123456")
    assert found["service_address"] == "12 INVENTED RD HSE, GENEVA NY 14456"
    assert found["service_address_parts"] == {
        "house_number": "12", "street": "INVENTED RD HSE", "town": "GENEVA", "state": "NY", "zip": "14456",
    }  # fmt: skip


def test_an_annual_figure_of_one_month_says_that_it_is_estimated() -> None:
    """The estimate weighs the days of the period and has a low confidence."""
    reading = read(detail_page())
    assert reading.fields["annual_kwh"].value == round(787 * 365 / 30)
    assert reading.fields["annual_kwh_basis"].value == "estimated from one period"
    assert reading.fields["annual_kwh"].confidence <= 0.5


def test_a_gas_pod_is_no_pod() -> None:
    """`N02...` is the gas service's."""
    lines = [*header(), *service(0.14, kind="Gas Service - Residential", pod="N02000012345678")]
    assert "pod_id" not in read(lines).fields


def test_the_gas_service_beside_the_electric_one_is_passed_over() -> None:
    """PoD ID and meter come from the electric block, ccf and therms are no kWh."""
    gas = [
        *service(0.32, kind="Gas Service - Residential", pod="N02000012345678"),
        *meter_row(0.37, "37 ccf", "37", meter="0300999999"),
    ]
    found = values(read([*detail_page(), *gas]))
    assert (found["pod_id"], found["kwh"], found["meter_number"]) == (POD, 787, "0300123456")


def test_the_lighting_service_is_passed_over() -> None:
    """Outdoor lighting has a PoD ID and kWh of its own."""
    light = [
        *service(0.32, kind="Electricity Service - Outdoor Lighting", pod="N01000087654321"),
        *charge(0.36, "Delivery charge", 65, "0.03914"),
        *charge(0.374, "SBC charge", 65, "0.005902"),
    ]
    found = values(read([*detail_page(), *light]))
    assert (found["pod_id"], found["kwh"]) == (POD, 787)


def test_two_electric_pods_without_a_winner_are_none() -> None:
    """Which one is the customer's cannot be told."""
    reading = read([*detail_page(), *service(0.32, pod="N01000087654321")])
    assert "pod_id" not in reading.fields
    assert "pod_id" in reading.diagnostics.conflicting


@pytest.mark.parametrize("printed", ["NO1000012345678", "N0100O012345678", "n01000012345678", "N01000012345678."])
def test_letters_among_the_digits_of_a_pod_are_digits(printed: str) -> None:
    """OCR reads 0 as O and the like; the format admits digits only."""
    reading = read([(x, y, text.replace(POD, printed)) for x, y, text in detail_page()])
    assert reading.fields["pod_id"].value == POD


@pytest.mark.parametrize(
    "printed", ["N0100001234567", "N010000123456789", "N01000A12345678", "01000012345678", "X01000012345678"]
)
def test_a_pod_that_breaks_the_format_is_none(printed: str) -> None:
    """A digit too few or too many, another letter in front or inside."""
    assert "pod_id" not in read([(x, y, text.replace(POD, printed)) for x, y, text in detail_page()]).fields


def test_a_pod_without_a_meter_table_may_be_the_lamps() -> None:
    """Lighting has a PoD ID of its own and no meter; where its heading was not read, nothing else tells."""
    reading = read(
        [*header(), *service(0.14, kind="Electricity Service -"), *charge(0.24, "Delivery charge", 65, "0.03914")]
    )
    assert "pod_id" not in reading.fields
    assert "pod_id" in reading.diagnostics.low_confidence


@pytest.mark.parametrize(
    "printed", ["1001-2345-67", "1001-2345-6789", "3001-2345-678", "100I-2345-S", "800.555.0114", "0300123456"]
)
def test_an_account_number_that_breaks_the_format_is_none(printed: str) -> None:
    """NYSEG's have 11 digits and begin with 100."""
    assert "account_number" not in read(detail_page(account=printed)).fields


@pytest.mark.parametrize(
    "printed", ["1001-2345-678", "1OO1-2345-678", "1001 2345 678", "10012345678", "1001-2345678", "1001-2345 -678"]
)
def test_slips_and_lost_hyphens_do_not_matter(printed: str) -> None:
    """With its label and prefix the number is sure in spite of them."""
    assert read(detail_page(account=printed)).fields["account_number"].value == DIGITS


def test_a_number_at_the_edge_of_the_picture_is_not_trusted() -> None:
    """The last digit may be half cut off and misread."""
    lines = [line for line in header() if line[2] != ACCOUNT]
    reading = read([*lines, (1.0 - 0.0085 * 13, 0.042, ACCOUNT)])
    assert "account_number" not in reading.fields


def test_a_cut_off_number_is_a_sign() -> None:
    """Some digits beside the label are not a number."""
    reading = read(detail_page(account="1001-23"))
    assert reading.diagnostics.account_cut


def test_an_unsure_number_needs_a_second_sighting() -> None:
    """The stub repeats the account number without hyphens: then it is sure."""
    stub = [(0.70, 0.80, "Account Number"), (0.70, 0.815, DIGITS)]
    assert "account_number" not in read(header(), confidence=0.75).fields
    assert read([*header(), *stub], confidence=0.75).fields["account_number"].value == DIGITS


def test_the_scan_line_alone_is_not_enough() -> None:
    """It confirms a number, but OCR of its type face is poor."""
    line = [(0.1, 0.9, f"70{DIGITS}00000205560000020556")]
    without = [entry for entry in header() if entry[2] != ACCOUNT]
    assert "account_number" not in read([*without, *line]).fields


@pytest.mark.parametrize("other", ["1001-2345-679", "1001-2345-921"])
def test_two_accounts_of_one_customer_are_not_merged(other: str) -> None:
    """Accounts at one address may differ in the last digits only: which is meant cannot be told."""
    stub = [(0.70, 0.80, "Account Number"), (0.70, 0.815, DIGITS)]
    reading = read([*header(sheet=1), *stub], detail_page(account=other))
    assert "account_number" not in reading.fields
    assert "account_number" in reading.diagnostics.conflicting


def test_a_second_bill_in_view_makes_the_number_unsure() -> None:
    """Two account numbers, both with their labels."""
    under = [(0.62, 0.7, "Account Number:"), (0.86, 0.7, "1009-8765-432")]
    assert "account_number" not in read([*detail_page(), *under]).fields


def test_split_quantities_are_not_the_usage() -> None:
    """Only the months' shares are in view: neither is reported, nor is their sum without anything that confirms it."""
    lines = [
        *header(),
        *service(0.14),
        *charge(0.24, "Transition charge - May", 700, "0.002117"),
        *charge(0.254, "Transition charge - Jun", 87, "0.001894"),
    ]
    assert "kwh" not in read(lines).fields


def test_demand_rows_are_not_the_usage() -> None:
    """Kw and rkvah stand below kwh in the same column."""
    rows = [*meter_row(0.204, "1134 rkvah", "1134"), (0.03, 0.218, "0300123456"), (0.72, 0.218, "14.98 kw")]
    assert read([*detail_page(), *rows]).fields["kwh"].value == 787


def test_time_of_use_rows_add_up() -> None:
    """Three registers with a multiplier; the delivery charge confirms the sum."""
    lines = [
        *header(),
        *service(0.14),
        *meter_row(0.19, "5680 kwh", "142", meter="0300123456/ON", multiplier="40"),
        *meter_row(0.204, "4360 kwh", "109", meter="0300123456/MID", multiplier="40"),
        *meter_row(0.218, "4720 kwh", "118", meter="0300123456/OFF", multiplier="40"),
        *charge(0.26, "Delivery charge", 14760, "0.01275"),
        *charge(0.274, "SBC charge", 14760, "0.005902"),
    ]
    found = values(read(lines))
    assert (found["kwh"], found["meter_number"]) == (14760, "0300123456")


def test_a_lost_register_is_noticed() -> None:
    """One of three rows was not read: the charges' quantity counts, or nothing, but not the rows' sum."""
    lines = [
        *header(),
        *service(0.14),
        *meter_row(0.19, "5680 kwh", "142", meter="0300123456/ON", multiplier="40"),
        *meter_row(0.218, "4720 kwh", "118", meter="0300123456/OFF", multiplier="40"),
        *charge(0.26, "Delivery charge", 14760, "0.01275"),
        *charge(0.274, "SBC charge", 14760, "0.005902"),
    ]
    assert values(read(lines)).get("kwh") in (None, 14760)
    assert "kwh" not in read([line for line in lines if line[1] < 0.25]).fields


def test_a_misread_usage_is_not_reported() -> None:
    """The readings' difference and the charges say 787, the usage column 737: that is not it."""
    lines = [
        entry if entry[2] != "787 kwh" or entry[0] != 0.72 else (0.72, entry[1], "737 kwh") for entry in detail_page()
    ]
    assert values(read(lines)).get("kwh") in (None, 787)


def test_a_lone_usage_is_not_reported() -> None:
    """Without readings and charges nothing confirms it."""
    lines = [*header(), *service(0.14), (0.03, 0.19, "0300123456"), (0.72, 0.19, "787 kwh"), (0.88, 0.19, "30 days")]
    assert "kwh" not in read(lines).fields


def test_two_months_are_not_added_up() -> None:
    """Detail pages of two months of one account: neither usage nor period is reported."""
    other = [
        *header(),
        *service(0.14, dates="04/02/25 - 05/01/25"),
        *meter_row(0.19, "640 kwh", "640"),
        *charge(0.24, "Delivery charge", 640, "0.06823"),
        *charge(0.282, "SBC charge", 640, "0.005902"),
    ]
    reading = read(detail_page(), other)
    assert not {"kwh", "annual_kwh", "period_start", "period_end"} & reading.fields.keys()
    assert reading.fields["account_number"].value == DIGITS


def test_the_same_page_twice_is_one_page() -> None:
    """A page photographed twice gives what it gives once."""
    once, twice = values(read(detail_page())), values(read(detail_page(), detail_page()))
    assert twice == once


def test_a_period_must_have_the_printed_length() -> None:
    """05/12 read for 05/02: ten days are missing."""
    lines = [
        entry if entry[2] != "05/02/25 - 05/31/25" else (0.74, entry[1], "05/12/25 - 05/31/25")
        for entry in detail_page()
    ]
    assert "period_start" not in read(lines).fields


GRID_TOP: list[Line] = [
    (0.03, 0.05, "nationalgrid"),
    (0.28, 0.020, "SERVICE FOR"),
    (0.28, 0.032, "ORLA TESTWOOD"),
    (0.28, 0.043, "12 INVENTED RD"),
    (0.28, 0.054, "POTSDAM NY 13676"),
    (0.55, 0.020, "BILLING PERIOD"),
    (0.55, 0.032, "Apr 4, 2025 to May 6, 2025"),
    (0.55, 0.062, "ACCOUNT NUMBER"),
    (0.55, 0.074, "01234-56789"),
    (0.80, 0.062, "AMOUNT DUE"),
    (0.80, 0.074, "$ 1,234.50"),
]
HISTORY = ["310", "305", "290", "280", "260", "250", "255", "270", "300", "320", "330", "340", "302"]
MONTHS = [
    "May 24",
    "Jun 24",
    "Jul 24",
    "Aug 24",
    "Sep 24",
    "Oct 24",
    "Nov 24",
    "Dec 24",
    "Jan 25",
    "Feb 25",
    "Mar 25",
    "Apr 25",
    "May 25",
]


def history(months: list[str]) -> list[Line]:
    rows = [
        (0.03, 0.22 + 0.013 * index, f"{month} {use}")
        for index, (month, use) in enumerate(zip(months, HISTORY, strict=True))
    ]
    return [(0.03, 0.19, "Electric Usage"), (0.03, 0.204, "Month kWh"), *rows]


def doubting(lines: list[Line], text: str, confidence: float = 0.4) -> PageWords:
    """Letter a page on which the OCR doubts a word."""
    whole = page(lines)
    words = [word._replace(confidence=confidence) if word.text == text else word for word in whole.words]
    return replace(whole, words=words)


def test_a_doubted_month_is_confirmed_by_its_neighbours() -> None:
    """The name of a month can only be the one between the others; so can its year, printed with it."""
    printed = doubting([*GRID_TOP, *history(MONTHS)], MONTHS[5].split()[0])
    assert read_bill([printed]).fields["annual_kwh"].how == "12 months printed"


@pytest.mark.parametrize(
    ("row", "how"),
    [
        ("Total {:,} kWh", "12 months printed"),
        ("Your use in the last 12 months: {}", "12 months printed"),
        ("Usage {}", None),
        ("Total 1{}", None),
    ],
)
def test_a_doubted_use_is_confirmed_by_the_sum(row: str, how: str | None) -> None:
    """Nothing but the sum of the year tells that one of twelve figures was read rightly."""
    table = [*GRID_TOP, *history(MONTHS)]
    total = sum(int(use) for use in HISTORY[-12:])
    printed = doubting([*table, (0.5, 0.5, row.format(total))], str(HISTORY[-6]))
    found = read_bill([printed]).fields.get("annual_kwh")
    assert (found.how if found else None) == how


def test_a_name_that_goes_on_elsewhere_is_not_whole() -> None:
    """The last word of it was not read; nothing in the line itself tells."""
    mailing: list[Line] = [(0.05, 0.8, "ORLA TESTWOOD BAKERY")]
    assert "customer_name" not in read([*GRID_TOP, *mailing]).fields


@pytest.mark.parametrize(
    ("printed", "name"), [("ORLA T", None), ("ORLA T.", None), ("TESTWOOD ORLA T", "TESTWOOD ORLA T")]
)
def test_an_initial_is_no_last_name(printed: str, name: str | None) -> None:
    """Behind a first name alone it shows that the last one was not read; behind two names it may end them."""
    lines = [(x, y, printed if text == "ORLA TESTWOOD" else text) for x, y, text in GRID_TOP]
    found = read(lines).fields.get("customer_name")
    assert (found.value if found else None) == name


@pytest.mark.parametrize(("code", "rate"), [("12001", "12001"), ("12005", None)])
def test_the_rate_of_lighting_is_not_that_of_the_service(code: str, rate: str | None) -> None:
    """12005 is outdoor lighting alone, with or without its heading."""
    found = read([*header(), (0.03, 0.14, f"Electricity Rate - {code} NYSEG Supply Service")]).fields.get("rate_class")
    assert (found.value if found else None) == rate


def test_labels_above_their_values_are_understood() -> None:
    """National Grid prints labels over values; name and address share one block, and there is no PoD ID."""
    found = values(read(GRID_TOP))
    assert found["utility"] == "National Grid"
    assert (found["account_number"], found["account_number_printed"]) == ("0123456789", "01234-56789")
    assert found["service_address"] == "12 INVENTED RD, POTSDAM NY 13676"
    assert (found["customer_name"], found["amount_due"]) == ("ORLA TESTWOOD", 1234.5)
    assert (found["period_start"], found["period_end"]) == ("2025-04-04", "2025-05-06")
    assert "pod_id" not in found


def test_the_suppliers_account_number_is_passed_over() -> None:
    """It has ten digits too, but no hyphen and another label."""
    without = [entry for entry in GRID_TOP if entry[2] not in ("ACCOUNT NUMBER", "01234-56789")]
    supplier: list[Line] = [(0.3, 0.3, "SUPPLIER Invented Energy"), (0.3, 0.314, "ACCOUNT NO 9876543210")]
    assert "account_number" not in read([*without, *supplier]).fields
    assert read([*GRID_TOP, *supplier]).fields["account_number"].value == "0123456789"


def test_the_last_twelve_of_thirteen_months_are_the_year() -> None:
    """The oldest month is the same month of the year before."""
    reading = read([*GRID_TOP, *history(MONTHS)])
    assert reading.fields["annual_kwh"].value == sum(int(use) for use in HISTORY[1:])
    assert reading.fields["annual_kwh_basis"].value == "12 months printed"


def test_a_history_with_a_gap_or_of_another_time_is_none() -> None:
    """A month that was misread, or a table that does not end with this bill, gives no annual use."""
    assert "annual_kwh" not in read([*GRID_TOP, *history([*MONTHS[:4], "Nov 24", *MONTHS[5:]])]).fields
    later = [
        "Jun 24",
        "Jul 24",
        "Aug 24",
        "Sep 24",
        "Oct 24",
        "Nov 24",
        "Dec 24",
        "Jan 25",
        "Feb 25",
        "Mar 25",
        "Apr 25",
        "May 25",
        "Jun 25",
    ]
    assert "annual_kwh" not in read([*GRID_TOP, *history(later)]).fields


def test_an_unknown_utility_is_read_by_its_labels() -> None:
    """Nothing is known of it but what most bills print; the utility is not made up."""
    lines: list[Line] = [
        (0.05, 0.03, "Lantern River Power"),
        (0.5, 0.03, "Account number: 4412-8890-1"),
        (0.5, 0.05, "Bill date: 06/03/2025"),
        (0.05, 0.05, "Service address: 12 INVENTED RD, POTSDAM NY 13676"),
        (0.05, 0.08, "Billing period: 05/01/2025 to 05/31/2025 (30 days)"),
        (0.05, 0.11, "Total kWh used 481 kWh"),
        (0.05, 0.13, "Delivery"),
        (0.3, 0.13, "481 kWh x 0.09417"),
        (0.8, 0.13, "$45.30"),
        (0.05, 0.15, "System benefit charge"),
        (0.3, 0.15, "481 kWh x 0.0059"),
        (0.8, 0.15, "$2.84"),
    ]
    found = values(read(lines))
    assert "utility" not in found
    assert (found["account_number"], found["account_number_printed"]) == ("441288901", "4412-8890-1")
    assert (found["kwh"], found["period_end"], found["statement_date"]) == (481, "2025-05-31", "2025-06-03")
    assert found["service_address"] == "12 INVENTED RD, POTSDAM NY 13676"


def test_another_company_of_a_like_name_is_not_the_utility() -> None:
    """PSE&G is in New Jersey and not PSEG Long Island."""
    lines: list[Line] = [
        (0.05, 0.03, "PSE&G"),
        (0.5, 0.03, "Account number: 69 643 822 03"),
        (0.5, 0.05, "Amount Due: $12.50"),
    ]
    assert "utility" not in read(lines).fields


def test_bleed_through_in_another_direction_changes_nothing() -> None:
    """What shines through from the back runs the other way and is little."""
    front = page(detail_page())
    back = turned(page([(0.2, 0.5, "Account Number: 1009-8765-432")]), 2)
    both = front.__class__(1, front.width, front.height, "picture", [*front.words, *back.words])
    assert values(read_bill([both])) == values(read_bill([front]))


def test_split_charges_whose_labels_are_cut_off_do_not_compete_with_the_meter() -> None:
    """Nothing says `- May` any more, but what adds up to the metered use is its parts."""
    meter = [line for line in meter_row(0.19, "787 kwh", "787") if line[2] not in ("50787 A", "05/31/25")]
    cut = [line for y, kwh in ((0.24, 787), (0.254, 700), (0.268, 87)) for line in charge(y, "", kwh, "0.06823")[1:]]
    assert values(read_bill([page([*header(), *service(0.14), *meter, *cut])]))["kwh"] == 787
    alone = [line for y, kwh in ((0.24, 787), (0.254, 700)) for line in charge(y, "", kwh, "0.06823")[1:]]
    assert "kwh" not in values(read_bill([page([*header(), *service(0.14), *meter, *alone])]))
