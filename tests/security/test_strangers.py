"""What one stranger with one upload can do: his own intake ends, within a minute, and the next agent's bill is recorded.

With production's limits and copies in Drive, so that every function has to do with what he sent.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from infra.local import functions
from infra.local.stack import LocalStack
from tests.pipeline import documents
from tests.pipeline.conftest import quick_stack, running
from tests.pipeline.submitter import Submitter
from tests.security import hostile_metadata
from tests.security.hostile_words import hostile_words, one_of_many

ENDS_WITHIN_S = 60.0
OF_ITS_MEMORY = 0.9


@pytest.fixture(scope="module")
def submitter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submitter]:
    with running(quick_stack(tmp_path_factory.mktemp("strangers"))) as stack:
        yield Submitter(stack)


def peaks_mb(stack: LocalStack) -> dict[str, float]:
    """Return the most memory that each function ever had, its workers' peaks added, in MB (man 5 proc, VmHWM)."""
    peaks = {}
    for name in stack.log_names():
        if not stack.is_function(name) or (pid := stack.pid(name)) is None:
            continue
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        peaks[name] = 0.0
        for process in tree:
            with suppress(FileNotFoundError, ProcessLookupError):
                status = Path(f"/proc/{process.pid}/status").read_text("ascii")
                peaks[name] += int(status.split("VmHWM:")[1].split()[0]) / 1000
    return peaks


def assert_unharmed(submitter: Submitter, hostile: bytes) -> None:
    """Send something hostile and an honest bill behind it: both end, and no function comes near the end of its memory."""
    stranger = submitter.submit(hostile)
    honest = submitter.recorded(documents.text_pdf(1))
    assert honest["Intake ID"]
    submitter.ended(stranger, ENDS_WITHIN_S)
    given = {name: spec.memory_mb for name, spec in functions.load()[0].items()}
    for name, peak in peaks_mb(submitter.stack).items():
        assert peak < OF_ITS_MEMORY * given[name.partition("-")[0]], name


WORDS = [
    ("address", "one long word"),
    ("address", "dots"),
    ("address", "digits"),
    ("account", "labels"),
    ("use", "numbers with units"),
]


@pytest.mark.parametrize(("label", "filling"), WORDS)
def test_words_made_to_be_slow_or_long(submitter: Submitter, label: str, filling: str) -> None:
    """A page of words that no bill has is recorded, and nobody's row waits for it."""
    assert_unharmed(submitter, hostile_words(label, filling, 1_400))


METADATA = [
    ("JPEG of empty APP0 segments", 7.5), ("JPEG of EXIF segments with directories", 7.5), ("PNG of empty IDAT chunks", 25),
    ("PNG of unknown chunks", 25), ("WebP of unknown chunks", 20), ("HEIC of free boxes", 20), ("HEIC of nested boxes", 5),
    ("TIFF of overlapping SubIFDs", 8), ("TIFF whose directories are a ring", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "megabytes"), METADATA)
def test_pictures_of_nothing_but_metadata(submitter: Submitter, name: str, megabytes: float) -> None:
    """A picture whose copy has to be cleaned of any number of segments costs nobody else anything."""
    assert_unharmed(submitter, hostile_metadata.HOSTILE[name](megabytes))


def test_body_of_dashes(submitter: Submitter) -> None:
    """A body under a boundary that occurs everywhere in it is answered, and `submit` stays as small as it was."""
    before = peaks_mb(submitter.stack)["submit"]
    headers = {"Content-Type": "multipart/form-data; boundary=-", "Idempotency-Key": str(uuid.uuid4())}
    answer = requests.post(f"{submitter.stack.url}/submit", data=b"-" * (20 << 20), headers=headers, timeout=60)
    assert answer.status_code == 422
    assert peaks_mb(submitter.stack)["submit"] < before + 4
    assert submitter.recorded(documents.text_pdf(1))["Intake ID"]


def test_many_at_once(submitter: Submitter) -> None:
    """Twelve strangers at once, each with something else, end, and honest bills between them are recorded."""
    luck = random.Random(2026)
    strangers = []
    for number in range(12):
        hostile = one_of_many(luck) if number % 2 else hostile_metadata.one_of_many(luck, 2)
        strangers.append(submitter.submit(hostile))
        if number % 4 == 3:
            assert submitter.recorded(documents.text_pdf(1))["Intake ID"]
    for stranger in strangers:
        submitter.ended(stranger, 2 * ENDS_WITHIN_S)
