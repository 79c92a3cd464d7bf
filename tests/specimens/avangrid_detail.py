"""Draw a service block of NYSEG's and RG&E's detail page: title lines, meter table, charges."""

from __future__ import annotations

from datetime import date

from tests.specimens.avangrid import AvangridBill, Register, Service, previous_read_date
from tests.specimens.draw import SANS, SANS_BOLD, SERIF_BOLD_ITALIC, SERIF_ITALIC, Sheet
from tests.specimens.figures import Charge, Section

GREY = 0.80
LINE = 0.0096  # charges are set tight: 9.7 points for type of 9
ROW = 0.0165
READ_TYPES = "Type of read: A - Actual, E - Estimate, C - Customer, R - Remote and N - No read"

#: Left edges of the meter table's columns, and its right edge; without and with the multiplier column.
PLAIN_COLUMNS = (0.03, 0.175, 0.265, 0.36, 0.45, 0.545, 0.66, 0.66, 0.825, 0.955)
MULTIPLIER_COLUMNS = (0.03, 0.17, 0.255, 0.345, 0.43, 0.52, 0.62, 0.695, 0.835, 0.955)


def short_date(day: date) -> str:
    """Write a date as the detail page does, `06/03/25`."""
    return day.strftime("%m/%d/%y")


def height_of(service: Service) -> float:
    """Return the height a service block needs, as a fraction of the page."""
    table = 0.055 + ROW * len(service.registers) if service.registers else 0.0
    charges = sum((len(section.charges) + 2) * LINE + 0.004 for section in service.sections)
    return 0.042 + table + charges + 0.03 + (0.02 if service.power_factor else 0)


def draw_service(sheet: Sheet, y: float, bill: AvangridBill, service: Service) -> float:
    """Draw one service.

    Args:
        sheet: The detail page.
        y: Top of the block.
        bill: The bill it belongs to.
        service: The block's figures.

    Returns:
        The top of what comes next.
    """
    _icon(sheet, 0.03, y, service.icon)
    kind, _, _ = service.name.partition(" - ")
    if service.name.startswith("PSC"):
        sheet.text(0.085, y + 0.012, service.name, size=10.5, font=SERIF_BOLD_ITALIC)
    else:
        box = sheet.text(0.085, y + 0.012, f"{kind} - ", size=10.5, font=SERIF_BOLD_ITALIC)
        sheet.text(box[2], y + 0.012, service.name[len(kind) + 3 :], size=10.5, font=SERIF_ITALIC)
    box = sheet.text(0.085, y + 0.026, f"{service.rate_label} -  ", size=10.5, font=SERIF_BOLD_ITALIC)
    _rate(sheet, box[2], y + 0.026, bill, service)
    sheet.text(0.60, y + 0.012, "Service from:", size=10.5, font=SERIF_BOLD_ITALIC)
    _period(sheet, y + 0.012, bill, service)
    sheet.text(0.60, y + 0.026, "PoD ID:", size=10.5, font=SERIF_BOLD_ITALIC)
    sheet.text(0.73, y + 0.026, service.pod_id, size=10.5, font=SERIF_ITALIC, field=service.pod_field)
    y += 0.036
    if service.registers:
        y = _meter_table(sheet, y, bill, service) + 0.006
    for section in service.sections:
        y = _section(sheet, y, section, own=service.pod_field == "pod_id")
    return total_bar(sheet, y + 0.002, service.total_label, f"${service.total:,.2f}")


def _rate(sheet: Sheet, x: float, y: float, bill: AvangridBill, service: Service) -> None:
    """Set the rate; remember the rate class where the company prints it."""
    main = service is bill.services[0]
    wanted = bill.truth.rate_class
    if main and service.rate.startswith(wanted):
        box = sheet.text(x, y, wanted, size=10.5, font=SERIF_ITALIC, field="rate_class")
        sheet.text(box[2], y, service.rate[len(wanted) :], size=10.5, font=SERIF_ITALIC)
        return
    sheet.text(x, y, service.rate, size=10.5, font=SERIF_ITALIC)
    if main:  # RG&E's class stands at the head of the service's name, one line up
        left, base = 0.085, y - 0.014
        right = left + sheet.width_of(wanted, 10.5, SERIF_BOLD_ITALIC)
        sheet.remember("rate_class", wanted, [(left, base - 0.008, right, base + 0.0023)])


def _period(sheet: Sheet, y: float, bill: AvangridBill, service: Service) -> None:
    """Set `mm/dd/yy - mm/dd/yy`; both dates are remembered on the main service."""
    main = service is bill.services[0]
    style = {"size": 10.5, "font": SERIF_ITALIC}
    box = sheet.text(0.73, y, short_date(bill.period.start), **style, field="period_start" if main else None)  # type: ignore[arg-type]
    box = sheet.text(box[2], y, " - ", **style)  # type: ignore[arg-type]
    sheet.text(box[2], y, short_date(bill.period.end), **style, field="period_end" if main else None)  # type: ignore[arg-type]


def _icon(sheet: Sheet, x: float, y: float, kind: str) -> None:
    if kind == "flame":
        sheet.leaf((x + 0.02, y + 0.028), (x + 0.024, y), 7.5, 0.25)
        sheet.leaf((x + 0.02, y + 0.027), (x + 0.018, y + 0.013), 3.5, 1.0)
        return
    middle = x + 0.02
    around = [(0.0, 0.0), (0.009, 0.002), (0.014, 0.008), (0.012, 0.014), (0.006, 0.019), (0.006, 0.022)]
    outline = [(middle + dx, y + dy) for dx, dy in around] + [(middle - dx, y + dy) for dx, dy in reversed(around)]
    sheet.polygon(outline, 0.25)
    sheet.fill((middle - 0.006, y + 0.0228, middle + 0.006, y + 0.0245), 0.4)
    sheet.fill((middle - 0.006, y + 0.0252, middle + 0.006, y + 0.0270), 0.4)


def _meter_table(sheet: Sheet, y: float, bill: AvangridBill, service: Service) -> float:
    """Draw the boxed table of registers; values sit low, on the line below them. Return its bottom."""
    with_multiplier = any(register.multiplier > 1 for register in service.registers)
    columns = MULTIPLIER_COLUMNS if with_multiplier else PLAIN_COLUMNS
    right, head = columns[-1], y + 0.028
    bottom = head + ROW * len(service.registers)
    _table_heads(sheet, y, columns, with_multiplier)
    usage_boxes = []
    for row, register in enumerate(service.registers):
        base = head + ROW * (row + 1) - 0.0014
        sheet.rule(columns[0], head + ROW * row, right, head + ROW * row, stroke=0.5)
        box = _table_row(sheet, base, columns, bill, register, own=service.pod_field == "pod_id")
        if register.usage.endswith(" kwh") and service.pod_field == "pod_id":
            usage_boxes.append((register.usage, box))
    if len(usage_boxes) > 1:
        sheet.remember("kwh", "\n".join(text for text, _ in usage_boxes), [box for _, box in usage_boxes])
    sheet.rule(columns[0], bottom, right, bottom, stroke=0.5)
    foot = bottom + 0.0125
    sheet.text(columns[0] + 0.006, foot - 0.0032, READ_TYPES, size=7.5)
    sheet.frame((columns[0], y, right, foot), stroke=0.9)
    for edge in columns[1:-1]:
        sheet.rule(edge, y if edge not in (columns[2], columns[4]) else y + 0.014, edge, bottom, stroke=0.5)
    sheet.vertical(0.985, bottom, f"{int(bill.account_digits[-6:]):06d} 2/3", size=6)
    if service.power_factor:
        sheet.frame((columns[-3], foot + 0.003, right, foot + 0.0175), stroke=0.7)
        sheet.text(columns[-3] + 0.01, foot + 0.0135, f"Power Factor:   {service.power_factor}", size=9)
        foot += 0.019
    return foot


def _table_heads(sheet: Sheet, y: float, columns: tuple[float, ...], with_multiplier: bool) -> None:
    def head(left: float, end: float, *lines: str) -> None:
        top = y + (0.0175 if len(lines) == 1 else 0.0115)
        sheet.lines((left + end) / 2, top, lines, step=0.0105, size=8.2, align="centre")

    head(columns[0], columns[1], "Meter", "Number")
    for first, title in ((1, "Current Meter Read"), (3, "Previous Meter Read")):
        sheet.text((columns[first] + columns[first + 2]) / 2, y + 0.010, title, size=8.2, align="centre")
        sheet.rule(columns[first], y + 0.014, columns[first + 2], y + 0.014, stroke=0.5)
        for offset, name in ((0, "Date"), (1, "Reading")):
            middle = (columns[first + offset] + columns[first + offset + 1]) / 2
            sheet.text(middle, y + 0.0235, name, size=8.2, align="centre")
    head(columns[5], columns[6], "Reading", "Difference")
    if with_multiplier:
        head(columns[6], columns[7], "Meter", "Multr")
    head(columns[7], columns[8], "Billed", "Usage")
    head(columns[8], columns[9], "Billing", "Period")


def _table_row(
    sheet: Sheet,
    base: float,
    columns: tuple[float, ...],
    bill: AvangridBill,
    register: Register,
    *,
    own: bool,
) -> tuple[float, float, float, float]:
    meter, slash, suffix = register.meter.partition("/")
    box = sheet.text(columns[0] + 0.006, base, meter, field="meter_numbers" if own else None)
    sheet.text(box[2], base, slash + suffix)
    sheet.text((columns[1] + columns[2]) / 2, base, short_date(bill.period.end), size=8.6, align="centre")
    sheet.text(columns[3] - 0.006, base, f"{register.current} {register.letter}", align="right")
    if register.previous:
        sheet.text(
            (columns[3] + columns[4]) / 2,
            base,
            short_date(previous_read_date(bill.period)),
            size=8.6,
            align="centre",
        )
        sheet.text(columns[5] - 0.006, base, f"{register.previous} {register.letter}", align="right")
        sheet.text(columns[6] - 0.006, base, register.difference, align="right")
    if register.multiplier > 1:
        sheet.text(columns[7] - 0.008, base, str(register.multiplier), align="right")
    usage = sheet.text(columns[8] - 0.008, base, register.usage, align="right", field=register.field if own else None)
    sheet.text((columns[8] + columns[9]) / 2, base, f"{bill.period.inclusive_days} days", align="centre")
    return usage


def _section(sheet: Sheet, y: float, section: Section, *, own: bool) -> float:
    """Set the lines of one section of charges under its underlined heading."""
    base = y + LINE
    box = sheet.text(0.085, base, section.title, size=9, font=SANS_BOLD)
    sheet.rule(box[0], base + 0.0018, box[2], base + 0.0018, stroke=0.6)
    for charge in section.charges:
        base += LINE
        draw_charge(sheet, base, charge, own=own)
    base += LINE
    sheet.rule(0.66, base - LINE + 0.0021, 0.755, base - LINE + 0.0021, stroke=0.5)
    sheet.text(0.105, base, section.subtotal_label, size=9, font=SANS_BOLD)
    sheet.text(0.93, base, f"${section.total:,.2f}", size=9, font=SANS_BOLD, align="right")
    return base + 0.004


def draw_charge(sheet: Sheet, base: float, charge: Charge, *, own: bool) -> None:
    """Set `<label>  <quantity> kwh  @  <rate>   <amount>` on one base line."""
    sheet.text(0.105, base, charge.label, size=9)
    if charge.quantity:
        sheet.text(0.475, base, charge.quantity, size=9, align="right", field=charge.field if own else None)
        sheet.text(0.50, base, "@", size=9)
    if charge.rate:
        sheet.text(0.62, base, charge.rate, size=9, align="right")
    sheet.text(0.75, base, f"{charge.amount:,.2f}", size=9, align="right")


def total_bar(sheet: Sheet, y: float, label: str, amount: str) -> float:
    """Draw a grey bar with a bold total. Return the top of what comes next."""
    sheet.fill((0.03, y, 0.955, y + 0.0145), GREY)
    sheet.text(0.04, y + 0.0108, label, size=10, font=SANS_BOLD)
    sheet.text(0.93, y + 0.0108, amount, size=10, font=SANS_BOLD, align="right")
    return y + 0.0145 + 0.008


def usage_chart(sheet: Sheet, y: float, bars: list[int], months: list[str], days: int, kwh: int) -> float:
    """Draw RG&E's usage chart: bars without figures, and the daily averages. Return the bottom."""
    sheet.text(0.085, y + 0.010, "Usage Chart Information", size=10, font=SANS_BOLD)
    sheet.text(0.25, y + 0.026, "Historical Electricity Consumption", size=8.5, font=SANS_BOLD, align="centre")
    left, right, top, foot = 0.09, 0.48, y + 0.032, y + 0.115
    ceiling = -(-max(bars) // 200) * 200
    for step in range(5):
        level = foot - (foot - top) * step / 4
        sheet.rule(left, level, right, level, stroke=0.3, colour=0.6)
        sheet.text(left - 0.006, level + 0.0025, str(ceiling * step // 4), size=7, align="right")
    pitch = (right - left) / len(bars)
    for index, (value, month) in enumerate(zip(bars, months, strict=True)):
        x = left + pitch * (index + 0.2)
        sheet.fill((x, foot - (foot - top) * value / ceiling, x + pitch * 0.6, foot), 0.45)
        sheet.text(x + pitch * 0.3, foot + 0.009, month, size=6.5, align="centre")
    sheet.text(0.55, y + 0.034, "Electricity Daily Average Comparisons", size=9, font=SANS_BOLD)
    rows = (("Current month", kwh // days), ("Last month", bars[-2] // 30), ("Last year", bars[0] // 30))
    for index, (label, average) in enumerate(rows):
        sheet.text(0.56, y + 0.050 + index * 0.012, label, size=9, font=SANS)
        sheet.text(0.86, y + 0.050 + index * 0.012, f"{average} kwh", size=9, font=SANS, align="right")
    return foot + 0.02
