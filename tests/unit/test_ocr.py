"""The `ocr` stage: chunks, claims and progress, whatever fails and however often a message comes."""

from __future__ import annotations

import itertools
import json
import random
import threading
from dataclasses import replace
from datetime import timedelta
from typing import IO, Any

import pytest
from intake.errors import BrokenFile, OcrUnavailable, TemporaryError
from intake.model import Intake, Quad, Status, Word
from intake.objects import words_object
from intake.pages.content import PageContent, Piece, Placement
from intake.pages.sandbox.process import Pay
from intake.ports import PictureRefused
from intake.stages.page_plan import delete_files, next_chunks
from PIL import Image

from tests.support.fakes import (
    INTAKE_ID,
    SUBMITTED,
    WHOLE,
    Clock,
)
from tests.support.marks import encoded, marked
from tests.support.ocr_bench import Bench
from tests.support.pdfs import both, pdf, scan, text

PHOTO = encoded(marked(60, 80), "jpeg")


def noisy(kind: str, seed: int, side: int = 120) -> bytes:
    """Return a small picture that no compression makes smaller; no two seeds give the same bytes."""
    return encoded(Image.frombytes("L", (side, side), random.Random(seed).randbytes(side * side)), kind)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def pages(count: int) -> bytes:
    """Return a PDF of scanned pages."""
    return pdf(*[lambda page: scan(page, PHOTO)] * count)


# --- the way it goes --------------------------------------------------------------------------------------------------


def test_pages_of_all_kinds(bench: Bench) -> None:
    """Each page goes its own way: text needs no OCR, a scan is sent as it came, the rest is drawn."""
    bench.submitted(("pdf", pdf(text, lambda page: scan(page, PHOTO), both(lambda page: scan(page, PHOTO), text))))
    bench.deliver()
    assert [bench.page(number)["source"] for number in (1, 2, 3)] == ["text", "picture", "picture"]
    assert len(bench.vision.pictures) == 2
    assert len(bench.page(3)["words"]) == 41
    assert bench.intake.status is Status.READ
    assert bench.store.calls[INTAKE_ID] == 2


def test_what_a_bill_counts_for(bench: Bench) -> None:
    """Calls of the OCR are counted over all chunks; a bill that fails counts for those that it took, and no page more."""
    bench.submitted(("pdf", pages(9)))
    bench.deliver_all()
    assert bench.intake.status is Status.READ
    assert bench.store.calls[INTAKE_ID] == 9
    other = Bench()
    other.submitted(("pdf", pages(2)), ("jpeg", b"\xff\xd8\xff\xe0" * 9))
    other.deliver()
    assert (other.intake.status, other.store.calls[INTAKE_ID]) == (Status.FAILED, 0)


def test_several_files_are_one_bill(bench: Bench) -> None:
    """Pages are counted through all files in order, and each file is fetched once a chunk at most."""
    bench.submitted(("jpeg", PHOTO), ("pdf", pages(2)), ("png", encoded(marked(64, 40), "png")))
    bench.deliver()
    assert (bench.intake.file_pages, bench.done) == ((1, 2, 1), {1, 2, 3, 4})
    assert [(bench.page(n)["width"], bench.page(n)["height"]) for n in (1, 2, 4)] == [(60, 80), (612, 792), (64, 40)]
    assert set(bench.bucket.reads.values()) == {2}  # to count its pages, and to read them


@pytest.mark.parametrize(("count", "chunks"), [(4, []), (5, [1]), (8, [1]), (9, [1, 2]), (20, [1, 2, 3, 4])], ids=str)
def test_chunks(bench: Bench, count: int, chunks: list[int]) -> None:
    """The first message reads its own pages and asks for exactly the chunks that the others need."""
    bench.submitted(("pdf", pages(count)))
    bench.deliver()
    assert bench.tasks.to_ocr == [(INTAKE_ID, chunk) for chunk in chunks]
    assert bench.done == set(range(1, min(count, 4) + 1))
    bench.deliver_all()
    assert bench.done == set(range(1, count + 1))
    assert (bench.intake.status, bench.tasks.to_sheet) == (Status.READ, [INTAKE_ID])


def test_last_page_in_finishes(bench: Bench) -> None:
    """Whichever chunk comes last finishes the intake, in any order, and only once."""
    bench.submitted(("pdf", pages(12)))
    bench.deliver(2, "late")
    assert bench.intake.status is Status.READING
    bench.deliver(1, "later")
    assert bench.tasks.to_sheet == []
    bench.deliver(0, "m0")
    assert (bench.intake.status, bench.tasks.to_sheet) == (Status.READ, [INTAKE_ID])


def test_chunk_that_does_not_exist(bench: Bench) -> None:
    """A chunk beyond the last page has nothing to read and does no harm."""
    bench.submitted(("pdf", pages(2)))
    bench.deliver(7, "stray")
    assert (bench.done, bench.intake.status) == (set(), Status.READING)


# --- no bill stands in the way of another ---------------------------------------------------------------------------------


class SlowPages:
    """A file of pages each of which takes a second of processor time and shows some pictures."""

    def __init__(self, count: int, pictures: int = 1) -> None:
        self.page_count = count
        self.drawn: list[int] = []
        share = 1 / pictures
        self._pieces = [Piece(b"%d" % n, Placement(1, 0, 0, share, 0, n * share)) for n in range(pictures)]

    def open(self, kind: str, file: IO[bytes], number: int, pay: Pay) -> SlowPages:
        self._pay = pay
        return self

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        self._pay(1.0)
        self.drawn.append(index + 1)
        return PageContent(10, 90, "render", pieces=self._pieces)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("pictures", "share_s", "in_a_run"),
    [(1, 2.0, 2), (1, 0.5, 1), (1, 99.0, 4), (5, 99.0, 4), (9, 99.0, 2), (24, 99.0, 1)],
)
def test_what_waits_behind_a_long_bill(
    monkeypatch: pytest.MonkeyPatch, pictures: int, share_s: float, in_a_run: int
) -> None:
    """At any moment a message has at most three others of one bill before it, and each of these is soon done."""
    monkeypatch.setattr("intake.stages.chunk_lease.SHARE_S", share_s)
    monkeypatch.setattr("intake.stages.chunk_lease.CALLS", 10_000)
    file = SlowPages(22, pictures)
    bench = Bench(sandbox=file, max_pages=22, chunks_in_flight=3)
    bench.submitted(("pdf", b"%PDF-"))
    queue, longest = [0], 0
    while queue:
        drawn, sent = len(file.drawn), len(bench.tasks.to_ocr)
        bench.deliver(queue.pop(0), f"m{sent}-{drawn}")
        longest = max(longest, len(file.drawn) - drawn)
        queue += [chunk for _, chunk in bench.tasks.to_ocr[sent:]]
        assert len(queue) <= 3
    assert longest == in_a_run
    assert sorted(file.drawn) == list(range(1, 23))
    assert (bench.intake.status, bench.tasks.to_sheet) == (Status.READ, [INTAKE_ID])


def test_a_run_hands_on_what_another_may_take_at_once() -> None:
    """The rest of a chunk is free when its message goes out: whoever finds it held would let the message go."""
    bench = Bench(sandbox=SlowPages(4), max_pages=4)
    bench.submitted(("pdf", b"%PDF-"))
    free: list[bool] = []
    send = bench.tasks.ocr

    def sent(intake_id: str, chunks: list[int]) -> None:
        if chunks:
            free.append(not bench.store.chunk_in_work(intake_id))
        send(intake_id, chunks)

    bench.tasks.ocr = sent  # type: ignore[method-assign,assignment]
    bench.deliver_all()
    assert free == [True] * 3
    assert bench.intake.status is Status.READ


def test_next_chunks() -> None:
    """Of each lane the first chunk with a page missing, wherever the gaps are."""
    assert next_chunks(set(), 9, 2, 3) == [0, 1, 2]
    assert next_chunks({1, 2, 5}, 9, 2, 3) == [1, 2, 3]
    assert next_chunks({1, 2, 3, 4, 7}, 16, 2, 2) == [2, 3]
    assert next_chunks({1, 2, 5, 6, 9, 10}, 16, 2, 2) == [1, 6]
    assert next_chunks(set(range(1, 10)), 9, 2, 3) == next_chunks(set(), 0, 2, 3) == []


# --- repeated and overlapping messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.READ, Status.RECORDED, Status.FAILED])
def test_message_for_a_bill_that_is_read(bench: Bench, status: Status) -> None:
    """A message that comes late changes nothing."""
    bench.submitted(("jpeg", PHOTO), status=status, file_pages=(1,))
    bench.deliver()
    assert bench.vision.pictures == []
    assert bench.intake.status is status


def test_message_for_no_intake(bench: Bench) -> None:
    """A message for an intake that is not there is done with."""
    bench.deliver()
    assert bench.store.leases == {}


def test_another_run_holds_the_chunk(bench: Bench) -> None:
    """While one run holds a chunk another leaves it alone; once its lease is over the other takes it."""
    bench.submitted(("jpeg", PHOTO))
    bench.store.claim_chunk(INTAKE_ID, 0, "first run", 90)
    bench.deliver(event="second run")
    assert bench.done == set()
    bench.store.now = lambda: SUBMITTED + timedelta(days=3650)
    bench.deliver(event="second run")
    assert bench.done == {1}


def test_redelivery_skips_what_is_done(bench: Bench) -> None:
    """A run that takes over reads only the pages that are missing, and wakes nobody a second time."""
    bench.submitted(("pdf", pages(6)), status=Status.READING, file_pages=(6,))
    for number in (1, 2, 4):
        bench.bucket.write_json(words_object(INTAKE_ID, number), {})
    bench.deliver()
    assert len(bench.vision.pictures) == 1
    assert bench.done == {1, 2, 3, 4}
    assert bench.tasks.to_ocr == []


def test_redelivery_wakes_the_others(bench: Bench) -> None:
    """A run that takes over from one that died before its first page was saved does not know whether it woke the others."""
    bench.submitted(("pdf", pages(10)), status=Status.READING, file_pages=(10,))
    bench.bucket.write_json(words_object(INTAKE_ID, 5), {})
    bench.deliver()
    assert bench.tasks.to_ocr == [(INTAKE_ID, 1), (INTAKE_ID, 2)]


# --- trouble --------------------------------------------------------------------------------------------------------------


def test_failing_page_releases_the_claim(bench: Bench) -> None:
    """When a page cannot be read now, what is read stays, the chunk is free and the message comes again."""
    bench.submitted(("pdf", pdf(text, lambda page: scan(page, PHOTO))))
    working = bench.vision.answer

    def down(picture: bytes) -> list[Word]:
        raise OcrUnavailable

    bench.vision.answer = down
    with pytest.raises(OcrUnavailable):
        bench.deliver()
    assert (bench.done, bench.store.chunk_in_work(INTAKE_ID), bench.intake.status) == ({1}, False, Status.READING)
    bench.vision.answer = working
    bench.deliver(event="another message")
    assert (bench.done, bench.intake.status) == ({1, 2}, Status.READ)


@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("store", "intake"),
        ("store", "claim_chunk"),
        ("bucket", "read"),
        ("store", "start_reading"),
        ("bucket", "names"),
        ("tasks", "ocr"),
        ("bucket", "write_json"),
        ("store", "finish_reading"),
        ("tasks", "sheet"),
    ],
)
@pytest.mark.parametrize("how", ["refuse", "lose_answer"])
def test_anything_fails_once(bench: Bench, part: str, call: str, how: str) -> None:
    """Whatever fails, before or after it did its work, the next deliveries bring the bill to its end."""
    bench.submitted(("pdf", pages(6)))
    getattr(getattr(bench, part).faults, how)(call)
    with pytest.raises(TemporaryError):
        bench.deliver_all()
    for _ in range(2):
        bench.deliver_all()
    assert bench.done == {1, 2, 3, 4, 5, 6}
    assert bench.intake.status is Status.READ
    if (part, how) != ("tasks", "refuse") and call != "finish_reading":
        assert INTAKE_ID in bench.tasks.to_sheet  # Where the run ended in between, the sweeper asks for the row.


def test_nothing_is_in_flight_when_a_run_ends(bench: Bench) -> None:
    """A run that fails waits for its other calls: nothing is saved behind the back of the next run."""
    bench.submitted(("pdf", pages(4)))
    answered = threading.Event()
    calls = itertools.count()

    def first_fails(picture: bytes) -> list[Word]:
        if next(calls) == 0:
            raise OcrUnavailable
        answered.wait(0.05)
        return []

    bench.vision.answer = first_fails
    with pytest.raises(OcrUnavailable):
        bench.deliver()
    saved = set(bench.done)
    answered.set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vision")]
    assert bench.done == saved


# --- pictures that the OCR refuses ------------------------------------------------------------------------------------------


def refuses(*pictures: bytes) -> Any:
    """Return an answer of an OCR that cannot open some pictures."""

    def answer(picture: bytes) -> list[Word]:
        if any(picture == refused for refused in pictures):
            raise PictureRefused
        return [Word("seen", WHOLE, 0.9)]

    return answer


def test_refused_bytes_are_drawn(bench: Bench) -> None:
    """A picture whose own bytes the OCR cannot open is decoded and sent once more."""
    photo = noisy("png", 1)
    bench.submitted(("png", photo))
    bench.vision.answer = refuses(photo)
    bench.deliver()
    assert [picture == photo for picture in bench.vision.pictures] == [True, False]
    assert (bench.page(1)["source"], bench.intake.status) == ("render", Status.READ)


@pytest.mark.parametrize(("kind", "picture"), [("jpeg", PHOTO), ("png", noisy("png", 1))], ids=["jpeg", "png"])
def test_refused_twice(bench: Bench, kind: str, picture: bytes) -> None:
    """A picture that the OCR refuses even when drawn is a damaged file, and nothing of the bill is kept."""
    bench.submitted((kind, picture))

    def refuse_all(picture: bytes) -> list[Word]:
        raise PictureRefused

    bench.vision.answer = refuse_all
    bench.deliver()
    assert bench.intake.error == {"code": "broken_file", "message": BrokenFile(1).message}
    assert (bench.bucket.objects, list(bench.store.uploads)) == ({}, ["u1"])  # the sweeper deletes once more


def test_many_refused_at_once() -> None:
    """When refused pictures grow by being drawn, so that they wait for each other, each is still read exactly once."""
    rng = random.Random(5)
    photos = [encoded(Image.frombytes("1", (320, 320), rng.randbytes(320 * 40)), "png") for _ in range(5)]
    bench = Bench(chunk_pages=5, calls_in_flight=3, bytes_in_flight=3 * max(map(len, photos)))
    refused = threading.Semaphore(0)

    def refuse(picture: bytes) -> list[Word]:
        if picture in photos:
            refused.release()
            raise PictureRefused
        return [Word("seen", WHOLE, 0.9)]

    def read_when_three_are_refused(name: str) -> bytes:
        if bench.bucket.reads[name] == 1 and name.endswith("04"):
            for _ in range(3):
                assert refused.acquire(timeout=5)
            threading.Event().wait(0.02)  # for their threads to end; were that too short, this would test less
        return read(name)

    bench.vision.answer = refuse
    bench.submitted(*(("png", photo) for photo in photos))
    read, bench.bucket.read = bench.bucket.read, read_when_three_are_refused  # type: ignore[method-assign]
    bench.deliver()
    assert bench.intake.status is Status.READ
    assert bench.done == {1, 2, 3, 4, 5}
    assert len(bench.vision.pictures) == 10


# --- pages in several pictures ------------------------------------------------------------------------------------------


class InPieces:
    """A file of one page that comes in several pictures; drawn again it is one."""

    page_count = 1

    def __init__(self, source: str, *pictures: bytes) -> None:
        self.source = source
        share = 1 / len(pictures)
        self.pieces = [Piece(p, Placement(1, 0, 0, share, 0, n * share)) for n, p in enumerate(pictures)]

    def open(self, kind: str, file: IO[bytes], number: int, pay: Pay) -> InPieces:
        return self

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        if redraw:
            return PageContent(10, 90, "render", pieces=[Piece(b"drawn")])
        return PageContent(10, 90, self.source, [Word("printed", Quad(0, 0, 1, 0, 1, 0.1, 0, 0.1), 1.0)], self.pieces)

    def close(self) -> None:
        pass


def echo(picture: bytes) -> list[Word]:
    return [Word(picture.decode(), Quad(0, 0.6, 1, 0.6, 1, 0.8, 0, 0.8), 0.9)]


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_a_page_in_pieces(calls: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A page is saved once, when all its pictures are read, in whatever order; each is a call and is counted as one."""
    bench = Bench(sandbox=InPieces("render", b"one", b"two", b"three"), calls_in_flight=calls)
    bench.vision.answer = echo
    bench.submitted(("pdf", b"%PDF-"))
    bench.deliver()
    assert [found[0] for found in bench.page(1)["words"]] == ["printed", "one", "two", "three"]
    assert [found[3] for found in bench.page(1)["words"]] == [0, 0.2, 0.53333, 0.86667]
    assert (bench.bucket.faults.calls["write_json"], bench.intake.status) == (1, Status.READ)
    assert [json.loads(line)["ocr_calls"] for line in capsys.readouterr().out.splitlines() if "page read" in line] == [
        3
    ]


@pytest.mark.parametrize("refused", [[b"one"], [b"three"], [b"one", b"two", b"three"]], ids=["first", "last", "all"])
def test_a_refused_piece_draws_the_page_once(refused: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever of a page's own pictures the OCR refuses, and however many, the page is drawn again once."""
    bench = Bench(sandbox=InPieces("picture", b"one", b"two", b"three"), calls_in_flight=2)
    bench.vision.answer = refuses(*refused)
    bench.submitted(("pdf", b"%PDF-"))
    bench.deliver()
    assert (bench.page(1)["source"], len(bench.page(1)["words"])) == ("render", 1)
    assert bench.vision.pictures.count(b"drawn") == 1
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "page read" in line]
    assert line["ocr_calls"] == len(bench.vision.pictures)
    assert bench.bucket.faults.calls["write_json"] == 1


# --- memory -----------------------------------------------------------------------------------------------------------------


class Watched:
    """An OCR that holds every call until it is sure that no other one comes, and notes what was in flight."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now: list[int] = []
        self.most_calls = 0
        self.most_bytes = 0

    def __call__(self, picture: bytes) -> list[Word]:
        with self.lock:
            self.now.append(len(picture))
            self.most_calls = max(self.most_calls, len(self.now))
            self.most_bytes = max(self.most_bytes, sum(self.now))
        threading.Event().wait(0.01)
        with self.lock:
            self.now.remove(len(picture))
        return []


def test_most_calls_in_flight(bench: Bench) -> None:
    """Several pages are with the OCR at once, but never more than allowed."""
    bench = Bench(chunk_pages=12, calls_in_flight=3)
    bench.vision.answer = watched = Watched()
    bench.submitted(("pdf", pages(12)))
    bench.deliver()
    assert watched.most_calls == 3


def test_a_lease_is_renewed_as_often_as_it_needs_to_be() -> None:
    """Progress is shown after each slow page; the lease of 60 s is renewed every 10 s, which is a write as well."""
    clock = Clock()
    bench = Bench(chunk_pages=12, calls_in_flight=1, lease_s=60.0, clock=clock)

    def take_two_seconds(_: bytes) -> list[Word]:
        clock.sleep(2.0)
        return [Word("seen", WHOLE, 0.9)]

    bench.vision.answer = take_two_seconds
    bench.submitted(("pdf", pages(12)))
    bench.deliver()
    assert bench.store.faults.calls["show_pages_done"] == 11
    assert bench.store.faults.calls["renew_chunk"] == 2


def test_most_bytes_in_flight() -> None:
    """Calls wait while the pictures of the others are too large together; one that is too large alone goes alone."""
    photos = [noisy("png", seed) for seed in range(6)]
    large = noisy("png", 99, side=400)
    size = len(photos[0])
    bench = Bench(chunk_pages=10, bytes_in_flight=2 * size + 100)
    bench.vision.answer = watched = Watched()
    bench.submitted(*(("png", photo) for photo in [*photos, large]))
    bench.deliver()
    assert bench.done == set(range(1, 8))
    assert watched.most_bytes == len(large)
    assert watched.most_calls <= 2


# --- bills that cannot be read --------------------------------------------------------------------------------------------


def test_bad_file_leaves_nothing(bench: Bench) -> None:
    """A bill with one file that cannot be opened fails with the reason, and all its files are deleted."""
    bench.submitted(("jpeg", PHOTO), ("pdf", b"%PDF-1.7\nnothing"))
    bench.deliver()
    assert bench.intake.status is Status.FAILED
    assert bench.intake.error == {"code": "broken_file", "message": BrokenFile(2).message}
    assert (bench.bucket.objects, bench.tasks.to_sheet) == ({}, [])


def test_most_pages(bench: Bench) -> None:
    """As many pages as are allowed are read, one more is refused, also when they come in several files."""
    bench.submitted(("pdf", pages(19)), ("jpeg", PHOTO))
    bench.deliver_all()
    assert bench.intake.status is Status.READ
    over = Bench()
    over.submitted(("pdf", pages(19)), ("jpeg", PHOTO), ("jpeg", PHOTO))
    over.deliver()
    assert over.intake.error is not None
    assert over.intake.error["message"] == (
        "The files have 21 pages together; the limit is 20. Send only the pages of this bill."
    )
    assert (over.bucket.objects, over.vision.pictures) == ({}, [])


def test_deleting_fails(bench: Bench) -> None:
    """When the files of a refused bill cannot be deleted now, they stay written down for the sweeper."""
    intake = bench.submitted(("pdf", b"%PDF-1.7\nnothing"))
    bench.bucket.faults.refuse("delete_all")
    with pytest.raises(TemporaryError):
        bench.deliver()
    assert bench.intake.status is Status.FAILED
    assert intake.upload_id in bench.store.uploads


def test_failure_not_noted(bench: Bench) -> None:
    """When the reason cannot be written, nothing is deleted, and the next delivery of the message tries again."""
    bench.submitted(("pdf", b"%PDF-1.7\nnothing"))
    bench.store.faults.refuse("fail")
    with pytest.raises(TemporaryError):
        bench.deliver()
    assert bench.bucket.objects
    bench.deliver()
    assert (bench.intake.status, bench.bucket.objects) == (Status.FAILED, {})


def test_bad_page_while_other_chunks_are_read(bench: Bench) -> None:
    """Another chunk may save a page after the files are deleted, so the sweeper is left to delete once more."""
    intake = bench.submitted(("pdf", pages(6)))
    bench.deliver()
    bench.vision.answer = refuses_everything
    bench.deliver(1, "n1")
    assert bench.intake.status is Status.FAILED
    assert bench.bucket.objects == {}
    assert intake.upload_id in bench.store.uploads


def test_bad_page_while_the_same_message_is_read_twice(bench: Bench) -> None:
    """Also the other run of a message that was delivered twice may save a page after the files are deleted."""
    intake = bench.submitted(("pdf", b"%PDF-1.7\nnothing"))
    bench.deliver()
    bench.bucket.objects[words_object(INTAKE_ID, 1)] = b"{}"
    assert intake.upload_id in bench.store.uploads
    delete_files(bench.bucket, bench.intake)
    assert bench.bucket.objects == {}


def refuses_everything(picture: bytes) -> list[Word]:
    """Answer as an OCR that cannot open any picture."""
    raise PictureRefused


def test_bill_that_was_given_up_keeps_its_files(bench: Bench) -> None:
    """A bad page that is found after the sweeper gave the bill up does not delete what was promised to be kept."""
    bench.submitted(("jpeg", PHOTO))

    def given_up_meanwhile(picture: bytes) -> list[Word]:
        bench.store.intakes[INTAKE_ID] = replace(bench.intake, status=Status.FAILED, error={"code": "gave_up"})
        raise PictureRefused

    bench.vision.answer = given_up_meanwhile
    bench.deliver()
    assert bench.intake.error == {"code": "gave_up"}
    assert PHOTO in bench.bucket.objects.values()


def test_ended_while_its_pages_were_counted(bench: Bench) -> None:
    """A bill that ends while its pages are counted is not read."""
    bench.submitted(("jpeg", PHOTO))
    counted = bench.store.start_reading

    def given_up(intake: Intake, file_pages: list[int]) -> bool:
        bench.store.intakes[INTAKE_ID] = replace(bench.intake, status=Status.FAILED)
        return counted(intake, file_pages)

    bench.store.start_reading = given_up  # type: ignore[method-assign,assignment]
    bench.deliver()
    assert bench.vision.pictures == []


def test_log_speaks_of_pages_by_number(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """A page's line in the log has numbers and no word of the bill."""
    bench.submitted(("pdf", pdf(text)))
    bench.deliver()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if line["message"] == "page read"]
    assert (line["page"], line["source"], line["words"], line["event_id"]) == (1, "text", 40, "m0")
    assert "account" not in json.dumps(lines)


def test_a_page_without_any_confidence_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing on it can be reported, so somebody must see why; the line holds no word of it."""
    bench = Bench()
    bench.vision.answer = lambda _: [Word("secret", WHOLE, 0.0)]
    bench.submitted(("jpeg", PHOTO))
    bench.deliver_all()
    [line] = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line["severity"] == "WARNING"]
    assert (line["message"], line["intake_id"], line["page"]) == ("the OCR returned no confidences", INTAKE_ID, 1)
    assert "secret" not in str(line)
