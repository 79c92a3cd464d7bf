"""One worker process as `ocr` sees it: started, asked, and how it ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from intake import errors, log
from intake.errors import BadFile
from intake.pages import confinement, wire
from intake.pages.confinement import WorkerLimits

GRACE_S = 3.0
"""How much longer than the worker's own limit its answer is waited for: that limit also holds when we are gone."""
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
# What a worker needs to find its modules. It is given nothing else of what its parent has.
_ENVIRONMENT = ("PATH", "LANG", "LC_", "LD_", "PYTHON")
# glibc sets 64 MB of address space aside for each arena and keeps freed buffers of up to 32 MB; see infra/functions.toml.
_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "1048576"}


Answer = tuple[dict[str, Any], bytes]


class WorkerEnded(Exception):
    """The worker is no more.

    Args:
        status: Exit status, negative for a signal; None where it did not answer in time, or not in frames, and was killed.
    """

    def __init__(self, status: int | None) -> None:
        self.status = status
        super().__init__()

    def bad_file(self, number: int, limits: WorkerLimits) -> BadFile | None:
        """Return what this says of the file that was being handled; None where it says nothing."""
        if self.status == confinement.MEMORY_EXIT:
            return errors.FileTooLargeInMemory(number, megabytes=limits.memory_bytes // 1_000_000)
        if self.status == -signal.SIGPROF:
            return errors.FileTooSlow(number, seconds=f"{limits.cpu_s:g}")
        if self.status is not None and -self.status in _CRASHES:
            return errors.FileStopsProgram(number)
        return None


class WorkerProcess:
    """One worker process; `ask` waits until it is ready.

    Args:
        limits: What a file may take.
    """

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        arguments = (os.getpid(), limits.memory_bytes, limits.cpu_s, limits.wall_s)
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        functions = Path(__file__).parents[2]
        with theirs:
            # Not forked: gRPC's threads do not survive that. What it prints may quote a file, so nobody gets to see it.
            self._popen = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "intake.pages.worker", *map(str, arguments)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=functions,
                env={name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)} | _MALLOC,
            )
        self._ready = False

    def ask(self, request: Mapping[str, Any], file: IO[bytes] | None = None) -> Answer:
        """Send a request and return the answer.

        Raises:
            WorkerEnded: There is none, and there will not be another.
        """
        try:
            if not self._ready:
                self._become_ready()
            self._channel.settimeout(self._limits.wall_s + GRACE_S)
            wire.send(self._channel, request, fd=None if file is None else file.fileno())
            answer, picture, _ = wire.receive(self._channel)
        except TimeoutError:
            self.end()
            raise WorkerEnded(None) from None
        except (EOFError, OSError, wire.Garbled) as exc:
            raise WorkerEnded(self._wait()) from exc
        return answer, picture

    def _become_ready(self) -> None:
        self._channel.settimeout(START_S)
        greeting, _, _ = wire.receive(self._channel)
        self._ready = True
        if reason := greeting.get("unlimited"):
            log.warning("files are opened without a memory limit", reason=reason)

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
