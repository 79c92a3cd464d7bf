"""The whole deployment as one ordered plan."""

from __future__ import annotations

from typing import Any

from infra.gcp import functions, grants, hosting, messaging, observing, staging, storage
from infra.gcp.deployment import ACCOUNTS, TOPICS, Deployment
from infra.gcp.settings import Settings
from infra.gcp.steps import Item, Local, Lookup, Part, Step, Verdict, gcloud

APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudscheduler",
    "eventarc",
    "firebase",
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


def plan(deployment: Deployment, settings: Settings, source: str, site: str) -> tuple[Part, ...]:
    """Return everything a deployment consists of, in the order in which it can be made.

    Args:
        deployment: Where and for whom.
        settings: What infra/functions.toml says.
        source: Digest of the functions' source.
        site: Digest of site and rules.
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
        Part("Project", _project(deployment)),
        Part(
            "Service accounts",
            (*(_account(deployment, *pair) for pair in ACCOUNTS.items()), grants.of_push(deployment)),
        ),
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
                *storage.firestore(deployment),
                storage.address_key(deployment),
            ),
        ),
        Part("Messages", tuple(messaging.topics(deployment))),
        Part("Permissions of the functions", tuple(grants.of_functions(deployment))),
        Part("Building the functions", (repository, *grants.of_build(deployment, images), _stage_source())),
        Part("Functions", tuple(functions.function(deployment, settings, spec, source) for spec in specs)),
        Part(
            "Who may call them",
            tuple(
                grants.of_callers(deployment, lambda name: settings.functions[name].public, list(settings.functions))
            ),
        ),
        Part(
            "Delivery and dead letters",
            (
                *found,
                *grants.of_delivery(deployment, {topic: messaging.variable(topic) for topic in events}),
                *(messaging.delivery(deployment, spec, topic, settings.delivery) for topic, spec in events.items()),
            ),
        ),
        Part("The clock", tuple(functions.clock(deployment))),
        Part("Site and rules", hosting.site(deployment, site)),
        Part("Monitoring", _monitoring(deployment)),
    )


def _project(deployment: Deployment) -> tuple[Item, ...]:
    names = [f"{api}.googleapis.com" for api in (*APIS, *(["drive"] if deployment.drive_folder else []))]
    if deployment.app_check_key:
        names.append("firebaseappcheck.googleapis.com")

    def judge(found: Any) -> Verdict:
        enabled = {service["config"]["name"] for service in found or []}
        return Verdict.AS_WANTED if enabled >= set(names) else Verdict.MISSING

    flag = deployment.project_flag
    return (
        Lookup(
            "PROJECT_NUMBER",
            "Google's own accounts in the project are named by its number.",
            gcloud("projects", "describe", deployment.project, "--format=value(projectNumber)"),
        ),
        Step(
            "APIs",
            "The products that are used.",
            (
                gcloud("services", "enable", *names, flag),
                # Google makes these accounts on first use, which is too late for the roles below.
                *(
                    gcloud("beta", "services", "identity", "create", f"--service={name}.googleapis.com", flag)
                    for name in ("pubsub", "eventarc")
                ),
            ),
            gcloud("services", "list", "--enabled", flag, "--format=json"),
            judge,
            slow=True,
        ),
        hosting.project(deployment),
    )


def _account(deployment: Deployment, name: str, shown: str) -> Step:
    address = deployment.account(name)

    def judge(found: Any) -> Verdict:
        return Verdict.AS_WANTED if any(entry["email"] == address for entry in found or []) else Verdict.MISSING

    flag = deployment.project_flag
    return Step(
        f"account intake-{name}",
        f"Identity of what {shown if name in ('push', 'clock', 'build') else f'the {shown} does'}; it has no key.",
        (gcloud("iam", "service-accounts", "create", f"intake-{name}", flag, f"--display-name=Intake: {shown}"),),
        gcloud("iam", "service-accounts", "list", flag, "--format=json"),
        judge,
    )


def _stage_source() -> Local:
    return Local(
        "the source in .build/source",
        "functions/ and requirements.txt side by side, as the build wants them.",
        "rm -rf .build/source && mkdir -p .build && cp -r functions .build/source && cp requirements.txt .build/source/",
        lambda _values: staging.stage_source(),
    )


def _monitoring(deployment: Deployment) -> tuple[Item, ...]:
    return (
        *observing.metrics(deployment),
        Local(
            "alerts and dashboard in .build/monitoring",
            "The files of infra/monitoring, each with a label that says which version it is.",
            "python3 -m infra.gcp.stage monitoring",
            lambda _values: observing.stage(),
        ),
        *observing.channel(deployment),
        *observing.policies(deployment),
        observing.dashboard(deployment),
    )
