"""Limits that the kernel enforces on the worker, whatever a file does to the libraries that open it.

    memory    the address space: what the worker has when its libraries are loaded, and some more
    time      processor time of each call, and, longer, the clock
    parent    the worker ends with `ocr`, even in the middle of a call

Each is a limit of the process itself, so it holds even when the parent is gone.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from intake.contract import limit, seconds


@dataclass(frozen=True)
class WorkerLimits:
    """What one file may take; contract.toml has the reasons.

    Attributes:
        memory_bytes: Address space beyond what the worker has when its libraries are loaded.
        cpu_s: Seconds of processor time of one call, that is to open a file or to draw a page.
        fields_cpu_s: The same for extracting the fields of a bill.
        wall_s: The same in real time: a lock is held no longer than this, and an instance with a third of a processor
            reaches `cpu_s` first.
        kept_rss_mb: Most resident memory of a worker that goes on after a file, MiB; 70 are usual.
        preload: Whether the libraries that read files are loaded before the first file; cleaning pictures needs none.
    """

    memory_bytes: int = limit("worker_memory_bytes")
    cpu_s: float = seconds("worker_cpu_s")
    fields_cpu_s: float = seconds("fields_cpu_s")
    wall_s: float = seconds("worker_wall_s")
    kept_rss_mb: int = 120
    preload: bool = True


CLEANING = WorkerLimits(memory_bytes=64_000_000, cpu_s=2.0, kept_rss_mb=40, preload=False)
"""What cleaning a picture may take: the file is mapped (30 MiB), and its parts are counted (`metadata.pieces`). The worst files
take 0.4 s, ordinary photos 0.01 s."""


MEMORY_EXIT = 71
"""Exit status when memory ran out: the failed allocation may have left things half done, so the worker stops."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends (PR_SET_PDEATHSIG in prctl(2), Linux).

    Elsewhere the worker notices that its parent is gone when its channel closes, at the latest when a call's time is up.

    Args:
        parent: Process id of the parent as the parent gave it: it may have ended before this was called.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def limit_memory(headroom: int) -> bool:
    """Limit this process to the address space it has now and some more; also forbid files and core dumps.

    Args:
        headroom: Bytes that it may take from now on.

    Returns:
        Whether there is a memory limit now: macOS accepts the limit (RLIMIT_AS) but does not enforce it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform != "linux":
        return False
    with open("/proc/self/statm", encoding="ascii") as statm:
        mapped = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + headroom, mapped + headroom))
    return True


@contextmanager
def limited_time(cpu_s: float, wall_s: float) -> Iterator[None]:
    """End this process when the body takes longer: by SIGPROF for processor time, by SIGALRM for real time.

    Python's own handlers would wait until a library returns, so these signals keep their default: they kill.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
