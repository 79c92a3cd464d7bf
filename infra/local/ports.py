"""Which ports of 127.0.0.1 are free, which answer, and who holds one."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

import psutil

from infra.local.processes import StackError

# Below the kernel's own range for outgoing connections (32768-60999): a port from there could be taken by one of our
# clients between choosing it and binding it.
_PORTS = range(20000, 32768)
_CONNECT_TIMEOUT_S = 1.0


def free_ports(count: int, preferred: Sequence[int] = ()) -> list[int]:
    """Return ports of 127.0.0.1 that nothing listens on, all different.

    Args:
        count: How many.
        preferred: Ports to take when they are free, in this order.
    """
    found: list[int] = []
    candidates = [*preferred, *random.SystemRandom().sample(_PORTS, min(len(_PORTS), count * 50))]
    for port in candidates:
        if len(found) < count and port not in found and port_is_free(port):
            found.append(port)
    if len(found) < count:
        raise StackError(
            f"No free ports between {_PORTS.start} and {_PORTS.stop - 1}; end some of the programs that listen."
        )
    return found


def port_is_free(port: int) -> bool:
    """Return whether 127.0.0.1:`port` can be bound now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def port_holder(port: int) -> str:
    """Return who listens on `port`, as `name (pid N)`, or "another program" when the system does not tell."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listening = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listening and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass  # other users' processes are not shown to everybody
    return "another program"


def port_answers(port: int) -> bool:
    """Return whether something accepts connections on 127.0.0.1:`port`."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
