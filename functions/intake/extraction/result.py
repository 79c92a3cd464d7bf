"""The result of extraction: fields with their evidence, and diagnostics about the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from intake.contract import bill_fields
from intake.model import Quad

Value = str | float | int | dict[str, str]

FIELDS = tuple(bill_fields())
"""Names of all fields. Dates are ISO text, `kwh`, `net_kwh` (may be negative), `annual_kwh` and `amount_due` numbers,
`account_number` digits only."""


@dataclass(frozen=True)
class Found:
    """One field's value with its evidence.

    Attributes:
        value: Text, number, or for `service_address_parts` a mapping.
        confidence: 0..1.
        page: 1-based number of the page with the best candidate.
        quad: Where it stands there, in fractions of the page.
        how: How it was found, such as `label left` or `12 months printed`.
    """

    value: Value
    confidence: float
    page: int
    quad: Quad
    how: str


@dataclass(frozen=True)
class Diagnostics:
    """What the pictures show besides fields.

    Attributes:
        words: Words of all pages.
        unsure: Share of the words that the OCR itself doubts.
        bill_marks: Different phrases seen that bills print.
        page_kinds: Kinds of pages seen, such as `summary` or `detail`, by page.
        printed_pages: Page numbers that the bill itself prints, by page.
        photograph: The page to photograph when PoD ID and use are missing; "" if not known.
        electric: Whether anything says electric service.
        gas: Whether anything says gas service.
        prints_pod: Whether the utility prints a PoD ID; None if not known.
        account_cut: Whether an account label stands there without a whole number.
        second_bill: Whether another bill, whose words were left out, lies under this one.
        conflicting: Fields for which values compete without a winner.
        low_confidence: Fields that were seen but failed a check or were too unsure.
        contradicting: The utility whose numbers these seem to be, though the bill names another one; "" if none.
    """

    words: int = 0
    unsure: float = 0.0
    bill_marks: int = 0
    page_kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    printed_pages: Mapping[str, int] = field(default_factory=dict)
    photograph: str = ""
    electric: bool = False
    gas: bool = False
    prints_pod: bool | None = None
    account_cut: bool = False
    second_bill: bool = False
    conflicting: tuple[str, ...] = ()
    low_confidence: tuple[str, ...] = ()
    contradicting: str = ""

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Diagnostics:
        """Read what `asdict` and Firestore made of it."""
        kinds = {page: tuple(kinds) for page, kinds in data["page_kinds"].items()}
        return cls(
            **{
                **data,
                "page_kinds": kinds,
                "conflicting": tuple(data["conflicting"]),
                "low_confidence": tuple(data["low_confidence"]),
            }
        )


@dataclass(frozen=True)
class Reading:
    """All that was read from one bill; a field that is not there was not found or not sure.

    Attributes:
        fields: By name, see `FIELDS`.
        diagnostics: What `attention` needs besides.
    """

    fields: Mapping[str, Found] = field(default_factory=dict)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    def to_document(self) -> dict[str, Any]:
        """Return plain types for JSON and Firestore; corners are rounded to a ten-thousandth of the page."""
        fields = {
            name: {
                "value": found.value,
                "confidence": round(found.confidence, 3),
                "page": found.page,
                "quad": [round(corner, 4) for corner in found.quad],
                "how": found.how,
            }
            for name, found in self.fields.items()
        }
        diagnostics = asdict(self.diagnostics)
        diagnostics["page_kinds"] = {page: list(kinds) for page, kinds in self.diagnostics.page_kinds.items()}
        diagnostics["conflicting"], diagnostics["low_confidence"] = (
            list(self.diagnostics.conflicting),
            list(self.diagnostics.low_confidence),
        )
        return {"fields": fields, "diagnostics": diagnostics}

    @classmethod
    def from_document(cls, data: Mapping[str, Any]) -> Reading:
        """Read what `to_document` wrote."""
        fields = {name: Found(**{**found, "quad": Quad(*found["quad"])}) for name, found in data["fields"].items()}
        return cls(fields, Diagnostics.from_document(data["diagnostics"]))
