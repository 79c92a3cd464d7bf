"""Cold start: process start to the first answer of each function, what it imports, and what is installed."""

from __future__ import annotations

import base64
import json
import os
import re
import resource
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from statistics import median
from typing import Any

import requests

from infra.local.layout import PROJECT
from infra.local.ports import free_ports
from infra.spec import load
from tests.bench.environment import bench_stack, deployed_python, nothing_delivered
from tests.bench.report import ROOT, machine, table
from tests.support import documents
from tests.support.submitter import ANSWERS, Submitter, wait_for

RUNS = 7
_PATIENCE_S = 60.0
COLD = Path(__file__).with_name("cold")


@dataclass(frozen=True)
class Start:
    """One start of a function: milliseconds of the clock, and of the processor until then (all its processes)."""

    wall_ms: float
    cpu_ms: float


class Cold:
    """A function that has just been started, under functions-framework and gunicorn as deployed."""

    def __init__(self, target: str, source: Path, env: Mapping[str, str], threads: int) -> None:
        (self.port,) = free_ports(1)
        self._began, self._cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        self._process = subprocess.Popen(
            [
                *(deployed_python().with_name("functions-framework"), "--source", source, "--target", target),
                *("--host", "127.0.0.1", "--port", str(self.port)),
            ],
            env={**os.environ, **env, "FUNCTION_TARGET": target, "THREADS": str(threads), "WORKERS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def first(self, label: str, request: Callable[[str], requests.Response], expected: int) -> Start:
        """Send a request as soon as something listens, and end the process once it is answered."""
        url = f"http://127.0.0.1:{self.port}"
        try:
            while True:
                try:
                    answer = request(url)
                    break
                except requests.ConnectionError:
                    if self._process.poll() is not None or time.perf_counter() - self._began > _PATIENCE_S:
                        raise
                    time.sleep(0.002)
            wall = time.perf_counter() - self._began
        finally:
            self._process.terminate()
            self._process.wait()
        if answer.status_code != expected:
            raise AssertionError(f"{label}: expected {expected}, got {answer.status_code}: {answer.text[:200]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - self._cpu.ru_utime - self._cpu.ru_stime
        return Start(wall * 1000, cpu * 1000)


def _push(topic: str, body: Mapping[str, Any]) -> Callable[[str], requests.Response]:
    data = base64.b64encode(json.dumps(body).encode()).decode()
    message = {"data": data, "messageId": uuid.uuid4().hex, "publishTime": "2026-11-23T12:00:00Z"}
    event = {"subscription": "bench", "message": message}
    return lambda url: requests.post(f"{url}/projects/{PROJECT}/topics/{topic}", json=event, timeout=60)


def _post_bill(bill: bytes) -> Callable[[str], requests.Response]:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    files = [("bill", ("bill.pdf", bill))]
    return lambda url: requests.post(f"{url}/submit", data=ANSWERS, files=files, headers=headers, timeout=60)


class Cases:
    """The requests that a cold function is asked first; preparing one leaves an intake where the function finds work."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter
        self._warm = {name: submitter.stack.function_url(name) for name in ("ocr", "record")}
        self.text = documents.text_pdf(1)
        self.photo = documents.jpeg(documents.page_picture(1))

    def all(self) -> dict[str, tuple[str, Callable[[], Callable[[str], requests.Response]], int]]:
        """Return label → function, what makes its request, and the status it answers."""
        refused = lambda: lambda url: requests.get(url, timeout=60)  # noqa: E731
        wake = lambda: lambda url: requests.post(f"{url}/?wake=1", timeout=60)  # noqa: E731
        nonsense = lambda: _push("ocr-requests", {"nothing": 1})  # noqa: E731
        return {
            "hello: 200": ("hello", refused, 200),
            "submit: 405": ("submit", refused, 405),
            "submit: form opened (wake), 204": ("submit", wake, 204),
            "submit: bill accepted, 202": ("submit", lambda: _post_bill(self.text), 202),
            "progress: 404": ("progress", lambda: lambda url: requests.get(f"{url}/progress/x", timeout=60), 404),
            "progress: known intake, 200": ("progress", self._known, 200),
            "ocr: message refused": ("ocr", nonsense, 200),
            "ocr: digital page read": ("ocr", lambda: self._waiting(self.text), 200),
            "ocr: photo read": ("ocr", lambda: self._waiting(self.photo), 200),
            "record: message refused": ("record", nonsense, 200),
            "record: row written": ("record", self._read, 200),
            "sweep: 405": ("sweep", refused, 405),
            "sweep: swept, 200": ("sweep", lambda: lambda url: requests.post(url, timeout=60), 200),
        }

    def _known(self) -> Callable[[str], requests.Response]:
        intake_id = self._submitter.submit(self.text)
        return lambda url: requests.get(f"{url}/progress/{intake_id}", timeout=60)

    def _waiting(self, bill: bytes) -> Callable[[str], requests.Response]:
        return _push("ocr-requests", {"intake_id": self._submitter.submit(bill), "chunk": 0})

    def _read(self) -> Callable[[str], requests.Response]:
        intake_id = self._submitter.submit(self.text)
        _push("ocr-requests", {"intake_id": intake_id, "chunk": 0})(self._warm["ocr"]).raise_for_status()
        wait_for("the words", lambda: self._submitter.progress(intake_id)["stage"] == "recording")
        return _push("sheet-requests", {"intake_id": intake_id})


def _measure() -> dict[str, list[Start]]:
    specs, _ = load()
    # Each cold `record` takes the turn to write the Sheet, and is gone before it can give it back.
    quick = {"SHEET_WRITE_INTERVAL_SECONDS": "0", "LEASE_SECONDS": "2"}
    with bench_stack(env=quick) as submitter, nothing_delivered(submitter.stack):
        cases = Cases(submitter)
        env = {**submitter.stack.env, **quick}
        found: dict[str, list[Start]] = {}
        for _ in range(RUNS):  # in turn, so that what else the machine does meets all alike
            for label, (target, make, expected) in cases.all().items():
                own = target in specs
                source = ROOT / "functions" / "main.py" if own else COLD / f"{target}.py"
                settings = {**env, **specs[target].environment} if own else env
                request = make()
                cold = Cold(target, source, settings, specs[target].threads if own else 8)
                found.setdefault(label, []).append(cold.first(label, request, expected))
    return found


# --- imports ------------------------------------------------------------------------------------------------------------

FUNCTIONS = ROOT / "functions"
_FRAMEWORK = "import functions_framework._cli, gunicorn.app.base"
_OURS = f"{_FRAMEWORK}, main"
USED = {
    "hello": _FRAMEWORK,
    "any of ours, before a request": _OURS,
    "progress": f"{_OURS}; main.services.store",
    "submit": f"{_OURS}; main.services.store; main.services.bucket; main.services.tasks",
    "ocr": f"{_OURS}; main.services.ocr",
    "record": f"{_OURS}; main.services.record",
}
_IMPORT_ENV = {
    "GOOGLE_CLOUD_PROJECT": "p",
    "BILLS_BUCKET": "b",
    **{f"{name}_EMULATOR_HOST": "127.0.0.1:9" for name in ("FIRESTORE", "PUBSUB", "VISION")},
    **{f"{name}_EMULATOR_HOST": "http://127.0.0.1:9" for name in ("STORAGE", "SHEETS")},
}


def _imports(code: str) -> tuple[int, Counter[str]]:
    """Return the number of modules that some code imports, and milliseconds by package (least of 5 runs a module)."""
    least: dict[str, int] = {}
    for _ in range(5):
        done = subprocess.run(
            [deployed_python(), "-X", "importtime", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=FUNCTIONS,
            env={**os.environ, **_IMPORT_ENV, "PYTHONPATH": str(FUNCTIONS)},
        )
        for spent, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr):
            least[name] = min(least.get(name, 10**9), int(spent))
    packages: Counter[str] = Counter()
    for name, spent in least.items():
        parts = name.split(".")
        packages[".".join(parts[: 3 if parts[:2] == ["google", "cloud"] else 2 if parts[0] == "google" else 1])] += (
            spent
        )
    return len(least), packages


def _import_table() -> str:
    found = {label: _imports(code) for label, code in USED.items()}
    rows = [
        [
            label,
            modules,
            packages.total() / 1000,
            ", ".join(f"{name} {ms / 1000:.0f}" for name, ms in packages.most_common(7)),
        ]
        for label, (modules, packages) in found.items()
    ]
    return table(["importing what it takes to serve", "modules", "ms", "most of it (ms)"], rows)


def _installed() -> str:
    (site,) = deployed_python().parents[1].glob("lib/python3*/site-packages")
    sizes: Counter[str] = Counter()
    for package in distributions(path=[str(site)]):
        paths = [Path(str(file.locate())) for file in package.files or [] if not str(file).endswith(".pyc")]
        sizes[package.metadata["Name"]] = sum(path.stat().st_size for path in paths if path.is_file())
    for tool in ("pip", "setuptools"):  # they come with every environment
        del sizes[tool]
    largest = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sizes.most_common(8))
    return (
        f"Installed for all functions (`requirements.txt`, without .pyc): {sizes.total() / 1e6:.0f} MB in {len(sizes)}"
        f" packages; {largest}.\n"
    )


def section() -> str:
    """Measure, and return the text for docs/benchmarks.md."""
    found = _measure()
    wall = {label: median(start.wall_ms for start in starts) for label, starts in found.items()}
    hello = wall["hello: 200"]
    rows = []
    for label, starts in found.items():
        least, cpu = min(start.wall_ms for start in starts), median(start.cpu_ms for start in starts)
        rows.append([label, wall[label], least, cpu, f"{wall[label] / hello:.2f}"])
    packages = (
        "functions-framework",
        *(f"google-cloud-{name}" for name in ("firestore", "storage", "pubsub", "vision")),
    )
    return "\n".join(
        [
            f"{machine(*packages)}. Median of {RUNS} starts, taken in turn; `hello` is the least a function can be.\n",
            table(["first request of a new process", "ms", "least", "CPU ms", "× hello"], rows),
            _import_table(),
            _installed(),
        ]
    )
