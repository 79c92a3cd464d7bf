"""Child processes of the local stack: exact identity, no survivors, ports, and the state that one stack leaves for the next."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from infra.local import state
from infra.local.ports import free_ports, port_answers, port_holder, port_is_free
from infra.local.processes import Child, Identity, Spawner, StackError, kill_tree, stop_all
from infra.local.state import StateDir

ROOT = Path(__file__).resolve().parents[2]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(300)"]
PARENT = [
    *(sys.executable, "-c"),
    "import subprocess, sys, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)",
]


def wait_for(what: str, look: Callable[[], object], deadline_s: float = 20.0) -> None:
    """Return when `look` is true; fail after the deadline."""
    until = time.monotonic() + deadline_s
    while not look():
        assert time.monotonic() < until, f"waited {deadline_s} s for {what}"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start children; those still running are killed afterwards."""
    children: list[Child] = []

    def make(name: str, argv: list[str], **options: object) -> Child:
        child = Child(name, argv, tmp_path / f"{name}.log", **options)  # type: ignore[arg-type]
        children.append(child)
        child.start()
        return child

    yield make
    for child in children:
        child.kill()


def identity_of(child: Child) -> Identity:
    assert child.identity is not None
    return child.identity


def test_a_stranger_with_the_same_pid_is_not_killed(start: Callable[..., Child]) -> None:
    """The pid alone is not enough: with another start time it is another process, and it lives on."""
    child = start("sleeper", SLEEPER)
    real = identity_of(child)
    assert kill_tree(Identity(real.pid, real.started - 60)) is False
    assert child.running
    assert kill_tree(real) is True
    assert not child.running


def test_descendants_are_killed_too(start: Callable[..., Child]) -> None:
    """Killing a child takes its own children with it."""
    child = start("parent", PARENT)
    wait_for("the grandchild", child.last_lines)
    grandchild = Identity.of(int(child.last_lines()))
    child.kill()
    wait_for("the grandchild to end", lambda: grandchild.process() is None)


def test_a_child_reports_how_it_ended(start: Callable[..., Child]) -> None:
    """The message has the exit status and the end of the log."""
    child = start("broken", [sys.executable, "-c", "print('no such flag'); raise SystemExit(3)"])
    wait_for("the end", lambda: not child.running)
    assert "broken ended (exit status 3)" in child.describe_exit()
    assert child.describe_exit().endswith("no such flag")


def test_a_killed_child_is_named_with_the_signal(start: Callable[..., Child]) -> None:
    """A signal is given by its name."""
    child = start("sleeper", SLEEPER)
    child.kill()
    assert "killed by SIGKILL" in child.describe_exit()
    assert child.memory_mb() == 0.0


def test_memory_is_that_of_all_processes(start: Callable[..., Child]) -> None:
    """A child that holds 40 MiB in a process of its own is seen to hold them."""
    hold = "import time; block = bytearray(40 << 20); print(len(block), flush=True); time.sleep(300)"
    run = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    child = start("holder", [sys.executable, "-c", run])
    wait_for("the block", child.last_lines)
    assert child.memory_mb() > 40


def test_environment_and_folder_reach_the_child(start: Callable[..., Child], tmp_path: Path) -> None:
    """What the stack sets is there, on top of this process's own environment."""
    program = "import os; print(os.environ['COLOUR'], os.environ['PATH'] != '', os.getcwd())"
    child = start("env", [sys.executable, "-c", program], env={"COLOUR": "green"}, cwd=tmp_path)
    wait_for("its line", child.last_lines)
    assert child.last_lines() == f"green True {tmp_path}"


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    """The message names the child, not only a file."""
    missing = Child("storage", [str(tmp_path / "nothing")], tmp_path / "storage.log")
    # setpriv, which stands before the command where there is one, finds that out itself.
    try:
        missing.start()
    except StackError as exc:
        assert "storage could not be started" in str(exc)  # noqa: PT017 - only one of two ways raises
    else:
        wait_for("its end", lambda: not missing.running)
        assert str(tmp_path / "nothing") in missing.describe_exit()


def test_who_does_not_listen_to_sigterm_is_killed(start: Callable[..., Child]) -> None:
    """All are asked, and who ignores that is killed when the common time is over."""
    deaf = start(
        "deaf",
        [
            *(sys.executable, "-c"),
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(300)",
        ],
    )
    polite = start("polite", SLEEPER)
    wait_for("the deaf one", deaf.last_lines)
    stop_all([deaf, polite], grace_s=0.3)
    assert deaf.exit_code == -signal.SIGKILL
    assert polite.exit_code == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part of it is Linux's")
def test_a_killed_stack_takes_its_children_with_it(tmp_path: Path) -> None:
    """After kill -9 of the process that started it, a child ends although nobody could stop it."""
    up = f"print('up', flush=True); {SLEEPER[-1]}"
    program = (
        "import sys, time; from pathlib import Path; from infra.local.processes import Child, Spawner;"
        f"child = Child('sleeper', [sys.executable, '-c', {up!r}], Path(sys.argv[1]));"
        "spawner = Spawner(); spawner.start(child);"
        "print(child.identity.pid, child.identity.started, flush=True); time.sleep(300)"
    )
    log = tmp_path / "sleeper.log"
    command = [sys.executable, "-c", program, str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as stack:
        assert stack.stdout is not None
        pid, started = stack.stdout.readline().split()
        child = Identity(int(pid), float(started))
        try:
            # setpriv stands before the command, so a command that runs is one that the kernel looks after.
            wait_for("the child to run", log.read_text)
            assert child.process() is not None
        finally:
            stack.kill()
    wait_for("the child to end", lambda: child.process() is None)


def test_a_spawner_thread_outlives_the_callers(tmp_path: Path) -> None:
    """A child started for a thread that ends is not killed with that thread."""
    import threading

    spawner = Spawner()
    child = Child("sleeper", SLEEPER, tmp_path / "sleeper.log")
    caller = threading.Thread(target=spawner.start, args=(child,))
    caller.start()
    caller.join()
    # The kernel kills at the end of the thread that forked: by now it would have.
    assert psutil.Process(identity_of(child).pid).is_running()
    assert child.running
    child.kill()
    spawner.close()


# --- ports ----------------------------------------------------------------------------------------


def test_free_ports_are_free_and_different() -> None:
    """None is asked for twice and none is listened on."""
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(port_is_free(port) for port in ports)


def test_the_usual_port_is_taken_while_it_is_free() -> None:
    """A preferred port comes first, unless somebody listens there."""
    (usual,) = free_ports(1)
    assert free_ports(2, [usual])[0] == usual
    with socket.create_server(("127.0.0.1", usual)):
        assert usual not in free_ports(2, [usual])


def test_who_holds_a_port_is_named() -> None:
    """The message of a port in use can name the process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not port_is_free(port)
        assert port_answers(port)
        assert f"(pid {os.getpid()})" in port_holder(port)
    assert not port_answers(port)


# --- state ----------------------------------------------------------------------------------------


def test_a_folder_has_one_stack(tmp_path: Path) -> None:
    """The second is told where the first is and how to end it; after its end the folder is free."""
    first, second = StateDir(tmp_path), StateDir(tmp_path)
    first.acquire()
    first.write("http://localhost:8080", {}, [])
    with pytest.raises(StackError, match=rf"already runs at http://localhost:8080 \(pid {os.getpid()}\)"):
        second.acquire()
    first.release()
    assert second.acquire() == 0
    second.release()


def test_a_stack_that_is_still_starting_is_said_to_be(tmp_path: Path) -> None:
    """Before stack.json is there, the lock alone tells."""
    first = StateDir(tmp_path)
    first.acquire()
    with pytest.raises(StackError, match="Another stack is starting"):
        StateDir(tmp_path).acquire()
    first.release()


def test_what_a_killed_stack_left_is_ended(tmp_path: Path, start: Callable[..., Child]) -> None:
    """Its processes by pid and start time, its logs, its state; a process that took over a pid stays."""
    leftover, stranger = start("leftover", SLEEPER), start("stranger", SLEEPER)
    folder = StateDir(tmp_path / "state")
    folder.acquire()
    folder.logs.mkdir()
    (folder.logs / "ocr.log").write_text("old\n", "utf-8")
    folder.write("http://localhost:8080", {}, [leftover, stranger])
    folder.release()
    stack_json = folder.path / state.STATE_FILE
    document = json.loads(stack_json.read_text("utf-8"))
    document["children"][1]["started"] -= 60
    stack_json.write_text(json.dumps(document), "utf-8")

    following = StateDir(folder.path)
    assert following.acquire() == 1
    assert not leftover.running
    assert stranger.running
    assert list(folder.logs.iterdir()) == []
    assert state.read(stack_json) is None
    following.release()


def test_the_state_tells_clients_where_the_stack_is(tmp_path: Path, start: Callable[..., Child]) -> None:
    """What is written is read back, and whether its owner runs."""
    child = start("ocr", SLEEPER)
    folder = StateDir(tmp_path)
    folder.acquire()
    folder.write("http://localhost:8080", {"SHEET_ID": "s"}, [child])
    found = state.read(tmp_path / state.STATE_FILE)
    assert found is not None
    assert (found.url, found.env, found.running) == ("http://localhost:8080", {"SHEET_ID": "s"}, True)
    assert found.children == {"ocr": identity_of(child)}
    folder.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "started": 2, "url": "u", "env": 3}'])
def test_a_damaged_state_file_is_as_none(tmp_path: Path, text: str) -> None:
    """Whatever stands in it, a start is not hindered by it."""
    path = tmp_path / state.STATE_FILE
    path.write_text(text, "utf-8")
    assert state.read(path) is None


def test_the_port_of_the_links_is_remembered(tmp_path: Path) -> None:
    """Storage and Drive get last time's port; a damaged file is as none."""
    folder = StateDir(tmp_path)
    assert folder.usual_port("storage") is None
    folder.remember_port("storage", 23456)
    folder.remember_port("drive", 23457)
    assert StateDir(tmp_path).usual_port("storage") == 23456
    assert StateDir(tmp_path).usual_port("drive") == 23457
    (tmp_path / "ports.json").write_text("nonsense", "utf-8")
    assert folder.usual_port("storage") is None
