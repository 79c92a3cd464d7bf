"""Words of pages as the ocr stage saves them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from intake.model import Intake, PageWords
from intake.objects import words_object

from tests.specimens.catalogue import make
from tests.support.fakes import INTAKE_ID, Bucket, Store, an_intake


@dataclass
class Kept(Store):
    """A store that notes with what reading was finished."""

    earlier: list[Intake] = field(default_factory=list)
    finished: list[tuple[Mapping[str, Any], Sequence[Mapping[str, str]], str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def earlier_of_same_bill(self, intake: Intake, bill_key: str) -> list[Intake]:
        self.asked.append(bill_key)
        return self.earlier

    def finish_reading(
        self,
        intake: Intake,
        reading: Mapping[str, Any],
        attention: Sequence[Mapping[str, str]],
        bill_key: str,
        calls: int,
    ) -> bool:
        self.finished.append((reading, attention, bill_key))
        return True


def saved(pages: Sequence[PageWords]) -> Bucket:
    return Bucket({words_object(INTAKE_ID, page.page): json.dumps(page.to_dict()).encode() for page in pages})


def page_of_specimen(number: int) -> PageWords:
    """Return the text layer of a specimen's page, through the real reader of PDFs."""
    from intake.pages import open_document

    specimen = make(7, "nyseg", "residential")
    content = open_document("pdf", specimen.pdf([number]), 1).page(0)
    return content.with_recognised(1, [])


def reading_intake(**changes: Any) -> Intake:
    return replace(an_intake(INTAKE_ID), **{"file_pages": (1,), **changes})
