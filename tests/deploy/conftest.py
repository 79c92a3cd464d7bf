"""A machine whose `gcloud`, `npx` and `curl` are the stand-ins of fake_cloud, and one plan for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import spec
from infra.gcp.deployment import Deployment
from infra.gcp.plan import plan
from infra.gcp.steps import Part

ROOT = Path(__file__).resolve().parents[2]
FAKE = Path(__file__).parent / "fake_cloud.py"
DIGEST = "0" * 40
# Waits between attempts take no time.
RUN = "import sys; from infra.gcp.__main__ import main; sys.exit(main(sys.argv[1:], sleep=lambda seconds: None))"
SHEET = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ"
ALL = (f"--sheet={SHEET}", "--alert-email=ops@example.com", "--app-check-key=6LcAbCdEfGhIjKlMnOpQr")


def full_deployment() -> Deployment:
    """Return a deployment with every option, so that the plan has every command."""
    return Deployment(
        "my-project", "us-east4", SHEET, "0AbCdEfGhIjKlMn", "ops@example.com", "6LcAbCdEfGhIjKlMnOpQr", "1"
    )


def full_plan() -> tuple[Part, ...]:
    return plan(full_deployment(), spec.read(), DIGEST)


@dataclass
class Machine:
    """Runs `deploy.sh`'s Python with the stand-ins on the PATH."""

    state_file: Path
    path: str

    def run(self, *arguments: str, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        own = {"PATH": self.path, "FAKE_CLOUD": str(self.state_file), "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, "-P", "-c", RUN, *arguments],
            cwd=ROOT,
            env={**os.environ, **own, **environment},
            input=said,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def deploy(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("gcp", "--project=my-project", "--yes", *arguments, **environment)

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self.state_file.read_text()) if self.state_file.exists() else {"log": []}

    def change(self, state: dict[str, Any]) -> None:
        self.state_file.write_text(json.dumps(state))


def new_machine(folder: Path) -> Machine:
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    python = Path(sys.executable).resolve()
    for program in ("gcloud", "npx", "curl"):
        wrapper = bin_dir / program
        # -I -S: the stand-in needs nothing but the standard library.
        wrapper.write_text(f'#!/bin/sh\nexec {python} -I -S {FAKE} {program} "$@"\n')
        wrapper.chmod(0o755)
    return Machine(folder / "cloud.json", f"{bin_dir}:{os.environ['PATH']}")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine and a project in which nothing was ever done."""
    return new_machine(tmp_path)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], str]:
    """What the first run said, and the project after it."""
    machine = new_machine(tmp_path_factory.mktemp("first"))
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    return done, machine.state_file.read_text()


@pytest.fixture
def deployed(machine: Machine, first_run: tuple[subprocess.CompletedProcess[str], str]) -> Machine:
    """A machine and a project after the first run."""
    machine.state_file.write_text(first_run[1])
    return machine
