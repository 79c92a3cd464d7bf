"""Files are opened by a worker process under limits: what a file does to it, that file answers for, and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from intake.errors import BadFile, BrokenFile, FileCrashesReader, FileTooLargeInMemory, FileTooSlow, WorkerLost
from intake.model import Status
from intake.pages import open_document
from intake.pages.sandbox import process
from intake.pages.sandbox.client import SandboxClient
from intake.pages.sandbox.limits import WorkerLimits
from PIL import Image

from tests.security.bombs import laughing_pdf, picture_pdf
from tests.support.fakes import INTAKE_ID
from tests.support.marks import encoded, marked
from tests.support.ocr_bench import Bench
from tests.support.pdfs import both, pdf, scan, text
from tests.support.pictures import heic
from tests.support.sandboxes import GOOD, limited, opened, read

FUNCTIONS = Path(__file__).parents[2] / "functions"
PHOTO = encoded(marked(60, 80), "jpeg")
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    """An sandbox with the limits of production, shared: each file must leave it fit for the next."""
    shared = SandboxClient()
    yield shared
    shared.close()


def wait_until(what: str, look: Callable[[], bool]) -> None:
    """Wait for a condition; fail after the deadline."""
    until = time.monotonic() + DEADLINE_S
    while not look():
        assert time.monotonic() < until, f"waited {DEADLINE_S:.0f} s for {what}"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --- the same as without a worker -------------------------------------------------------------------------------------

KINDS = ("jpeg", "png", "webp", "tiff", "heic")


def picture(kind: str, image: Image.Image) -> bytes:
    """Return a picture as a file of some kind."""
    return heic(image) if kind == "heic" else encoded(image, kind)


PICTURES = {kind: picture(kind, marked(90, 60)) for kind in KINDS}
FILES = {
    **PICTURES,
    "pdf": pdf(text, lambda page: scan(page, PHOTO), both(lambda page: scan(page, PHOTO), text), lambda page: None),
    "tiff of two": encoded(marked(90, 60), "tiff", save_all=True, append_images=[marked(30, 20)]),
}


@pytest.mark.parametrize("redraw", [False, True], ids=["as it came", "redrawn"])
@pytest.mark.parametrize("name", FILES)
def test_pages_come_through_whole(sandbox: SandboxClient, name: str, redraw: bool) -> None:
    """Words, pictures, sizes and places are what the libraries gave, to the last bit."""
    kind = name.split()[0]
    here = open_document(kind, FILES[name], 1)
    with opened(sandbox, kind, FILES[name]) as document:
        assert document.page_count == here.page_count
        for index in range(here.page_count):
            expected = here.page(index, redraw=redraw)
            assert document.page(index, redraw=redraw) == replace(
                expected, words=list(expected.words), pieces=list(expected.pieces)
            )
    here.close()


def test_bad_files_keep_their_sentence(sandbox: SandboxClient) -> None:
    """What is wrong with a file is said in the same words, with the file's number and its figures."""
    huge = Image.new("1", (9000, 9000))
    cases = {
        "pdf": b"%PDF-1.7\nnothing",
        "png": encoded(huge, "png"),
        "tiff": b"II*\0nothing",
        "jpeg": b"\xff\xd8\xff\0",
    }
    for kind, data in cases.items():
        with pytest.raises(BadFile) as here:
            open_document(kind, data, 7)
        with pytest.raises(type(here.value)) as there:
            read(sandbox, kind, data, 7)
        assert there.value.message == here.value.message


def test_two_documents_take_turns(sandbox: SandboxClient) -> None:
    """One document is open at a time; one that had to make room is opened again when it is asked for a page."""
    with opened(sandbox, "pdf", GOOD) as first, opened(sandbox, "jpeg", PHOTO) as second:
        assert [first.page(0).source, second.page(0).source, first.page(0).source] == ["text", "picture", "text"]


# --- what a file may take ---------------------------------------------------------------------------------------------


def test_file_that_takes_too_long() -> None:
    """A page that would be drawn for hours ends after the processor time that a page has; the next file is read."""
    with limited(WorkerLimits(cpu_s=0.5)) as sandbox:
        with pytest.raises(FileTooSlow, match=r"File 3 takes more than 0\.5 seconds"):
            read(sandbox, "pdf", laughing_pdf(), number=3)
        read(sandbox, "pdf", GOOD)


LARGE = {kind: picture(kind, Image.new("RGB", (4000, 3000))) for kind in KINDS} | {"pdf": picture_pdf(4000, 3000)}


@pytest.mark.parametrize("kind", ["pdf", "jpeg", "png"])
def test_file_that_takes_too_much_memory(kind: str) -> None:
    """A file that swells beyond the memory there is fails with that reason; the next file is read."""
    with limited(WorkerLimits(memory_bytes=12_000_000)) as sandbox:
        with pytest.raises(FileTooLargeInMemory, match="File 2 needs more than 12 MB"):
            read(sandbox, kind, LARGE[kind], number=2)
        read(sandbox, "jpeg", PHOTO)


def test_page_that_crashes_the_worker_when_its_memory_is_used_up() -> None:
    """A crash for want of memory is said to be one, as it is where the library itself notices; the next file is read."""
    with limited(WorkerLimits(memory_bytes=30_000_000, cpu_s=60.0)) as sandbox:
        with pytest.raises(FileTooLargeInMemory, match="File 4 needs more than 30 MB"):
            read(sandbox, "pdf", laughing_pdf(), number=4)
        read(sandbox, "pdf", GOOD)


@pytest.mark.parametrize("kind", ["webp", "tiff", "heic"])
def test_decoder_that_does_not_say_that_memory_ran_out(kind: str) -> None:
    """WebP and TIFF decoders only say that they failed, and libheif aborts: the file fails all the same, the next is read."""
    with limited(WorkerLimits(memory_bytes=12_000_000)) as sandbox:
        with pytest.raises((BrokenFile, FileCrashesReader, FileTooLargeInMemory)):
            read(sandbox, kind, LARGE[kind], number=2)
        read(sandbox, "jpeg", PHOTO)


def test_worker_that_has_grown_is_replaced() -> None:
    """A worker that keeps more memory than it should gets a successor, and the next file is read."""
    with limited(WorkerLimits(kept_rss_mb=1)) as sandbox:
        read(sandbox, "pdf", GOOD)
        first = sandbox.warm().pid
        read(sandbox, "pdf", GOOD)
        assert sandbox.warm().pid != first


# --- how it ends ------------------------------------------------------------------------------------------------------


def ended_by(sandbox: SandboxClient, *signals: signal.Signals) -> BaseException | None:
    """Ask for a page while the worker stands still, end it by a signal, and its successors by the others; return the error."""
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            document.page(0)
        except BaseException as exc:
            failed.append(exc)

    with opened(sandbox, "pdf", GOOD) as document:
        pid = sandbox.warm().pid
        os.kill(pid, signal.SIGSTOP)
        asking = threading.Thread(target=ask)
        asking.start()
        for number, end in enumerate(signals):
            if number:
                wait_until("a successor", lambda before=pid: sandbox.warm().pid != before)  # type: ignore[misc]
                pid = sandbox.warm().pid
            os.kill(pid, end)
            os.kill(pid, signal.SIGCONT)
        asking.join(DEADLINE_S)
        assert not asking.is_alive()
    return failed[0] if failed else None


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT])
def test_file_that_crashes_the_worker(sandbox: SandboxClient, crash: signal.Signals) -> None:
    """A crash is the file's fault and is not tried again; the next file is read."""
    assert isinstance(ended_by(sandbox, crash), FileCrashesReader)
    read(sandbox, "pdf", GOOD)


def test_worker_that_is_killed(sandbox: SandboxClient) -> None:
    """Being killed is nobody's fault: a new worker opens the file again, and the page is read as if nothing had been."""
    assert ended_by(sandbox, signal.SIGKILL) is None


def test_worker_that_is_killed_again(sandbox: SandboxClient) -> None:
    """The second time the message is left to be delivered again; the next file is read."""
    assert isinstance(ended_by(sandbox, signal.SIGKILL, signal.SIGKILL), WorkerLost)
    read(sandbox, "pdf", GOOD)


def test_worker_that_does_not_answer() -> None:
    """A worker that stands still is killed when its time is over, and the message is left to be delivered again."""
    with limited(WorkerLimits(wall_s=0.1)) as sandbox, opened(sandbox, "pdf", GOOD) as document:
        pid = sandbox.warm().pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(WorkerLost):
            document.page(0)
        assert gone(pid)
        assert document.page(0).source == "text"


HOLDER = """
import sys, tempfile
from intake.pages.sandbox.client import SandboxClient
from tests.security.bombs import laughing_pdf
sandbox = SandboxClient()
with tempfile.TemporaryFile() as file:
    file.write(laughing_pdf())
    document = sandbox.open("pdf", file, 1)
    print(sandbox.warm().pid, flush=True)
    if sys.argv[1] == "busy":
        document.page(0)
    sys.stdin.read()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_worker_ends_with_its_parent(state: str) -> None:
    """Where `ocr` is killed no worker stays behind, not even one in the middle of a page."""
    environment = {**os.environ, "PYTHONPATH": f"{FUNCTIONS}:{FUNCTIONS.parent}"}
    command = [sys.executable, "-c", HOLDER, state]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(next(line for line in parent.stdout if not line.startswith(b"{")))  # after the lines of the log
        assert not gone(pid)
        if state == "busy":
            spent = psutil.Process(pid).cpu_times().user
            wait_until("work on a page", lambda: psutil.Process(pid).cpu_times().user > spent)
        parent.kill()
        parent.wait()
        wait_until("the end of the worker", lambda: gone(pid))


def test_worker_is_given_nothing_it_does_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes over the worker finds neither the project's names in its environment nor a file of its parent's."""
    monkeypatch.setenv("SHEET_ID", "the-office-sheet")
    with limited(WorkerLimits()) as sandbox:
        read(sandbox, "pdf", GOOD)
        worker = psutil.Process(sandbox.warm().pid)
        assert {"SHEET_ID", "GOOGLE_CLOUD_PROJECT"}.isdisjoint(worker.environ())
        targets = [os.readlink(f"/proc/{worker.pid}/fd/{number}") for number in os.listdir(f"/proc/{worker.pid}/fd")]
        assert sorted(target.split(":")[0] for target in targets) == ["/dev/null", "/dev/null", "socket", "socket"]


# --- whoever takes it over ---------------------------------------------------------------------------------------------

SECLUDED = """
import os, socket, subprocess, sys, threading
from intake.pages.sandbox import syscalls
not_given_up = syscalls.apply_filter()
assert not not_given_up, not_given_up
{attempt}
"""
REFUSED = {
    "ask the metadata server": "socket.create_connection(('127.0.0.1', 9))",
    "become another program": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "end its parent": "os.kill(os.getppid(), 9)",
    "look into its parent": "open(f'/proc/{os.getppid()}/mem', 'rb')",
    "write a file": "open('found', 'w')",
}


def sandboxed(attempt: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run something in a process that has given up what the worker gives up."""
    environment = {**os.environ, "PYTHONPATH": str(FUNCTIONS)}
    command = [sys.executable, "-c", SECLUDED.format(attempt=attempt)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=DEADLINE_S)


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")
@pytest.mark.parametrize("what", REFUSED)
def test_worker_that_was_taken_over_stays_inside(what: str, tmp_path: Path) -> None:
    """The kernel refuses it the network, other programs, other processes and files to write."""
    (tmp_path / "there").touch()
    ended = sandboxed(REFUSED[what], tmp_path)
    assert ended.stderr.splitlines()[-1].startswith("PermissionError: "), ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")
def test_what_libraries_need_is_left(tmp_path: Path) -> None:
    """Threads, files to read, and abort(3), by which a library says that it found itself in disorder."""
    threads = "thread = threading.Thread(target=print, args=('ran',)); thread.start(); thread.join()"
    ended = sandboxed(f"{threads}; open('/etc/passwd').read(); sys.stdout.flush(); os.abort()", tmp_path)
    assert (ended.stdout, ended.returncode) == ("ran\n", -signal.SIGABRT), ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")
def test_worker_is_sandboxed(sandbox: SandboxClient, capsys: pytest.CaptureFixture[str]) -> None:
    """The worker that opens files has given all of it up, and the log says so."""
    process._log_once.cache_clear()
    sandbox.close()
    read(sandbox, "pdf", GOOD)
    status = Path(f"/proc/{sandbox.warm().pid}/status").read_text("ascii")
    assert "NoNewPrivs:\t1\nSeccomp:\t2\n" in status
    assert '"missing": "nothing"' in capsys.readouterr().out


# --- the stage --------------------------------------------------------------------------------------------------------


def test_bomb_fails_its_intake_and_nothing_else() -> None:
    """A bomb ends its own intake with the reason and without anything left of it; the next bill on the instance is read."""
    with limited(WorkerLimits(cpu_s=0.5)) as sandbox:
        bench = Bench(sandbox=sandbox)
        bench.submitted(("jpeg", PHOTO), ("pdf", laughing_pdf()))
        bench.deliver()
        assert bench.intake.status is Status.FAILED
        assert bench.intake.error is not None
        assert bench.intake.error["code"] == "file_too_slow"
        assert bench.bucket.objects == {}
        assert list(bench.store.uploads) == ["u1"]  # written down, so that the sweeper looks once more
        bench.store.leases.clear()
        bench.submitted(("pdf", GOOD))
        bench.deliver(event="m1")
        assert bench.store.intakes[INTAKE_ID].status is Status.READ


def test_files_have_no_name(sandbox: SandboxClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is handed to the worker is in no folder, so nothing of it outlives the process."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with opened(sandbox, "pdf", GOOD) as document:
        document.page(0)
        assert list(tmp_path.iterdir()) == []
