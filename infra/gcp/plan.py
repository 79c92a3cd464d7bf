"""The whole deployment as one ordered plan, and the deletions of `destroy`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from infra.gcp import functions, grants, hosting, messaging, observing, staging, storage
from infra.gcp.deployment import ACCOUNTS, TOPICS, Deployment
from infra.gcp.steps import Item, Local, Lookup, Part, Step, gcloud
from infra.spec import Settings

APIS = [
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudquotas",
    "cloudscheduler",
    "drive",
    "eventarc",
    "firebase",
    "firebaseappcheck",
    "firebasehosting",
    "firebaserules",
    "firestore",
    "iam",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "sheets",
    "storage",
    "vision",
]
_BATCH = 20
"""Most APIs in one call (https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchEnable)."""


def plan(deployment: Deployment, settings: Settings, source: str) -> tuple[Part, ...]:
    """Return everything a deployment consists of, in the order in which it can be created.

    What takes time to become effective (roles, metrics, indexes) comes as early as possible.

    Args:
        deployment: Where and for whom.
        settings: What infra/functions.toml says.
        source: Digest of the functions' source.
    """
    events = {TOPICS[spec.trigger]: spec for spec in settings.functions.values() if spec.trigger != "http"}
    images = (functions.REPOSITORY, deployment.project_flag, f"--location={deployment.region}")
    accounts = (*(_account(deployment, *pair) for pair in ACCOUNTS.items()), grants.of_push(deployment))
    deliveries = (messaging.delivery(deployment, spec, topic, settings.delivery) for topic, spec in events.items())
    lifecycle = Local(
        storage.LIFECYCLE,
        "How long words and bills are kept, from infra/functions.toml.",
        lambda _values: storage.stage_lifecycle(settings.retention),
    )
    stores = (
        lifecycle,
        storage.bucket(deployment, settings.retention),
        storage.firestore(deployment),
        *hosting.rules(deployment),
        storage.address_key(deployment),
    )
    return (
        Part("Project", (*_project(deployment), *hosting.project(deployment))),
        Part("Service accounts", accounts),
        Part("Building the functions", (functions.repository(deployment), *grants.of_build(deployment, images))),
        Part("Metrics", tuple(observing.metrics(deployment))),
        Part("Storage", stores),
        Part("Messages", tuple(messaging.topics(deployment))),
        Part("Permissions of the functions", tuple(grants.of_functions(deployment))),
        Part("Functions, and who can call them", tuple(_functions(deployment, settings, source))),
        Part("Delivery and dead letters", tuple(item for items in deliveries for item in items)),
        Part("Scheduler", functions.scheduler(deployment)),
        Part("Site", hosting.site(deployment)),
        Part("Monitoring", tuple(observing.monitoring(deployment))),
    )


def removals(deployment: Deployment, settings: Settings, *, with_data: bool) -> Iterator[Step | Lookup]:
    """Yield what `destroy` deletes, in reverse order of the plan.

    The Sheet always stays. APIs, Firebase in the project, and the roles of Google's own accounts stay too, because they cost
    nothing. Deleting an event function deletes its trigger and its subscription.

    Args:
        deployment: The deployment.
        settings: What infra/functions.toml says.
        with_data: Whether bills, words, and the database are deleted too.
    """
    # Whatever was chosen in any run is deleted.
    everything = replace(deployment, drive_folder="x" * 10, export_csv="1", alert_email="nobody@example.com")
    yield from hosting.site_lookups(deployment)
    items = [item for part in plan(everything, settings, "") for item in part.items]
    steps = [item for item in reversed(items) if isinstance(item, Step) and item.remove]
    yield from (step for step in steps if not step.data)
    if with_data:
        yield from (step for step in steps if step.data)


def _project(deployment: Deployment) -> tuple[Item, ...]:
    flag, names = deployment.project_flag, [f"{api}.googleapis.com" for api in APIS]
    number = gcloud("projects", "describe", deployment.project, "--format=value(projectNumber)")
    identity = ("beta", "services", "identity", "create")
    enable = [gcloud("services", "enable", *names[at : at + _BATCH], flag) for at in range(0, len(names), _BATCH)]
    enable += [gcloud(*identity, f"--service={name}.googleapis.com", flag) for name in ("pubsub", "eventarc")]
    why = "The products in use, and Google's own accounts, which would otherwise be created too late for their roles."
    return (
        Lookup("PROJECT_NUMBER", "Google's own accounts in the project have its number in their names.", number),
        Step("APIs", why, tuple(enable), slow=True),
        grants.of_eventarc(deployment),
    )


def _account(deployment: Deployment, name: str, shown: str) -> Step:
    email, flag, group = deployment.account(name), deployment.project_flag, ("iam", "service-accounts")
    return Step(
        f"account intake-{name}",
        f"Service account of: {shown}. It has no key.",
        (gcloud(*group, "create", f"intake-{name}", flag, f"--display-name=Intake: {shown}"),),
        (),
        remove=(gcloud(*group, "delete", email, flag, "--quiet"),),
        # Without permission the answer is the same as for a missing account, so the list is used.
        listed=gcloud(*group, "list", flag, f"--filter=email={email}", "--format=value(email)"),
    )


def _functions(deployment: Deployment, settings: Settings, source: str) -> Iterator[Item]:
    why = "functions/ and requirements.txt in one folder, as the build needs them."
    yield Local(functions.SOURCE, why, lambda _values: staging.stage_source())
    for spec in settings.functions.values():
        yield functions.function(deployment, settings, spec, source)
        yield grants.of_caller(deployment, spec.name, public=spec.public)
        yield functions.generation(deployment, spec)
