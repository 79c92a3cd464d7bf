"""One worker process as the function sees it: started, asked, watched, and how it ended."""

from __future__ import annotations

import functools
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from intake import errors, log
from intake.errors import BadFile
from intake.pages.sandbox import limits as resource_limits
from intake.pages.sandbox import protocol, reports
from intake.pages.sandbox.limits import WorkerLimits

GRACE_S = 3.0
"""How much longer than the worker's own limit we wait for its answer. That limit also holds when we are gone."""
START_S = 60.0
"""How long the worker may take to load its libraries: half a second, but an instance starts many things at once."""


_CRASHES = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGSYS,
}
_NEARLY_ALL = 0.85
"""Share of its memory limit above which a crash counts as out of memory."""
_AT_WORK_S = 2.0
"""Processor time of a call that no bill needs."""
_LOOK_EVERY_S = 0.1
# What a worker needs to find its modules. It gets nothing else of its parent's environment.
_ENVIRONMENT = ("PATH", "LANG", "LC_", "LD_", "PYTHON")
# glibc sets 64 MB of address space aside for each arena and keeps freed buffers of up to 32 MB; see infra/functions.toml.
_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "1048576"}


@functools.cache
def _log_once(missing: str) -> None:
    """Log what the sandbox lacks here: a fact of the execution environment, not a fault, and the same for every worker."""
    log.info("files are opened in a sandbox", missing=missing)


Answer = tuple[dict[str, Any], bytes]
Pay = Callable[[float], None]
"""Called ten times a second with the seconds of processor time that the worker has used since; raises to end the call."""


def pay_nothing(_: float) -> None:
    """Let a worker work as long as its own limits allow."""


class WorkerEnded(Exception):
    """The worker has ended.

    Args:
        status: Exit status, negative for a signal; None if it was killed because it did not answer in time.
        grown_bytes: How much its address space was seen to have grown since it was ready.
        took_s: Seconds of processor time that it was seen to take for the last call.
    """

    def __init__(self, status: int | None, grown_bytes: int = 0, took_s: float = 0) -> None:
        self.status = status
        self.grown_bytes = grown_bytes
        self.took_s = took_s
        super().__init__()

    def bad_file(self, number: int, limits: WorkerLimits) -> BadFile | None:
        """Return the error of the file that was being handled, or None if the file is not the cause."""
        crashed = self.status is not None and -self.status in _CRASHES
        # MuPDF's binding does not check whether Python had memory for the list of a page's contents.
        out_of_memory = crashed and self.grown_bytes > _NEARLY_ALL * limits.memory_bytes
        if self.status == resource_limits.MEMORY_EXIT or out_of_memory:
            return errors.FileTooLargeInMemory(number, megabytes=limits.memory_bytes // 1_000_000)
        # Out of real time is the file's fault only if the worker was busy: the machine may have been suspended.
        slow = self.status == -signal.SIGALRM and self.took_s > _AT_WORK_S
        if self.status == -signal.SIGPROF or slow:
            return errors.FileTooSlow(number, seconds=limits.cpu_s)
        return errors.FileCrashesReader(number) if crashed else None


class WorkerProcess:
    """One worker process; `ask` waits until it is ready.

    Args:
        limits: What a file may take.
    """

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        arguments = (str(os.getpid()), json.dumps(asdict(limits)))
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        functions = Path(__file__).parents[3]
        with theirs:
            # Not forked: gRPC's threads do not survive that. What it prints may quote a file, so it is discarded.
            self._popen = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "intake.pages.sandbox.worker", *arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=functions,
                env={name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)} | _MALLOC,
            )
        self._ready = False
        self._usual = self._grown = 0
        self._paid = self._took_s = 0.0

    def ask(self, request: Mapping[str, Any], file: IO[bytes] | None = None, pay: Pay = pay_nothing) -> Answer:
        """Send a request and return the answer.

        Args:
            request: What is asked.
            file: An open file that goes along.
            pay: See `Pay`. When it raises, the worker is still busy; the caller ends it.

        Raises:
            WorkerEnded: There is no answer. This process cannot be used again.
        """
        try:
            if not self._ready:
                self._become_ready()
            self._channel.settimeout(self._limits.wall_s + GRACE_S)
            protocol.send(self._channel, request, fd=None if file is None else file.fileno())
            self._grown, self._took_s = 0, 0.0
            return self._receive(pay)
        except TimeoutError:
            self.end()
            pay(self._limits.cpu_s)  # It may have slept without using the processor; that has to cost something too.
            raise WorkerEnded(None) from None
        except (EOFError, OSError, protocol.ProtocolError) as exc:
            raise WorkerEnded(self._wait(), self._grown, self._took_s) from exc

    def _become_ready(self) -> None:
        self._channel.settimeout(START_S)
        greeting, _, _ = protocol.receive(self._channel)
        self._ready = True
        self._paid = _processor_seconds(self.pid)  # Loading its libraries costs the bill nothing.
        self._usual = _mapped_bytes(self.pid)
        if greeting.get("memory_limited") is not True:
            log.warning("files are opened without a memory limit", platform=sys.platform)
        _log_once(reports.loggable_gaps(greeting.get("gaps")))

    def _receive(self, pay: Pay) -> Answer:
        """Wait for an answer, and sample the worker's memory meanwhile: after a crash it is too late."""
        until = time.monotonic() + self._limits.wall_s + GRACE_S
        answered = select.poll()
        answered.register(self._channel, select.POLLIN)
        while True:
            ready = answered.poll(_LOOK_EVERY_S * 1000)
            before, self._paid = self._paid, max(_processor_seconds(self.pid), self._paid)
            self._took_s += self._paid - before
            pay(self._paid - before)
            if ready:
                break
            self._grown = max(self._grown, _mapped_bytes(self.pid) - self._usual)
            if time.monotonic() > until:
                raise TimeoutError
        answer, pictures, _ = protocol.receive(self._channel, until)
        return answer, pictures

    def _wait(self) -> int | None:
        """Return the status of a worker that closed its channel, which it does when it ends."""
        try:
            return int(self._popen.wait(timeout=5))
        except subprocess.TimeoutExpired:
            self.end()
            return None

    def end(self) -> None:
        """Kill the process."""
        self._channel.close()
        self._popen.kill()
        self._popen.wait()

    @property
    def pid(self) -> int:
        """Process id."""
        return int(self._popen.pid)


def _processor_seconds(pid: int) -> float:
    """Return the processor time that a process has taken (clock_getcpuclockid(3)); 0 if that cannot be read."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def _mapped_bytes(pid: int) -> int:
    """Return the address space of a process (man 5 proc, statm, first number, in pages); 0 if that cannot be read."""
    try:
        statm = Path(f"/proc/{pid}/statm").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(statm.split()[0]) * resource.getpagesize()
