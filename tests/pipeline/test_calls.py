"""How often the functions call Google for a bill: counted where the calls leave the process, and not more than promised."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import documents
from tests.support.counted_calls import CallsFile, totals
from tests.support.stacks import quick_stack, running
from tests.support.submitter import Submitter

QUIET_S = 0.3


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> CallsFile:
    return CallsFile(tmp_path_factory.mktemp("calls") / "calls.jsonl")


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, calls: CallsFile) -> Iterator[Submitter]:
    """A stack whose functions write down their calls; one bill went through it, so that lasting things are made."""
    options = quick_stack(
        tmp_path_factory.mktemp("counted"),
        source=Path(__file__).with_name("counting.py"),
        function_env={"CALLS_FILE": str(calls.path), "DRIVE_FOLDER": ""},  # copies take two writes more
    )
    with running(options) as stack:
        submitter = Submitter(stack)
        submitter.recorded(documents.text_pdf(1))
        yield submitter


def calls_for(counted: Submitter, calls: CallsFile, *files: bytes) -> Counter[str]:
    """Return what one bill takes from its submission to its row."""
    calls.new()
    counted.ended(counted.submit(*files))
    made = calls.new()
    deadline = time.monotonic() + 10
    # The row's last step may still be on its way when the progress says done.
    while (more := calls.new()) or time.monotonic() < deadline - 10 + QUIET_S:
        made += more
    return totals([call for call in made if call["function"] not in ("progress", "sweep")])


def test_one_digital_page(counted: Submitter, calls: CallsFile) -> None:
    """A digital one-page PDF takes no OCR, at most 12 Firestore writes, and one write to the Sheet."""
    counts = calls_for(counted, calls, documents.text_pdf(1))
    assert counts["vision"] == 0
    assert counts["firestore.writes"] <= FIRESTORE_WRITES
    assert counts["firestore.deletes"] == 1
    assert counts["firestore.reads"] <= FIRESTORE_READS
    assert counts["storage"] <= STORAGE_CALLS
    assert counts["pubsub.messages"] == 2
    assert counts["sheets.write"] == 1


def test_one_photo(counted: Submitter, calls: CallsFile) -> None:
    """A photo takes one OCR call, and what is sent for it is the photo and hardly more."""
    photo = documents.jpeg(documents.page_picture(1))
    counts = calls_for(counted, calls, photo)
    assert counts["vision"] == 1
    assert counts["vision.bytes"] <= len(photo) + 200
    assert counts["firestore.writes"] <= FIRESTORE_WRITES


def test_pages_add_only_their_words(counted: Submitter, calls: CallsFile) -> None:
    """Each further page of a bill is one more object in Storage, read once more for the fields, and no Firestore write."""
    one = calls_for(counted, calls, documents.text_pdf(1))
    eight = calls_for(counted, calls, documents.text_pdf(8))
    assert eight["storage.upload"] - one["storage.upload"] == 7
    assert eight["storage"] - one["storage"] <= 14
    assert eight["firestore.writes"] <= one["firestore.writes"] + 2 * SECONDS_FOR_EIGHT_PAGES


SECONDS_FOR_EIGHT_PAGES = 10
"""Progress and lease are written once a second at most, so a slow machine may write some."""
FIRESTORE_WRITES = 12
"""Ten, and on a slow machine two that go by the clock: the lease of the chunk, and the turn to write the Sheet."""
FIRESTORE_READS = 14
STORAGE_CALLS = 8
