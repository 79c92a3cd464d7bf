"""Memory of `ocr` and `submit`.

What is measured is what a container is charged for: the memory of the whole process tree, looked at every 10 ms, plus the
bytes of the file in the temporary folder, which is memory in production
(https://cloud.google.com/run/docs/container-contract#filesystem) and lies in /dev/shm here. Pages that processes share (the
Python of both, say) are counted once (PSS in proc(5), /proc/PID/smaps_rollup); beside it stands the sum that counts them for
each process (RSS). The file, which the worker maps, is in neither and is added once.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.bench import bills
from tests.bench.environment import bench_stack
from tests.bench.report import machine, table
from tests.security.test_largest import LARGEST
from tests.support.submitter import Submitter

MIB = 1024 * 1024
LOOK_EVERY_S = 0.01
PAGES = {"scan": (1, 10, 100, 400), "text": (1, 10, 100, 500), "mixed": (1, 10, 100, 300), "photo": (1, 10, 100)}
"""By kind; more scans are more than the 30 MB of an upload."""
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


def _read(submitter: Submitter, name: str, files: list[bytes]) -> list[object]:
    """Return the row of what `ocr` took for one bill."""
    began = time.perf_counter()
    with Watch(master_of("ocr"), max(len(file) for file in files) / MIB) as watch:
        end = submitter.ended(submitter.submit(*files), _DEADLINE_S)
    if end["stage"] != "done":
        raise AssertionError(end)
    seconds = time.perf_counter() - began
    return [name, sum(map(len, files)) / MIB, watch.peak, watch.peak_each, watch.steady, seconds]


def ours(submitter: Submitter) -> list[list[object]]:
    """Return rows of what `ocr` took by kind and pages; one process reads them all."""
    _read(submitter, "", [bills.pdf("mixed", 1)])
    cases = [(kind, pages) for kind, counts in PAGES.items() for pages in counts]
    return [_read(submitter, f"{kind}, {pages} pages", [bills.pdf(kind, pages)]) for kind, pages in cases]


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
    return [_read(submitter, name, bill) for name, bill in files.items()]


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    for kind, counts in PAGES.items():
        for pages in counts:
            bills.pdf(kind, pages)  # drawn before anything is timed
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as folder,
        bench_stack(env={"SHEET_WRITE_INTERVAL_SECONDS": "0", "TMPDIR": folder}) as submitter,
    ):
        found, pictures, sizes = ours(submitter), largest(submitter), uploads(submitter)
    columns = ["MiB", "ocr peak", "RSS", "steady", "s"]
    return "\n".join(
        [
            f"{machine('PyMuPDF')}. Peak and steady memory in MiB of the whole process tree, looked at every 10 ms, and of the"
            " file, which lies in memory in production. What processes share is counted once, in the column RSS for each of"
            " them. One instance reads everything, in the order of the tables. OCR: a stub of 0 s.\n",
            table(["PDF of", *columns], found),
            table(["pictures", *columns], pictures),
            table(["submit", "peak", "steady"], sizes),
        ]
    )
