"""What a running stack leaves on disk: the lock that only one holds, and stack.json, which says who and where it is.

stack.json: {"pid", "started", "url", "env": {...}, "children": [{"name", "pid", "started"}]}. A next start reads it to end
what a killed stack left behind; `deploy.sh submit` reads it to find the Sheet of the stack it talks to.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from infra.local.processes import Child, Identity, StackError, kill_tree

STATE_FILE = "stack.json"
_LOCK_FILE = "stack.lock"
_PORTS_FILE = "ports.json"


@dataclass(frozen=True)
class StackState:
    """One reading of stack.json.

    Attributes:
        owner: The process that runs the stack.
        url: Address of the site.
        env: Environment that leads clients to this stack's emulators.
        children: Identity of every child by name.
    """

    owner: Identity
    url: str
    env: dict[str, str]
    children: dict[str, Identity]

    @property
    def running(self) -> bool:
        """Whether the stack's own process still runs."""
        return self.owner.process() is not None


def read(path: Path) -> StackState | None:
    """Return what stack.json says, or None when there is none or it does not hold together."""
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return StackState(
            owner=Identity(document["pid"], document["started"]),
            url=document["url"],
            env=dict(document["env"]),
            children={child["name"]: Identity(child["pid"], child["started"]) for child in document["children"]},
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def of_running_stack(environ: Mapping[str, str] = os.environ) -> tuple[StackState, Path]:
    """Return the stack that GREENWATT_STACK_FILE names, else that of this checkout, and the folder of its logs.

    Raises:
        StackError: None runs.
    """
    path = Path(environ.get("GREENWATT_STACK_FILE") or Path(__file__).parents[2] / ".local" / STATE_FILE)
    stack = read(path)
    if stack is None or not stack.running:
        raise StackError(f"No local stack runs ({path} names none). Start one: ./deploy.sh local")
    return stack, path.parent / "logs"


class StateDir:
    """The folder of one stack: bytes of Storage, the sheet, logs, lock and state.

    Args:
        path: The folder; made when missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file a process."""
        return self.path / "logs"

    def acquire(self) -> int:
        """Become the only stack of this folder and end what a killed one left behind.

        Returns:
            How many processes were left behind and ended.

        Raises:
            StackError: Another stack runs here.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / _LOCK_FILE).open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackError(self._already_running()) from None
        self._lock = lock
        state = read(self.path / STATE_FILE)
        ended = sum(kill_tree(identity) for identity in state.children.values()) if state else 0
        self.forget()
        for log in self.logs.glob("*.log"):
            log.unlink()
        return ended

    def _already_running(self) -> str:
        state = read(self.path / STATE_FILE)
        if state is None:
            return f"Another stack is starting in {self.path}. Wait a moment, or end that one."
        pid = state.owner.pid
        return f"The local stack already runs at {state.url} (pid {pid}). Use that one, or end it with: kill {pid}"

    def write(self, url: str, env: Mapping[str, str], children: Iterable[Child]) -> None:
        """Write stack.json in one step, so that no reader sees half of it."""
        owner = Identity.of(os.getpid())
        listed = [
            {"name": child.name, "pid": child.identity.pid, "started": child.identity.started}
            for child in children
            if child.identity
        ]
        document = {
            "pid": owner.pid,
            "started": owner.started,
            "url": url,
            "env": dict(env),
            "children": listed,
        }
        partial = self.path / f"{STATE_FILE}.new"
        partial.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        partial.replace(self.path / STATE_FILE)

    def forget(self) -> None:
        """Remove stack.json: nothing runs here."""
        (self.path / STATE_FILE).unlink(missing_ok=True)

    def release(self) -> None:
        """Let another stack use the folder."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def usual_port(self, name: str) -> int | None:
        """Return the port that `name` had here last time: links in the sheet hold some of them."""
        port = self._usual_ports().get(name)
        return port if isinstance(port, int) else None

    def remember_port(self, name: str, port: int) -> None:
        """Keep `port` as the one that `name` should have next time."""
        (self.path / _PORTS_FILE).write_text(json.dumps({**self._usual_ports(), name: port}) + "\n", "utf-8")

    def _usual_ports(self) -> dict[str, Any]:
        try:
            ports = json.loads((self.path / _PORTS_FILE).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return ports if isinstance(ports, dict) else {}
