"""Storage: the bucket, Firestore, and the key for hashing client addresses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from infra.gcp.deployment import BUILD, Deployment
from infra.gcp.grants import ADDRESS_KEY
from infra.gcp.steps import Command, Step, gcloud, resource
from infra.spec import Retention

LIFECYCLE = ".build/lifecycle.json"


def stage_lifecycle(retention: Retention, target: Path = BUILD / "lifecycle.json") -> None:
    """Write the bucket's lifecycle rules where gcloud reads them (https://cloud.google.com/storage/docs/lifecycle)."""
    rules = [
        {"action": {"type": "Delete"}, "condition": {"age": days, "matchesPrefix": [prefix]}}
        for days, prefix in ((retention.words_days, "words/"), (retention.bills_days, "bills/"))
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"rule": rules}, indent=2) + "\n", "utf-8")


def bucket(deployment: Deployment, retention: Retention) -> Step:
    """Return the bucket of the bills and words."""
    where = (f"gs://{deployment.bucket}", deployment.project_flag)
    closed = ("--uniform-bucket-level-access", "--public-access-prevention")
    kept = (f"--soft-delete-duration={retention.deleted_days}d",)
    update = (*closed, f"--lifecycle-file={LIFECYCLE}", *kept, "--clear-retention-period")
    why = "Bills and words; never public. A retention policy would keep rejected files, so there is none."
    create = (f"--location={deployment.region}", *closed, *kept)
    step = resource(f"bucket {deployment.bucket}", why, "storage buckets", where, create, update)
    remove = (gcloud("storage", "rm", *where, "--recursive", "--quiet"),)
    # create has no --lifecycle-file, so an update follows.
    return replace(step, create=(*step.create, *(step.update or ())), remove=remove, data=True)


def firestore(deployment: Deployment) -> Step:
    """Return the database; its indexes and TTL are in infra/firestore.indexes.json."""
    where = (deployment.project_flag, "--database=(default)")
    kind = (f"--location={deployment.region}", "--type=firestore-native", "--delete-protection")
    why = "The state of every intake; in native mode, so that the page can listen, and protected from deletion."
    step = resource("Firestore database", why, "firestore databases", where, kind, ("--delete-protection",))
    unlock = gcloud("firestore", "databases", "update", *where, "--no-delete-protection")
    return replace(step, remove=(unlock, *step.remove), data=True)


def address_key(deployment: Deployment) -> Step:
    """Return the secret; it is created inside a pipe, and nobody sees it."""
    replication = ("--replication-policy=user-managed", f"--locations={deployment.region}", "--data-file=-")
    why = "Rate limits count a keyed hash of each client address, so that the database holds no addresses."
    step = resource(f"secret {ADDRESS_KEY}", why, "secrets", (ADDRESS_KEY, deployment.project_flag), replication)
    return replace(step, create=(Command(step.create[0].argv, stdin="head -c 32 /dev/urandom | base64"),))
