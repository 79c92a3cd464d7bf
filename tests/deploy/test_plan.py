"""The plan itself: what it says, whether gcloud takes every line of it, and who may do what."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from infra import spec
from infra.gcp import observing, preflight, status_cloud, steps
from infra.gcp.plan import plan, removals
from infra.gcp.redrive import redrive
from infra.gcp.staging import firebase_json, source_digest
from infra.gcp.steps import Command, Step, gcloud
from tests.deploy.conftest import ALL, ROOT, full_deployment, full_plan

LINT = Path(__file__).parent / "lint_gcloud.py"


def test_printing_the_plan_runs_nothing(tmp_path: Path) -> None:
    """--plan works where there is no gcloud, no npx and nobody logged in, and names every command with its reason."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "infra.gcp", "gcp", "--project=my-project", "--plan", *ALL],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for part in plan(replace(full_deployment(), drive_folder="", export_csv=""), spec.read(), source_digest()):
        assert f"# === {part.title}" in done.stdout
        for item in part.items:
            assert len(item.why) > 10
            assert [command.shell() for _, command in steps.commands(item) if command.shell() not in done.stdout] == []


def commands() -> list[Command]:
    """Return every gcloud command there is: of the plan, with its looks and changes, of destroy, of redrive."""
    found = [command for part in full_plan() for item in part.items for _, command in steps.commands(item)]
    for removal in removals(full_deployment(), spec.read(), with_data=True):
        if isinstance(removal, Step):
            found += [*([removal.listed] if removal.listed else []), *removal.remove]
    found += [check.command for check in preflight.checks(full_deployment(), spec.read())]
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

    redrive(full_deployment(), run)
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
    observing.stage_dashboard("")  # gcloud's parser reads the file
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
    """The local stack and the deployment use the same numbers, and Hosting can call what it sends requests to."""
    specs = spec.read().functions
    deploys = [command for command in commands() if command.argv[1:3] == ("functions", "deploy")]
    assert [command.argv[3] for command in deploys] == list(specs)
    for command in deploys:
        flags = dict(a[2:].partition("=")[::2] for a in command.argv if a.startswith("--"))
        wanted = specs[command.argv[3]]
        assert (flags["memory"], flags["timeout"]) == (f"{wanted.memory_mb}Mi", f"{wanted.timeout_s}s")
        assert (int(flags["concurrency"]), int(flags["max-instances"])) == (wanted.concurrency, wanted.max_instances)
        # Below one CPU an instance gets one request at a time (https://cloud.google.com/run/docs/configuring/services/cpu).
        assert wanted.concurrency == 1 or float(flags["cpu"]) >= 1
        assert ("retry" in flags) == (wanted.trigger != "http")
    rewrites = firebase_json(full_deployment())["hosting"]["rewrites"]  # type: ignore[index]
    assert {rule["run"]["serviceId"]: rule["run"]["region"] for rule in rewrites} == {
        name: "us-east4" for name, each in specs.items() if each.public
    }
