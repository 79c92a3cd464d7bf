"""Permissions: one step for each role on each resource, with its reason.

Roles are granted on the bucket, topic, secret, or service. Only a product without such roles gets one on the project.
"""

from __future__ import annotations

from collections.abc import Iterable

from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Command, Step, gcloud

FORBIDDEN = r"permitted customer|allowedPolicyMember"
"""What Google says if an organization allows no roles outside of it
(https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains)."""

PUBSUB_AGENT = "serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
"""Pub/Sub's own account in the project (https://cloud.google.com/iam/docs/service-agents)."""

EVENTARC_AGENT = "serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-eventarc.iam.gserviceaccount.com"
"""Eventarc's own account in the project, which creates the triggers of ocr and record."""

ADDRESS_KEY = "intake-address-key"
"""Secret for hashing client addresses."""

# Legacy Bucket Writer is the only predefined role that can create, list, and delete objects but not read them
# (https://cloud.google.com/storage/docs/access-control/iam-roles).
_WRITER = "roles/storage.legacyBucketWriter"
_BUCKET = (
    ("submit", _WRITER, "stores uploads, and lists and deletes rejected ones; it cannot read any"),
    ("ocr", "roles/storage.objectUser", "reads bills, writes and lists words, and deletes files of a rejected intake"),
    ("sweep", _WRITER, "lists words, and deletes abandoned uploads; it cannot read any"),
)
_FIRESTORE = (
    ("submit", "roles/datastore.user", "creates intakes"),
    ("progress", "roles/datastore.viewer", "reads progress and intakes"),
    ("ocr", "roles/datastore.user", "claims chunks and advances intakes"),
    ("record", "roles/datastore.user", "marks intakes as recorded"),
    ("sweep", "roles/datastore.user", "finds intakes that stopped, and ends those that cannot continue"),
)
_PUBLISHERS = (
    ("submit", "OCR_TOPIC", "starts ocr for a new intake, and warms it up when the form opens"),
    ("ocr", "OCR_TOPIC", "starts the other chunks of a long bill"),
    ("ocr", "SHEET_TOPIC", "starts record when a bill is read"),
    ("sweep", "OCR_TOPIC", "restarts intakes that stopped before they were read"),
    ("sweep", "SHEET_TOPIC", "restarts intakes that stopped before their row was written"),
)


def grant(group: str, where: Iterable[str], member: str, role: str, why: str, condition: str = "") -> Step:
    """Return the step that grants a role, which gcloud can repeat; an IAM condition is possible on the project.

    `destroy` removes roles on the project and on the bucket, which stay. Other roles disappear with their resource.
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
    """Return a service account of ours in the form that IAM uses."""
    return f"serviceAccount:{deployment.account(name)}"


def of_functions(deployment: Deployment) -> list[Step]:
    """Return the roles that the functions' accounts need before the functions are deployed."""
    flag = deployment.project_flag
    bucket, project = (f"gs://{deployment.bucket}", flag), (deployment.project,)
    steps = [
        grant("storage buckets", bucket, member(deployment, who), role, f"{who} {why}.") for who, role, why in _BUCKET
    ]
    if deployment.drive_folder:
        why = "record copies bills to the Drive folder, so it reads them."
        steps.append(grant("storage buckets", bucket, member(deployment, "record"), "roles/storage.objectViewer", why))
    if deployment.export_csv == "1":
        why = "record writes the CSV exports, and reads them to see which intakes they have."
        steps.append(grant("storage buckets", bucket, member(deployment, "record"), "roles/storage.objectUser", why))
    for who, role, why in _FIRESTORE:
        reason = f"{who} {why}. Firestore has roles on the project only."
        steps.append(grant("projects", project, member(deployment, who), role, reason))
    for who, name, why in _PUBLISHERS:
        topic = (deployment.topic(TOPICS[name]), flag)
        steps.append(grant("pubsub topics", topic, member(deployment, who), "roles/pubsub.publisher", f"{who} {why}."))
    why = "submit hashes client addresses with it. No other function can read it."
    reader = "roles/secretmanager.secretAccessor"
    steps.append(grant("secrets", (ADDRESS_KEY, flag), member(deployment, "submit"), reader, why))
    return steps


def of_eventarc(deployment: Deployment) -> Step:
    """Return the role with which Eventarc creates triggers (https://cloud.google.com/eventarc/docs/troubleshooting#service-agent)."""
    why = "Eventarc creates the triggers of ocr and record. In a new project its account has no role yet."
    return grant("projects", (deployment.project,), EVENTARC_AGENT, "roles/eventarc.serviceAgent", why)


def of_push(deployment: Deployment) -> Step:
    """Return the role with which Pub/Sub signs deliveries as our account (https://cloud.google.com/eventarc/docs/run/create-trigger-pubsub)."""
    account = (deployment.account("push"), deployment.project_flag)
    why = "Pub/Sub signs its deliveries as this account. Projects from before April 2021 need this role."
    return grant("iam service-accounts", account, PUBSUB_AGENT, "roles/iam.serviceAccountTokenCreator", why)


def of_build(deployment: Deployment, repository: Iterable[str]) -> list[Step]:
    """Return the roles of the account that builds the functions (https://cloud.google.com/functions/docs/securing/build-custom-sa)."""
    builder, project = member(deployment, "build"), (deployment.project,)
    sources = 'expression=resource.name.startsWith("projects/_/buckets/gcf-v2-"),title=sources-of-functions'
    why_log = "The build writes its log. Logging has roles on the project only."
    why_push = "The build pushes the functions' images here."
    why_read = (
        "The build reads the uploaded source. Its bucket does not exist before the first deployment, so the role is on the "
        "project, with a condition that excludes the bills."
    )
    return [
        grant("projects", project, builder, "roles/logging.logWriter", why_log),
        grant("artifacts repositories", repository, builder, "roles/artifactregistry.writer", why_push),
        grant("projects", project, builder, "roles/storage.objectViewer", why_read, sources),
    ]


def of_delivery(deployment: Deployment, topic_id: str, subscription: str) -> list[Step]:
    """Return the roles with which Pub/Sub moves a message from a subscription to the dead letters."""
    flag = deployment.project_flag
    why_letters = "Pub/Sub publishes messages here after their last delivery attempt."
    why_take = "Pub/Sub acknowledges a message here when it becomes a dead letter."
    letters = (deployment.topic(dead(topic_id)), flag)
    return [
        grant("pubsub topics", letters, PUBSUB_AGENT, "roles/pubsub.publisher", why_letters),
        grant("pubsub subscriptions", (subscription, flag), PUBSUB_AGENT, "roles/pubsub.subscriber", why_take),
    ]


def of_caller(deployment: Deployment, name: str, *, public: bool) -> Step:
    """Return who can call a function: anybody the two behind the form, one account each of the others.

    If an organization forbids `allUsers`, the check of the caller is switched off, which a deployment of the function can
    undo; so this comes after each (https://cloud.google.com/run/docs/authenticating/public,
    https://github.com/hashicorp/terraform-provider-google/issues/23360).
    """
    where = (name, deployment.project_flag, f"--region={deployment.region}")
    if not public:
        caller = member(deployment, "clock" if name == "sweep" else "push")
        return grant("run services", where, caller, "roles/run.invoker", f"Only this account can call {name}.")
    why = f"Hosting forwards requests of agents to {name} without an identity."
    step = grant("run services", where, "allUsers", "roles/run.invoker", why)
    instead: Command = gcloud("run", "services", "update", *where, "--no-invoker-iam-check")
    return Step(step.name, step.why, step.create, refused=(FORBIDDEN, instead))
