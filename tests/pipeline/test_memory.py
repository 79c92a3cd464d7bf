"""`ocr` keeps nothing: its memory does not grow with the pages it has read, nor with the pages of a bill.

The figures are printed (run with -s); what is asserted are ratios of one run on one machine.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pymupdf
import pytest
from google.cloud import vision_v1
from PIL import Image

from tests.support.stacks import quick_stack, running
from tests.support.submitter import Submitter

MIB = 1024 * 1024
NOTHING_THERE = vision_v1.AnnotateImageResponse.serialize(vision_v1.AnnotateImageResponse())


def scanned_page(seed: int, dpi: int) -> bytes:
    """Return a grey JPEG of letter size, different for every seed: about 95 KB at 150 dpi, 25 KB at 72 dpi."""
    noise = np.random.default_rng(seed).integers(0, 255, (dpi * 44 // 150, dpi * 34 // 150), dtype=np.uint8)
    page = Image.fromarray(noise).resize((8 * dpi + dpi // 2, 11 * dpi), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def scan(pages: int, recordings: Path, dpi: int = 150) -> bytes:
    """Return a scanned PDF of different pages, and record an answer for each so that no OCR has to run."""
    with pymupdf.open() as document:
        for seed in range(pages):
            picture = scanned_page(seed, dpi)
            (recordings / hashlib.sha256(picture).hexdigest()).with_suffix(".pb").write_bytes(NOTHING_THERE)
            sheet = document.new_page(width=612, height=792)
            sheet.insert_image(sheet.rect, stream=picture)
        return bytes(document.tobytes())


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


@pytest.fixture
def measured(tmp_path: Path, recordings: Path) -> Iterator[Submitter]:
    """A stack of its own, so that `ocr` has read nothing before."""
    recorded = ("--recordings", str(recordings), "--mode", "replay")
    with running(quick_stack(tmp_path / "stack", vision_args=recorded)) as stack:
        yield Submitter(stack)


def ocr_processes() -> list[psutil.Process]:
    """Return the processes that are one instance of `ocr`: gunicorn's worker and what opens the files for it."""
    mine = psutil.Process().children(recursive=True)
    functions = [process for process in mine if process.cmdline()[-6:].count("ocr")]
    function = max(functions, key=lambda process: process.create_time())
    opening = [process for process in function.children() if "intake.pages.sandbox.worker" in process.cmdline()]
    assert len(opening) == 1
    return [function, *opening]


def resident_mib(processes: list[psutil.Process]) -> float:
    """Return the memory of processes together; what they share of libraries is counted once for each."""
    return float(sum(process.memory_info().rss for process in processes) / MIB)


def peak_mib(process: psutil.Process) -> float:
    """Return the process's highest resident memory since `forget_peak` (VmHWM in proc(5)), mapped files included."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def forget_peak(process: psutil.Process) -> None:
    """Start the peak again from what is resident now (clear_refs in proc(5))."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")


@pytest.mark.campaign
def test_memory_does_not_grow_with_what_was_read(measured: Submitter, recordings: Path) -> None:
    """After 500 page jobs the process is as large as it was after 20."""
    bill = scan(20, recordings)
    resident = []
    for _ in range(25):
        measured.recorded(bill)
        resident.append(resident_mib(ocr_processes()))
    print(f"\nocr after 20 page jobs {resident[0]:.1f} MiB, after 500 {resident[-1]:.1f} MiB")
    assert resident[-1] <= resident[0] * 1.05


def test_memory_does_not_grow_with_the_pages_of_a_bill(measured: Submitter, recordings: Path) -> None:
    """The peak for 150 pages is within a tenth of that for 3, but for the larger file itself, once."""
    few, many = scan(3, recordings), scan(150, recordings)
    measured.recorded(few)  # loads what the first bill loads
    processes = ocr_processes()
    peaks = []
    for bill in (few, many):
        for process in processes:
            forget_peak(process)
        measured.recorded(bill)
        peaks.append(sum(peak_mib(process) for process in processes))
    print(f"\nocr peak for 3 pages {peaks[0]:.1f} MiB, for 150 ({len(many) / MIB:.1f} MB) {peaks[1]:.1f} MiB")
    assert peaks[1] <= peaks[0] * 1.1 + 1.25 * len(many) / MIB
