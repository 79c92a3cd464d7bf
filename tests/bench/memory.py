"""Memory of `ocr` and `submit`, and of the replaced server with the same documents and the same OCR.

What is measured is what a container is charged for: the memory of the whole process tree, shared pages divided among their
users (PSS, /proc/PID/smaps_rollup), looked at every 10 ms, plus the bytes of files in the temporary folder, which is memory
in production (https://cloud.google.com/run/docs/container-contract#filesystem) and which the looks at processes do not see.
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

import psutil
import requests

from infra.local.options import ROOT
from infra.local.ports import free_ports, port_answers
from infra.local.processes import Child
from tests.bench import bills, ocr_stub
from tests.bench.report import lines, machine, poppler_version, table
from tests.bench.surroundings import bench_stack
from tests.pipeline.submitter import Submitter, wait_for

MIB = 1024 * 1024
LOOK_EVERY_S = 0.01
PAGES = {"scan": (1, 10, 100, 500), "text": (1, 10, 100, 500), "mixed": (1, 10, 100, 300), "photo": (1, 10, 100)}
"""By kind; more photos are more than the 30 MB of an upload."""
REPLACED_PAGES = {"scan": (1, 10, 100), "text": (1, 10, 100), "mixed": (1, 10), "photo": (1, 10)}
SUBMIT_MB = (1, 5, 10, 20, 30)
_DEADLINE_S = 240.0


def pss_mib(root: psutil.Process) -> float:
    """Return the memory of a process and all its descendants."""
    total = 0.0
    try:
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in tree:
        try:
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue  # it ended between being listed and looked at
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


class Watch:
    """Looks at a process tree until it is left: `peak` is the most that was seen, `steady` what is there at the end."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak = self.steady = 0.0

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self.peak = max(self.peak, pss_mib(self._root))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        self.steady = pss_mib(self._root)
        self.peak = max(self.peak, self.steady)


def master_of(function: str) -> psutil.Process:
    """Return the process that was started for a function of the stack that this process runs."""
    mine = psutil.Process().children(recursive=True)
    found = [process for process in mine if process.cmdline()[-6:].count(function)]
    return min(found, key=lambda process: process.create_time())


# --- ours -----------------------------------------------------------------------------------------------------------------


def _read_all(submitter: Submitter, files: list[bytes]) -> tuple[Watch, float]:
    began = time.perf_counter()
    with Watch(master_of("ocr")) as watch:
        end = submitter.ended(submitter.submit(*files), _DEADLINE_S)
    if end["stage"] != "done":
        raise AssertionError(end)
    # The file lies in the temporary folder while its pages are read.
    watch.peak += max(len(file) for file in files) / MIB
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


# --- the replaced server --------------------------------------------------------------------------------------------------


@contextmanager
def replaced(pages: str, ocr: str, log: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the replaced server; yields its URL and process."""
    (port,) = free_ports(1)
    argv = [sys.executable, "-m", "tests.bench.replaced.server", "--port", str(port), "--pages", pages]
    child = Child("replaced", argv, log, {"VISION_EMULATOR_HOST": ocr}, cwd=ROOT)
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
    with Watch(process) as watch:
        job = requests.post(f"{url}/upload", files={"bill": ("bill.pdf", bill)}, timeout=60).json()["job"]
        wait_for("the job", lambda: requests.get(f"{url}/progress/{job}", timeout=60).json()["finished"], _DEADLINE_S)
    watch.peak += len(bill) / MIB
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
    with tempfile.TemporaryDirectory() as folder:
        every, single = of_replaced("all", Path(folder)), of_replaced("one", Path(folder))
    with bench_stack(env={"SHEET_WRITE_INTERVAL_SECONDS": "0"}) as submitter:
        found = ours(submitter)
        photo = _read_all(submitter, [bills.photo()])
        photos = _read_all(submitter, [bills.photo()] * 7)
        sizes = uploads(submitter)
    rows = []
    for (kind, pages), (watch, seconds) in found.items():
        size = len(bills.pdf(kind, pages)) / MIB
        others = [cell for run in (every, single) for cell in _cells(run.get((kind, pages)))]
        rows.append([f"{kind}, {pages} pages", size, watch.peak, watch.steady, seconds, *others])
    for name, (watch, seconds) in (("a 12-megapixel JPEG", photo), ("7 such JPEGs, one bill", photos)):
        rows.append([name, None, watch.peak, watch.steady, seconds, None, None, None, None])
    head = ["PDF of", "MiB", "ocr peak", "steady", "s", "replaced: peak", "s", "page by page: peak", "s"]
    axis = sorted({pages for counts in PAGES.values() for pages in counts})
    runs = {**{f"ocr, {kind}": (found, kind) for kind in PAGES}, "replaced, scan": (every, "scan")}
    runs["replaced page by page, scan"] = (single, "scan")
    series = {
        label: [run[kind, pages][0].peak if (kind, pages) in run else None for pages in axis]
        for label, (run, kind) in runs.items()
    }
    chart = lines("memory", "Peak memory by pages", "pages", "MiB", axis, series, logarithmic=True)
    ratios = statistics.median(
        every[key][0].peak / found[key][0].peak for key in every if key[1] == max(REPLACED_PAGES[key[0]])
    )
    return "\n".join(
        [
            f"{machine('PyMuPDF', 'pdf2image', 'Flask')}, {poppler_version()}. Peak and steady memory in MiB of the whole"
            " process tree (PSS each 10 ms, and the file in the temporary folder); one process reads everything."
            f" OCR: a stub of 0 s. The replaced design's peak is {ratios:.1f} times ours (median of its largest"
            " documents); with more pages it was not run.\n",
            table(head, rows),
            chart,
            table(["submit", "peak", "steady"], sizes),
        ]
    )
