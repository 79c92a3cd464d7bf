"""Where things are kept: the bucket, Firestore with its indexes, and the key that client addresses are hashed with."""

from __future__ import annotations

from typing import Any

from infra.gcp.deployment import Deployment
from infra.gcp.grants import ADDRESS_KEY
from infra.gcp.settings import Keeping
from infra.gcp.steps import Command, Step, Verdict, gcloud

LIFECYCLE = ".build/lifecycle.json"

# Queries of intake/cloud/firestore.py that a single field's own index cannot answer. Firestore refuses a query without its
# index, so a new query belongs here (https://firebase.google.com/docs/firestore/query-data/indexing).
_INDEXES = (
    (("status", "submitted_at"), "sweep asks for the oldest unfinished intake"),
    (("client", "submitted_at"), "submit counts the submissions of one client address within an hour"),
    (("peer", "submitted_at"), "submit counts the submissions through one proxy within an hour"),
    (("submitted_at", "pages"), "submit adds up the pages of the last 24 hours"),
)
# Fields that nothing searches for: an index on each of their parts would cost storage and could pass the limit of 40,000
# entries a document (https://firebase.google.com/docs/firestore/quotas).
_UNINDEXED = (
    ("intakes", "reading"),
    ("intakes", "form"),
    ("intakes", "files"),  # file_hashes is what is searched
    ("intakes", "attention"),
    ("progress", "fields"),
    ("progress", "attention"),
)


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

    def judge(found: Any) -> Verdict:
        if not found:
            return Verdict.MISSING
        _same_place(f"The bucket {deployment.bucket}", found.get("location", ""), deployment)
        access = found.get("iamConfiguration", {})
        as_wanted = (
            access.get("uniformBucketLevelAccess", {}).get("enabled") is True
            and access.get("publicAccessPrevention") == "enforced"
            and int(found.get("softDeletePolicy", {}).get("retentionDurationSeconds", 0))
            == keeping.deleted_days * 86400
            and found.get("lifecycle") == lifecycle(keeping)
            and "retentionPolicy" not in found
        )
        return Verdict.AS_WANTED if as_wanted else Verdict.DIFFERS

    create = ("storage", "buckets", "create", name, flag, f"--location={deployment.region}")
    # create has no --lifecycle-file, so an update follows.
    update = gcloud("storage", "buckets", "update", name, flag, *wanted, "--clear-retention-period")
    return Step(
        f"bucket {deployment.bucket}",
        "Bills and words; access by IAM only and never public; a retention policy would keep refused files, so there is none.",
        (gcloud(*create, *wanted[:2], wanted[3]), update),
        gcloud("storage", "buckets", "describe", name, flag, "--format=json", "--raw"),
        judge,
        (update,),
    )


def firestore(deployment: Deployment) -> list[Step]:
    """Return the database, its TTL, its composite indexes and the fields without an index."""
    flags = (deployment.project_flag, "--database=(default)")
    create = gcloud(
        "firestore",
        "databases",
        "create",
        *flags,
        f"--location={deployment.region}",
        "--type=firestore-native",
        "--delete-protection",
    )
    steps = [
        Step(
            "Firestore database",
            "The state of every intake; the page listens to Firestore, so it is in native mode, and protected from deletion.",
            (create,),
            gcloud("firestore", "databases", "describe", *flags, "--format=json"),
            lambda found: _native(found, deployment),
            (gcloud("firestore", "databases", "update", *flags, "--delete-protection"),),
        ),
        _ttl(flags),
    ]
    steps += [_composite(fields, f"{why}.", flags) for fields, why in _INDEXES]
    steps += [_unindexed(group, field, flags) for group, field in _UNINDEXED]
    return steps


def _same_place(what: str, where: str, deployment: Deployment) -> None:
    """Refuse another region than the one where the data is: a second set of everything would be made there."""
    if where.lower() != deployment.region:
        raise RuntimeError(
            f"{what} is in {where.lower()}, and data cannot be moved. Give --region={where.lower()}, or use another project."
        )


def _native(found: Any, deployment: Deployment) -> Verdict:
    if not found:
        return Verdict.MISSING
    _same_place("The Firestore database", found.get("locationId", ""), deployment)
    if found.get("type") != "FIRESTORE_NATIVE":
        raise RuntimeError(
            "The project has a Firestore database in Datastore mode, which a page cannot listen to. Use another project."
        )
    protected = found.get("deleteProtectionState") == "DELETE_PROTECTION_ENABLED"
    return Verdict.AS_WANTED if protected else Verdict.DIFFERS


def _ttl(flags: tuple[str, ...]) -> Step:
    group = (*flags, "--collection-group=progress")

    def judge(found: Any) -> Verdict:
        names = [field["name"].rpartition("/")[2] for field in found or [] if field.get("ttlConfig")]
        return Verdict.AS_WANTED if "expire_at" in names else Verdict.MISSING

    return Step(
        "TTL on progress.expire_at",
        "Firestore deletes a finished progress document by itself; an unfinished one has no expire_at.",
        (gcloud("firestore", "fields", "ttls", "update", "expire_at", *group, "--enable-ttl", "--async"),),
        gcloud("firestore", "fields", "ttls", "list", *group, "--format=json"),
        judge,
    )


def _composite(fields: tuple[str, ...], why: str, flags: tuple[str, ...]) -> Step:
    def judge(found: Any) -> Verdict:
        for index in found or []:
            held = tuple(field["fieldPath"] for field in index["fields"] if field["fieldPath"] != "__name__")
            if held == fields and "/collectionGroups/intakes/" in index["name"]:
                return Verdict.AS_WANTED
        return Verdict.MISSING

    configs = [f"--field-config=field-path={field},order=ascending" for field in fields]
    group = ("--collection-group=intakes", "--query-scope=collection")
    return Step(
        f"index intakes({', '.join(fields)})",
        why[0].upper() + why[1:],
        (gcloud("firestore", "indexes", "composite", "create", *flags, *group, *configs, "--async"),),
        gcloud("firestore", "indexes", "composite", "list", *flags, "--format=json"),
        judge,
    )


def _unindexed(group: str, field: str, flags: tuple[str, ...]) -> Step:
    where = (field, *flags, f"--collection-group={group}")

    def judge(found: Any) -> Verdict:
        config = (found or {}).get("indexConfig")
        # What is false or empty is left out of the answer: an exempted field has {}.
        exempt = config is not None and not config.get("usesAncestorConfig") and not config.get("indexes")
        return Verdict.AS_WANTED if exempt else Verdict.MISSING

    return Step(
        f"no index on {group}.{field}",
        "Nothing searches it, and an index on each of its parts would cost storage.",
        (gcloud("firestore", "indexes", "fields", "update", *where, "--disable-indexes", "--async"),),
        gcloud("firestore", "indexes", "fields", "describe", *where, "--format=json"),
        judge,
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
        gcloud("secrets", "describe", *name, "--format=json"),
    )
