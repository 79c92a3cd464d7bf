"""The commands of deploy.sh as a person runs them, and every command that the README shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support import documents
from tests.support.submitter import wait_for

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = str(ROOT / "deploy.sh")
RUN_DEADLINE_S = 240


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run deploy.sh to its end."""
    return subprocess.run(
        [DEPLOY, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=RUN_DEADLINE_S,
        check=False,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Local:
    """A running `./deploy.sh local`."""

    process: subprocess.Popen[str]
    state_dir: Path
    port: int
    output: Path

    @classmethod
    def start(cls, state_dir: Path, port: int) -> Local:
        state_dir.mkdir(parents=True, exist_ok=True)
        output = state_dir / "output"
        with output.open("w", encoding="utf-8") as file:
            command = [DEPLOY, "local", "--port", str(port), "--state-dir", str(state_dir)]
            process = subprocess.Popen(command, stdout=file, stderr=file, text=True, start_new_session=True)
        local = cls(process, state_dir, port, output)
        wait_for("the local stack to be up", local.is_up)
        return local

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.said()
        return "Ctrl-C stops all of it." in self.said()

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def submit(self, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        stack_file = str(self.state_dir / "stack.json")
        return run("submit", "--url", self.url, *arguments, cwd=cwd, GREENWATT_STACK_FILE=stack_file)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def started_with(name: str, value: str) -> list[psutil.Process]:
    """Return the processes that have inherited an environment variable: all that one command has started, no others."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(name) == value:
                found.append(process)
    return found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """One `./deploy.sh local` for all tests that leave it running."""
    running = Local.start(tmp_path_factory.mktemp("local") / "state", free_port())
    yield running
    children = running.children()
    assert running.end(signal.SIGINT) == 0
    assert running.said().rstrip().endswith("Stopped.")
    wait_for("every process of the stack to end", lambda: all_gone(children), 10)


def test_demo_shows_a_row_and_stops_everything(local: Local) -> None:
    """A specimen bill goes through the whole product, also while a stack is running, and nothing is left."""
    mark = uuid.uuid4().hex
    done = run("demo", GREENWATT_TEST_RUN=mark)
    assert done.returncode == 0, done.stderr
    shown = dict(line.split(":", 1) for line in done.stdout.splitlines() if re.match(r"[A-Z][\w ()]*: ", line))
    assert re.fullmatch(r"[0-9a-f]{32}", shown["Intake ID"].strip())
    assert shown["Pages"].strip() == "1"
    assert "recorded" in done.stderr + done.stdout
    assert started_with("GREENWATT_TEST_RUN", mark) == []


def test_a_second_start_says_that_one_runs(local: Local) -> None:
    """The message names the address and the process; the first one goes on."""
    second = run("local", "--state-dir", str(local.state_dir), "--port", str(free_port()))
    assert second.returncode == 1
    assert f"The local stack already runs at {local.url} (pid " in second.stderr


def test_a_port_in_use_is_named(local: Local, tmp_path: Path) -> None:
    """Another stack on the same port says so and how to choose another."""
    other = run("local", "--state-dir", str(tmp_path / "other"), "--port", str(local.port))
    assert other.returncode == 1
    assert f"Port {local.port} is in use by" in other.stderr
    assert "--port" in other.stderr


def test_submit_prints_one_object(local: Local, tmp_path: Path) -> None:
    """--json gives the intake, its pages and its row, read back from the Sheet."""
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(documents.text_pdf(3))
    done = local.submit("--json", "--field", "account_name=MAPLE FARM", str(bill))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert list(answer) == ["intake_id", "status", "pages", "fields", "attention", "row"]
    assert (answer["status"], answer["pages"]) == ("recorded", 3)
    assert answer["row"]["Intake ID"] == answer["intake_id"]
    assert answer["row"]["Account Name"] == "MAPLE FARM"


def test_status_of_the_local_stack(local: Local, tmp_path: Path) -> None:
    """The table has each function's calls, times and memory, the dead letters, and the intakes by state."""
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(documents.text_pdf(1))
    assert local.submit(str(bill)).returncode == 0
    done = run("status", "--local", "--json", GREENWATT_STACK_FILE=str(local.state_dir / "stack.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    status = json.loads(done.stdout)
    functions = {function["name"]: function for function in status["functions"]}
    for name in ("submit", "progress", "ocr", "record"):
        found = functions[name]
        assert (found["instances"], found["errors"]) == (1, 0)
        assert 0 < found["p50_ms"] <= found["p99_ms"]
        assert 20 < found["peak_mb"] < found["limit_mb"]
    assert status["dead_letters"] == {"ocr-requests": 0, "sheet-requests": 0}
    assert status["intakes"]["recorded"] >= 1
    nothing = run("status", "--local", GREENWATT_STACK_FILE=str(tmp_path / "none.json"))
    assert nothing.returncode == 1
    assert "./deploy.sh local" in nothing.stdout


def test_submit_says_why_an_intake_failed(local: Local, tmp_path: Path) -> None:
    """Exit status 1, the sentence for a person, and the code in the object."""
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(documents.encrypted_pdf())
    done = local.submit("--json", str(bill))
    assert done.returncode == 1
    assert "File 1 is a PDF that needs a password." in done.stderr + done.stdout
    assert json.loads(done.stdout)["error"]["code"] == "encrypted_pdf"


def test_bad_usage_is_two(local: Local) -> None:
    """What is wrong with the call is said before anything is sent."""
    done = local.submit("--field", "shoe_size=9", "README.md")
    assert done.returncode == 2
    assert "there is no field 'shoe_size'" in done.stderr


def test_submit_to_nothing_says_how_to_start_it(tmp_path: Path) -> None:
    """No deployment answers: a plain message, not a traceback."""
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(documents.text_pdf(1))
    done = run("submit", "--url", f"http://localhost:{free_port()}", str(bill))
    assert done.returncode == 1
    assert "./deploy.sh local" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_stack_leaves_nothing_that_hinders_the_next(tmp_path: Path) -> None:
    """After kill -9 all children end, and the next start in the same folder works; SIGTERM ends it as Ctrl-C does."""
    port = free_port()
    first = Local.start(tmp_path / "state", port)
    children = first.children()
    first.end(signal.SIGKILL)
    wait_for("the children of a killed stack to end", lambda: all_gone(children), 20)
    again = Local.start(tmp_path / "state", port)
    assert again.end(signal.SIGTERM) == 0


def readme_commands() -> list[str]:
    """Return every command line of the README's shell blocks, without comments."""
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_every_command_of_the_readme_runs(local: Local, tmp_path: Path) -> None:
    """`demo` and `local` are run above, `tests/run` is what runs this; all others are run here as they stand."""
    for name, page in (("page1.jpg", 1), ("page3.jpg", 3)):
        (tmp_path / name).write_bytes(documents.jpeg(documents.page_picture(page)))
    (tmp_path / "bill.pdf").write_bytes(documents.text_pdf(1))
    others = [line for line in readme_commands() if not re.match(r"\./deploy\.sh (demo|local)$|tests/run", line)]
    assert others
    for line in others:
        program, command, *arguments = shlex.split(line)
        if (program, command, arguments[-1]) == ("./deploy.sh", "gcp", "--plan"):
            assert run(command, *arguments).stdout.startswith("# GreenWatt Intake in project my-project")
            continue
        assert (program, command) == ("./deploy.sh", "submit"), f"no test runs this command of the README: {line}"
        done = local.submit(*arguments, cwd=tmp_path)
        assert done.returncode == 0, (line, done.stderr)
