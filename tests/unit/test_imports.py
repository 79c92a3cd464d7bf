"""Who imports what: pure code stays pure, and each function loads only what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
PURE = [
    "intake.errors",
    "intake.model",
    "intake.form",
    "intake.filetypes",
    "intake.settings",
    "intake.rate_limits",
    "intake.backlog_metrics",
    "intake.log",
    "intake.stages.record",
    "intake.stages.deliver",
    "intake.stages.sheet_rows",
    "intake.rows",
    "intake.stages.archive",
    "intake.pages.metadata",
    "intake.office.lists",
    "intake.office.tabs",
    "intake.office.list_sync",
    "intake.office.office_lists",
    "intake.stages.sweep",
    "intake.stages.ocr",
    "intake.stages.progress",
    "intake.services",
    "intake.pages",
    "intake.pages.content",
    "intake.pages.sandbox.client",
]
GOOGLE = ("google", "grpc", "gspread", "requests")
WEB = ("flask", "functions_framework", "cloudevents", "werkzeug")
PICTURES = ("pymupdf", "PIL", "pi_heif")


def loaded_by(code: str) -> set[str]:
    """Return the modules that some code loads in a new interpreter, beyond what site-packages load at its start."""
    script = (
        f"import sys, json; sys.path.insert(0, {str(FUNCTIONS)!r}); before = set(sys.modules)\n{code}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    # No environment: that of a local stack, which other tests set, would switch deliveries on.
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60, env={}
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def among(loaded: set[str], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if any(module == name or module.startswith(f"{name}.") for module in loaded)]


def test_pure_code_imports_nothing_outside() -> None:
    """Records, rules and stages load no client, no web framework and no picture library."""
    assert among(loaded_by("import " + ", ".join(PURE)), GOOGLE + WEB + PICTURES) == []


def test_submission_needs_no_framework() -> None:
    """The `submit` stage knows a stream and a parser, but neither Flask nor Google."""
    assert (
        among(loaded_by("import intake.stages.submit, intake.multipart"), GOOGLE + PICTURES + ("flask", "cloudevents"))
        == []
    )


CLIENTS = (
    "google.cloud.firestore",
    "google.cloud.storage",
    "google.pubsub_v1",
    "google.cloud.pubsub_v1",
    "google.cloud.vision_v1",
    "gspread",
    "rapidfuzz",
    *PICTURES,
)
BUDGETS = {
    # function: what it has made before its first real request, the clients that may be loaded then, modules at most
    "any, before a request": ("main.services", (), 370),
    "progress": ("main.services.store", ("google.cloud.firestore",), 880),
    "submit": (
        "import intake.stages.submit; main.services.store, main.services.bucket, main.services.tasks",
        ("google.cloud.firestore", "google.cloud.storage", "google.pubsub_v1"),
        1000,
    ),
    "ocr": (
        "main.services.ocr",
        ("google.cloud.firestore", "google.cloud.storage", "google.pubsub_v1", "google.cloud.vision_v1", "rapidfuzz"),
        1240,
    ),
    "record": ("main.services.record", ("google.cloud.firestore", "gspread"), 1000),
    "sweep": (
        "main.services.sweeper",
        ("google.cloud.firestore", "google.cloud.storage", "google.pubsub_v1", "gspread"),
        1120,
    ),
}
SURROUNDINGS = {
    "GOOGLE_CLOUD_PROJECT": "p",
    "BILLS_BUCKET": "b",
    **{f"{product}_EMULATOR_HOST": "127.0.0.1:1" for product in ("FIRESTORE", "PUBSUB", "VISION")},
    **{f"{product}_EMULATOR_HOST": "http://127.0.0.1:1" for product in ("STORAGE", "SHEETS")},
}


@pytest.mark.parametrize("function", BUDGETS)
def test_import_budget(function: str) -> None:
    """A function loads the clients that it uses and no others, and no more modules than a cold start can bear."""
    made, clients, modules = BUDGETS[function]
    loaded = loaded_by(f"import os; os.environ.update({SURROUNDINGS!r})\nimport main; {made}")
    assert among(loaded, CLIENTS) == [name for name in CLIENTS if name in clients]
    assert len(loaded) <= modules


@pytest.mark.parametrize("package", ["aiohttp", "numpy", "pandas", "onnxruntime"])
def test_packages_that_are_loaded_when_they_are_there(package: str) -> None:
    """What a client imports if it finds it (aiohttp in Vision's: 200 ms and 9 MB) is not installed for the functions."""
    assert f"\n{package}==" not in f"\n{(FUNCTIONS.parent / 'requirements.txt').read_text()}"


def test_only_cloud_imports_google() -> None:
    """Outside `intake/cloud` and the entry points no source file imports Google or gspread."""
    for path in (FUNCTIONS / "intake").rglob("*.py"):
        if "cloud" in path.parts:
            continue
        for line in path.read_text().splitlines():
            assert not line.strip().startswith(("import google", "from google", "import gspread", "from gspread")), path
