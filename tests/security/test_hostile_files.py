"""Files made to do harm, each opened by the worker: every one ends within its limits, read or refused with a code.

They share a worker, as bills share an instance: after each a good file is read. Nothing else may come of a file: no other
exception, no connection, no text of another file, no child process and no file that stays.
"""

from __future__ import annotations

import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from intake.errors import BadFile
from intake.pages.content import PageContent
from intake.pages.sandbox.client import SandboxClient
from intake.pages.sandbox.limits import WorkerLimits

from tests.security import hostile_pdfs, hostile_pictures
from tests.support.marks import encoded, marked
from tests.support.pdfs import both, pdf, scan, text
from tests.support.pictures import heic
from tests.support.sandboxes import limited, opened

PHOTO = encoded(marked(60, 80), "jpeg")
GOOD = pdf(text)
SEEN_PAGES = 3
WHOLE = {kind: encoded(marked(80, 60), kind) for kind in ("jpeg", "png", "webp", "tiff")} | {
    "heic": heic(marked(80, 60)),
    "pdf": pdf(both(lambda page: scan(page, PHOTO), text)),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    """An sandbox with production's memory, and less time, so that what wants for ever takes a second."""
    shared = SandboxClient(WorkerLimits(cpu_s=1.0))
    yield shared
    shared.close()


def contents(sandbox: SandboxClient, kind: str, data: bytes) -> list[PageContent]:
    """Return the first pages of a file as they come, and as they are redrawn."""
    with opened(sandbox, kind, data) as document:
        pages = range(min(document.page_count, SEEN_PAGES))
        return [document.page(index, redraw=redraw) for index in pages for redraw in (False, True)]


def outcome(sandbox: SandboxClient, kind: str, data: bytes) -> str:
    """Return `read`, or the code with which a file is refused; any other exception is a fault of ours."""
    try:
        contents(sandbox, kind, data)
    except BadFile as exc:
        return exc.code
    return "read"


def assert_fit(sandbox: SandboxClient) -> None:
    """Check that a good file is read now, by a worker that has no children."""
    (page, _) = contents(sandbox, "pdf", GOOD)
    assert page.source == "text"
    assert psutil.Process(sandbox.warm().pid).children() == []


NAMED = {
    "forms that draw forms": "file_too_slow",
    "swelling contents": "file_too_slow",
    "picture smaller than it says": "picture_too_large",
    "JPEG 2000 of a size": "picture_too_large",
    "pages that are not there": "broken_file",
}
"""What a bomb would have used up is what its code says."""


@pytest.mark.parametrize("name", hostile_pdfs.HOSTILE)
def test_hostile_pdf(sandbox: SandboxClient, name: str) -> None:
    """A hostile PDF is read or refused with a code, and the next file is read."""
    code = outcome(sandbox, "pdf", hostile_pdfs.HOSTILE[name]())
    assert code == NAMED.get(name, code)
    assert_fit(sandbox)


@pytest.mark.parametrize("name", hostile_pictures.HOSTILE)
def test_hostile_picture(sandbox: SandboxClient, name: str) -> None:
    """A hostile picture is read or refused with a code, and the next file is read."""
    outcome(sandbox, name.split()[0], hostile_pictures.HOSTILE[name]())
    assert_fit(sandbox)


TOO_MANY_WORDS = (b"(the account ) Tj " * 20 + b"T* ") * 140
TOO_LONG_A_WORD = b"(the bill) Tj T* " * 30 + b"/F .5 Tf " + b"(aaaaaaaaaa) Tj " * 60


@pytest.mark.parametrize("layer", [TOO_MANY_WORDS, TOO_LONG_A_WORD], ids=["words", "letters"])
def test_text_layer_that_nobody_could_read(layer: bytes) -> None:
    """A page with more words, or longer ones, than people read is drawn, so none has more to say than an OCR would find."""
    with limited(WorkerLimits()) as sandbox, opened(sandbox, "pdf", hostile_pdfs.written_on(layer)) as document:
        assert document.page(0).source == "render"


@pytest.mark.parametrize("kind", WHOLE)
def test_damaged_files(sandbox: SandboxClient, kind: str) -> None:
    """A file that was cut off anywhere, or has some bits turned over, is read or refused; fuzzing goes on from there."""
    whole, rng = WHOLE[kind], random.Random(2026)
    for twentieth in range(20):
        outcome(sandbox, kind, whole[: len(whole) * twentieth // 20])
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 3, 30))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        outcome(sandbox, kind, bytes(damaged))
    assert_fit(sandbox)


@pytest.mark.parametrize("kind", WHOLE)
def test_taken_for_another_kind(sandbox: SandboxClient, kind: str) -> None:
    """A file that begins like one kind and is another goes to the wrong library, which reads or refuses it."""
    for said in WHOLE:
        outcome(sandbox, said, WHOLE[kind])
    assert_fit(sandbox)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address on this machine that notes whoever connects."""
    noticed: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    with server.accept()[0] as caller:
                        noticed.append(caller.recv(100))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/secret", noticed
        over.set()
        thread.join()


def test_pdf_reaches_nothing_outside(sandbox: SandboxClient, listener: tuple[str, list[bytes]], tmp_path: Path) -> None:
    """No action, reference or entity of a PDF opens an address, a file or a program."""
    url, noticed = listener
    secret = tmp_path / "secret.txt"
    secret.write_text("BT /F 12 Tf 72 700 Td (hidden treasure) Tj ET")
    for data in hostile_pdfs.reaching_out(url, str(secret)).values():
        try:
            pages = contents(sandbox, "pdf", data)
        except BadFile:
            continue
        assert "treasure" not in " ".join(word.text for page in pages for word in page.words)
        assert_fit(sandbox)
    assert noticed == []


def test_nothing_stays_behind(sandbox: SandboxClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After bombs, crashes and damage there is no file, no process and no open descriptor more than before."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert_fit(sandbox)
    me = psutil.Process()
    before = (len(me.children(recursive=True)), me.num_fds())
    for name in ("forms that draw forms", "archive", "page tree leads back"):
        outcome(sandbox, "pdf", hostile_pdfs.HOSTILE[name]())
    assert_fit(sandbox)
    assert list(tmp_path.iterdir()) == []
    assert (len(me.children(recursive=True)), me.num_fds()) == before
    assert psutil.Process(sandbox.warm().pid).num_fds() == 4
