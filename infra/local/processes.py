"""Child processes that never outlive the stack, and the cleaning up after one that was killed.

Three nets, because each has a hole. The stack stops its children in order when it ends. When it is killed, the kernel kills
them (PR_SET_PDEATHSIG, man 2 prctl; set by setpriv of util-linux, which Linux has). Where there is no setpriv, the state
file names every child by pid and start time, and the next start ends exactly those.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_SAME_START_S = 0.5
_GONE_S = 5.0
_POLL_S = 0.05


class StackError(RuntimeError):
    """Something the user can mend; the message is one or two plain sentences."""


@dataclass(frozen=True)
class Identity:
    """Who a process is: pids are used again, pid and start time together are not.

    Attributes:
        pid: Process id.
        started: Start time in seconds since the epoch, as psutil gives it.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Return the identity of a running process; raises psutil.NoSuchProcess when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Return the process when it still runs and is the same one, else None."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_START_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def kill_tree(identity: Identity) -> bool:
    """Kill a process and all its descendants, and wait until they are gone.

    Args:
        identity: The process; when its pid belongs to another one by now, nothing is killed.

    Returns:
        Whether there was something to kill.
    """
    killed = _kill(identity)
    psutil.wait_procs(killed, timeout=_GONE_S)
    return bool(killed)


def _kill(identity: Identity) -> list[psutil.Process]:
    """Send SIGKILL to a process and all its descendants; return those it was sent to, the process itself first."""
    process = identity.process()
    if process is None:
        return []
    try:
        tree = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    for member in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    return tree


@dataclass
class Child:
    """One process of the stack, with its log.

    Attributes:
        name: Name in messages and of the log file, such as `ocr` or `firestore`.
        argv: Command line.
        log_path: File that takes stdout and stderr; appended to.
        env: Environment variables on top of this process's own.
        cwd: Working directory.
    """

    name: str
    argv: Sequence[str]
    log_path: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    identity: Identity | None = field(default=None, init=False)
    _popen: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches only the stack."""
        guard = shutil.which("setpriv")
        prefix = [guard, "--pdeathsig", "KILL", "--"] if guard else []
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            try:
                self._popen = subprocess.Popen(  # noqa: S603 - the commands are the stack's own
                    [*prefix, *self.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self.env},
                    cwd=self.cwd,
                    start_new_session=True,
                )
            except OSError as exc:
                raise StackError(f"{self.name} could not be started: {exc}.") from exc
        self.identity = Identity.of(self._popen.pid)

    @property
    def exit_code(self) -> int | None:
        """Exit code of the process, negative for a signal, or None while it runs or before it started."""
        return self._popen.poll() if self._popen else None

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def terminate(self) -> None:
        """Ask the process to end (SIGTERM)."""
        if self.running and self._popen:
            self._popen.terminate()

    def kill(self) -> None:
        """Kill the process and its descendants (SIGKILL) and wait until they are gone."""
        if self._popen and self.identity:
            killed = _kill(self.identity)
            # Before psutil waits: whoever waits first gets the exit status.
            self._popen.wait()
            psutil.wait_procs(killed[1:], timeout=_GONE_S)

    def signal_tree(self, number: signal.Signals) -> None:
        """Send a signal to the process and its descendants."""
        process = self.identity.process() if self.identity else None
        for member in [process, *process.children(recursive=True)] if process else []:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(number)

    def memory_mb(self) -> float:
        """Return the memory of the process and its descendants in MiB.

        PSS, which divides shared pages among their users: gunicorn's worker shares most of its pages with its master, and
        the sum of RSS would count those twice.
        """
        if not self.running or self.identity is None:
            return 0.0
        total = 0
        try:
            process = psutil.Process(self.identity.pid)
            for member in [process, *process.children(recursive=True)]:
                info = member.memory_full_info()
                total += getattr(info, "pss", info.uss)
        except psutil.NoSuchProcess:
            pass  # a worker that ended between listing and measuring holds no memory
        return total / (1024 * 1024)

    def last_lines(self, count: int = 15) -> str:
        """Return the end of the log, for messages."""
        try:
            lines = self.log_path.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-count:])

    def describe_exit(self) -> str:
        """Return how the process ended, with the end of its log."""
        code = self.exit_code
        how = f"killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"
        return f"{self.name} ended ({how}). The end of {self.log_path}:\n{self.last_lines()}"


class Spawner:
    """Start children from one thread that lives as long as the stack.

    PR_SET_PDEATHSIG fires when the *thread* that forked ends (man 2 prctl), so a child must not be started from a thread
    of a caller that may end earlier.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def start(self, child: Child) -> None:
        """Start `child` and return when it runs; raises StackError when the command cannot be run."""
        self._thread.submit(child.start).result()

    def close(self) -> None:
        """End the thread, and with it every child that still runs."""
        self._thread.shutdown()


def stop_all(children: Iterable[Child], grace_s: float = 3.0) -> None:
    """Ask all to end at once, give them `grace_s` seconds together, then kill what is left."""
    children = list(children)
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace_s
    while any(child.running for child in children) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    for child in children:
        child.kill()
