"""Monitoring: the log-based metrics, alert policies and dashboard of infra/monitoring, and who is told.

Metrics are compared with what Google holds. Policies and the dashboard come back with names and defaults added, so each
carries a label with the digest of its file, and that is what is compared; a change made by hand in the console is kept until
the file changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.gcp.deployment import BUILD, ROOT, Deployment
from infra.gcp.steps import Item, Judge, Lookup, Step, Verdict, gcloud

MONITORING = ROOT / "infra" / "monitoring"
STAGED = ".build/monitoring"
DIGEST_LABEL = "intake-file"
CHANNEL_NAME = "GreenWatt Intake"


def files(folder: str) -> list[Path]:
    """Return the JSON files of a folder of infra/monitoring, by name."""
    return sorted((MONITORING / folder).glob("*.json"))


def labelled(path: Path) -> dict[str, Any]:
    """Return a policy or the dashboard with the label that says which file it is."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    key = "userLabels" if "conditions" in document else "labels"
    return {**document, key: {DIGEST_LABEL: _digest(path)}}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:40]


def stage(target: Path = BUILD / "monitoring") -> None:
    """Write policies and dashboard with their labels where gcloud reads them; metrics are read where they are."""
    for path in [*files("alerts"), MONITORING / "dashboard.json"]:
        staged = target / path.relative_to(MONITORING)
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps(labelled(path), indent=2) + "\n", "utf-8")


def metrics(deployment: Deployment) -> Iterator[Step]:
    """Yield the log-based metrics; the policies read them, so they come first."""
    for path in files("metrics"):
        document = json.loads(path.read_text("utf-8"))
        where = (document["name"], deployment.project_flag)
        config = f"--config-from-file={path.relative_to(ROOT)}"
        yield Step(
            f"metric {document['name']}",
            document["description"],
            (gcloud("logging", "metrics", "create", *where, config),),
            gcloud("logging", "metrics", "describe", *where, "--format=json"),
            _holds(document),
            (gcloud("logging", "metrics", "update", *where, config),),
        )


def _holds(wanted: Any) -> Judge:
    """Judge by whether everything in the file is so in what Google holds, which has more."""

    def judge(found: Any) -> Verdict:
        if not found:
            return Verdict.MISSING
        return Verdict.AS_WANTED if _within(wanted, found) else Verdict.DIFFERS

    return judge


def _within(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(key in found and _within(value, found[key]) for key, value in wanted.items() if value != "STRING")
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_within, wanted, found))
    return bool(wanted == found)


def _entry(found: Any, name: str) -> dict[str, Any]:
    return next((entry for entry in found or [] if entry.get("displayName") == name), {})


def channel(deployment: Deployment) -> tuple[Item, ...]:
    """Return the notification channel, and how the policies find it; nothing without an address."""
    if not deployment.alert_email:
        return ()
    channels = ("beta", "monitoring", "channels")
    address = f"email_address={deployment.alert_email}"

    def judge(found: Any) -> Verdict:
        held = [entry.get("labels", {}).get("email_address") for entry in found or []]
        return Verdict.AS_WANTED if deployment.alert_email in held else Verdict.MISSING

    filtered = f'--filter=type="email" AND labels.email_address="{deployment.alert_email}"'
    return (
        Step(
            f"notifications to {deployment.alert_email}",
            "Somebody has to be told.",
            (
                gcloud(
                    *channels,
                    "create",
                    deployment.project_flag,
                    f"--display-name={CHANNEL_NAME}",
                    "--type=email",
                    f"--channel-labels={address}",
                ),
            ),
            gcloud(*channels, "list", deployment.project_flag, "--format=json"),
            judge,
        ),
        Lookup(
            "ALERT_CHANNEL",
            "The name that Google gave the channel.",
            gcloud(*channels, "list", deployment.project_flag, filtered, "--limit=1", "--format=value(name)"),
        ),
    )


def policies(deployment: Deployment) -> Iterator[Step]:
    """Yield the alert policies."""
    group = ("alpha", "monitoring", "policies")
    told = deployment.alert_email != ""
    for path in files("alerts"):
        name = json.loads(path.read_text("utf-8"))["displayName"]
        digest = _digest(path)
        file = f"--policy-from-file={STAGED}/alerts/{path.name}"

        def judge(found: Any, name: str = name, digest: str = digest) -> Verdict:
            held = _entry(found, name)
            if not held:
                return Verdict.MISSING
            as_wanted = held.get("userLabels", {}).get(DIGEST_LABEL) == digest
            return (
                Verdict.AS_WANTED if as_wanted and (held.get("notificationChannels") or not told) else Verdict.DIFFERS
            )

        def found_name(found: Any, name: str = name) -> str:
            return str(_entry(found, name)["name"])

        create, update = ("--notification-channels=", "--set-notification-channels=")
        yield Step(
            f"alert {name.removeprefix('Intake: ')}",
            f"infra/monitoring/alerts/{path.name} says what to do when it comes.",
            (
                gcloud(
                    *group, "create", deployment.project_flag, file, *([f"{create}${{ALERT_CHANNEL}}"] if told else [])
                ),
            ),
            gcloud(*group, "list", deployment.project_flag, "--format=json"),
            judge,
            (
                gcloud(
                    *group,
                    "update",
                    "${FOUND}",
                    deployment.project_flag,
                    file,
                    *([f"{update}${{ALERT_CHANNEL}}"] if told else []),
                ),
            ),
            found_name,
        )


def dashboard(deployment: Deployment) -> Step:
    """Return the dashboard."""
    path = MONITORING / "dashboard.json"
    name, digest = json.loads(path.read_text("utf-8"))["displayName"], _digest(path)
    group = ("monitoring", "dashboards")
    config = f"--config-from-file={STAGED}/dashboard.json"

    def judge(found: Any) -> Verdict:
        held = _entry(found, name)
        if not held:
            return Verdict.MISSING
        return Verdict.AS_WANTED if held.get("labels", {}).get(DIGEST_LABEL) == digest else Verdict.DIFFERS

    return Step(
        f"dashboard {name}",
        "Requests, errors, durations, memory, backlog and pages on one page.",
        (gcloud(*group, "create", deployment.project_flag, config),),
        gcloud(*group, "list", deployment.project_flag, "--format=json"),
        judge,
        (gcloud(*group, "update", "${FOUND}", deployment.project_flag, config),),
        lambda found: str(_entry(found, name)["name"]),
    )
