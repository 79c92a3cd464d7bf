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


def plan(deployment: Deployment, settings: Settings, source: str, site: str) -> tuple[Part, ...]:
    """Return everything a deployment consists of, in the order in which it can be made.

    What takes time to be known everywhere (roles, metrics, indexes) comes as early as it can.

    Args:
        deployment: Where and for whom.
        settings: What infra/functions.toml says.
        source: Digest of the functions' source.
        site: Digest of the site.
    """
    specs = settings.functions.values()
    events = {TOPICS[spec.trigger]: spec for spec in specs if spec.trigger != "http"}
    repository = functions.repository(deployment)
    images = grants.Resource(
        "the images",
        ("artifacts", "repositories"),
        (functions.REPOSITORY, deployment.project_flag, f"--location={deployment.region}"),
    )
    found = [
        find for topic, spec in events.items() for find in messaging.find_subscription(deployment, spec.name, topic)
    ]
    return (
        Part("Project", (*_project(deployment), *hosting.project(deployment))),
        Part(
            "Service accounts",
            (*(_account(deployment, *pair) for pair in ACCOUNTS.items()), grants.of_push(deployment)),
        ),
        Part("Building the functions", (repository, *grants.of_build(deployment, images))),
        Part("Metrics", tuple(observing.metrics(deployment))),
        Part(
            "Storage",
            (
                Local(
                    "the bucket's lifecycle in .build",
                    "How long words and bills are kept, from infra/functions.toml.",
                    "python3 -m infra.gcp.stage lifecycle",
                    lambda _values: staging.stage_lifecycle(settings),
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
        Part(
            "Delivery and dead letters",
            (
                *found,
                *grants.of_delivery(deployment, {topic: messaging.variable(topic) for topic in events}),
                *(messaging.delivery(deployment, spec, topic, settings.delivery) for topic, spec in events.items()),
            ),
        ),
        Part("The clock", tuple(functions.clock(deployment))),
        Part("The site", hosting.site(deployment, site)),
        Part("Monitoring", _monitoring(deployment)),
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
    return Step(
        f"account intake-{name}",
        f"Identity of what {shown if name in ('push', 'clock', 'build') else f'the {shown} does'}; it has no key.",
        (
            gcloud(
                *("iam", "service-accounts", "create", f"intake-{name}"),
                deployment.project_flag,
                f"--display-name=Intake: {shown}",
            ),
        ),
    )


def _functions(deployment: Deployment, settings: Settings, source: str) -> Iterator[Item]:
    yield Local(
        "the source in .build/source",
        "functions/ and requirements.txt side by side, as the build wants them.",
        "rm -rf .build/source && mkdir -p .build && cp -r functions .build/source && cp requirements.txt .build/source/",
        lambda _values: staging.stage_source(),
    )
    for spec in settings.functions.values():
        yield functions.function(deployment, settings, spec, source)
        yield grants.of_caller(deployment, spec.name, public=spec.public)
        yield functions.generation(deployment, spec)


def _monitoring(deployment: Deployment) -> tuple[Item, ...]:
    return (
        observing.dashboard_etag(deployment),
        Local(
            "alerts and dashboard in .build/monitoring",
            "The files of infra/monitoring, each with a label that says which version it is.",
            'python3 -m infra.gcp.stage monitoring "${DASHBOARD_ETAG}"',
            lambda values: observing.stage(values["DASHBOARD_ETAG"]),
        ),
        *observing.channel(deployment),
        *observing.policies(deployment),
        observing.dashboard(deployment),
    )
