"""The files that are handed to Google, checked against what Google has published of their form."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from google.cloud import monitoring_dashboard_v1, monitoring_v3
from google.cloud.logging_v2.types import LogMetric
from google.protobuf import json_format

from infra import spec
from infra.gcp import hosting, observing, staging
from infra.gcp.deployment import Deployment
from tests.deploy.conftest import ROOT, full_deployment
from tests.deploy.monitoring_rules import faults_of_policy, faults_of_query, queries_of_dashboard

ALERTS = observing.files("alerts")
METRICS = observing.files("metrics")


def parsed(kind: Any, document: dict[str, Any]) -> Any:
    """Parse a document as the client library does; an unknown field or a wrong type is an error."""
    return kind.wrap(json_format.ParseDict(document, kind.pb()()))


@pytest.mark.parametrize("path", ALERTS, ids=lambda path: path.stem)
def test_alert_policies(path: Path) -> None:
    """Each is an AlertPolicy, says what to do, and follows Monitoring's rules for metrics, aligners and durations."""
    document = json.loads(path.read_text())
    policy = parsed(monitoring_v3.AlertPolicy, document)
    assert policy.display_name.startswith("Intake: ")
    assert len(policy.documentation.content) > 80
    assert 1 <= len(policy.conditions) <= 6  # https://cloud.google.com/monitoring/quotas#alerting_uptime_limits
    assert faults_of_policy(document) == []


@pytest.mark.parametrize("path", METRICS, ids=lambda path: path.stem)
def test_log_based_metrics(path: Path) -> None:
    """Each is a LogMetric, and reads a field or a message that the functions write."""
    metric = parsed(LogMetric, json.loads(path.read_text()))
    assert metric.name == path.stem
    sources = "\n".join(file.read_text() for file in (ROOT / "functions").rglob("*.py"))
    for field in re.findall(r"jsonPayload\.(\w+)", metric.filter + metric.value_extractor):
        assert re.search(rf"\b{field}\b\"?[=:]|\"{field}\"", sources), field
    for message in re.findall(r'jsonPayload\.message="([^"]+)"', metric.filter):
        assert f'"{message}"' in sources
    for code in re.findall(r'jsonPayload\.code=~"\^([^"]+)"', metric.filter):
        assert f'code = "{code}"' in sources


def test_dashboard() -> None:
    """It is a Dashboard, and every chart aligns and reduces what its metric has."""
    document = json.loads(observing.DASHBOARD.read_text())
    parsed(monitoring_dashboard_v1.Dashboard, document)
    queries = list(queries_of_dashboard(document))
    assert len(queries) > 10
    assert [fault for query in queries for fault in faults_of_query(*query, single=True)] == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "fault"),
    [
        ("oldest_unfinished", "ALIGN_PERCENTILE_99", "ALIGN_COUNT", "ALIGN_COUNT is not for DELTA DISTRIBUTION"),
        ("sheet_backlog", "ALIGN_PERCENTILE_99", "ALIGN_MAX", "ALIGN_MAX is not for DELTA DISTRIBUTION"),
        ("sheet_backlog", "ALIGN_PERCENTILE_99", "ALIGN_SUM", "a threshold needs numbers"),
        ("memory", "ALIGN_PERCENTILE_99", "ALIGN_RATE", "ALIGN_RATE is not for DELTA DISTRIBUTION"),
        ("vision_quota", "ALIGN_SUM", "ALIGN_PERCENTILE_99", "ALIGN_PERCENTILE_99 is not for DELTA INT64"),
        ("dead_letters", "ALIGN_MAX", "ALIGN_RATE", "ALIGN_RATE is not for GAUGE INT64"),
        ("oldest_unfinished", '"crossSeriesReducer": "REDUCE_MAX"', '"groupByFields": []', "reduce them to one"),
        ("oldest_unfinished", '"900s"', '"90s"', "a duration of 90 s"),
        ("server_errors", '"alignmentPeriod": "300s"', '"alignmentPeriod": "30s"', "an alignment period of 30 s"),
        ("page_budget", "intake_page_budget", "intake_budget", "one metric that is known"),
    ],
)
def test_what_monitoring_would_refuse_is_found(file: str, right: str, wrong: str, fault: str) -> None:
    """The rules above find each of these, so they can fail."""
    text = (observing.MONITORING / "alerts" / f"{file}.json").read_text()
    assert right in text
    assert fault in " ".join(faults_of_policy(json.loads(text.replace(right, wrong))))


def test_memory_alerts_are_four_fifths_of_the_limits() -> None:
    """The thresholds on the process follow functions.toml: 80 % of each function's memory."""
    policy = json.loads((observing.MONITORING / "alerts" / "memory.json").read_text())
    thresholds: dict[str, float] = {}
    for condition in policy["conditions"]:
        threshold = condition["conditionThreshold"]
        if "intake_rss_mb" in threshold["filter"]:
            labels = threshold["filter"].partition("metric.labels.function=")[2]
            thresholds.update(dict.fromkeys(re.findall(r'"(\w+)"', labels), threshold["thresholdValue"]))
    specs = spec.read().functions.values()
    assert thresholds == {each.name: pytest.approx(0.8 * each.memory_mb) for each in specs}


@pytest.fixture(scope="session")
def firebase_tools() -> Path:
    """The pinned Firebase CLI's package, unpacked and not installed: 1.3 MB instead of some hundred."""
    folder = ROOT / ".venv" / "firebase-tools" / hosting.FIREBASE_TOOLS
    if not (folder / "package").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        pack = ["npm", "pack", hosting.FIREBASE_TOOLS, "--silent", f"--pack-destination={folder}"]
        subprocess.run(pack, check=True, timeout=300, capture_output=True)
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
    return folder / "package"


def test_firebase_json(firebase_tools: Path) -> None:
    """The file in the project and the staged one follow the schema that the Firebase CLI brings; a slip does not."""
    schema = json.loads((firebase_tools / "schema" / "firebase-config.json").read_text())
    document = json.loads((ROOT / "infra" / "firebase.json").read_text())
    for candidate in (document, staging.firebase_json(full_deployment())):
        jsonschema.validate(candidate, schema)
    document["hosting"]["rewrites"][0]["run"]["servicesId"] = "submit"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_the_policy_opens_to_app_check_only_where_it_is_on() -> None:
    """With a key the page may load reCAPTCHA, and nothing may be unsafe; without one it asks nobody but Firestore."""

    def policy(deployment: Deployment) -> str:
        text = json.dumps(staging.firebase_json(deployment))
        return text.partition("default-src")[2].partition("frame-ancestors")[0]

    closed, opened = policy(replace(full_deployment(), app_check_key="")), policy(full_deployment())
    assert re.findall(r"https://[^ ;]+", closed) == ["https://firestore.googleapis.com"]
    assert "script-src 'self' https://www.google.com/recaptcha/" in opened
    assert "connect-src 'self' https://content-firebaseappcheck.googleapis.com" in opened
    assert "unsafe" not in opened


def test_the_firebase_cli_has_the_commands(firebase_tools: Path) -> None:
    """Each command that the plan and destroy run is one of the pinned version, with the options that are used."""
    sources = {path.stem: path.read_text() for path in (firebase_tools / "lib" / "commands").glob("*.js")}
    everywhere = (firebase_tools / "lib" / "index.js").read_text() + sources["deploy"] + sources["hosting-disable"]
    for name in (
        "projects:addfirebase",
        "projects:list",
        "apps:create",
        "apps:list",
        "apps:sdkconfig",
        "hosting:disable",
    ):
        assert f'Command("{name}' in sources[name.replace(":", "-")]
    for option in ("--project", "--json", "--non-interactive", "--config", "--only", "--force"):
        assert f"{option} " in everywhere or f'{option}"' in everywhere


def test_the_staged_source_starts_with_nothing_but_its_requirements(tmp_path: Path) -> None:
    """Each entry point is loaded by functions-framework from the staged folder, in an environment of its own."""
    source = tmp_path / "source"
    staging.stage_source(source)
    assert not list(source.rglob("__pycache__"))
    assert {path.name for path in source.iterdir()} == {"main.py", "intake", "requirements.txt"}
    venv = only_the_requirements(source / "requirements.txt")
    names = list(spec.read().functions)
    ports = [free_port() for _ in names]
    environment = {"PATH": os.environ["PATH"], "GOOGLE_CLOUD_PROJECT": "my-project", "BILLS_BUCKET": "my-project-bills"}
    started = []
    try:
        for name, port in zip(names, ports, strict=True):
            event = "cloudevent" if spec.read().functions[name].trigger != "http" else "http"
            # Not by its script, which names the folder that the environment was made in.
            flags = [f"--target={name}", f"--port={port}", f"--signature-type={event}"]
            command: list[str | Path] = [venv / "bin" / "python", "-m", "functions_framework", *flags]
            started.append(subprocess.Popen(command, cwd=source, env=environment, stderr=subprocess.PIPE, text=True))
        for name, port, process in zip(names, ports, started, strict=True):
            assert answer(port, process) in EXPECTED[name]
    finally:
        for process in started:
            process.terminate()
            process.communicate(timeout=60)


def only_the_requirements(requirements: Path) -> Path:
    """Return an environment with what a file pins and nothing else; made once for each version of the file."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    venv = ROOT / ".venv" / f"deployed-{digest}"
    with venv.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
        if not (venv / "complete").exists():
            shutil.rmtree(venv, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, timeout=120)
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
            subprocess.run([venv / "bin" / "python", *install], check=True, timeout=580, capture_output=True)
            (venv / "complete").touch()
    return venv


# What a bare GET is answered: the HTTP functions refuse the method or the path, the event functions the missing event.
EXPECTED = {"submit": {405}, "progress": {404}, "sweep": {405}, "ocr": {400, 405}, "record": {400, 405}}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answer(port: int, process: subprocess.Popen[str], deadline_s: float = 120) -> int:
    """Return the status of a bare GET once the function answers."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=30).status_code
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answered within {deadline_s:.0f} s")
