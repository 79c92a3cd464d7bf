"""What can be checked before any change. A finding that is certain to make the deployment fail stops it; others are notes.

A check needs permissions and APIs of its own. If it cannot run, that is a note too.
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
from infra.gcp.steps import Command, curl, gcloud
from infra.spec import Settings

NODE_MAJOR = 20
VISION_PER_MINUTE = 1800
BUILD_ANYWHERE = ("us-central1", "us-west2", "europe-west1", "asia-east1", "australia-southeast1", "southamerica-east1")
"""Regions where a restricted project, as some new ones are, can build
(https://cloud.google.com/build/docs/locations#restricted_regions_for_some_projects)."""
_QUOTAS = "https://console.cloud.google.com/iam-admin/quotas"
# Constraint; the value that has to be allowed, or "" if it must not be enforced; its effect; whether that is certain.
# https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints
_CONSTRAINTS = (
    ("iam.disableServiceAccountCreation", "", "It forbids service accounts", True),
    ("cloudfunctions.requireVPCConnector", "", "It requires a VPC connector, and the functions have none", True),
    (
        "cloudfunctions.allowedIngressSettings",
        "ALLOW_ALL",
        "It forbids functions that are reachable from outside",
        True,
    ),
    ("run.allowedIngress", "all", "It forbids services that are reachable from outside", True),
    ("gcp.resourceLocations", "{region}", "It may forbid the region", False),
    (
        "iam.allowedPolicyMemberDomains",
        "allUsers",
        "It forbids roles for `allUsers`, so the public functions get --no-invoker-iam-check instead",
        False,
    ),
)


class Problem(Exception):
    """The deployment is certain to fail; the message says why and what to do."""


class Note(Exception):
    """Something that the person should know."""


class Unseen(Note):
    """The check could not run."""


@dataclass(frozen=True)
class Check:
    """One check: `judge` takes the outcome of a command that changes nothing, and raises what it finds."""

    name: str
    command: Command
    judge: Callable[[Done], None]


def checks(deployment: Deployment, settings: Settings) -> Iterator[Check]:
    """Yield all checks."""
    project, flag, region = deployment.project, deployment.project_flag, deployment.region
    yield Check("gcloud components", gcloud("version", "--format=json"), _components)
    yield Check("project", gcloud("projects", "describe", project, "--format=json"), _project)
    yield Check("billing", gcloud("billing", "projects", "describe", project, "--format=json"), _billing)
    yield Check("region", gcloud("run", "regions", "list", flag, "--format=json"), lambda done: _region(done, region))
    yield Check("Node.js", Command(("node", "--version")), _node)
    adc = "gcloud auth application-default print-access-token > /dev/null 2>&1"
    cli = f"npx --yes {hosting.FIREBASE_TOOLS} login:list --non-interactive | grep -q @"
    yield Check("Firebase CLI login", Command(("bash", "-c", f"{adc} || {cli}")), _firebase_login)
    yield Check("Firebase terms", hosting.firebase(deployment, "projects:list", "--json"), _terms)
    for constraint, value, effect, certain in _CONSTRAINTS:
        policy = gcloud("org-policies", "describe", constraint, flag, "--effective", "--format=json")
        judge = _policy(value.format(region=region), effect, Problem if certain else Note)
        yield Check(f"organization policy {constraint}", policy, judge)
    bucket = gcloud("storage", "buckets", "describe", f"gs://{deployment.bucket}", flag, "--format=json", "--raw")
    yield Check("bucket region", bucket, lambda done: _bucket(done, deployment))
    database = gcloud("firestore", "databases", "describe", flag, "--database=(default)", "--format=json")
    yield Check("Firestore region", database, lambda done: _database(done, deployment))
    yield Check("vCPU quota", instances.quota(deployment), lambda done: _vcpus(done, deployment, settings))
    vision = gcloud("beta", "quotas", "info", "list", "--service=vision.googleapis.com", flag, "--format=json")
    yield Check("Vision quota", vision, _vision)
    if deployment.sheet:
        url = f"https://www.googleapis.com/drive/v3/files/{deployment.sheet}/permissions"
        fields = "?supportsAllDrives=true&fields=permissions(type,role,emailAddress)"
        command = curl(url + fields, f"--header=X-Goog-User-Project: {project}")
        yield Check("Sheet", command, lambda done: _sheet(done, deployment))


def passes(deployment: Deployment, settings: Settings) -> bool:
    """Run all checks at once, print what they find, and return whether the deployment can begin."""

    def one(check: Check) -> Exception | None:
        try:
            check.judge(run(check.command))
        except (Problem, Note) as exc:
            return exc
        except StepFailed as exc:
            return Problem(str(exc))
        except (ValueError, KeyError, TypeError):
            return Note("The answer has an unknown format.")
        return None

    print("Checking the project. Nothing is changed yet.")
    every = list(checks(deployment, settings))
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(zip(every, pool.map(one, every), strict=True))
    print(f"  OK: {', '.join(check.name for check, finding in found if finding is None)}")
    unseen: dict[str, list[str]] = {}
    for check, finding in found:
        if isinstance(finding, Unseen):
            unseen.setdefault(str(finding), []).append(check.name)
    for text, names in unseen.items():
        print(f"  note: Could not check the {', '.join(names)}: {text}")
    for kind, mark in ((Note, "note"), (Problem, "ERROR")):
        for check, finding in found:
            if isinstance(finding, kind) and not isinstance(finding, Unseen):
                print(f"  {mark}: {check.name}: {finding}")
    if not deployment.sheet:
        print("  note: Without --sheet, bills are accepted and read, but no rows are written until there is a Sheet.")
    return not any(isinstance(finding, Problem) for _check, finding in found)


def _answer(done: Done, hint: str = "") -> Any:
    if not done.returncode:
        return json.loads(done.stdout or "null")
    lines = said(done).splitlines()
    line = next((line for line in lines if line.startswith("ERROR")), lines[-1])
    raise Unseen(f"{hint}{line[:150]}")


def _components(done: Done) -> None:
    held = _answer(done)
    missing = [name for name in ("alpha", "beta") if name not in held]
    if missing:
        raise Note(f"A component may be missing. To install it: gcloud components install {' '.join(missing)}")


def _project(done: Done) -> None:
    if done.returncode:
        raise Problem(
            "The project does not exist, or this account cannot see it. To list the projects that it can see: "
            "gcloud projects list. To change the account: gcloud auth login"
        )
    if _answer(done)["lifecycleState"] != "ACTIVE":
        raise Problem("The project is being deleted.")


def _billing(done: Done) -> None:
    if not _answer(done).get("billingEnabled"):
        page = "https://console.cloud.google.com/billing/linkedaccount"
        raise Problem(f"The project has no billing account. Link one: {page}")


def _region(done: Done, region: str) -> None:
    names = sorted(entry["locationId"] for entry in _answer(done))
    if region not in names:
        raise Problem(f"{region} does not exist. Choose one of: {', '.join(names)}.")


def _node(done: Done) -> None:
    version = re.match(r"v(\d+)\.", done.stdout)
    if not version or int(version[1]) < NODE_MAJOR:
        raise Problem(f"Install version {NODE_MAJOR} or later, with npm: https://nodejs.org")


def _firebase_login(done: Done) -> None:
    if done.returncode:
        way = f"npx {hosting.FIREBASE_TOOLS} login, or gcloud auth application-default login"
        raise Problem(f"You are not logged in. Log in: {way}")


def _terms(done: Done) -> None:
    if done.returncode or not _answer(done).get("result"):  # an account with a Firebase project has accepted them
        page = "https://console.firebase.google.com/?forceCheckTos=true"
        raise Note(f"If this account has not accepted them, open {page} first.")


def _policy(value: str, effect: str, kind: type[Exception]) -> Callable[[Done], None]:
    def judge(done: Done) -> None:
        rules = [] if not_there(done) else (_answer(done) or {}).get("spec", {}).get("rules", [])
        allowed = [entry for rule in rules for entry in rule.get("values", {}).get("allowedValues", [])]
        excluded = value and allowed and not any(value in entry for entry in allowed)
        if excluded or any(rule.get("denyAll") or rule.get("enforce") for rule in rules):
            raise kind(f"{effect}. The administrator of the organization can make an exception.")

    return judge


def _bucket(done: Done, deployment: Deployment) -> None:
    if not done.returncode:
        _same_region(_answer(done)["location"], deployment)
    elif not not_there(done):
        raise Problem(
            f"The name {deployment.bucket} belongs to another project, or this account cannot see the bucket."
        )
    elif deployment.region not in BUILD_ANYWHERE:
        raise Note(
            f"The first deployment fixes the region. Some new projects can build only in {', '.join(BUILD_ANYWHERE)}. "
            "If this is one, its first build fails; choose another --region now, because data cannot be moved."
        )


def _same_region(where: str, deployment: Deployment) -> None:
    if where.lower() != deployment.region:  # it would create a second set of everything
        raise Problem(
            f"The data is in {where.lower()} and cannot be moved. Use --region={where.lower()} or another project."
        )


def _database(done: Done, deployment: Deployment) -> None:
    if not_there(done) or (done.returncode and "SERVICE_DISABLED" in said(done)):
        return
    found = _answer(done)
    if found["type"] != "FIRESTORE_NATIVE":
        raise Problem("The database is in Datastore mode, and the page cannot listen to it. Use another project.")
    _same_region(found["locationId"], deployment)


def _vcpus(done: Done, deployment: Deployment, settings: Settings) -> None:
    limit = instances.vcpus(_answer(done, "This is repeated when the APIs are enabled. "), deployment.region)
    wanted = sum(spec.cpu * spec.max_instances for spec in settings.functions.values())
    if limit is not None and limit < wanted:
        fitting = instances.within(settings, limit).functions.values()
        shown = ", ".join(f"{spec.name} {spec.max_instances}" for spec in fitting)
        raise Note(f"{wanted} are configured, {limit} are available. Instances: {shown}. To request more: {_QUOTAS}")


def _vision(done: Done) -> None:
    values = [
        int(detail["details"]["value"])
        for info in _answer(done) or []
        if info.get("refreshInterval") == "minute" and "request" in info.get("metric", "")
        for detail in info.get("dimensionsInfos", [])
    ]
    if values and min(values) < VISION_PER_MINUTE:
        rule = f"{VISION_PER_MINUTE} requests per minute are configured, {min(values)} are available."
        raise Note(f"{rule} To request more: https://console.cloud.google.com/apis/api/vision.googleapis.com/quotas")


def _sheet(done: Done, deployment: Deployment) -> None:
    permissions = _answer(done, "To allow it: gcloud auth login --enable-gdrive-access. ")["permissions"]
    writers = [entry for entry in permissions if entry["role"] in ("writer", "owner")]
    held = {entry.get("emailAddress", "") for entry in writers}
    missing = [account for name in ("record", "sweep") if (account := deployment.account(name)) not in held]
    if missing and not any(entry["type"] == "anyone" for entry in writers):
        raise Note(f"Share the Sheet as an editor, after the deployment, with {', '.join(missing)}.")
