"""Draw NYSEG and RG&E bills: summary with stub, messages, detail pages, terms."""

from __future__ import annotations

import random

from tests.specimens.avangrid import AvangridBill, Service, amount_text
from tests.specimens.avangrid_detail import (
    GREY,
    draw_charge,
    draw_service,
    height_of,
    total_bar,
    usage_chart,
)  # fmt: skip
from tests.specimens.draw import (
    MONO_BOLD,
    SANS,
    SANS_BOLD,
    SERIF_BOLD_ITALIC,
    SERIF_ITALIC,
    Pad,
    Sheet,
)  # fmt: skip
from tests.specimens.figures import digits, dollars
from tests.specimens.filler import MESSAGES, POD_TERM, TERMS, paragraph

WIDTH, HEIGHT = 612.0, 1010.0
DETAIL_TOP, DETAIL_BOTTOM = 0.143, 0.955


def draw_bill(bill: AvangridBill, rng: random.Random) -> Pad:
    """Draw a whole bill.

    Args:
        bill: Its figures.
        rng: Source of what carries no meaning: bar codes, serials, the history chart.

    Returns:
        The drawn pages with the places of the true values: 1 summary and stub, 2 messages, 3 (and on)
        detail, last terms.
    """
    detail_pages = _paginate(bill.services)
    total = 3 + len(detail_pages) + rng.choice((0, 0, 1))
    pad = Pad(WIDTH, HEIGHT)
    with pad.sheet() as sheet:
        _header(sheet, bill, total, rng)
        _summary(sheet, bill)
        _stub(sheet, bill, rng)
    with pad.sheet() as sheet:
        _header(sheet, bill, total, rng)
        _messages(sheet, bill)
    for index, services in enumerate(detail_pages):
        with pad.sheet() as sheet:
            _header(sheet, bill, total, rng)
            _detail(sheet, bill, services, last=index == len(detail_pages) - 1, rng=rng)
    while pad.pdf.page_count < total:
        with pad.sheet() as sheet:
            _header(sheet, bill, total, rng)
            _terms(sheet, bill)
    return pad


def _paginate(services: tuple[Service, ...]) -> list[list[Service]]:
    """Put as many whole service blocks on a detail page as fit."""
    pages: list[list[Service]] = [[]]
    room = DETAIL_BOTTOM - DETAIL_TOP - 0.05
    for service in services:
        needed = height_of(service)
        if pages[-1] and needed > room:
            pages.append([])
            room = DETAIL_BOTTOM - DETAIL_TOP - 0.05
        pages[-1].append(service)
        room -= needed
    return pages


def _header(sheet: Sheet, bill: AvangridBill, total: int, rng: random.Random) -> None:
    """Draw what heads every page: logo, bars, rule, service address, page number."""
    for base, tip, bulge, grey in (
        ((0.030, 0.056), (0.052, 0.016), 8, 0.15), ((0.036, 0.058), (0.074, 0.024), 7, 0.40),
        ((0.040, 0.060), (0.088, 0.039), 5.5, 0.62),
    ):  # fmt: skip
        sheet.leaf(base, tip, bulge, grey)
    sheet.text(0.095, 0.0585, bill.house.word, size=27, font=SANS_BOLD)
    rows = [
        ("", bill.customer.name, "customer_name"),
        ("Account Number:", bill.account, "account_number"),
        ("Statement Date:", bill.period.statement.strftime("%B %d, %Y"), "statement_date"),
    ]
    for centre, (label, value, field) in zip((0.0235, 0.042, 0.0605), rows, strict=True):
        sheet.fill((0.60, centre - 0.0078, 0.97, centre + 0.0078), GREY)
        sheet.text(0.607, centre + 0.0035, label, size=10.5, font=SERIF_BOLD_ITALIC)
        size = 10.5
        while sheet.width_of(value, size) > 0.35:
            size -= 0.5
        sheet.text(0.963, centre + 0.0036, value, size=size, font=SANS, align="right", field=field)
    if sheet.number == 1:
        sheet.fill((0.60, 0.0712, 0.97, 0.0882), 0.68)
        sheet.text(0.607, 0.0835, "Amount Due:", size=11, font=SERIF_BOLD_ITALIC)
        sheet.text(
            0.963,
            0.0837,
            amount_text(bill),
            size=12,
            font=SERIF_BOLD_ITALIC,
            align="right",
            field="amount_due",
        )
    sheet.vertical(0.985 if rng.random() < 0.7 else 0.018, 0.075, digits(rng, 4), size=6)
    sheet.rule(0.02, 0.093, 0.98, 0.093, stroke=2.4)
    box = sheet.text(0.03, 0.1085, "Service Address:  ", size=11, font=SERIF_BOLD_ITALIC)
    font = SERIF_ITALIC if sheet.number == 1 else SANS
    sheet.text(box[2], 0.1085, bill.customer.service.one_line, size=10, font=font, field="service_address")
    sheet.text(0.963, 0.1085, f"Page {sheet.number} of {total}", size=9.5, align="right")


def _summary(sheet: Sheet, bill: AvangridBill) -> None:
    """Draw page 1 above the perforation."""
    box = sheet.text(0.03, 0.1265, "Next Scheduled Read Date:  ", size=11, font=SERIF_BOLD_ITALIC)
    sheet.text(
        box[2],
        0.1265,
        f"On or about {bill.period.next_read.strftime('%B %d, %Y')}",
        size=10.5,
        font=SERIF_ITALIC,
    )
    esco = bill.variant == "esco"
    sheet.text(0.03, 0.165, "Consolidated Account Summary" if esco else "Account Summary", size=14, font=SANS_BOLD)
    sheet.text(0.72, 0.165, "Residential" if bill.residential else "Commercial", size=12, font=SANS_BOLD)
    sheet.text(0.72, 0.180, "See details beginning on page 3", size=9, font=SANS)
    miscellaneous = sum((charge.amount for charge in bill.miscellaneous), start=bill.balance.due * 0)
    rows = [
        ("Previous invoice", bill.balance.previous),
        (f"Payments received as of {bill.balance.paid_on.strftime('%m/%d/%y')}", -bill.balance.paid),
        ("Balance forward", bill.balance.forward),
        ("Energy charges", bill.balance.current - miscellaneous),
        ("Miscellaneous charges", miscellaneous),
    ]
    base = 0.185
    for label, amount in rows:
        sheet.text(0.045, base, label, size=10)
        sheet.text(0.58, base, dollars(amount), size=10, align="right")
        base += 0.0135
    sheet.fill((0.03, base - 0.008, 0.60, base + 0.009), GREY)
    text = "Amount will be deducted from your bank account." if bill.autopay else "Payment due upon receipt."
    sheet.text(0.04, base + 0.0045, text, size=10.5, font=SANS_BOLD)
    sheet.text(0.58, base + 0.0045, amount_text(bill), size=10.5, font=SANS_BOLD, align="right", field="amount_due")
    sheet.text(0.03, 0.315, "Messages", size=12, font=SANS_BOLD)
    paragraph(sheet, 0.03, 0.332, MESSAGES[0].format(word=bill.house.word, phone=bill.house.phone), columns=104)
    paragraph(sheet, 0.03, 0.385, MESSAGES[1].format(word=bill.house.word, phone=bill.house.phone), columns=104)
    sheet.frame((0.03, 0.45, 0.97, 0.58), stroke=0.8)
    sheet.text(0.05, 0.468, "Ways to reach us", size=11, font=SANS_BOLD)
    contact = ("Electricity emergency, day or night", bill.house.phone, "Gas odor, day or night", "800.555.0133",
               "Payments and account questions", "800.555.0146")  # fmt: skip
    for index in range(0, 6, 2):
        sheet.text(0.06, 0.488 + index * 0.008, contact[index], size=9.5)
        sheet.text(0.55, 0.488 + index * 0.008, contact[index + 1], size=9.5)


def _stub(sheet: Sheet, bill: AvangridBill, rng: random.Random) -> None:
    """Draw the payment stub below the perforation."""
    sheet.rule(0.0, 0.672, 1.0, 0.672, stroke=0.8, dashes="[5 3] 0")
    sheet.text(0.5, 0.668, "Please return bottom portion with your payment. Make checks payable to "
               f"{bill.house.word}.", size=8.5, font=SERIF_ITALIC, align="centre")  # fmt: skip
    stack = (
        ("Account Number", bill.account_digits, "account_number"),
        ("Late Fee After", bill.period.due.strftime("%m/%d/%y"), None),
        ("Due Upon Receipt", amount_text(bill), "amount_due"),
        ("Amount Paid", "AUTOPAY" if bill.autopay else "$", None),
    )
    for row, (label, value, field) in enumerate(stack):
        top = 0.690 + row * 0.036
        sheet.fill((0.66, top, 0.95, top + 0.014), GREY, outline=0.0)
        sheet.frame((0.66, top, 0.95, top + 0.033))
        sheet.text(0.805, top + 0.0105, label, size=9.5, font=SANS_BOLD, align="centre")
        if value == "$":
            sheet.text(0.68, top + 0.028, value, size=11)
        else:
            sheet.text(0.805, top + 0.028, value, size=11, align="centre", field=field)
    sheet.text(0.08, 0.742, f"AV 01 {digits(rng, 6)} {digits(rng, 5)}H{digits(rng, 3)} A**5DGT", size=8, font=SANS)
    sheet.postal_bars(rng, 0.08, 0.760)
    names = [
        bill.customer.name,
        *([bill.customer.person] if bill.customer.business and rng.random() < 0.5 else []),
    ]
    mailing = [*names, bill.customer.mailing.street, bill.customer.mailing.mailing_town]
    sheet.lines(0.08, 0.776, mailing, step=0.0125, size=10)
    remittance = [bill.house.legal, bill.house.box, "BOSTON, MA 02284-7812"]
    sheet.lines(0.60, 0.885, remittance, step=0.0125, size=10)
    cents = f"{max(0, int(bill.balance.due * 100)):010d}"
    sheet.text(
        0.5,
        0.965,
        f"{digits(rng, 2)}{bill.account_digits}{cents}{cents}",
        size=11,
        font=MONO_BOLD,
        align="centre",
    )


def _messages(sheet: Sheet, bill: AvangridBill) -> None:
    """Draw page 2: messages and the change-of-address form."""
    sheet.text(0.03, 0.135, "Important information about your bill", size=13, font=SANS_BOLD)
    y = 0.155
    for text in MESSAGES:
        y = paragraph(sheet, 0.03, y, text.format(word=bill.house.word, phone=bill.house.phone), columns=104) + 0.012
    sheet.frame((0.03, 0.70, 0.97, 0.93))
    sheet.text(0.05, 0.722, "Change of mailing address or telephone", size=12, font=SANS_BOLD)
    for row, label in enumerate(("Name", "Address", "City", "State / ZIP", "Telephone")):
        sheet.text(0.05, 0.755 + row * 0.034, label, size=10)
        sheet.rule(0.20, 0.756 + row * 0.034, 0.93, 0.756 + row * 0.034)


def _detail(sheet: Sheet, bill: AvangridBill, services: list[Service], *, last: bool, rng: random.Random) -> None:
    """Draw a detail page: its services, and after the last one the totals."""
    sheet.text(0.03, 0.1275, f"{bill.house.word} DETAILED ACCOUNT ACTIVITY", size=13, font=SERIF_BOLD_ITALIC)
    y = DETAIL_TOP
    for service in services:
        y = draw_service(sheet, y, bill, service)
    if not last:
        return
    y = total_bar(sheet, y - 0.004, "Total Energy Charges", f"${sum(s.total for s in bill.services):,.2f}")
    if bill.miscellaneous:
        sheet.text(0.085, y + 0.004, "Miscellaneous Charges", size=9, font=SANS_BOLD)
        for row, charge in enumerate(bill.miscellaneous):
            draw_charge(sheet, y + 0.0145 + row * 0.0096, charge, own=False)
        y += 0.03
    if bill.house.key == "rge" and bill.truth.kwh and y < 0.80:
        months = [f"{'JFMAMJJASOND'[(bill.period.end.month + back) % 12]}" for back in range(-1, 12)]
        bars = [int(bill.truth.kwh * rng.uniform(0.6, 1.4)) for _ in range(12)] + [bill.truth.kwh]
        usage_chart(sheet, y, bars, months, bill.period.inclusive_days, bill.truth.kwh)


def _terms(sheet: Sheet, bill: AvangridBill) -> None:
    sheet.text(0.03, 0.135, "Terms used on your bill", size=13, font=SANS_BOLD)
    y = 0.155
    for title, text in (*TERMS, POD_TERM):
        sheet.text(0.03, y, title, size=9.5, font=SANS_BOLD)
        y = paragraph(sheet, 0.03, y + 0.0115, text.format(word=bill.house.word), columns=104) + 0.010
