"""Who may do what: one step for each role on each resource, so that every permission stands there with its reason.

Roles are given on the bucket, the topic, the secret or the service itself. Only where the product has no such place are
they given on the project, and the step says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Command, Step, gcloud

FORBIDDEN = r"permitted customer|allowedPolicyMember"
"""What Google says where an organisation lets nobody outside it have a role
(https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains)."""


@dataclass(frozen=True)
class Resource:
    """Something that has an IAM policy of its own.

    Attributes:
        shown: What it is, for a person.
        group: gcloud's command group.
        flags: Name and flags that identify it.
        extra: Flags that only the command that changes the policy takes.
    """

    shown: str
    group: tuple[str, ...]
    flags: tuple[str, ...]
    extra: tuple[str, ...] = ()

    def policy(self) -> Command:
        """Return the command that prints the policy."""
        return gcloud(*self.group, "get-iam-policy", *self.flags, "--format=json")

    def grant(self, member: str, role: str, why: str, condition: str = "", instead: Command | None = None) -> Step:
        """Return the step that gives a member a role.

        Args:
            member: Who gets it.
            role: Which.
            why: What for, in one sentence.
            condition: An IAM condition.
            instead: What to run where the organisation forbids to give `member` a role.
        """
        extra = (f"--condition={condition}",) if condition else self.extra
        add = gcloud(*self.group, "add-iam-policy-binding", *self.flags, f"--member={member}", f"--role={role}", *extra)
        name, _at, domain = member.partition(":")[2].partition("@")
        who = domain.partition(".")[0] if "${" in name else name or member
        refused = (FORBIDDEN, instead) if instead else None
        return Step(f"{role} on {self.shown} for {who}", why, (add,), refused=refused)


def project(deployment: Deployment) -> Resource:
    """Return the project, for the roles that no single resource can have."""
    return Resource("the project", ("projects",), (deployment.project,), ("--condition=None",))


def bucket(deployment: Deployment) -> Resource:
    """Return the bucket of the bills."""
    flags = (f"gs://{deployment.bucket}", deployment.project_flag)
    return Resource(f"bucket {deployment.bucket}", ("storage", "buckets"), flags)


def topic(deployment: Deployment, topic_id: str) -> Resource:
    """Return a topic."""
    return Resource(f"topic {topic_id}", ("pubsub", "topics"), (deployment.topic(topic_id), deployment.project_flag))


def subscription(deployment: Deployment, name: str, shown: str) -> Resource:
    """Return a subscription by its full name, or by the variable that holds it."""
    return Resource(shown, ("pubsub", "subscriptions"), (name, deployment.project_flag))


def service(deployment: Deployment, name: str) -> Resource:
    """Return the Cloud Run service behind a function."""
    flags = (name, deployment.project_flag, f"--region={deployment.region}")
    return Resource(f"service {name}", ("run", "services"), flags)


def secret(deployment: Deployment, name: str) -> Resource:
    """Return a secret."""
    return Resource(f"secret {name}", ("secrets",), (name, deployment.project_flag))


def account(deployment: Deployment, name: str) -> Resource:
    """Return a service account as something that others may use."""
    flags = (deployment.account(name), deployment.project_flag)
    return Resource(f"account intake-{name}", ("iam", "service-accounts"), flags)


def member(deployment: Deployment, name: str) -> str:
    """Return a service account of ours as IAM writes it."""
    return f"serviceAccount:{deployment.account(name)}"


PUBSUB_AGENT = "serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
"""Pub/Sub's own account in the project (https://cloud.google.com/iam/docs/service-agents)."""

EVENTARC_AGENT = "serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-eventarc.iam.gserviceaccount.com"
"""Eventarc's own account in the project, which makes the triggers of ocr and record."""

ADDRESS_KEY = "intake-address-key"
"""Secret that client addresses are hashed with."""

# (function, role, reason): from what functions/intake/ calls. Legacy Bucket Writer is the one predefined role that may create,
# list and delete objects and not read them (https://cloud.google.com/storage/docs/access-control/iam-roles).
_BUCKET = (
    (
        "submit",
        "roles/storage.legacyBucketWriter",
        "stores uploads, and lists and deletes refused ones; it can read none",
    ),
    ("ocr", "roles/storage.objectUser", "reads bills, writes and lists words, deletes the files of a refused intake"),
    ("sweep", "roles/storage.legacyBucketWriter", "lists words, and deletes abandoned uploads; it can read none"),
)
_FIRESTORE = (
    ("submit", "roles/datastore.user", "creates intakes"),
    ("progress", "roles/datastore.viewer", "reads progress and intakes, writes nothing"),
    ("ocr", "roles/datastore.user", "claims chunks and advances intakes"),
    ("record", "roles/datastore.user", "takes the Sheet's turn and marks intakes recorded"),
    ("sweep", "roles/datastore.user", "finds what stopped and ends what cannot go on"),
)
_PUBLISHERS = (
    ("submit", "OCR_TOPIC", "wakes ocr for a new intake, and when the form is opened"),
    ("ocr", "OCR_TOPIC", "wakes the other chunks of a long bill"),
    ("ocr", "SHEET_TOPIC", "wakes record when a bill is read"),
    ("sweep", "OCR_TOPIC", "wakes what stopped while it was read"),
    ("sweep", "SHEET_TOPIC", "wakes what stopped before its row was written"),
)


def of_functions(deployment: Deployment) -> list[Step]:
    """Return the roles that the functions' accounts need before the functions are deployed."""
    steps = [bucket(deployment).grant(member(deployment, who), role, f"{who} {why}.") for who, role, why in _BUCKET]
    if deployment.drive_folder:
        why = "record copies bills into the Drive folder, so it reads them."
        steps.append(bucket(deployment).grant(member(deployment, "record"), "roles/storage.objectViewer", why))
    steps += [
        project(deployment).grant(
            member(deployment, who), role, f"{who} {why}; Firestore has roles on the project only."
        )
        for who, role, why in _FIRESTORE
    ]
    steps += [
        topic(deployment, TOPICS[name]).grant(member(deployment, who), "roles/pubsub.publisher", f"{who} {why}.")
        for who, name, why in _PUBLISHERS
    ]
    why = "submit hashes client addresses with it; no other function can read it."
    reader = "roles/secretmanager.secretAccessor"
    steps.append(secret(deployment, ADDRESS_KEY).grant(member(deployment, "submit"), reader, why))
    return steps


def of_eventarc(deployment: Deployment) -> Step:
    """Return what lets Eventarc make triggers (https://cloud.google.com/eventarc/docs/troubleshooting#service-agent)."""
    why = "Eventarc makes the triggers of ocr and record; in a new project its account has no role yet."
    return project(deployment).grant(EVENTARC_AGENT, "roles/eventarc.serviceAgent", why)


def of_push(deployment: Deployment) -> Step:
    """Return what lets Pub/Sub sign its deliveries as our account (https://cloud.google.com/eventarc/docs/run/create-trigger-pubsub)."""
    return account(deployment, "push").grant(
        PUBSUB_AGENT,
        "roles/iam.serviceAccountTokenCreator",
        "Pub/Sub signs its deliveries as this account; in projects from before April 2021 that has to be allowed.",
    )


def of_build(deployment: Deployment, repository: Resource) -> list[Step]:
    """Return what the account that builds the functions needs (https://cloud.google.com/functions/docs/securing/build-custom-sa)."""
    builder = member(deployment, "build")
    only_sources = (
        'expression=resource.name.startsWith("projects/_/buckets/gcf-v2-"),title=sources-of-functions'  # not the bills
    )
    return [
        project(deployment).grant(
            builder, "roles/logging.logWriter", "The build writes its log; Logging has roles on the project only."
        ),
        repository.grant(builder, "roles/artifactregistry.writer", "The build pushes the functions' images here."),
        project(deployment).grant(
            builder,
            "roles/storage.objectViewer",
            "The build reads the uploaded source; its bucket is made by the first deployment, so the role is on the project "
            "with a condition that leaves out the bucket of the bills.",
            condition=only_sources,
        ),
    ]


def of_delivery(deployment: Deployment, subscriptions: Mapping[str, str]) -> list[Step]:
    """Return what Pub/Sub itself needs to give up on a message: to take it off one subscription and publish it on.

    Args:
        deployment: The deployment.
        subscriptions: Variable with the full name of the Eventarc subscription, by topic id.
    """
    steps = []
    for topic_id, variable in subscriptions.items():
        name = f"${{{variable}}}"
        steps += [
            topic(deployment, dead(topic_id)).grant(
                PUBSUB_AGENT,
                "roles/pubsub.publisher",
                "Pub/Sub puts messages here whose last delivery attempt has failed.",
            ),
            subscription(deployment, name, f"subscription of {topic_id}").grant(
                PUBSUB_AGENT,
                "roles/pubsub.subscriber",
                "Pub/Sub takes a message off it when it goes to the dead letters.",
            ),
        ]
    return steps


def of_caller(deployment: Deployment, name: str, *, public: bool) -> Step:
    """Return who may call a function: anybody the two behind the form, one account each of the others.

    Where an organisation forbids `allUsers`, the service is told not to ask who calls, which a deployment of the function may
    undo; so this comes after each (https://cloud.google.com/run/docs/authenticating/public,
    https://github.com/hashicorp/terraform-provider-google/issues/23360).
    """
    if not public:
        caller = member(deployment, "clock" if name == "sweep" else "push")
        return service(deployment, name).grant(caller, "roles/run.invoker", f"Nobody but this account may call {name}.")
    where = (name, deployment.project_flag, f"--region={deployment.region}")
    return service(deployment, name).grant(
        "allUsers",
        "roles/run.invoker",
        f"Hosting sends agents' requests on to {name} without an identity.",
        instead=gcloud("run", "services", "update", *where, "--no-invoker-iam-check"),
    )
