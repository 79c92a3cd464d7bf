"""Draw National Grid bills: summary with stub, delivery detail, supply, terms."""

from __future__ import annotations

import random
from decimal import Decimal

from tests.specimens.draw import SANS, SANS_BOLD, SANS_ITALIC, Pad, Sheet
from tests.specimens.figures import Section, dollars, total_of
from tests.specimens.filler import MESSAGES, TERMS, paragraph
from tests.specimens.national_grid import Metered, NationalGridBill, Reading, long_date
from tests.specimens.national_grid_frame import BODY, accent, draw_header, draw_side_bar, draw_stub

WIDTH, HEIGHT = 612.0, 792.0
STEP = 0.0145
LEFT, RIGHT = BODY


def draw_bill(bill: NationalGridBill, rng: random.Random) -> Pad:
    """Draw a whole bill of four pages.

    Args:
        bill: Its figures.
        rng: Source of what carries no meaning: bar codes, serials.

    Returns:
        The drawn pages with the places of the true values.
    """
    pad = Pad(WIDTH, HEIGHT)
    for number, draw_body in enumerate((_summary, _delivery, _supply, _terms), start=1):
        with pad.sheet() as sheet:
            draw_header(sheet, bill, 4)
            if number <= 2:
                draw_side_bar(sheet, bill)
            draw_body(sheet, bill)
            if number == 1:
                draw_stub(sheet, bill, rng)
            sheet.data_matrix(rng, (0.978, 0.47, 0.996, 0.484), cells=14)
    return pad


def _title(sheet: Sheet, bill: NationalGridBill, y: float, text: str, x: float = LEFT) -> float:
    sheet.text(x, y, text, size=10, font=SANS_BOLD, colour=accent(bill))
    sheet.rule(x, y + 0.005, RIGHT, y + 0.005, stroke=0.8, colour=accent(bill))
    return y + 0.022


def _amount_rows(sheet: Sheet, y: float, rows: list[tuple[str, Decimal]], *, bold_last: bool = False) -> float:
    for index, (label, amount) in enumerate(rows):
        font = SANS_BOLD if bold_last and index == len(rows) - 1 else SANS
        sheet.text(LEFT + 0.01, y, label, size=9, font=font)
        sheet.text(RIGHT - 0.01, y, f"{amount:,.2f}", size=9, font=font, align="right")
        y += STEP * 1.15
    return y


def _summary(sheet: Sheet, bill: NationalGridBill) -> None:
    """Draw page 1 above the perforation."""
    balance = bill.balance
    delivery = total_of([service.charges for service in bill.services])
    parts = [
        ("Delivery Services", delivery), ("Supply Services", total_of(bill.supply)),
        ("Other Charges/Adjustments", bill.other.total), ("Total Current Charges", balance.current),
    ]  # fmt: skip
    y = 0.118
    if bill.plan:
        y = _title(sheet, bill, y, "YOUR PAYMENT THIS MONTH")
        sheet.text(LEFT + 0.01, y, "Please pay", size=10)
        sheet.text(RIGHT - 0.01, y, dollars(balance.due), size=12, font=SANS_BOLD, align="right", field="amount_due")
        y = _title(sheet, bill, y + 0.03, "PLAN STATUS")
        y = _amount_rows(
            sheet, y, [("Agreement balance", balance.forward * 3), ("Monthly installment", balance.forward)]
        )
        y = _title(sheet, bill, y + 0.012, "ACCOUNT ACTIVITY")
    else:
        y = _title(sheet, bill, y, "ACCOUNT BALANCE")
    rows = [
        ("Previous Balance", balance.previous), (f"Payment Received on {long_date(balance.paid_on)}", -balance.paid),
        ("Balance Forward", balance.forward), ("Current Charges", balance.current),
    ]  # fmt: skip
    y = _amount_rows(sheet, y, rows)
    if not bill.plan:
        sheet.text(RIGHT - 0.16, y + 0.004, "Amount Due >", size=10, font=SANS_BOLD, align="right")
        sheet.text(
            RIGHT - 0.01,
            y + 0.004,
            dollars(balance.due, space=True),
            size=11,
            font=SANS_BOLD,
            align="right",
            field="amount_due",
        )
        y += 0.022
    y = _title(sheet, bill, y + 0.012, "SUMMARY OF CURRENT CHARGES")
    y = _amount_rows(sheet, y, parts, bold_last=True) + 0.02
    for text in MESSAGES[1:4]:
        if y > 0.60:
            break
        sheet.polygon([(LEFT, y - 0.006), (LEFT + 0.008, y - 0.003), (LEFT, y)], accent(bill))
        y = (
            paragraph(
                sheet,
                LEFT + 0.02,
                y,
                text.format(word="National Grid", phone="1-800-555-0142"),
                columns=84,
                size=8,
                step=0.0125,
            )
            + 0.012
        )


def _delivery(sheet: Sheet, bill: NationalGridBill) -> None:
    """Draw page 2: usage and delivery charges."""
    y = _title(sheet, bill, 0.118, "DETAIL OF CURRENT CHARGES")
    sheet.text(LEFT, y, "Delivery Services", size=12, font=SANS_BOLD, colour=accent(bill))
    y += 0.022
    for service in bill.services:
        y = _service(sheet, bill, y, service)


def _service(sheet: Sheet, bill: NationalGridBill, y: float, service: Metered) -> float:
    sheet.fill((LEFT, y - 0.012, RIGHT, y + 0.005), 0.9)
    sheet.text(LEFT + 0.01, y, service.title, size=9.5, font=SANS_BOLD)
    y += 0.021
    span = f"{long_date(bill.period.start)} - {long_date(bill.period.end)}"
    facts: list[tuple[float, str, str, str | None]] = [
        (0.0, "METER NUMBER", service.meter, service.meter_field),
        (0.32, "NEXT SCHEDULED READ DATE ON OR ABOUT", long_date(bill.period.next_read), None),
        (0.0, "SERVICE PERIOD", span, None), (0.40, "NUMBER OF DAYS IN PERIOD", str(bill.period.plain_days), None),
        (0.0, "RATE", service.rate, "rate_class" if service is bill.services[0] else None),
        (0.34, "VOLTAGE DELIVERY LEVEL", "0 - 2.2 kv", None),
    ]  # fmt: skip
    for index, (offset, label, value, field) in enumerate(facts):
        if service.title.startswith("Gas") and label.startswith("VOLTAGE"):
            continue
        base = y + index // 2 * 0.0155
        box = sheet.text(LEFT + 0.01 + offset, base, f"{label}  ", size=6, font=SANS_BOLD)
        sheet.text(box[2], base, value, size=8.5, field=field)
    y = _readings(sheet, bill, y + 0.052, service)
    for label, value, field in service.totals:
        sheet.text(RIGHT - 0.16, y, label, size=8.5, font=SANS_BOLD, align="right")
        sheet.text(RIGHT - 0.02, y, value, size=8.5, font=SANS_BOLD, align="right", field=field)
        y += STEP
    for label, value in service.notes:
        sheet.text(LEFT + 0.01, y, label, size=8.5)
        field = "other:host_kwh" if value.startswith("-") else "kwh"
        sheet.text(LEFT + 0.32, y, value, size=8.5, align="right", field=field)
        y += STEP
    return _charges(sheet, y + 0.006, service.charges, own=service is bill.services[0]) + 0.012


def _readings(sheet: Sheet, bill: NationalGridBill, y: float, service: Metered) -> float:
    """Draw the usage table: with difference and multiplier for businesses, without for homes."""
    business = bill.customer.business
    if business:
        heads = [(0.0, "Type of", "Service"), (0.15, "Current", "Reading"), (0.285, "Previous", "Reading"),
                 (0.395, "", "Difference"), (0.50, "Meter", "Multiplier"), (0.62, "Total", "Usage")]  # fmt: skip
    else:
        heads = [(0.0, "Service", "Period"), (0.15, "No. of", "days"), (0.22, "Current", "Reading"),
                 (0.40, "Previous", "Reading"), (0.56, "Total", "Usage")]  # fmt: skip
    for offset, upper, lower in heads:
        sheet.lines(LEFT + 0.01 + offset, y, [upper, lower], step=0.011, size=7.5, font=SANS_BOLD)
    y += 0.0135
    sheet.rule(LEFT, y, RIGHT, y, stroke=0.5)
    for row in service.readings:
        y += 0.0165
        if business:
            _business_row(sheet, y, row)
        else:
            _home_row(sheet, bill, y, row)
    sheet.rule(LEFT, y + 0.006, RIGHT, y + 0.006, stroke=0.5)
    return y + 0.021


def _reading(sheet: Sheet, x: float, y: float, value: str, method: str) -> None:
    box = sheet.text(x, y, f"{value} ", size=8.5)
    sheet.text(box[2], y, method, size=6, font=SANS_ITALIC)


def _home_row(sheet: Sheet, bill: NationalGridBill, y: float, row: Reading) -> None:
    period, x = bill.period, LEFT + 0.01
    span = f"{period.start.strftime('%b')} {period.start.day} - {period.end.strftime('%b')} {period.end.day}"
    sheet.text(x, y, span, size=8.5)
    sheet.text(x + 0.16, y, str(period.plain_days), size=8.5)
    _reading(sheet, x + 0.22, y, row.current, row.method)
    sheet.text(x + 0.365, y, "-", size=8.5)
    _reading(sheet, x + 0.40, y, row.previous, row.method)
    sheet.text(x + 0.535, y, "=", size=8.5)
    sheet.text(x + 0.56, y, row.total, size=8.5, field=row.field)


def _business_row(sheet: Sheet, y: float, row: Reading) -> None:
    x = LEFT + 0.01
    sheet.text(x, y, row.kind, size=8.5)
    _reading(sheet, x + 0.13, y, row.current, row.method)
    if row.previous:
        sheet.text(x + 0.262, y, "-", size=8.5)
        _reading(sheet, x + 0.275, y, row.previous, row.method)
        sheet.text(x + 0.395, y, "=", size=8.5)
    sheet.text(x + 0.46, y, row.difference, size=8.5, align="right")
    sheet.text(x + 0.49, y, f"x   {row.multiplier}", size=8.5)
    sheet.text(x + 0.56, y, "=", size=8.5)
    sheet.text(RIGHT - 0.015, y, row.total, size=8.5, align="right")


def _charges(sheet: Sheet, y: float, section: Section, *, own: bool) -> float:
    """Set `<label>   <rate> x dddd kWh   <amount>` lines and their total."""
    for charge in section.charges:
        sheet.text(LEFT + 0.01, y, charge.label, size=8.5)
        if charge.rate:
            box = sheet.text(LEFT + 0.30, y, f"{charge.rate}  x  ", size=8.5)
            sheet.text(box[2], y, charge.quantity, size=8.5, field=charge.field if own else None)
        sheet.text(RIGHT - 0.02, y, f"{charge.amount:,.2f}", size=8.5, align="right")
        y += STEP
    sheet.rule(RIGHT - 0.12, y - 0.0105, RIGHT - 0.01, y - 0.0105, stroke=0.4)
    sheet.text(RIGHT - 0.15, y + 0.002, section.subtotal_label, size=9, font=SANS_BOLD, align="right")
    sheet.text(RIGHT - 0.02, y + 0.002, dollars(section.total, space=True), size=9, font=SANS_BOLD, align="right")
    return y + 0.022


def _supply(sheet: Sheet, bill: NationalGridBill) -> None:
    """Draw page 3: who supplies, supply charges, other charges."""
    y = 0.125
    sheet.text(LEFT, y, "Supply Services", size=12, font=SANS_BOLD, colour=accent(bill))
    y += 0.024
    facts: list[tuple[str, str, str | None]] = [("SUPPLIER", bill.supplier, None), ("PHONE", "1-866-555-0188", None)]
    facts += [("ACCOUNT NO", bill.supplier_account, "other:supplier_account")] if bill.supplier_account else []
    for label, value, field in facts:
        box = sheet.text(LEFT + 0.01, y, f"{label}  ", size=6, font=SANS_BOLD)
        sheet.text(box[2], y, value, size=8.5, field=field)
        y += STEP * 1.1
    y += 0.008
    for section in bill.supply:
        sheet.fill((LEFT, y - 0.012, RIGHT, y + 0.005), 0.9)
        sheet.text(LEFT + 0.01, y, section.title, size=9.5, font=SANS_BOLD)
        y = _charges(sheet, y + 0.021, section, own=section.title == "Electricity Supply") + 0.01
    sheet.text(LEFT, y + 0.01, "Other Charges/Adjustments", size=12, font=SANS_BOLD, colour=accent(bill))
    _charges(sheet, y + 0.035, bill.other, own=False)


def _terms(sheet: Sheet, bill: NationalGridBill) -> None:
    y = _title(sheet, bill, 0.118, "EXPLANATION OF BILLING TERMS", x=0.05)
    for title, text in TERMS:
        sheet.text(0.05, y, title, size=8.5, font=SANS_BOLD)
        words = text.format(word="National Grid")
        y = paragraph(sheet, 0.05, y + 0.013, words, columns=110, size=8.5, step=0.013) + 0.012
