"""Monitoring: the log-based metrics, alert policies, and dashboard of infra/monitoring, and who gets the alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.gcp.deployment import BUILD, ROOT, Deployment
from infra.gcp.steps import Command, Item, Local, Lookup, Step, gcloud, resource

MONITORING = ROOT / "infra" / "monitoring"
DASHBOARD = MONITORING / "dashboard.json"
STAGED = ".build/dashboard.json"
CHANNEL_NAME = "GreenWatt Intake"
_POLICIES, _DASHBOARDS, _CHANNELS = "alpha monitoring policies", "monitoring dashboards", "beta monitoring channels"


def files(folder: str) -> list[Path]:
    """Return the JSON files of a folder of infra/monitoring, by name."""
    return sorted((MONITORING / folder).glob("*.json"))


def metrics(deployment: Deployment) -> Iterator[Step]:
    """Yield the log-based metrics, early because alert policies can use them only some minutes later."""
    for path in files("metrics"):
        document = json.loads(path.read_text("utf-8"))
        file = (f"--config-from-file={path.relative_to(ROOT)}",)
        where = (document["name"], deployment.project_flag)
        yield resource(f"metric {path.stem}", document["description"], "logging metrics", where, file, file)


def _named(group: str, deployment: Deployment, name: str, value: str = "name") -> Command:
    """Return the command that prints the name that Google gave to a thing with our title."""
    find = (deployment.project_flag, f'--filter=displayName="{name}"', f"--format=value({value})")
    return gcloud(*group.split(), "list", *find)


def _titled(
    deployment: Deployment, group: str, title: str, why: str, create: tuple[str, ...], update: tuple[str, ...]
) -> Step:
    """Return a step for something that gets its name from Google: it is found by its title."""
    words, flag = group.split(), deployment.project_flag

    def compare(found: Any, values: Mapping[str, str]) -> bool | dict[str, str]:
        held: dict[str, Any] = next((entry for entry in found or [] if entry.get("displayName") == title), {})
        if not held:
            return False
        ours = values.get("ALERT_CHANNEL", "")
        told = dict.fromkeys([*held.get("notificationChannels", []), *([ours] if ours else [])])
        return {"FOUND": held["name"], "HELD": ",".join(told)}

    return Step(
        f"{words[-1].removesuffix('s').replace('policie', 'alert')} {title.removeprefix('Intake: ')}",
        why,
        (gcloud(*words, "create", flag, *create),),
        (gcloud(*words, "update", "${FOUND}", flag, *update),),
        gcloud(*words, "list", flag, "--format=json"),
        compare,
        remove=(gcloud(*words, "delete", "${FOUND}", flag, "--quiet"),),
        listed=_named(group, deployment, title),
    )


def monitoring(deployment: Deployment) -> Iterator[Item]:
    """Yield the notification channel, the alert policies, and the dashboard.

    An update of a policy from a file removes its channels unless the command names them (gcloud,
    surface/monitoring/policies/update.py). So the existing ones are named, and ours is added. An update of the dashboard has
    to name its etag (https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards/patch).
    """
    if deployment.alert_email:
        address = f"email_address={deployment.alert_email}"
        create = (f"--display-name={CHANNEL_NAME}", "--type=email", f"--channel-labels={address}")
        why = f"{deployment.alert_email} gets the alerts."
        yield _titled(deployment, _CHANNELS, CHANNEL_NAME, why, create, (f"--update-channel-labels={address}",))
    channel = _named(_CHANNELS, deployment, CHANNEL_NAME)
    yield Lookup("ALERT_CHANNEL", "Who gets the alerts. A run without --alert-email keeps it.", channel, default="")
    for path in files("alerts"):
        title, name = json.loads(path.read_text("utf-8"))["displayName"], path.relative_to(ROOT)
        file, why = f"--policy-from-file={name}", f"{name} says what to do about it."
        tell, keep = "--notification-channels=${ALERT_CHANNEL}", "--set-notification-channels=${HELD}"
        yield _titled(deployment, _POLICIES, title, why, (file, tell), (file, keep))
    title = json.loads(DASHBOARD.read_text("utf-8"))["displayName"]
    etag = _named(_DASHBOARDS, deployment, title, "etag")
    yield Lookup("DASHBOARD_ETAG", "An update of the dashboard has to name its version.", etag, default="")
    why = f"{DASHBOARD.relative_to(ROOT)} with that etag."
    yield Local(STAGED, why, lambda values: stage_dashboard(values["DASHBOARD_ETAG"]))
    config = (f"--config-from-file={STAGED}",)
    why = "Requests, errors, durations, memory, backlog, and pages."
    yield _titled(deployment, _DASHBOARDS, title, why, config, config)


def stage_dashboard(etag: str, target: Path = BUILD / "dashboard.json") -> None:
    """Write the dashboard where gcloud reads it, with the etag of the existing one, "" for none."""
    document = json.loads(DASHBOARD.read_text("utf-8")) | ({"etag": etag} if etag else {})
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
