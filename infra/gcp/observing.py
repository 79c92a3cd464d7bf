"""Monitoring: the log-based metrics, alert policies and dashboard of infra/monitoring, and who is told.

Policies and the dashboard come back with names and defaults added, so each carries a label with the digest of its file, and
that is what is compared; a change made by hand in the console is kept until the file changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.gcp.deployment import BUILD, ROOT, Deployment
from infra.gcp.steps import Item, Lookup, Step, Verdict, gcloud

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


def stage(etag: str = "", target: Path = BUILD / "monitoring") -> None:
    """Write policies and dashboard with their labels where gcloud reads them; metrics are read where they are.

    Args:
        etag: Of the dashboard that is there; Google refuses a change that does not name it
            (https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards/patch).
        target: The folder.
    """
    dashboard = MONITORING / "dashboard.json"
    for path in [*files("alerts"), dashboard]:
        document = labelled(path) | ({"etag": etag} if etag and path == dashboard else {})
        staged = target / path.relative_to(MONITORING)
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def metrics(deployment: Deployment) -> Iterator[Step]:
    """Yield the log-based metrics; the policies read them some minutes later at the earliest, so they come long before."""
    for path in files("metrics"):
        document = json.loads(path.read_text("utf-8"))
        where = (document["name"], deployment.project_flag, f"--config-from-file={path.relative_to(ROOT)}")
        yield Step(
            f"metric {document['name']}",
            document["description"],
            (gcloud("logging", "metrics", "create", *where),),
            (gcloud("logging", "metrics", "update", *where),),
        )


def _entry(found: Any, name: str) -> dict[str, Any]:
    return next((entry for entry in found or [] if entry.get("displayName") == name), {})


def channel(deployment: Deployment) -> tuple[Item, ...]:
    """Return the notification channel where an address is given, and how the policies find the one that is there."""
    channels, flag = ("beta", "monitoring", "channels"), deployment.project_flag
    address = f"email_address={deployment.alert_email}"

    def compare(found: Any, _values: Mapping[str, str]) -> Verdict:
        held = _entry(found, CHANNEL_NAME)
        if not held:
            return Verdict.MISSING
        same = held.get("labels", {}).get("email_address") == deployment.alert_email
        return Verdict.SAME if same else Verdict.DIFFERS

    ours = f'--filter=displayName="{CHANNEL_NAME}"'
    find = gcloud(*channels, "list", flag, ours, "--limit=1", "--format=value(name)")
    lookup = Lookup("ALERT_CHANNEL", "Who is told; a run that is given no address keeps it.", find, default="")
    if not deployment.alert_email:
        return (lookup,)
    create = gcloud(
        *channels, "create", flag, f"--display-name={CHANNEL_NAME}", "--type=email", f"--channel-labels={address}"
    )
    return (
        Step(
            f"notifications to {deployment.alert_email}",
            "Somebody has to be told.",
            (create,),
            (gcloud(*channels, "update", "${FOUND}", flag, f"--update-channel-labels={address}"),),
            gcloud(*channels, "list", flag, "--format=json"),
            compare,
            lambda found, _values: {"FOUND": _entry(found, CHANNEL_NAME)["name"]},
        ),
        lookup,
    )


def policies(deployment: Deployment) -> Iterator[Step]:
    """Yield the alert policies.

    An update from a file replaces the whole policy, its channels too, unless they are named again (gcloud,
    surface/monitoring/policies/update.py); so those that it has are kept, and ours is added.
    """
    group, flag = ("alpha", "monitoring", "policies"), deployment.project_flag
    for path in files("alerts"):
        name, file = _name(path), f"--policy-from-file={STAGED}/alerts/{path.name}"

        def compare(found: Any, values: Mapping[str, str], path: Path = path) -> Verdict:
            verdict, told = _compare(found, path, "userLabels"), _told(_entry(found, _name(path)), values)
            held = _entry(found, _name(path)).get("notificationChannels", [])
            return Verdict.DIFFERS if verdict is Verdict.SAME and told != held else verdict

        def names(found: Any, values: Mapping[str, str], name: str = name) -> dict[str, str]:
            held = _entry(found, name)
            return {"FOUND": held["name"], "HELD": ",".join(_told(held, values))}

        yield Step(
            f"alert {name.removeprefix('Intake: ')}",
            f"infra/monitoring/alerts/{path.name} says what to do when it comes.",
            (gcloud(*group, "create", flag, file, "--notification-channels=${ALERT_CHANNEL}"),),
            (gcloud(*group, "update", "${FOUND}", flag, file, "--set-notification-channels=${HELD}"),),
            gcloud(*group, "list", flag, "--format=json"),
            compare,
            names,
        )


def _name(path: Path) -> str:
    return str(json.loads(path.read_text("utf-8"))["displayName"])


def _compare(found: Any, path: Path, labels: str) -> Verdict:
    held = _entry(found, _name(path))
    if not held:
        return Verdict.MISSING
    return Verdict.SAME if held.get(labels, {}).get(DIGEST_LABEL) == _digest(path) else Verdict.DIFFERS


def _told(policy: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the channels that a policy has, and ours where there is one."""
    held, ours = list(policy.get("notificationChannels", [])), values["ALERT_CHANNEL"]
    return [*held, ours] if ours and ours not in held else held


def dashboard(deployment: Deployment) -> Step:
    """Return the dashboard."""
    path = MONITORING / "dashboard.json"
    name = _name(path)
    group, flag = ("monitoring", "dashboards"), deployment.project_flag
    config = f"--config-from-file={STAGED}/dashboard.json"
    return Step(
        f"dashboard {name}",
        "Requests, errors, durations, memory, backlog and pages on one page.",
        (gcloud(*group, "create", flag, config),),
        (gcloud(*group, "update", "${FOUND}", flag, config),),
        gcloud(*group, "list", flag, "--format=json"),
        lambda found, _values: _compare(found, path, "labels"),
        lambda found, _values: {"FOUND": _entry(found, name)["name"]},
    )


def dashboard_etag(deployment: Deployment) -> Lookup:
    """Return how the etag of the dashboard that is there is found."""
    name = _name(MONITORING / "dashboard.json")
    find = ("list", deployment.project_flag, f'--filter=displayName="{name}"', "--limit=1", "--format=value(etag)")
    why = "A change of the dashboard has to name it."
    return Lookup("DASHBOARD_ETAG", why, gcloud("monitoring", "dashboards", *find), default="")
