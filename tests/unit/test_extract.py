"""The environment of the reading: saved words in, fields, attention and the bill's key out, whatever the reader does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import IO, Any

from intake.clock import OFFICE_TIME
from intake.extraction import Reading
from intake.model import Intake, PageWords, Quad, Word
from intake.pages.sandbox.process import Pay, pay_nothing
from intake.stages import extract

from tests.specimens.catalogue import make
from tests.support.fakes import Bucket, SandboxClient, an_intake
from tests.support.saved_words import Kept, page_of_specimen, reading_intake, saved

READ = SandboxClient().read_fields


def understood(
    intake: Intake, words: Bucket, store: Kept, read: Callable[[IO[bytes], date, Pay], Reading | None] = READ
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, str]], str]:
    assert extract.Extract(store=store, bucket=words, sandbox=SimpleNamespace(read_fields=read)).extract(
        intake, pay_nothing, 0
    )
    return store.finished[-1]


def test_the_fields_of_a_bill_are_kept_with_its_key() -> None:
    """What the specimen prints is what is kept, and the key is made of utility, account and end of period."""
    truth = make(7, "nyseg", "residential").truth
    reading, _, key = understood(reading_intake(), saved([page_of_specimen(3)]), Kept())
    fields = {name: found["value"] for name, found in reading["fields"].items()}
    assert fields["account_number"] == truth.account_number.replace("-", "")
    assert fields["pod_id"] == truth.pod_id
    assert fields["kwh"] == truth.kwh
    assert key == f"NYSEG|{fields['account_number']}|{fields['period_end']}"


def test_an_earlier_submission_of_the_bill_is_named() -> None:
    """The attention says when it was and which intake it is."""
    earlier = replace(an_intake("0" * 32), submitted_at=an_intake().submitted_at - timedelta(days=3))
    _, attention, _ = understood(reading_intake(), saved([page_of_specimen(3)]), Kept(earlier=[earlier]))
    repeated = [item for item in attention if item["code"] == "already_submitted"]
    assert len(repeated) == 1
    assert "0" * 32 in repeated[0]["message"]


def test_a_bill_that_cannot_be_read_is_not_held_back() -> None:
    """The row goes out without fields, and a person is asked to read them."""
    reading, attention, key = understood(
        reading_intake(), saved([page_of_specimen(3)]), Kept(), read=lambda _words, _day, _pay: None
    )
    assert (reading["fields"], key) == ({}, "")
    assert [item["code"] for item in attention] == ["not_understood"]


def test_of_a_very_long_submission_only_the_beginning_is_looked_at() -> None:
    """Memory is bounded, and the agent is told."""
    word = Word("page", Quad(0.1, 0.1, 0.2, 0.1, 0.2, 0.12, 0.1, 0.12), 1.0)
    words = saved([PageWords(page, 612, 792, "text", [word]) for page in range(1, extract.READ_PAGES + 2)])
    _, attention, _ = understood(reading_intake(file_pages=(extract.READ_PAGES + 1,)), words, Kept())
    assert len(list(words.reads)) == extract.READ_PAGES
    assert attention[-1]["code"] == "long_bill"


def test_no_bill_is_of_a_later_day_than_its_submission() -> None:
    """A period that ends after the day of the submission, as New York has it, is another one."""
    end = make(7, "nyseg", "residential").truth.period_end
    for days, known in ((-1, False), (3, True)):
        submitted = datetime.combine(end, datetime.min.time(), OFFICE_TIME) + timedelta(days=days, hours=23)
        reading, _, _ = understood(reading_intake(submitted_at=submitted), saved([page_of_specimen(3)]), Kept())
        assert ("period_end" in reading["fields"]) is known
