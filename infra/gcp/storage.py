"""Where things are kept: the bucket, Firestore, and the key that client addresses are hashed with."""

from __future__ import annotations

from typing import Any

from infra.gcp.deployment import Deployment
from infra.gcp.grants import ADDRESS_KEY
from infra.gcp.settings import Keeping
from infra.gcp.steps import Command, Step, gcloud

LIFECYCLE = ".build/lifecycle.json"


def lifecycle(keeping: Keeping) -> dict[str, Any]:
    """Return the bucket's lifecycle rules (https://cloud.google.com/storage/docs/lifecycle)."""

    def delete(days: int, prefix: str) -> dict[str, Any]:
        return {"action": {"type": "Delete"}, "condition": {"age": days, "matchesPrefix": [prefix]}}

    return {"rule": [delete(keeping.words_days, "words/"), delete(keeping.bills_days, "bills/")]}


def bucket(deployment: Deployment, keeping: Keeping) -> Step:
    """Return the bucket of the bills and words."""
    name, flag = f"gs://{deployment.bucket}", deployment.project_flag
    wanted = (
        "--uniform-bucket-level-access",
        "--public-access-prevention",
        f"--lifecycle-file={LIFECYCLE}",
        f"--soft-delete-duration={keeping.deleted_days}d",
    )
    create = ("storage", "buckets", "create", name, flag, f"--location={deployment.region}")
    # create has no --lifecycle-file, so an update follows.
    update = gcloud("storage", "buckets", "update", name, flag, *wanted, "--clear-retention-period")
    return Step(
        f"bucket {deployment.bucket}",
        "Bills and words; access by IAM only and never public; a retention policy would keep refused files, so there is none.",
        (gcloud(*create, *wanted[:2], wanted[3]), update),
        (update,),
    )


def firestore(deployment: Deployment) -> Step:
    """Return the database; its indexes and TTL are in infra/firestore.indexes.json."""
    flags = (deployment.project_flag, "--database=(default)")
    databases = ("firestore", "databases")
    kind = (f"--location={deployment.region}", "--type=firestore-native", "--delete-protection")
    return Step(
        "Firestore database",
        "The state of every intake; the page listens to Firestore, so it is in native mode, and protected from deletion.",
        (gcloud(*databases, "create", *flags, *kind),),
        (gcloud(*databases, "update", *flags, "--delete-protection"),),
    )


def address_key(deployment: Deployment) -> Step:
    """Return the secret; it is made inside the pipe and seen by nobody."""
    name = (ADDRESS_KEY, deployment.project_flag)
    replication = ("--replication-policy=user-managed", f"--locations={deployment.region}", "--data-file=-")
    create = gcloud("secrets", "create", *name, *replication)
    return Step(
        f"secret {ADDRESS_KEY}",
        "Client addresses are counted under a keyed hash, so that the database holds none of them.",
        (Command(create.argv, stdin="head -c 32 /dev/urandom | base64"),),
    )
