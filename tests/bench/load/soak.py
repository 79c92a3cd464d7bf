"""Page jobs without end: what `ocr` keeps of them in memory, its worker process included."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.load.measuring import rows
from tests.pipeline.conftest import quick_stack, running
from tests.pipeline.submitter import Submitter
from tests.pipeline.test_memory import scan

PAGES = 40
"""Pages of one bill, three chunks of work."""
AHEAD = 2
"""Bills in work at once, so that `ocr` never waits."""
MARKS = (0.05, 0.5, 1.0)


def run(page_jobs: int) -> tuple[str, bool]:
    """Have one instance of `ocr` read page after page; return the table and whether all were recorded."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        recordings = Path(folder) / "recordings"
        recordings.mkdir()
        bill = scan(PAGES, recordings, dpi=72)
        vision = ("--recordings", str(recordings), "--mode", "replay")
        with running(quick_stack(Path(folder) / "stack", vision_args=vision, sweep_seconds=60.0)) as stack:
            return _soak(Submitter(stack), bill, page_jobs)


def _soak(submitter: Submitter, bill: bytes, page_jobs: int) -> tuple[str, bool]:
    bills = -(-page_jobs // PAGES)
    marks = {max(1, round(bills * share)): share for share in MARKS}
    memory: dict[float, dict[str, float]] = {}
    started, waiting = time.monotonic(), list[str]()
    for number in range(bills):
        waiting.append(submitter.submit(bill))
        if len(waiting) == AHEAD or number + 1 == bills or number + 1 in marks:
            _all_done(submitter, waiting)
        if number + 1 in marks:
            memory[marks[number + 1]] = submitter.stack.memory()
    seconds = time.monotonic() - started
    cells: dict[str, object] = {
        "page jobs": f"{bills * PAGES:,} ({bills} bills of {PAGES} pages)",
        "seconds": f"{seconds:.0f} ({bills * PAGES / seconds:.0f} pages a second)",
    }
    for name in memory[1.0]:
        cells[f"memory of {name} at 5 % / 50 % / 100 %"] = (
            " / ".join(f"{memory[share][name]:.1f}" for share in MARKS) + " MiB"
        )
    return "\n".join(rows(cells)), True


def _all_done(submitter: Submitter, waiting: list[str]) -> None:
    while waiting:
        progress = submitter.ended(waiting.pop(0), deadline_s=600)
        if progress["stage"] != "done":
            raise AssertionError(f"a bill ended {progress}")
