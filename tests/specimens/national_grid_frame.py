"""Draw what frames every page of a National Grid bill: the header, the side bar, the payment stub."""

from __future__ import annotations

import random

from tests.specimens.draw import MONO_BOLD, SANS, SANS_BOLD, Sheet
from tests.specimens.figures import digits, dollars
from tests.specimens.national_grid import NationalGridBill, long_date

BLUE = (0.0, 0.20, 0.52)
TEAL = (0.0, 0.45, 0.47)
WHITE = 1.0
SIDE = (0.03, 0.26)  # left and right of the side bar
BODY = (0.30, 0.97)


def accent(bill: NationalGridBill) -> tuple[float, float, float]:
    """Return the colour of rules and headings."""
    return TEAL if bill.plan else BLUE


def amount_text(bill: NationalGridBill) -> str:
    """Write the amount due; the space after the dollar sign is missing on payment-plan bills."""
    return dollars(bill.balance.due, space=not bill.plan)


def draw_header(sheet: Sheet, bill: NationalGridBill, total: int) -> None:
    """Draw logo, SERVICE FOR block, period, account number, amount."""
    box = sheet.text(0.03, 0.063, "national", size=20, font=SANS, colour=BLUE)
    sheet.text(box[2], 0.063, "grid", size=20, font=SANS_BOLD, colour=BLUE)
    middle = box[2] + sheet.width_of("gr", 20, SANS_BOLD) + sheet.width_of("i", 20, SANS_BOLD) / 2
    sheet.flush()  # the diamond covers the dot of the i, which stays in the text layer
    sheet.fill((middle - 0.0052, 0.0435, middle + 0.0052, 0.0482), WHITE)
    dot = 0.0445
    sheet.polygon(
        [(middle, dot - 0.0036), (middle + 0.0046, dot), (middle, dot + 0.0036), (middle - 0.0046, dot)], BLUE
    )
    sheet.text(0.28, 0.022, "SERVICE FOR", size=5.5, font=SANS_BOLD, colour=accent(bill))
    y = 0.0365
    sheet.text(0.28, y, bill.customer.name, size=8.5, font=SANS, field="customer_name")
    if bill.doing_business_as:
        y += 0.0135
        sheet.text(0.28, y, bill.doing_business_as, size=8.5)
    service = bill.customer.service
    town = f"{service.town} NY {service.zip_code}"
    sheet.lines(0.28, y + 0.0135, [service.street, town], step=0.0135, size=8.5, field="service_address")
    sheet.text(0.55, 0.025, "BILLING PERIOD", size=5.5, font=SANS_BOLD, colour=accent(bill))
    box = sheet.text(0.55, 0.040, long_date(bill.period.start), size=9, field="period_start")
    box = sheet.text(box[2], 0.040, "  to ", size=9)
    sheet.text(box[2], 0.040, long_date(bill.period.end), size=9, field="period_end")
    sheet.text(0.55, 0.063, "ACCOUNT NUMBER", size=5.5, font=SANS_BOLD, colour=accent(bill))
    sheet.text(0.55, 0.0785, bill.account, size=9.5, field="account_number")
    pay_by = "Upon Receipt" if bill.balance.forward > 0 else long_date(bill.period.due)
    for left, right, label, value, field in (
        (0.69, 0.815, "PLEASE PAY BY", pay_by, None), (0.825, 0.97, "AMOUNT DUE", amount_text(bill), "amount_due"),
    ):  # fmt: skip
        if bill.plan:
            sheet.text(left, 0.063, label, size=5.5, font=SANS_BOLD, colour=accent(bill))
            sheet.text(left, 0.0785, value, size=9.5, font=SANS_BOLD, field=field)
        else:
            sheet.fill((left, 0.0545, right, 0.0665), 0.0)
            sheet.text((left + right) / 2, 0.0632, label, size=6.5, font=SANS_BOLD, align="centre", colour=WHITE)
            sheet.text((left + right) / 2, 0.0800, value, size=10, font=SANS_BOLD, align="centre", field=field)
    sheet.text(0.97, 0.022, f"PAGE {sheet.number} of {total}", size=6.5, font=SANS_BOLD, align="right")
    sheet.rule(0.03, 0.092, 0.97, 0.092, stroke=2.0, colour=accent(bill))


def draw_side_bar(sheet: Sheet, bill: NationalGridBill) -> None:
    """Draw the side bar of page 1 or 2: contacts and enrolment on page 1, usage where this bill has it."""
    pale = (0.80, 0.93, 0.92) if bill.plan else (0.82, 0.90, 0.98)
    sheet.gradient((SIDE[0], 0.10, SIDE[1], 0.66 if sheet.number == 1 else 0.94), pale, (0.97, 0.99, 1.0))
    y = 0.118
    if sheet.number == 1:
        y = _contacts(sheet, bill, y)
    if sheet.number == bill.history_on_page:
        _usage(sheet, bill, y + 0.006)


def _heading(sheet: Sheet, bill: NationalGridBill, y: float, text: str) -> float:
    sheet.text(SIDE[0] + 0.01, y, text, size=7, font=SANS_BOLD, colour=accent(bill))
    return y + 0.013


def _contacts(sheet: Sheet, bill: NationalGridBill, y: float) -> float:
    x, style = SIDE[0] + 0.01, {"size": 7.0, "step": 0.0115}
    y = sheet.lines(x, y, ["www.example.com/ngrid"], **style) + 0.004  # type: ignore[arg-type]
    y = _heading(sheet, bill, y, "CUSTOMER SERVICE")
    y = sheet.lines(x, y, ["1-800-555-0142"], **style) + 0.003  # type: ignore[arg-type]
    y = _heading(sheet, bill, y, "GAS EMERGENCIES")
    y = sheet.lines(x, y, ["1-800-555-0143"], **style) + 0.003  # type: ignore[arg-type]
    y = _heading(sheet, bill, y, "POWER OUTAGE OR DOWNED LINE")
    y = sheet.lines(x, y, ["1-800-555-0144"], **style) + 0.003  # type: ignore[arg-type]
    y = _heading(sheet, bill, y, "CORRESPONDENCE ADDRESS")
    y = sheet.lines(x, y, ["300 Example Blvd W", "Syracuse, NY 13202"], **style) + 0.003  # type: ignore[arg-type]
    y = _heading(sheet, bill, y, "DATE BILL ISSUED")
    sheet.text(x, y, long_date(bill.period.statement), size=7.5, field="statement_date")
    y = _heading(sheet, bill, y + 0.0155, "Enrollment Information")
    box = sheet.text(x, y, "Loadzone ", size=7)
    sheet.text(box[2], y, bill.zone, size=7)
    box = sheet.text(x, y + 0.0115, "Acct No: ", size=7)
    letters = "".join(character for character in bill.customer.name if character.isalpha())[:4]
    if not bill.plan:
        box = sheet.text(box[2], y + 0.0115, bill.account, size=7, field="account_number")
    sheet.text(box[2], y + 0.0115, f"  Cycle: {bill.cycle}, {letters}", size=7)
    return y + 0.0265


def _usage(sheet: Sheet, bill: NationalGridBill, y: float) -> None:
    """Set the history tables; the last twelve rows of the first one are the annual use."""
    two_columns = not bill.customer.business
    y = _heading(sheet, bill, y, "Electric Usage History" if two_columns else "Electric Usage")
    y = _table(sheet, y, [(month, str(kwh)) for month, kwh in bill.history], "kWh", two_columns, field="annual_kwh")
    if bill.gas_history:
        y = _heading(sheet, bill, y, "Gas Usage History")
        y = _table(sheet, y, [(month, str(therms)) for month, therms in bill.gas_history], "Therms", two_columns)
    if bill.demand_history:
        y = _heading(sheet, bill, y, "Billed Demand Last 12 months")
        _table(sheet, y, list(bill.demand_history), "kW", False)


def _table(
    sheet: Sheet,
    y: float,
    rows: list[tuple[str, str]],
    unit: str,
    two_columns: bool,
    field: str | None = None,
) -> float:
    half = -(-len(rows) // 2) if two_columns else len(rows)
    width = (SIDE[1] - SIDE[0] - 0.02) / (2 if two_columns else 1.6)
    boxes = []
    for column in range(2 if two_columns else 1):
        left = SIDE[0] + 0.01 + column * width
        right = left + width - (0.014 if two_columns else 0.0)
        sheet.text(left, y, "Month", size=6.5, font=SANS_BOLD)
        sheet.text(right, y, unit, size=6.5, font=SANS_BOLD, align="right")
        for row, (month, value) in enumerate(rows[column * half : (column + 1) * half]):
            base = y + 0.0115 * (row + 1)
            sheet.text(left, base, month, size=7)
            boxes.append(sheet.text(right, base, value, size=7, align="right"))
    if field:
        sheet.remember(field, "\n".join(value for _, value in rows[-12:]), boxes[-12:])
    return y + 0.0115 * (half + 1) + 0.008


def draw_stub(sheet: Sheet, bill: NationalGridBill, rng: random.Random) -> None:
    """Draw the payment stub at the foot of page 1."""
    sheet.text(0.5, 0.688, "KEEP THIS PORTION FOR YOUR RECORDS.    RETURN THIS PORTION WITH YOUR PAYMENT.", size=6.5,
               font=SANS_BOLD, align="centre")  # fmt: skip
    sheet.rule(0.0, 0.694, 1.0, 0.694, stroke=0.8, dashes="[4 3] 0")
    box = sheet.text(0.03, 0.735, "national", size=15, colour=BLUE)
    sheet.text(box[2], 0.735, "grid", size=15, font=SANS_BOLD, colour=BLUE)
    pay_by = "Upon Receipt" if bill.balance.forward > 0 else long_date(bill.period.due)
    for left, label, value, field in (
        (0.42, "ACCOUNT NUMBER", bill.account, "account_number"), (0.61, "PLEASE PAY BY", pay_by, None),
        (0.79, "AMOUNT DUE", amount_text(bill), "amount_due"),
    ):  # fmt: skip
        if not bill.plan:
            sheet.fill((left, 0.7135, left + 0.17, 0.7265), 0.0)
        colour = accent(bill) if bill.plan else WHITE
        sheet.text(left + 0.085, 0.7230, label, size=6.5, font=SANS_BOLD, align="centre", colour=colour)
        sheet.text(left + 0.085, 0.7425, value, size=10, align="centre", field=field)
    sheet.text(0.42, 0.770, "ENTER AMOUNT ENCLOSED", size=6.5, font=SANS_BOLD)
    sheet.frame((0.79, 0.757, 0.96, 0.777))
    sheet.text(0.80, 0.7725, "$", size=11)
    sheet.text(0.09, 0.805, digits(rng, 6), size=7)
    sheet.postal_bars(rng, 0.09, 0.823, length=0.32)
    mailing = bill.customer.mailing
    names = [bill.customer.name] + ([bill.doing_business_as] if bill.doing_business_as else [])
    sheet.lines(0.09, 0.840, [*names, mailing.street, mailing.mailing_town], step=0.0145, size=9)
    remittance = ["NATIONAL GRID", f"PO BOX {rng.randint(371300, 371399)}", "PITTSBURGH PA 15250-7376"]
    sheet.lines(0.60, 0.840, remittance, step=0.0145, size=9)
    current, due = (max(0, int(amount * 100)) for amount in (bill.balance.current, bill.balance.due))
    line = f"{current:09d} {bill.account_digits}{rng.randint(0, 9)}{due:09d}{digits(rng, 3)}"
    sheet.text(0.5, 0.958, line, size=10.5, font=MONO_BOLD, align="centre")
