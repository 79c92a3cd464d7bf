"""Taking a deployment back: everything that `gcp` made, in the opposite order; the data only when asked for by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from infra.gcp import functions, grants, hosting, observing
from infra.gcp.deployment import ACCOUNTS, TOPICS, Deployment, dead
from infra.gcp.settings import Settings
from infra.gcp.steps import Command, Lookup, Removal, gcloud


def removals(deployment: Deployment, settings: Settings, *, with_data: bool) -> Iterator[Removal | Lookup]:
    """Yield what is to be taken away.

    The bills, the database and the Sheet stay unless `with_data`; the Sheet stays always. APIs stay enabled, the project stays
    a Firebase project and Google's own accounts keep their role, which cost nothing. Deleting an event function deletes its
    trigger and its subscription.

    Args:
        deployment: The deployment.
        settings: What infra/functions.toml says.
        with_data: Whether bills, words and database go too.
    """
    flag, region = deployment.project_flag, deployment.region
    location = f"--location={region}"
    yield _named(f"scheduler job {functions.JOB}", ("scheduler", "jobs"), functions.JOB, flag, location)
    for name in settings.functions:
        yield _named(f"function {name}", ("functions",), name, "--gen2", flag, f"--region={region}")
    yield from hosting.site_lookups(deployment)
    site = Command(("curl", "--fail", "--silent", "--show-error", "${SITE_URL}/build.json"))
    disable = ("hosting:disable", "--force", "--site=${SITE}", f"--project={deployment.project}")
    yield Removal("the site", site, (hosting.firebase(deployment, *disable),))
    yield from _monitoring(deployment)
    for topic_id in TOPICS.values():
        letters = dead(topic_id)
        for group, name in (
            ("subscriptions", deployment.subscription(letters)),
            ("topics", deployment.topic(letters)),
            ("topics", deployment.topic(topic_id)),
        ):
            yield _named(f"{group[:-1]} {name.rpartition('/')[2]}", ("pubsub", group), name, flag)
    yield _named(f"secret {grants.ADDRESS_KEY}", ("secrets",), grants.ADDRESS_KEY, flag)
    repository = f"image repository {functions.REPOSITORY}"
    yield _named(repository, ("artifacts", "repositories"), functions.REPOSITORY, flag, location)
    yield from _roles(deployment)
    for name in ACCOUNTS:
        yield _account(deployment, name)
    if with_data:
        yield from _data(deployment)


def _named(shown: str, group: tuple[str, ...], *name_and_flags: str) -> Removal:
    look = gcloud(*group, "describe", *name_and_flags, "--format=json")
    return Removal(shown, look, (gcloud(*group, "delete", *name_and_flags, "--quiet"),))


def _monitoring(deployment: Deployment) -> Iterator[Removal]:
    flag = deployment.project_flag
    ours = {json.loads(path.read_text("utf-8"))["displayName"] for path in observing.files("alerts")}
    policies = ("alpha", "monitoring", "policies")
    dashboards = ("monitoring", "dashboards")
    title = json.loads((observing.MONITORING / "dashboard.json").read_text("utf-8"))["displayName"]
    for shown, group, names in (("alerts", policies, ours), ("dashboard", dashboards, {title})):
        look = gcloud(*group, "list", flag, "--format=json")
        yield Removal(shown, look, (gcloud(*group, "delete", "${FOUND}", flag, "--quiet"),), _displayed(names))
    channels = ("beta", "monitoring", "channels")
    look = gcloud(*channels, "list", flag, "--format=json")
    delete = gcloud(*channels, "delete", "${FOUND}", flag, "--quiet")
    yield Removal("notifications", look, (delete,), _displayed({observing.CHANNEL_NAME}))
    for path in observing.files("metrics"):
        yield _named(f"metric {path.stem}", ("logging", "metrics"), path.stem, flag)


def _displayed(names: set[str]) -> Callable[[Any], list[str]]:
    def present(found: Any) -> list[str]:
        return [entry["name"] for entry in found or [] if entry.get("displayName") in names]

    return present


def _roles(deployment: Deployment) -> Iterator[Removal]:
    """Yield the roles on what stays, project and bucket; those on anything else go with it."""
    for resource, anyhow in ((grants.bucket(deployment), ()), (grants.project(deployment), ("--all",))):
        for role, member in _pairs(deployment, resource.group[-1]):
            arguments = (*resource.flags, f"--member={member}", f"--role={role}", *anyhow)
            who = member.partition(":")[2].partition("@")[0]
            yield Removal(
                f"{role} on {resource.shown} for {who}",
                resource.policy(),
                (gcloud(*resource.group, "remove-iam-policy-binding", *arguments),),
                _held(role, member),
            )


def _held(role: str, member: str) -> Callable[[Any], list[str]]:
    def present(policy: Any) -> list[str]:
        bindings = (policy or {}).get("bindings", [])
        held = any(binding["role"] == role and member in binding.get("members", []) for binding in bindings)
        return [member] if held else []

    return present


def _pairs(deployment: Deployment, group: str) -> list[tuple[str, str]]:
    """Return the roles, each with its member, that a deployment gives on resources of a command group."""
    images = grants.Resource("the images", ("artifacts", "repositories"), ())
    pairs = []
    for step in (*grants.of_functions(deployment), *grants.of_build(deployment, images)):
        for argv in (command.argv for command in step.create if group in command.argv[1:3]):
            flags = dict(argument[2:].partition("=")[::2] for argument in argv if argument.startswith("--"))
            pairs.append((flags["role"], flags["member"]))
    return pairs


def _account(deployment: Deployment, name: str) -> Removal:
    address, flag = deployment.account(name), deployment.project_flag

    def present(found: Any) -> list[str]:
        return [address for entry in found or [] if entry["email"] == address]

    look = gcloud("iam", "service-accounts", "list", flag, "--format=json")
    delete = gcloud("iam", "service-accounts", "delete", address, flag, "--quiet")
    return Removal(f"account intake-{name}", look, (delete,), present)


def _data(deployment: Deployment) -> Iterator[Removal]:
    flag = deployment.project_flag
    bucket = (f"gs://{deployment.bucket}", flag)
    look = gcloud("storage", "buckets", "describe", *bucket, "--format=json", "--raw")
    yield Removal(
        f"bucket {deployment.bucket} with all bills",
        look,
        (gcloud("storage", "rm", *bucket, "--recursive", "--quiet"),),
    )
    database = (flag, "--database=(default)")
    yield Removal(
        "Firestore database with all intakes",
        gcloud("firestore", "databases", "describe", *database, "--format=json"),
        (
            gcloud("firestore", "databases", "update", *database, "--no-delete-protection"),
            gcloud("firestore", "databases", "delete", *database, "--quiet"),
        ),
    )
