"""Say what a specimen bill is: the pages, the truth they carry, and where on the paper each value stands.

The truth is written down by whoever invents the numbers, never read back from the drawing, so a reader
of bills can be measured against it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import pymupdf
from PIL import Image

#: x0, y0, x1, y1 as fractions of the page's width and height, from the top left.
Box = tuple[float, float, float, float]

#: Pixels across a page picture: 8.5 inches at about 280 dpi, what a phone photo resolves of a page.
PICTURE_WIDTH = 2400


@dataclass(frozen=True)
class Place:
    """One occurrence of a true value on a page.

    Attributes:
        field: The name of a `Truth` attribute, or `other:<what>` for a value easily mistaken for one.
        page: The page it stands on, from 1.
        text: As printed; lines of a value set on several lines are joined by a newline.
        box: Around the whole value, in page fractions.
    """

    field: str
    page: int
    text: str
    box: Box


@dataclass(frozen=True)
class Truth:
    """Hold what a perfect reader would find on a whole bill.

    Attributes:
        utility: Name as printed on the bill, e.g. `NYSEG`.
        account_number: As printed, with the utility's hyphens.
        account_digits: The same without hyphens.
        pod_id: Electric PoD ID of the metered service; None where the utility prints none.
        service_address: On one line, `<number> <STREET>, <TOWN> NY <zip>`, capitals.
        customer_name: As printed above or beside the address.
        period_start: First day of the billing period as printed.
        period_end: Last day of the billing period as printed.
        kwh: Electric use billed for the period, all registers of the metered electric service;
            None when the bill has no electric service.
        annual_kwh: Sum of the last twelve printed months; None where no history in figures is printed.
        annual_basis: How `annual_kwh` was got: `12 months printed` or `not printed`.
        meter_numbers: Electric meters as printed, without the register suffix.
        rate_class: As printed, e.g. `12001` or `Electric SC1 Non Heat`.
        statement_date: Date the bill was issued.
        amount_due: Dollars and cents, e.g. `1234.50`.
        days: Length of the period as printed.
        other: Values that are easily mistaken for the wanted ones, by what they are (`gas_pod_id`, ...).
    """

    utility: str
    account_number: str
    account_digits: str
    pod_id: str | None
    service_address: str
    customer_name: str
    period_start: date
    period_end: date
    kwh: int | None
    annual_kwh: int | None
    annual_basis: str
    meter_numbers: tuple[str, ...]
    rate_class: str
    statement_date: date
    amount_due: str
    days: int
    other: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; dates in ISO form."""
        plain = asdict(self)
        for name in ("period_start", "period_end", "statement_date"):
            plain[name] = plain[name].isoformat()
        plain["meter_numbers"] = list(self.meter_numbers)
        return plain


@dataclass(frozen=True)
class PagePicture:
    """A page as pixels, with the places of its true values.

    Attributes:
        image: RGB.
        places: What stands on this page.
    """

    image: Image.Image
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Specimen:
    """A drawn bill.

    Attributes:
        utility: Key of the utility, e.g. `nyseg`.
        variant: Key of the layout variant, e.g. `residential`.
        seed: The number it was invented from.
        truth: What a perfect reader finds on all its pages together.
        places: Every true value on every page.
        document: The whole bill as PDF with a text layer.
    """

    utility: str
    variant: str
    seed: int
    truth: Truth
    places: tuple[Place, ...]
    document: bytes = field(repr=False)

    @property
    def page_count(self) -> int:
        """Count the pages of the whole bill."""
        with pymupdf.open(stream=self.document) as pdf:
            return int(pdf.page_count)

    def pdf(self, pages: list[int] | None = None) -> bytes:
        """Return the bill, or only some of its pages, as PDF with its text layer.

        Args:
            pages: Page numbers from 1, in the order wanted; None for all.

        Returns:
            The PDF file; the same bytes for the same arguments.
        """
        if pages is None:
            return self.document
        with pymupdf.open(stream=self.document) as pdf:
            pdf.select([number - 1 for number in pages])
            return save_pdf(pdf)

    def places_on(self, page: int) -> tuple[Place, ...]:
        """Return the true values that stand on a page (from 1)."""
        return tuple(place for place in self.places if place.page == page)

    def readable_on(self, page: int) -> frozenset[str]:
        """Name the truth fields that a perfect reader of this page alone would find."""
        names = {place.field for place in self.places_on(page) if not place.field.startswith("other:")}
        if "account_number" in names:
            names.add("account_digits")
        return frozenset(names)

    def picture(self, page: int, width: int = PICTURE_WIDTH) -> PagePicture:
        """Rasterise a page.

        Args:
            page: Page number from 1.
            width: Pixels across.

        Returns:
            The page on white, with its places.
        """
        with pymupdf.open(stream=self.document) as pdf:
            sheet = pdf[page - 1]
            zoom = width / sheet.rect.width
            pixmap = sheet.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csRGB)
            image = Image.frombuffer("RGB", (pixmap.width, pixmap.height), pixmap.samples, "raw", "RGB", 0, 1)
        return PagePicture(image=image, places=self.places_on(page))


def save_pdf(pdf: pymupdf.Document) -> bytes:
    """Write a PDF without dates or random identifiers, so that equal drawings are equal files."""
    pdf.set_metadata({})
    return bytes(pdf.tobytes(garbage=3, deflate=True, no_new_id=True))
