"""Records: what is written comes back as it was, and progress never goes backwards."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.model import Intake, PageWords, Progress, Quad, Stage, Status, Word

from tests.support.fakes import INTAKE_ID, SUBMITTED, an_intake

FRACTIONS = st.floats(-0.5, 1.5)
WORDS = st.builds(
    Word, st.text(min_size=1), st.tuples(*[FRACTIONS] * 8).map(lambda corners: Quad(*corners)), st.floats(0, 1)
)


@given(st.lists(WORDS, max_size=5), st.integers(1, 500))
def test_page_words_round_trip(words: list[Word], page: int) -> None:
    """A page comes back from its JSON with every word, to a hundred-thousandth of the page."""
    saved = PageWords(page, 612.0, 792.0, "text", words).to_dict()
    loaded = PageWords.from_dict(json.loads(json.dumps(saved)))
    assert (loaded.page, loaded.width, loaded.height, loaded.source) == (page, 612.0, 792.0, "text")
    assert [word.text for word in loaded.words] == [word.text for word in words]
    for before, after in zip(words, loaded.words, strict=True):
        assert after.quad == pytest.approx(before.quad, abs=6e-6)
        assert after.confidence == pytest.approx(before.confidence, abs=6e-4)
    assert loaded.to_dict() == saved


@pytest.mark.parametrize(
    "intake",
    [
        an_intake(),
        an_intake(INTAKE_ID, "pdf", "jpeg", status=Status.READING, file_pages=(3, 1), attempts=2, pages_seen=1),
        an_intake(status=Status.FAILED, error={"code": "gave_up", "message": "It did not work."}),
    ],
    ids=["new", "being read", "failed"],
)
def test_intake_round_trip(intake: Intake) -> None:
    """An intake comes back from its document as it was."""
    document = intake.to_document()
    loaded = Intake.from_document(intake.id, document)
    assert loaded.to_document() == document
    assert (loaded.id, loaded.status, list(loaded.files)) == (intake.id, intake.status, list(intake.files))


def test_intake_document_holds_plain_values() -> None:
    """Firestore takes numbers, texts, times, lists and maps; ids and enums of ours are none of them."""
    document = an_intake(status=Status.READ, file_pages=(1, 2)).to_document()
    assert type(document["status"]) is str
    assert type(document["file_pages"]) is list
    assert type(document["files"][0]) is dict


def a_progress(stage: Stage = Stage.READING, done: int = 0, total: int = 0) -> Progress:
    return Progress(stage, SUBMITTED, SUBMITTED + timedelta(seconds=done), done, total)


@pytest.mark.parametrize(
    "progress",
    [
        a_progress(Stage.WAITING),
        a_progress(Stage.READING, 2, 5),
        Progress(
            Stage.FAILED,
            SUBMITTED,
            SUBMITTED,
            error={"code": "broken_file", "message": "File 1."},
            fields={"kwh": 812},
            attention=[{"field": "kwh"}],
            expire_at=SUBMITTED,
        ),
    ],
    ids=["waiting", "reading", "failed"],
)
def test_progress_round_trip(progress: Progress) -> None:
    """Progress comes back from its document as it was."""
    loaded = Progress.from_document(progress.to_document())
    assert replace(loaded, attention=tuple(loaded.attention)) == replace(progress, attention=tuple(progress.attention))


def test_only_finished_progress_expires() -> None:
    """A document without an end has no `expire_at` at all, so that Firestore cannot delete it."""
    assert "expire_at" not in a_progress(Stage.READING, 2, 5).to_document()


@given(st.integers(1, 500))
def test_percent_never_goes_back(total: int) -> None:
    """Along the way of a bill the bar only grows."""
    way = [a_progress(Stage.WAITING), *(a_progress(Stage.READING, done, total) for done in range(total + 1))]
    way += [a_progress(stage, total, total) for stage in (Stage.RECORDING, Stage.DONE)]
    percents = [progress.percent for progress in way]
    assert percents == sorted(percents)
    assert percents[-1] == 100
