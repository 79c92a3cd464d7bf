"""The whole deployment as one ordered plan."""

from __future__ import annotations

from collections.abc import Iterator

from infra.gcp import functions, grants, hosting, messaging, observing, staging, storage
from infra.gcp.deployment import ACCOUNTS, TOPICS, Deployment
from infra.gcp.settings import Settings
from infra.gcp.steps import Item, Local, Lookup, Part, Step, gcloud

APIS = (
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
)
_BATCH = 20
"""APIs in one call at most (https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchEnable)."""


def plan(deployment: Deployment, settings: Settings, source: str) -> tuple[Part, ...]:
    """Return everything a deployment consists of, in the order in which it can be made.

    What takes time to be known everywhere (roles, metrics, indexes) comes as early as it can.

    Args:
        deployment: Where and for whom.
        settings: What infra/functions.toml says.
        source: Digest of the functions' source.
    """
    events = {TOPICS[spec.trigger]: spec for spec in settings.functions.values() if spec.trigger != "http"}
    images = (functions.REPOSITORY, deployment.project_flag, f"--location={deployment.region}")
    deliveries = (messaging.delivery(deployment, spec, topic, settings.delivery) for topic, spec in events.items())
    return (
        Part("Project", (*_project(deployment), *hosting.project(deployment))),
        Part(
            "Service accounts",
            (*(_account(deployment, *pair) for pair in ACCOUNTS.items()), grants.of_push(deployment)),
        ),
        Part("Building the functions", (functions.repository(deployment), *grants.of_build(deployment, images))),
        Part("Metrics", tuple(observing.metrics(deployment))),
        Part(
            "Storage",
            (
                Local(
                    storage.LIFECYCLE,
                    "How long words and bills are kept, from infra/functions.toml.",
                    lambda _values: storage.stage_lifecycle(settings.keeping),
                ),
                storage.bucket(deployment, settings.keeping),
                storage.firestore(deployment),
                *hosting.rules(deployment),
                storage.address_key(deployment),
            ),
        ),
        Part("Messages", tuple(messaging.topics(deployment))),
        Part("Permissions of the functions", tuple(grants.of_functions(deployment))),
        Part("Functions, and who may call them", tuple(_functions(deployment, settings, source))),
        Part("Delivery and dead letters", tuple(item for items in deliveries for item in items)),
        Part("Scheduler", functions.scheduler(deployment)),
        Part("The site", hosting.site(deployment)),
        Part("Monitoring", tuple(observing.monitoring(deployment))),
    )


def _project(deployment: Deployment) -> tuple[Item, ...]:
    names = [f"{api}.googleapis.com" for api in APIS]
    flag = deployment.project_flag
    return (
        Lookup(
            "PROJECT_NUMBER",
            "Google's own accounts in the project are named by its number.",
            gcloud("projects", "describe", deployment.project, "--format=value(projectNumber)"),
        ),
        Step(
            "APIs",
            "The products that are used; and the accounts that Google would make on first use, too late for the roles below.",
            (
                *(gcloud("services", "enable", *names[at : at + _BATCH], flag) for at in range(0, len(names), _BATCH)),
                *(
                    gcloud("beta", "services", "identity", "create", f"--service={name}.googleapis.com", flag)
                    for name in ("pubsub", "eventarc")
                ),
            ),
            slow=True,
        ),
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
        # Who may not see an account is told the same as when there is none, so the list is asked.
        listed=gcloud(*group, "list", flag, f"--filter=email={email}", "--format=value(email)"),
    )


def _functions(deployment: Deployment, settings: Settings, source: str) -> Iterator[Item]:
    why = "functions/ and requirements.txt side by side, as the build needs them."
    yield Local(functions.SOURCE, why, lambda _values: staging.stage_source())
    for spec in settings.functions.values():
        yield functions.function(deployment, settings, spec, source)
        yield grants.of_caller(deployment, spec.name, public=spec.public)
        yield functions.generation(deployment, spec)
