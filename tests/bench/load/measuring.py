"""Memory, processor time and Sheets calls of a running stack, sampled in the background."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import psutil
import requests

from infra.local.stack import LocalStack


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share (0..1) of all lies; 0.0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Sampler:
    """Samples while it is entered.

    Attributes:
        peak_mib: Highest memory seen of each function's instance with all its processes (PSS), MiB.
        cpu_s: Processor seconds of each part of the stack, and of this process as `client`.
        sheet_calls: (seconds, reads, writes) counted by the Sheets stand-in since its start.
    """

    def __init__(self, stack: LocalStack, every_s: float = 2.0) -> None:
        self._stack = stack
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="sampler")
        self.peak_mib: dict[str, float] = defaultdict(float)
        self.cpu_s: dict[str, float] = {}
        self.sheet_calls: list[tuple[float, int, int]] = []

    def __enter__(self) -> Sampler:
        self._before = self._cpu()
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._started
        after = self._cpu()
        self.cpu_s = {name: after[name] - self._before.get(name, 0.0) for name in after}

    def _sample(self) -> None:
        while not self._stopping.wait(self._every_s):
            for name, mib in self._stack.memory().items():
                self.peak_mib[name] = max(self.peak_mib[name], mib)
            stats = requests.get(f"{self._stack.control['sheets']}/stats", timeout=30).json()
            self.sheet_calls.append((time.monotonic(), stats["reads"], stats["writes"]))

    def most_in_a_minute(self) -> tuple[int, int]:
        """Return the most reads, and the most writes, of the Sheet within 60 s."""
        reads = writes = 0
        for at, first_reads, first_writes in self.sheet_calls:
            within = [sample for sample in self.sheet_calls if at <= sample[0] <= at + 60]
            reads = max(reads, within[-1][1] - first_reads)
            writes = max(writes, within[-1][2] - first_writes)
        return reads, writes

    def _cpu(self) -> dict[str, float]:
        used: dict[str, float] = {}
        for name in self._stack.log_names():
            pid = self._stack.pid(name)
            if pid is not None:
                used[name] = tree_cpu_s(pid)
        own: Any = psutil.Process().cpu_times()
        used["client"] = own.user + own.system
        return used


def tree_cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, its descendants, and those of them that have ended."""
    total = 0.0
    process = psutil.Process(pid)
    for member in [process, *process.children(recursive=True)]:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def rows(cells: Mapping[str, object]) -> list[str]:
    """Return the lines of a table of names and values."""
    lines = [f"| {name} | {value} |" for name, value in cells.items()]
    return [lines[0], "|---|--:|", *lines[1:]]
