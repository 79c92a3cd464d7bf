"""Who may do what: one step for each role on each resource, so that every permission stands there with its reason.

Roles are given on the bucket, the topic, the secret or the service itself. Only where the product has no such place are
they given on the project, and the step says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Command, Step, gcloud

FORBIDDEN = r"permitted customer|allowedPolicyMember"
"""What Google says where an organisation lets nobody outside it have a role
(https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains)."""

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
    ("record", "roles/datastore.user", "marks intakes recorded"),
    ("sweep", "roles/datastore.user", "finds what stopped and ends what cannot go on"),
)
_PUBLISHERS = (
    ("submit", "OCR_TOPIC", "wakes ocr for a new intake, and when the form is opened"),
    ("ocr", "OCR_TOPIC", "wakes the other chunks of a long bill"),
    ("ocr", "SHEET_TOPIC", "wakes record when a bill is read"),
    ("sweep", "OCR_TOPIC", "wakes what stopped while it was read"),
    ("sweep", "SHEET_TOPIC", "wakes what stopped before its row was written"),
)


def grant(group: str, where: Iterable[str], member: str, role: str, why: str, condition: str = "") -> Step:
    """Return the step that gives a member a role, which gcloud may do again and again.

    `destroy` takes roles back on the project and on the bucket, which stay; all others go with what they are given on.

    Args:
        group: gcloud's command group.
        where: Name and flags that identify the resource.
        member: Who gets it.
        role: Which.
        why: What for, in one sentence.
        condition: An IAM condition.
    """
    words, names = group.split(), tuple(where)
    on_project, ours = group == "projects", "gcp-sa-" not in member
    pair = (f"--member={member}", f"--role={role}")
    extra = (f"--condition={condition or None}",) if on_project else ()
    everything = ("--all",) if on_project else ()
    remove = gcloud(*words, "remove-iam-policy-binding", *names, *pair, *everything)
    shown = "the project" if on_project else f"{words[-1].rstrip('s')} {names[0].rpartition('/')[2]}"
    who = member.partition(":")[2].partition(".iam.")[0] or member
    return Step(
        f"{role} on {shown} for {who}",
        why,
        (gcloud(*words, "add-iam-policy-binding", *names, *pair, *extra),),
        remove=(remove,) if ours and group in ("projects", "storage buckets") else (),
    )


def member(deployment: Deployment, name: str) -> str:
    """Return a service account of ours as IAM writes it."""
    return f"serviceAccount:{deployment.account(name)}"


def of_functions(deployment: Deployment) -> list[Step]:
    """Return the roles that the functions' accounts need before the functions are deployed."""
    flag = deployment.project_flag
    bucket, project = (f"gs://{deployment.bucket}", flag), (deployment.project,)
    steps = [
        grant("storage buckets", bucket, member(deployment, who), role, f"{who} {why}.") for who, role, why in _BUCKET
    ]
    if deployment.drive_folder:
        why = "record copies bills into the Drive folder, so it reads them."
        steps.append(grant("storage buckets", bucket, member(deployment, "record"), "roles/storage.objectViewer", why))
    for who, role, why in _FIRESTORE:
        reason = f"{who} {why}; Firestore has roles on the project only."
        steps.append(grant("projects", project, member(deployment, who), role, reason))
    for who, name, why in _PUBLISHERS:
        topic = (deployment.topic(TOPICS[name]), flag)
        steps.append(grant("pubsub topics", topic, member(deployment, who), "roles/pubsub.publisher", f"{who} {why}."))
    why = "submit hashes client addresses with it; no other function can read it."
    reader = "roles/secretmanager.secretAccessor"
    steps.append(grant("secrets", (ADDRESS_KEY, flag), member(deployment, "submit"), reader, why))
    return steps


def of_eventarc(deployment: Deployment) -> Step:
    """Return what lets Eventarc make triggers (https://cloud.google.com/eventarc/docs/troubleshooting#service-agent)."""
    why = "Eventarc makes the triggers of ocr and record; in a new project its account has no role yet."
    return grant("projects", (deployment.project,), EVENTARC_AGENT, "roles/eventarc.serviceAgent", why)


def of_push(deployment: Deployment) -> Step:
    """Return what lets Pub/Sub sign its deliveries as our account (https://cloud.google.com/eventarc/docs/run/create-trigger-pubsub)."""
    account = (deployment.account("push"), deployment.project_flag)
    why = "Pub/Sub signs its deliveries as this account; projects from before April 2021 have to allow that."
    return grant("iam service-accounts", account, PUBSUB_AGENT, "roles/iam.serviceAccountTokenCreator", why)


def of_build(deployment: Deployment, repository: Iterable[str]) -> list[Step]:
    """Return what the account that builds the functions needs (https://cloud.google.com/functions/docs/securing/build-custom-sa)."""
    builder, project = member(deployment, "build"), (deployment.project,)
    # Not the bills.
    sources = 'expression=resource.name.startsWith("projects/_/buckets/gcf-v2-"),title=sources-of-functions'
    why_log = "The build writes its log; Logging has roles on the project only."
    why_push = "The build pushes the functions' images here."
    why_read = (
        "The build reads the uploaded source. The first deployment makes its bucket, so the role is on the project, with a "
        "condition that leaves out the bucket of the bills."
    )
    return [
        grant("projects", project, builder, "roles/logging.logWriter", why_log),
        grant("artifacts repositories", repository, builder, "roles/artifactregistry.writer", why_push),
        grant("projects", project, builder, "roles/storage.objectViewer", why_read, sources),
    ]


def of_delivery(deployment: Deployment, topic_id: str, subscription: str) -> list[Step]:
    """Return what Pub/Sub needs to give up on a message: to take it off one subscription and publish it on."""
    flag = deployment.project_flag
    why_letters = "Pub/Sub puts messages here whose last delivery attempt has failed."
    why_take = "Pub/Sub takes a message off it when it goes to the dead letters."
    letters = (deployment.topic(dead(topic_id)), flag)
    return [
        grant("pubsub topics", letters, PUBSUB_AGENT, "roles/pubsub.publisher", why_letters),
        grant("pubsub subscriptions", (subscription, flag), PUBSUB_AGENT, "roles/pubsub.subscriber", why_take),
    ]


def of_caller(deployment: Deployment, name: str, *, public: bool) -> Step:
    """Return who may call a function: anybody the two behind the form, one account each of the others.

    Where an organisation forbids `allUsers`, the service is told not to ask who calls, which a deployment of the function may
    undo; so this comes after each (https://cloud.google.com/run/docs/authenticating/public,
    https://github.com/hashicorp/terraform-provider-google/issues/23360).
    """
    where = (name, deployment.project_flag, f"--region={deployment.region}")
    if not public:
        caller = member(deployment, "clock" if name == "sweep" else "push")
        return grant("run services", where, caller, "roles/run.invoker", f"Only this account may call {name}.")
    why = f"Hosting sends agents' requests on to {name} without an identity."
    step = grant("run services", where, "allUsers", "roles/run.invoker", why)
    instead: Command = gcloud("run", "services", "update", *where, "--no-invoker-iam-check")
    return Step(step.name, step.why, step.create, refused=(FORBIDDEN, instead))
