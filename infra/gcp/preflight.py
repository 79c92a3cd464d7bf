"""What can be known before anything is changed: every look with what it means, all at once.

A finding that is sure to make the deployment fail stops it; the others are said. What cannot be looked at is said too: a look
needs rights and APIs of its own, and not to have them is no reason to stop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.gcp import hosting, instances
from infra.gcp.apply import Done, StepFailed, not_there, run, said
from infra.gcp.deployment import Deployment
from infra.gcp.settings import Settings
from infra.gcp.steps import Command, curl, gcloud

NODE_MAJOR = 20
VISION_PER_MINUTE = 1800
BUILD_ANYWHERE = ("us-central1", "us-west2", "europe-west1", "asia-east1", "australia-southeast1", "southamerica-east1")
"""Where a project may build that is restricted, as some new ones are
(https://cloud.google.com/build/docs/locations#restricted_regions_for_some_projects)."""

# Constraint; the value that has to be allowed, or "" where it must not be enforced; what comes of it; whether that is sure.
# https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints
_CONSTRAINTS = (
    ("iam.disableServiceAccountCreation", "", "no service accounts may be made", True),
    ("cloudfunctions.requireVPCConnector", "", "functions need a VPC connector, and ours have none", True),
    ("cloudfunctions.allowedIngressSettings", "ALLOW_ALL", "functions may not be reached from outside", True),
    ("run.allowedIngress", "all", "services may not be reached from outside", True),
    ("gcp.resourceLocations", "{region}", "the region may be forbidden", False),
    (
        "iam.allowedPolicyMemberDomains",
        "allUsers",
        "`allUsers` may have no role; the two public functions are then opened with --no-invoker-iam-check",
        False,
    ),
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        text: What, and the command or page that mends it.
        stops: Whether the deployment is sure to fail.
        unseen: Whether it is only that nothing could be seen.
    """

    text: str
    stops: bool = False
    unseen: bool = False


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        name: What is looked at.
        command: Changes nothing.
        judge: Takes how it ended; returns what is wrong, or None.
    """

    name: str
    command: Command
    judge: Callable[[Done], Finding | None]


def looks(deployment: Deployment, settings: Settings) -> Iterator[Look]:
    """Yield all looks."""
    project, flag, region = deployment.project, deployment.project_flag, deployment.region
    yield Look("gcloud's components", gcloud("version", "--format=json"), _components)
    yield Look("the project", gcloud("projects", "describe", project, "--format=json"), _project)
    yield Look("billing", gcloud("billing", "projects", "describe", project, "--format=json"), _billing)
    regions = gcloud("run", "regions", "list", flag, "--format=json")
    yield Look("the region", regions, _region(region))
    yield Look("Node.js", Command(("node", "--version")), _node)
    adc = "gcloud auth application-default print-access-token > /dev/null 2>&1"
    cli = f"npx --yes {hosting.FIREBASE_TOOLS} login:list --non-interactive | grep -q @"
    yield Look("a login for the Firebase CLI", Command(("bash", "-c", f"{adc} || {cli}")), _firebase_login)
    yield Look("Firebase's terms", hosting.firebase(deployment, "projects:list", "--json"), _terms)
    for constraint, value, means, sure in _CONSTRAINTS:
        policy = ("org-policies", "describe", constraint, flag, "--effective", "--format=json")
        yield Look(
            f"the organisation's policy {constraint}",
            gcloud(*policy),
            _policy(constraint, value.format(region=region), means, stops=sure),
        )
    bucket = (f"gs://{deployment.bucket}", flag, "--format=json", "--raw")
    yield Look("the bucket's region", gcloud("storage", "buckets", "describe", *bucket), _bucket(deployment))
    database = (flag, "--database=(default)", "--format=json")
    yield Look("Firestore's region", gcloud("firestore", "databases", "describe", *database), _database(deployment))
    yield Look("the quota of vCPUs", instances.quota(deployment), _vcpus(deployment, settings))
    vision = gcloud("beta", "quotas", "info", "list", "--service=vision.googleapis.com", flag, "--format=json")
    yield Look("Vision's quota", vision, _vision)
    if deployment.sheet:
        url = f"https://www.googleapis.com/drive/v3/files/{deployment.sheet}/permissions"
        fields = "?supportsAllDrives=true&fields=permissions(type,role,emailAddress)"
        quota = f"--header=X-Goog-User-Project: {project}"
        yield Look("who may write to the Sheet", curl(url + fields, quota), _sheet(deployment))


def find(deployment: Deployment, settings: Settings) -> Iterator[tuple[Look, Finding | None]]:
    """Run all looks at once and yield each with what it found."""

    def one(look: Look) -> tuple[Look, Finding | None]:
        try:
            return look, look.judge(run(look.command))
        except StepFailed as exc:
            return look, Finding(str(exc), stops=True)
        except (ValueError, KeyError, TypeError):
            return look, Finding("the answer has another form than expected; not judged")

    with ThreadPoolExecutor(max_workers=8) as pool:
        yield from pool.map(one, looks(deployment, settings))


def _unseen(done: Done, hint: str = "") -> Finding:
    line = next((line for line in said(done).splitlines() if line.startswith("ERROR")), said(done).splitlines()[-1])
    return Finding(f"{hint or 'gcloud says'} ({line[:150]})", unseen=True)


def _answer(done: Done) -> Any:
    return json.loads(done.stdout or "null")


def _components(done: Done) -> Finding | None:
    missing = [name for name in ("alpha", "beta") if not done.returncode and name not in _answer(done)]
    if not missing:
        return None
    return Finding(f"`gcloud {missing[0]}` may not be installed: gcloud components install {' '.join(missing)}")


def _project(done: Done) -> Finding | None:
    if done.returncode:
        return Finding(
            "it is not there, or this account may not see it. `gcloud projects list` shows those it may see; "
            "`gcloud auth login` changes the account",
            stops=True,
        )
    return None if _answer(done)["lifecycleState"] == "ACTIVE" else Finding("it is being deleted", stops=True)


def _billing(done: Done) -> Finding | None:
    if done.returncode:
        return _unseen(done)
    if _answer(done).get("billingEnabled"):
        return None
    page = "https://console.cloud.google.com/billing/linkedaccount"
    return Finding(f"the project has no billing account. Link one: {page}", stops=True)


def _region(region: str) -> Callable[[Done], Finding | None]:
    def judge(done: Done) -> Finding | None:
        if done.returncode:
            return _unseen(done)
        names = sorted(entry["locationId"] for entry in _answer(done))
        return None if region in names else Finding(f"there is no {region}; there are {', '.join(names)}", stops=True)

    return judge


def _node(done: Done) -> Finding | None:
    version = re.match(r"v(\d+)\.", done.stdout)
    if version and int(version[1]) >= NODE_MAJOR:
        return None
    return Finding(f"version {NODE_MAJOR} or later is needed, with npm: https://nodejs.org", stops=True)


def _firebase_login(done: Done) -> Finding | None:
    if not done.returncode:
        return None
    way = f"npx {hosting.FIREBASE_TOOLS} login, or gcloud auth application-default login"
    return Finding(f"nobody is logged in to it. Log in: {way}", stops=True)


def _terms(done: Done) -> Finding | None:
    if not done.returncode and _answer(done).get("result"):
        return None  # only who has accepted them has a Firebase project
    page = "https://console.firebase.google.com/?forceCheckTos=true"
    return Finding(f"it cannot be seen whether this account has accepted them. If it never did, open {page} first")


def _policy(constraint: str, value: str, means: str, *, stops: bool) -> Callable[[Done], Finding | None]:
    def judge(done: Done) -> Finding | None:
        if done.returncode:
            return None if not_there(done) else _unseen(done)
        rules = (_answer(done) or {}).get("spec", {}).get("rules", [])
        allowed = [entry for rule in rules for entry in rule.get("values", {}).get("allowedValues", [])]
        limited = any(rule.get("denyAll") or rule.get("enforce") for rule in rules) or (
            bool(value and allowed) and not any(value in entry for entry in allowed)
        )
        return Finding(f"{means} ({constraint}). Its administrator can make an exception", stops) if limited else None

    return judge


def _bucket(deployment: Deployment) -> Callable[[Done], Finding | None]:
    def judge(done: Done) -> Finding | None:
        if not done.returncode:
            return _elsewhere(_answer(done)["location"], deployment)
        if not not_there(done):
            return Finding(
                f"the name {deployment.bucket} belongs to another project, or this account may not see it", stops=True
            )
        if deployment.region in BUILD_ANYWHERE:
            return None
        return Finding(
            "nothing is there yet. Some new projects may build in six regions only "
            f"({', '.join(BUILD_ANYWHERE)}); if this is one, its first build is refused, and another --region is better chosen "
            "now, since data cannot be moved"
        )

    return judge


def _elsewhere(where: str, deployment: Deployment) -> Finding | None:
    """Refuse another region than the one where the data is: a second set of everything would be made there."""
    if where.lower() == deployment.region:
        return None
    rule = f"Give --region={where.lower()}, or use another project"
    return Finding(f"it is in {where.lower()}, and data cannot be moved. {rule}", stops=True)


def _database(deployment: Deployment) -> Callable[[Done], Finding | None]:
    def judge(done: Done) -> Finding | None:
        if done.returncode:
            return None if not_there(done) or "SERVICE_DISABLED" in said(done) else _unseen(done)
        found = _answer(done)
        if found["type"] != "FIRESTORE_NATIVE":
            return Finding("it is in Datastore mode, which a page cannot listen to. Use another project", stops=True)
        return _elsewhere(found["locationId"], deployment)

    return judge


def _vcpus(deployment: Deployment, settings: Settings) -> Callable[[Done], Finding | None]:
    def judge(done: Done) -> Finding | None:
        if done.returncode:
            return _unseen(done, "it is read again as soon as the APIs are enabled")
        limit = instances.vcpus(_answer(done), deployment.region)
        wanted = sum(spec.cpu * spec.max_instances for spec in settings.functions.values())
        if limit is None or limit >= wanted:
            return None
        fitting = instances.within(settings, limit).functions.values()
        shown = ", ".join(f"{spec.name} {spec.max_instances}" for spec in fitting)
        page = "https://console.cloud.google.com/iam-admin/quotas"
        return Finding(f"{limit} in this region, {wanted} wanted. Instances will be: {shown}. More: {page}")

    return judge


def _vision(done: Done) -> Finding | None:
    if done.returncode:
        return _unseen(done)
    values = [
        int(detail["details"]["value"])
        for info in _answer(done) or []
        if info.get("refreshInterval") == "minute" and "request" in info.get("metric", "")
        for detail in info.get("dimensionsInfos", [])
    ]
    if not values or min(values) >= VISION_PER_MINUTE:
        return None
    page = "https://console.cloud.google.com/apis/api/vision.googleapis.com/quotas"
    return Finding(f"{min(values)} requests a minute; {VISION_PER_MINUTE} are planned for. More: {page}")


def _sheet(deployment: Deployment) -> Callable[[Done], Finding | None]:
    def judge(done: Done) -> Finding | None:
        if done.returncode:
            return _unseen(done, "`gcloud auth login --enable-gdrive-access` lets it be looked at")
        writers = [entry for entry in _answer(done)["permissions"] if entry["role"] in ("writer", "owner")]
        held = {entry.get("emailAddress", "") for entry in writers}
        missing = [name for name in ("record", "sweep") if deployment.account(name) not in held]
        if not missing or any(entry["type"] == "anyone" for entry in writers):
            return None
        return Finding(
            "share the Sheet, as an editor, when the accounts are there: "
            + ", ".join(deployment.account(name) for name in missing)
        )

    return judge
