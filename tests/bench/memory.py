"""Memory of `ocr` and `submit`, and of the replaced server with the same documents and the same OCR.

What is measured is what a container is charged for: the memory of the whole process tree, looked at every 10 ms, plus the
bytes of the file in the temporary folder, which is memory in production
(https://cloud.google.com/run/docs/container-contract#filesystem) and lies in /dev/shm here. Pages that processes share (the
Python of both, say) are counted once (PSS in proc(5), /proc/PID/smaps_rollup); beside it stands the sum that counts them for
each process (RSS). The file, which the worker maps, is in neither and is added once.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import requests

from infra.local.options import ROOT
from infra.local.ports import free_ports, port_answers
from infra.local.processes import Child
from tests.bench import bills, ocr_stub
from tests.bench.environment import bench_stack
from tests.bench.report import lines, machine, poppler_version, table
from tests.pipeline.submitter import Submitter, wait_for
from tests.security.test_largest import LARGEST

MIB = 1024 * 1024
LOOK_EVERY_S = 0.01
PAGES = {"scan": (1, 10, 100, 400), "text": (1, 10, 100, 500), "mixed": (1, 10, 100, 300), "photo": (1, 10, 100)}
"""By kind; more scans are more than the 30 MB of an upload."""
REPLACED_PAGES = {"scan": (1, 10, 100), "text": (1, 10, 100), "mixed": (1, 10), "photo": (1, 10)}
SUBMIT_MB = (1, 5, 10, 20, 30)
_DEADLINE_S = 900.0


class Memory(NamedTuple):
    """MiB of a process tree.

    Attributes:
        once: With shared pages counted once (PSS).
        each: With shared pages counted for each process that has them (RSS).
    """

    once: float
    each: float


def memory_of(root: psutil.Process) -> Memory:
    """Return the memory of a process and all its descendants, files in the temporary folder left out."""
    once = each = 0
    try:
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return Memory(0.0, 0.0)
    for process in tree:
        try:
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue  # it ended between being listed and looked at
        kib = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        mapped = kib["Pss_Shmem:"]  # by one process only, so its share is all of it
        once += kib["Pss:"] - mapped
        each += kib["Rss:"] - mapped
    return Memory(once / 1024, each / 1024)


class Watch:
    """Looks at a process tree until it is left.

    Args:
        root: Its root.
        file_mib: What is added to the peaks: the file in the temporary folder.

    Attributes:
        peak: The most that was seen, shared pages counted once.
        peak_each: The same with shared pages counted for each process.
        steady: What is there at the end.
    """

    def __init__(self, root: psutil.Process, file_mib: float = 0.0) -> None:
        self._root = root
        self._file = file_mib
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak = self.peak_each = self.steady = 0.0

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self._keep(memory_of(self._root))

    def _keep(self, seen: Memory) -> None:
        self.peak = max(self.peak, seen.once + self._file)
        self.peak_each = max(self.peak_each, seen.each + self._file)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        self.steady = memory_of(self._root).once


def master_of(function: str) -> psutil.Process:
    """Return the process that was started for a function of the stack that this process runs."""
    mine = psutil.Process().children(recursive=True)
    found = [process for process in mine if process.cmdline()[-6:].count(function)]
    return min(found, key=lambda process: process.create_time())


# --- ours -----------------------------------------------------------------------------------------------------------------


def _read_all(submitter: Submitter, files: list[bytes]) -> tuple[Watch, float]:
    began = time.perf_counter()
    with Watch(master_of("ocr"), max(len(file) for file in files) / MIB) as watch:
        end = submitter.ended(submitter.submit(*files), _DEADLINE_S)
    if end["stage"] != "done":
        raise AssertionError(end)
    return watch, time.perf_counter() - began


def ours(submitter: Submitter) -> dict[tuple[str, int], tuple[Watch, float]]:
    """Return what `ocr` took by kind and pages; one process reads them all."""
    _read_all(submitter, [bills.pdf("mixed", 1)])
    return {
        (kind, pages): _read_all(submitter, [bills.pdf(kind, pages)])
        for kind, counts in PAGES.items()
        for pages in counts
    }


def uploads(submitter: Submitter) -> list[list[object]]:
    """Return rows of what `submit` took by megabytes, in photos of at most 5 MB."""
    master = master_of("submit")
    picture = bills.photo()
    rows = []
    for megabytes in SUBMIT_MB:
        each = min(megabytes, 5) * 1_000_000
        files = [(picture + bytes(each))[:each]] * (megabytes * 1_000_000 // each)
        with Watch(master) as watch:
            submitter.post(files).raise_for_status()
        rows.append([f"{megabytes} MB", watch.peak, watch.steady])
    return rows


def largest(submitter: Submitter) -> list[list[object]]:
    """Return rows of what `ocr` took for photos, and for the largest picture of each kind that is accepted."""
    files = {"a 12-megapixel JPEG": [bills.photo()], "7 such JPEGs, one bill": [bills.photo()] * 7}
    files |= {f"largest {name}": [make()] for name, make in LARGEST.items()}
    rows = []
    for name, bill in files.items():
        watch, seconds = _read_all(submitter, bill)
        rows.append([name, sum(map(len, bill)) / MIB, watch.peak, watch.peak_each, watch.steady, seconds])
    return rows


# --- the replaced server --------------------------------------------------------------------------------------------------


@contextmanager
def replaced(pages: str, ocr: str, log: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the replaced server; yields its URL and process."""
    (port,) = free_ports(1)
    argv = [sys.executable, "-m", "tests.bench.replaced.server", "--port", str(port), "--pages", pages]
    child = Child("replaced", argv, log, {"VISION_EMULATOR_HOST": ocr, "TMPDIR": str(log.parent)}, cwd=ROOT)
    child.start()
    try:
        wait_for("the replaced server", lambda: port_answers(port) or not child.running)
        if not child.running or child.identity is None:
            raise RuntimeError(child.describe_exit())
        yield f"http://127.0.0.1:{port}", psutil.Process(child.identity.pid)
    finally:
        child.kill()


def read_by_replaced(url: str, process: psutil.Process, bill: bytes) -> tuple[Watch, float]:
    """Have the replaced server read a PDF."""
    began = time.perf_counter()
    with Watch(process, len(bill) / MIB) as watch:
        job = requests.post(f"{url}/upload", files={"bill": ("bill.pdf", bill)}, timeout=60).json()["job"]
        wait_for("the job", lambda: requests.get(f"{url}/progress/{job}", timeout=60).json()["finished"], _DEADLINE_S)
    return watch, time.perf_counter() - began


def of_replaced(pages: str, folder: Path) -> dict[tuple[str, int], tuple[Watch, float]]:
    """Return what the replaced server took, a new process for each kind."""
    found = {}
    with ocr_stub.running(folder / "stub.log") as ocr:
        for kind, counts in REPLACED_PAGES.items():
            with replaced(pages, ocr, folder / "replaced.log") as (url, process):
                for count in counts:
                    found[kind, count] = read_by_replaced(url, process, bills.pdf(kind, count))
    return found


def _cells(run: tuple[Watch, float] | None) -> list[float | None]:
    return [None, None] if run is None else [run[0].peak, run[1]]


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    for kind, counts in PAGES.items():
        for pages in counts:
            bills.pdf(kind, pages)  # drawn before anything is timed
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        with bench_stack(env={"SHEET_WRITE_INTERVAL_SECONDS": "0", "TMPDIR": folder}) as submitter:
            found = ours(submitter)
            pictures = largest(submitter)
            sizes = uploads(submitter)
        every, single = of_replaced("all", Path(folder)), of_replaced("one", Path(folder))
    rows = []
    for (kind, pages), (watch, seconds) in found.items():
        size = len(bills.pdf(kind, pages)) / MIB
        others = [cell for run in (every, single) for cell in _cells(run.get((kind, pages)))]
        rows.append([f"{kind}, {pages} pages", size, watch.peak, watch.peak_each, watch.steady, seconds, *others])
    head = ["PDF of", "MiB", "ocr peak", "RSS", "steady", "s", "replaced: peak", "s", "page by page: peak", "s"]
    axis = sorted({pages for counts in PAGES.values() for pages in counts})
    runs = {**{f"ocr, {kind}": (found, kind) for kind in PAGES}, "replaced, scan": (every, "scan")}
    runs["replaced page by page, scan"] = (single, "scan")
    series = {
        label: [run[kind, pages][0].peak if (kind, pages) in run else None for pages in axis]
        for label, (run, kind) in runs.items()
    }
    chart = lines("memory", "Peak memory by pages", "pages", "MiB", axis, series)
    ratios = statistics.median(
        every[key][0].peak / found[key][0].peak for key in every if key[1] == max(REPLACED_PAGES[key[0]])
    )
    return "\n".join(
        [
            f"{machine('PyMuPDF', 'pdf2image', 'Flask')}, {poppler_version()}. Peak and steady memory in MiB of the whole"
            " process tree, looked at every 10 ms, and of the file, which lies in memory in production. What processes share is"
            " counted once, in the column RSS for each of them. One instance reads everything, in the order of the tables."
            f" OCR: a stub of 0 s. The replaced design's peak is {ratios:.1f} times ours (median of its largest"
            " documents); with more pages it was not run.\n",
            table(head, rows),
            chart,
            table(["pictures", "MiB", "ocr peak", "RSS", "steady", "s"], pictures),
            table(["submit", "peak", "steady"], sizes),
        ]
    )
