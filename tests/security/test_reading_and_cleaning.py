"""Words are read and pictures are cleaned by the worker as well: within its limits, and whatever it answers is checked."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from intake.errors import BadFile, BillTooSlow, BrokenFile, FileCrashesReader, LocationNotRemoved, PictureTooLarge
from intake.extraction import Diagnostics, checked, read_bill
from intake.model import PageWords, Status
from intake.pages.metadata import without_location
from intake.pages.sandbox.client import SandboxClient
from intake.pages.sandbox.limits import CLEANING, WorkerLimits
from intake.pages.sandbox.process import Answer, Pay
from intake.pages.sandbox.reports import REPORTABLE, bad_file_of, loggable_gaps, report_of
from intake.stages import extract
from PIL import Image

from tests.security.bombs import laughing_pdf, slow_pages
from tests.security.hostile_pictures import after_head, box, chunk, tiff_of
from tests.specimens.catalogue import make
from tests.support.fakes import INTAKE_ID
from tests.support.located import KINDS, taken, written
from tests.support.marks import encoded, marked
from tests.support.ocr_bench import Bench
from tests.support.sandboxes import GOOD, opened
from tests.support.saved_words import Kept, page_of_specimen, reading_intake, saved


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    """An sandbox with the limits of `ocr`."""
    shared = SandboxClient()
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def cleaner() -> Iterator[SandboxClient]:
    """An sandbox with the limits of `record`."""
    shared = SandboxClient(CLEANING)
    yield shared
    shared.close()


@contextmanager
def file_of(data: bytes) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        yield file


def lines_of(*pages: PageWords) -> bytes:
    """Return words as `read_fields` gets them."""
    return b"".join(json.dumps(page.to_dict()).encode() + b"\n" for page in pages)


DAY = date(2026, 12, 1)
BILL = lines_of(page_of_specimen(3))


# --- reading fields ---------------------------------------------------------------------------------------------------


def test_fields_are_read_by_the_worker(sandbox: SandboxClient) -> None:
    """What the specimen prints comes back, from words that only the worker looked at."""
    with file_of(BILL) as words:
        reading = sandbox.read_fields(words, DAY)
    assert reading is not None
    assert reading.fields["pod_id"].value == make(7, "nyseg", "residential").truth.pod_id


def test_extraction_that_takes_too_long_is_no_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever exhausts the worker ends in None, which makes a row without fields; the next bill is read."""
    for limits in (WorkerLimits(fields_cpu_s=0.005), WorkerLimits(memory_bytes=300_000)):
        sandbox = SandboxClient(limits)
        with file_of(lines_of(*[page_of_specimen(3)] * 20)) as words:
            assert sandbox.read_fields(words, DAY) is None
        sandbox.close()
    assert "the row is written without fields" in capsys.readouterr().out


@pytest.mark.parametrize("words", [b"\0", b"[]", b'{"page": 1}\n', b"[" * 100_000, b'{"words": 9e999}'])
def test_words_that_make_the_reader_stumble(sandbox: SandboxClient, words: bytes) -> None:
    """What was saved is never so; if it is, the row goes out without fields."""
    with file_of(words) as file:
        assert sandbox.read_fields(file, DAY) is None


def test_a_bill_that_cannot_be_read_is_recorded_and_not_woken_again() -> None:
    """Through the stage: out of time in reading, the intake is read, its row is due, and it says `not_understood`."""
    sandbox = SandboxClient(WorkerLimits(fields_cpu_s=0.0001))
    store, words = Kept(), saved([page_of_specimen(3)])

    def extract_fields(intake: Any, pay: Pay, calls: int) -> bool:
        stage = extract.Extract(store=store, bucket=words, sandbox=sandbox)
        stage.extract(reading_intake(), pay, calls)
        return bench.store.finish_reading(intake, {}, [], "", calls)

    bench = Bench(sandbox=sandbox, extract=SimpleNamespace(extract=extract_fields))
    bench.submitted(("pdf", GOOD))
    bench.deliver()
    sandbox.close()
    (_, attention, _), *others = store.finished
    assert ([item["code"] for item in attention], others) == (["not_understood"], [])
    assert (bench.intake.status, bench.tasks.to_sheet) == (Status.READ, [INTAKE_ID])


# --- one budget for a bill ----------------------------------------------------------------------------------------------


def test_slow_pages_end_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page within the limit of a page, all of them over that of a bill: over any number of deliveries and chunks."""
    monkeypatch.setattr("intake.stages.chunk_run.PAGES_S", 1.0)
    sandbox = SandboxClient()
    bench = Bench(sandbox=sandbox, max_pages=500)
    bench.submitted(("pdf", slow_pages(500, 5)))
    bench.deliver_all()
    sandbox.close()
    assert (bench.intake.status, bench.intake.error["code"]) == (Status.FAILED, "bill_too_slow")  # type: ignore[index]
    assert bench.store.spent(INTAKE_ID).paid_s < 2.0
    assert bench.bucket.objects == {}


def test_the_worker_is_ended_where_time_is_not_paid_for(sandbox: SandboxClient) -> None:
    """In the middle of a page, within a fraction of a second of work; the next file is read."""
    left = [0.5]

    def pay(seconds: float) -> None:
        left[0] -= seconds
        if left[0] < 0:
            raise BillTooSlow(seconds=24)

    with file_of(laughing_pdf()) as file:
        document = sandbox.open("pdf", file, 1, pay)
        with pytest.raises(BillTooSlow):
            document.page(0)
    assert left[0] > -0.5
    with opened(sandbox, "pdf", GOOD) as good:
        assert good.page(0).source == "text"


# --- cleaning pictures --------------------------------------------------------------------------------------------------


HEIC_HEAD = box(b"ftyp", b"heic\0\0\0\0heic")
JPEG, PNG = encoded(marked(60, 80), "jpeg"), encoded(marked(60, 80), "png")


def tiff_chain(count: int) -> bytes:
    """Return a TIFF whose directories, without a tag, follow one another and lead back to the first."""
    links = [8 + 6 * (place + 1) for place in range(count - 1)] + [8]
    return b"II*\0\x08\0\0\0" + b"".join(struct.pack("<HI", 0, link) for link in links)


def overlapping_directories(count: int) -> bytes:
    """Return a TIFF with a chain of directories of 65,535 tags, each a few bytes behind the one before."""
    body = bytearray(8 + 4 * count) + b"\xff\xff" * (6 * 65_535 + 2 * count)
    body[:8] = b"II*\0\x08\0\0\0"
    return bytes(body)


STRIPS = 400_000
SLOW: dict[str, Callable[[], bytes]] = {
    "jpeg of empty segments": lambda: after_head(2, JPEG, b"\xff\xe0\0\2" * 7_000_000),
    "jpeg of second pictures (MPF)": lambda: after_head(2, JPEG, b"\xff\xe2\0\6MPF\0" * 3_500_000),
    "jpeg of colour profiles": lambda: after_head(2, JPEG, b"\xff\xe2\0\x0eICC_PROFILE\0" * 1_800_000),
    "jpeg of EXIF": lambda: after_head(
        2, JPEG, (b"\xff\xe1\xff\xffExif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(65_517)) * 440
    ),
    "png of empty chunks": lambda: after_head(33, PNG, chunk(b"IDAT") * 2_400_000),
    "png of EXIF": lambda: after_head(33, PNG, chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + bytes(800_000)) * 36),
    "webp of empty chunks": lambda: b"RIFF\xff\xff\xff\x7fWEBP" + b"VP8L\0\0\0\0" * 3_600_000,
    "tiff of empty directories": lambda: tiff_chain(4_000_000),
    "tiff of directories over one another": lambda: overlapping_directories(2_000),
    "tiff of scattered strips": lambda: tiff_of(
        [(273, 4, STRIPS, 38), (279, 3, STRIPS, 38 + 4 * STRIPS)],
        rest=struct.pack(f"<{STRIPS}I", *range(38, 38 + 5 * STRIPS, 5)) + b"\1\0" * STRIPS,
    ),
    "heic of a million boxes": lambda: HEIC_HEAD + box(b"meta", bytes(4) + box(b"free") * 3_600_000),
    "heic of boxes in boxes": lambda: (
        HEIC_HEAD + b"".join(struct.pack(">I", 29_000_000 - 12 * n) + b"meta\0\0\0\0" for n in range(2_000_000))
    ),
    "heic of items without size": lambda: (
        HEIC_HEAD + box(b"meta", bytes(4) + box(b"iloc", bytes(6) + b"\xff\xff" + b"\0\1\0\0\xff\xff" * 65_535))
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_picture_that_is_slow_to_clean(cleaner: SandboxClient, name: str) -> None:
    """Cleaned, or not copied with the sentence for it, in at most a second of processor time; the next is cleaned."""
    used = 0.0

    def pay(seconds: float) -> None:
        nonlocal used
        used += seconds

    data = SLOW[name]()
    with file_of(data) as file:
        try:
            outcome = f"{len(cleaner.clean(name.split()[0], file, 3, pay))} parts"
        except LocationNotRemoved as exc:
            outcome = str(getattr(exc.__cause__, "code", exc.__cause__))
    print(f"{name}: {len(data) / 1e6:.1f} MB, {outcome}, {used:.2f} s")
    assert outcome == "location_not_removed" or outcome.endswith("parts")  # and not that it took too much
    assert used < 1.0
    with file_of(taken("jpeg")) as file:
        assert cleaner.clean("jpeg", file, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_cleaner_says_what_the_library_would(cleaner: SandboxClient, kind: str) -> None:
    """Parts come through whole."""
    data = taken(kind)
    with file_of(data) as file:
        assert cleaner.clean(kind, file, 1) == without_location(kind, data)


def test_a_page_of_a_scanner_has_many_tags(cleaner: SandboxClient) -> None:
    """Scanners write twenty and more of them; those that show the page go through the check of what a worker says."""
    size = "".join(map(chr, range(65, 91)))
    noted: dict[int, Any] = {
        266: 1,
        274: 1,
        280: 0,
        281: 255,
        282: 200.0,
        283: 200.0,
        284: 1,
        290: 2,
        296: 2,
        297: (0, 1),
    }
    noted |= {254: 0, 263: 1, 317: 1, 336: (0, 255), 269: size, 270: size, 271: size, 272: size, 305: size, 306: size}
    buffer = io.BytesIO()
    marked(60, 80).save(buffer, "TIFF", tiffinfo=noted)
    with file_of(buffer.getvalue()) as file:
        after = written(buffer.getvalue(), cleaner.clean("tiff", file, 1))
    assert size.encode() in buffer.getvalue()
    assert size.encode() not in after
    with Image.open(io.BytesIO(buffer.getvalue())) as one, Image.open(io.BytesIO(after)) as other:
        assert len(dict(other.tag_v2)) > 16  # type: ignore[attr-defined]
        assert one.tobytes() == other.tobytes()


def test_the_cleaner_is_light(cleaner: SandboxClient) -> None:
    """`record` has 256 MB: its worker loads no library that reads files, and stays small."""
    with file_of(taken("png")) as file:
        cleaner.clean("png", file, 1)
    mapped = Path(f"/proc/{cleaner.warm().pid}/maps").read_text(encoding="ascii")
    assert not any(library in mapped for library in ("mupdf", "pi_heif", "PIL", "rapidfuzz"))
    status = Path(f"/proc/{cleaner.warm().pid}/status").read_text(encoding="ascii")
    assert next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) < 35_000


# --- what a worker that was taken over may say --------------------------------------------------------------------------

STRANGER = "CALL 555 0199 NOW"


class TakenOver:
    """A worker that says what a stranger wants."""

    pid = 0

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)

    def ask(self, request: Any, file: IO[bytes] | None = None, pay: Pay | None = None) -> Answer:
        return (self._answers.pop(0) if self._answers else {"rss_mb": 1}), b""

    def end(self) -> None:
        pass


def asked(*answers: dict[str, Any]) -> SandboxClient:
    """Return an sandbox whose worker was taken over."""
    sandbox = SandboxClient()
    sandbox._process = TakenOver(*answers)  # type: ignore[assignment]
    return sandbox


def too_large(**figures: Any) -> dict[str, Any]:
    """Return the report of a picture that is too large."""
    return {"bad_file": "picture_too_large", "figures": figures}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (too_large(megapixels=9, limit=1), PictureTooLarge),
        (too_large(megapixels=STRANGER, limit=1), BrokenFile),
        (too_large(megapixels=9, limit=1, **{STRANGER: 1}), BrokenFile),
        (too_large(megapixels=9), BrokenFile),
        (too_large(megapixels=5550199, limit=1), BrokenFile),  # a number to call
        (too_large(megapixels=9, limit=5550199), BrokenFile),
        (too_large(megapixels=9, limit=-1), BrokenFile),
        (too_large(megapixels=555.0199, limit=1), BrokenFile),
        (too_large(megapixels=True, limit=1), BrokenFile),
        ({"bad_file": "picture_too_large", "figures": STRANGER}, BrokenFile),
        ({"bad_file": "encrypted_pdf", "figures": {STRANGER: 1}}, BrokenFile),
        ({"bad_file": "encrypted_pdf"}, BrokenFile),
        ({"bad_file": STRANGER, "figures": {}}, BrokenFile),
        ({"bad_file": [STRANGER]}, BrokenFile),
        # What is not the worker's to say: other operations, the whole bill, the day's quota, what is seen from outside.
        ({"bad_file": "location_not_removed", "figures": {}}, BrokenFile),
        ({"bad_file": "too_many_pages", "figures": {"pages": 5550199, "limit": 1}}, BrokenFile),
        ({"bad_file": "daily_limit_passed", "figures": {}}, BrokenFile),
        ({"bad_file": "file_too_slow", "figures": {"seconds": 5550199}}, BrokenFile),
        (
            {"bad_file": "", "exception": STRANGER, "places": [[STRANGER, 1], ["pages/pdf.py", STRANGER], STRANGER]},
            BrokenFile,
        ),
        ({"bad_file": "", "exception": "breakpoint", "places": [["pages/pdf.py", 5550199]]}, BrokenFile),
        ({"pages": STRANGER}, FileCrashesReader),
        ({"pages": -1}, FileCrashesReader),
        ({}, FileCrashesReader),
    ],
)
def test_it_writes_no_sentence_and_no_log(
    answer: dict[str, Any], error: type[BadFile], capsys: pytest.CaptureFixture[str]
) -> None:
    """It may choose among a few errors of ours, with small figures; of an exception only places in our code are logged."""
    with pytest.raises(BadFile) as raised, opened(asked(answer), "pdf", GOOD):
        pass
    assert type(raised.value) is error
    everything = raised.value.message + str(raised.value.figures) + capsys.readouterr().out
    assert not re.search(rf"{STRANGER}|555\.?0199|breakpoint", everything)


@pytest.mark.parametrize("kind", sorted({kind for kinds in REPORTABLE.values() for kind in kinds}, key=str))
def test_reports_that_it_may_make(kind: type[BadFile]) -> None:
    """Each comes through whole, and a figure beyond all measure as the greatest that may be said."""
    (operation,) = {operation for operation, kinds in REPORTABLE.items() if kind in kinds} - {"page"}
    figures = dict.fromkeys(REPORTABLE[operation][kind], 10**12)
    found = bad_file_of(operation, report_of(kind(3, **figures)), 3)
    assert type(found) is kind
    assert "1000000000" not in found.message


@pytest.mark.parametrize("gaps", [STRANGER, f"seccomp: {STRANGER}", f"{STRANGER}: EPERM", [STRANGER], None])
def test_its_greeting_writes_no_log(gaps: Any) -> None:
    """Of what the sandbox lacks, only what we know of is logged."""
    assert loggable_gaps(gaps) == "unknown"
    assert (loggable_gaps(""), loggable_gaps("landlock: ENOSYS")) == ("nothing", "landlock: ENOSYS")


def test_it_writes_no_object() -> None:
    """A page is of a known source and has finite places."""
    page = {"width": 1, "height": 1, "source": STRANGER, "words": [], "pieces": []}
    with opened(asked({"pages": 1}, page), "pdf", GOOD) as document, pytest.raises(FileCrashesReader):
        document.page(0)


def test_every_sign_has_its_check() -> None:
    """One that is added without one is refused, and this test says why."""
    assert {each.name for each in fields(Diagnostics)} == set(checked._DIAGNOSTICS)


READING = read_bill([page_of_specimen(3)], DAY).to_document()


def reading_of(**diagnostics: Any) -> dict[str, Any]:
    """Return a reading as the worker sends it, with some diagnostics changed."""
    document: dict[str, Any] = json.loads(json.dumps(READING))
    document["diagnostics"].update(diagnostics)
    return document


@pytest.mark.parametrize(
    "diagnostics",
    [
        {"photograph": STRANGER},
        {"page_kinds": {"1": [STRANGER]}},
        {"page_kinds": {STRANGER: []}},
        {"printed_pages": {"1": STRANGER}},
        {"conflicting": [STRANGER]},
        {"contradicting": STRANGER},
        {"low_confidence": STRANGER},
        {"words": STRANGER},
        {"unsure": float("nan")},
        {STRANGER: 1},
    ],
    ids=str,
)
def test_it_writes_no_sentence_for_the_agent(diagnostics: dict[str, Any]) -> None:
    """What the sentences of `attention` are made of is ours; anything else is no reading at all."""
    assert asked({"reading": reading_of()}).read_fields(io.BytesIO(), DAY) is not None
    assert asked({"reading": reading_of(**diagnostics)}).read_fields(io.BytesIO(), DAY) is None


@pytest.mark.parametrize("name", ["utility", "annual_kwh_basis", "account_number", "pod_id", "kwh", "period_start"])
def test_it_writes_no_text_into_a_value_of_ours(name: str) -> None:
    """A value that we choose from a list, or that has a format, is one of the list and has the format."""
    document = reading_of()
    document["fields"][name]["value"] = STRANGER
    reading = asked({"reading": document}).read_fields(io.BytesIO(), DAY)
    assert reading is None or name not in reading.fields


@pytest.mark.parametrize("value", [STRANGER * 100, "9" * 40, 10**40, [STRANGER], None, {"a": STRANGER}])
def test_its_values_have_the_shape_of_values(value: Any) -> None:
    """A value that the table of bounds does not let through is no value."""
    document = reading_of()
    document["fields"]["kwh"]["value"] = value
    reading = asked({"reading": document}).read_fields(io.BytesIO(), DAY)
    assert reading is not None
    assert "kwh" not in reading.fields
    for name, other in (("how", STRANGER), ("confidence", value), ("quad", [value] * 8), ("page", value)):
        document = reading_of()
        document["fields"]["pod_id"][name] = other
        said = asked({"reading": document}).read_fields(io.BytesIO(), DAY)
        assert said is None or "pod_id" not in said.fields


@pytest.mark.parametrize(
    "parts",
    [
        STRANGER,
        [STRANGER],
        [[0, 10**9]],
        [[9, 3]],
        [[-1, 3]],
        [10**12],
        [-5],
        [[0, 50]] * 9,
        ["00" * 5000],
        [[0, 1, 2]],
        [None],
    ],
    ids=str,
)
def test_it_writes_no_picture_of_its_own(parts: Any) -> None:
    """What is kept lies in the file, and all of it together is no more than the file."""
    with file_of(bytes(100)) as file, pytest.raises(LocationNotRemoved):
        asked({"parts": parts}).clean("jpeg", file, 1)


def test_random_answers() -> None:
    """Whatever comes back, it ends in a reading, in none, or in an error of ours."""
    rng = random.Random(5)
    values: list[Any] = [None, 1, -1, 1e300, STRANGER, [], {}, [[]], True]
    for _ in range(300):
        broken = reading_of()
        part = broken[rng.choice(["fields", "diagnostics"])]
        part[rng.choice(sorted(part))] = rng.choice(values)
        asked({"reading": broken}).read_fields(io.BytesIO(), DAY)
