"""The plan itself: what it says, whether gcloud takes every line of it, and who may do what."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.gcp import destroy, preflight, printing, settings, status_cloud
from infra.gcp.redrive import redrive
from infra.gcp.staging import firebase_json
from infra.gcp.steps import Command, Lookup, Step, gcloud
from tests.deploy.conftest import ROOT, full_deployment, full_plan

LINT = Path(__file__).parent / "lint_gcloud.py"


def plan_text() -> str:
    looks = list(preflight.looks(full_deployment(), settings.read()))
    return printing.script(looks, full_plan(), "GreenWatt Intake in project my-project, us-east4.")


def test_the_plan_names_every_command_with_its_reason() -> None:
    """Nothing is run that was not printed: each command of each step stands there, after a sentence that says why."""
    text = plan_text()
    for part in full_plan():
        assert f"# === {part.title}" in text
        for item in part.items:
            assert len(item.why) > 10
            if isinstance(item, Step):
                commands = [*item.create, *(item.update or ()), *([item.refused[1]] if item.refused else [])]
                assert [command.shell() for command in commands if command.shell() not in text] == []


def test_printing_the_plan_runs_nothing(tmp_path: Path) -> None:
    """--plan works on a machine that has no gcloud, no npx and nobody logged in."""
    tools = tmp_path / "bin"
    tools.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "infra.gcp", "gcp", "--project=my-project", "--plan"],
        env={"PATH": str(tools), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gcloud functions deploy ocr --gen2 --project=my-project" in done.stdout


def commands() -> list[Command]:
    """Return every gcloud command there is: of the plan, with its looks and changes, of destroy, of redrive."""
    found: list[Command] = []
    for part in full_plan():
        for item in part.items:
            if isinstance(item, Lookup):
                found.append(item.command)
            elif isinstance(item, Step):
                found += [*item.create, *(item.update or ()), *([item.look] if item.look else [])]
                found += [item.refused[1]] if item.refused else []
    for removal in destroy.removals(full_deployment(), settings.read(), with_data=True):
        listed = [] if isinstance(removal, Lookup) or not removal.listed else [removal.listed]
        found += [removal.command] if isinstance(removal, Lookup) else [*listed, *removal.remove]
    found += [look.command for look in preflight.looks(full_deployment(), settings.read())]
    found += redrive_commands()
    found.append(status_cloud.list_functions(full_deployment()))
    found += [
        gcloud("auth", "list", "--filter=status:ACTIVE", "--format=value(account)"),
        gcloud("auth", "print-access-token"),
    ]
    return [command for command in found if command.argv[0] == "gcloud"]


def redrive_commands() -> list[Command]:
    """Return what redrive runs for one letter."""
    ran: list[Command] = []

    def run(command: Command) -> str:
        ran.append(command)
        pulled = "pull" in command.argv and sum("pull" in earlier.argv for earlier in ran) == 1
        return json.dumps([{"ackId": "a-1", "message": {"data": "eyJpbnRha2VfaWQiOiAiYSJ9"}}]) if pulled else ""

    redrive(full_deployment(), lambda _line: None, run)
    return ran


# Names that only Google knows, as it would give them.
FOUND = {
    "PROJECT_NUMBER": "123456789012",
    "OCR_TRIGGER": "projects/my-project/locations/us-east4/triggers/ocr-1",
    "SHEET_TRIGGER": "projects/my-project/locations/us-east4/triggers/record-1",
    "OCR_SUBSCRIPTION": "projects/my-project/subscriptions/eventarc-1",
    "SHEET_SUBSCRIPTION": "projects/my-project/subscriptions/eventarc-2",
    "SWEEP_URL": "https://sweep-abc-uk.a.run.app",
    "ALERT_CHANNEL": "projects/my-project/notificationChannels/1",
    "FOUND": "projects/my-project/dashboards/1",
    "HELD": "projects/my-project/notificationChannels/1,projects/my-project/notificationChannels/2",
    "SITE": "my-project",
    "SITE_URL": "https://my-project.web.app",
    "APP_ID": "1:1:web:1",
}
NOBODY_TOLD = {**FOUND, "ALERT_CHANNEL": "", "HELD": ""}


def lint(lines: list[str], folder: Path) -> dict[str, str]:
    """Return what gcloud's own parser says of command lines: "" for one that it takes, else why not."""
    file = folder / "commands.json"
    file.write_text(json.dumps([{"command_string": line, "id": str(index + 1)} for index, line in enumerate(lines)]))
    program = shutil.which("gcloud")
    assert program, "gcloud is needed, as for the local stack"
    sdk = Path(program).resolve().parents[1]
    if not (sdk / "lib" / "googlecloudsdk").is_dir():
        sdk = Path(
            subprocess.check_output([program, "info", "--format=value(installation.sdk_root)"], text=True).strip()
        )
    bundled = sdk / "platform" / "bundledpythonunix" / "bin" / "python3"
    python = str(bundled) if bundled.exists() else "python3"
    environment = {**os.environ, "CLOUDSDK_CONFIG": str(folder / "config"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    done = subprocess.run(
        [python, LINT, sdk, file], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) == len(lines)
    return {line: "" if a["success"] else str(a["error_message"]) for line, a in zip(lines, answers, strict=True)}


def line_of(command: Command, values: dict[str, str] = FOUND) -> str:
    return Command(tuple(command.resolved(values))).shell()


def test_gcloud_takes_every_command_and_no_mutated_one(tmp_path: Path) -> None:
    """Each line passes gcloud's parser offline; with one letter of one flag changed it does not, so the check can fail."""
    lines = list(dict.fromkeys(line_of(command, v) for command in commands() for v in (FOUND, NOBODY_TOLD)))
    by_shape = {re.sub(r"=\S*|'[^']*'", "", line.partition(" --")[0]): line for line in lines if " --" in line}
    mutated = [re.sub(r" --([a-z]+)", r" --\1x", line, count=1) for line in by_shape.values()]
    said = lint([*lines, *mutated], tmp_path)
    assert {line: why for line, why in said.items() if line in lines and why} == {}
    assert [line for line in mutated if not said[line]] == []
    assert len(lines) > 150


def test_no_role_is_wider_than_it_has_to_be() -> None:
    """On the project: Firestore, Eventarc's own account, logging, the condition of the build; nobody is owner or admin."""
    grants = []
    for command in commands():
        if "add-iam-policy-binding" in command.argv:
            flags = dict(a[2:].partition("=")[::2] for a in command.argv if a.startswith("--"))
            grants.append((command.argv[1], flags["role"], flags["member"], flags.get("condition", "")))
    on_project = {(role, condition != "None") for group, role, _, condition in grants if group == "projects"}
    assert on_project == {
        ("roles/datastore.user", False),
        ("roles/datastore.viewer", False),
        ("roles/eventarc.serviceAgent", False),
        ("roles/logging.logWriter", False),
        ("roles/storage.objectViewer", True),
    }
    assert not [role for _, role, _, _ in grants if re.search(r"admin|owner|editor$", role, re.IGNORECASE)]
    everyone = [(group, role) for group, role, member, _ in grants if member == "allUsers"]
    assert everyone == [("run", "roles/run.invoker")] * 2


def test_the_functions_get_what_functions_toml_says() -> None:
    """Memory, time, concurrency and instances of the local stack and of the deployment are the same numbers."""
    specs = settings.read().functions
    deploys = [command for command in commands() if command.argv[1:3] == ("functions", "deploy")]
    assert [command.argv[3] for command in deploys] == list(specs)
    for command in deploys:
        flags = dict(a[2:].partition("=")[::2] for a in command.argv if a.startswith("--"))
        spec = specs[command.argv[3]]
        assert (flags["memory"], flags["timeout"]) == (f"{spec.memory_mb}Mi", f"{spec.timeout_s}s")
        assert (int(flags["concurrency"]), int(flags["max-instances"])) == (spec.concurrency, spec.max_instances)
        # Below one CPU an instance gets one request at a time (https://cloud.google.com/run/docs/configuring/services/cpu).
        assert spec.concurrency == 1 or float(flags["cpu"]) >= 1
        assert ("retry" in flags) == (spec.trigger != "http")


@pytest.mark.parametrize("function", ["submit", "progress"])
def test_hosting_sends_on_to_public_functions(function: str) -> None:
    """What Hosting's rewrites lead to has to be callable by anybody, in the region of the deployment."""
    rewrites = firebase_json(full_deployment())["hosting"]["rewrites"]  # type: ignore[index]
    rule = next(rule for rule in rewrites if rule["run"]["serviceId"] == function)
    assert rule["run"]["region"] == "us-east4"
    assert settings.read().functions[function].public
