"""What Google says when something fails, and what to do about it: wait and try again, or what the person has to do.

Each entry was seen by others or is in Google's documentation, which `source` names. The first that fits is taken, so the
narrow ones stand before the wide ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """A failure that is known.

    Attributes:
        says: What Google says, as a regular expression.
        means: What it means, and where waiting does not help, what to do.
        source: Where that is known from.
        passes: Whether it goes away by itself within minutes.
    """

    says: str
    means: str
    source: str
    passes: bool = False


KNOWN = (
    Failure(
        r"Cannot find metric\(s\)|metric referenced by the provided filter is unknown",
        "Cloud Monitoring does not know a new metric for up to 10 minutes.",
        "https://github.com/hashicorp/terraform-provider-google/issues/11102",
        passes=True,
    ),
    Failure(
        r"ermission denied while using the Eventarc Service Agent",
        "The role of the Eventarc service agent has not spread yet.",
        "https://cloud.google.com/eventarc/docs/troubleshooting#service-agent",
        passes=True,
    ),
    Failure(
        r"[Ss]ervice account .*does not exist|Unknown service account|user .*gserviceaccount\.com does not exist",
        "A new service account is not known everywhere for about a minute.",
        "https://cloud.google.com/iam/docs/service-accounts-create#creating",
        passes=True,
    ),
    Failure(
        r"BILLING_DISABLED|UREQ_PROJECT_BILLING|[Bb]illing (must be|account .*not|is disabled|to be enabled)",
        "The project has no billing account. Link one: https://console.cloud.google.com/billing/linkedaccount",
        "https://cloud.google.com/billing/docs/how-to/modify-project",
    ),
    Failure(
        r"SERVICE_DISABLED|has not been used in project .* before or it is disabled",
        "An API that was just enabled is not known everywhere for a few minutes.",
        "https://cloud.google.com/service-usage/docs/enable-disable",
        passes=True,
    ),
    Failure(
        r"not accepted the (required|Firebase) Terms|Firebase Tos Not Accepted|Failed to add Firebase to Google Cloud",
        "Firebase's terms were probably never accepted by this account. Open "
        "https://console.firebase.google.com/?forceCheckTos=true once with the same account, accept them, and go on.",
        "firebase-tools, src/management/projects.ts: addFirebase answers 403 with the detail `Firebase Tos Not Accepted`",
    ),
    Failure(
        r"requires a quota project|USER_PROJECT_DENIED|set a quota project",
        "The Firebase CLI works with a login that may not use this project's quota. Log in to it: npx firebase-tools login",
        "https://cloud.google.com/docs/authentication/adc-troubleshooting/user-creds",
    ),
    Failure(
        r"there is no Hosting site|Could not determine the default site",
        "The project has no Hosting site. Create one: https://console.firebase.google.com/project/_/hosting",
        "firebase-tools, src/commands/deploy.ts",
    ),
    Failure(
        r"do not belong to a permitted customer|iam\.allowedPolicyMember",
        "The organisation lets no role be given to `allUsers` or to accounts of others (domain restricted sharing). Ask its "
        "administrator for an exception for this project.",
        "https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains",
    ),
    Failure(
        r"violates constraint|constraints/[a-z]+\.",
        "A policy of the organisation forbids it. Ask its administrator for an exception for this project.",
        "https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints",
    ),
    Failure(
        r"[Mm]ax instances must be set to|maxScale may not exceed|CpuAllocPerProjectRegion",
        "The project may use fewer vCPUs in this region than `max_instances` in infra/functions.toml asks for. Ask for more at "
        "https://console.cloud.google.com/iam-admin/quotas (Cloud Run, CpuAllocPerProjectRegion) or lower `max_instances`.",
        "https://github.com/googlecodelabs/feedback/issues/1856, https://cloud.google.com/run/quotas",
    ),
    Failure(
        r"cannot run builds in this region|no concurrent builds quota",
        "This project may not build in this region. Give --region=us-central1 (a first deployment only), or ask for the region "
        "at https://console.cloud.google.com/iam-admin/quotas (Cloud Build API).",
        "https://cloud.google.com/build/docs/locations#restricted_regions_for_some_projects",
    ),
    Failure(
        r"storage\.objects\.get access|artifactregistry\.\S+.* denied|logging\.logEntries\.create.* denied",
        "The roles of the account that builds have not spread yet, which takes up to 7 minutes.",
        "https://cloud.google.com/iam/docs/access-change-propagation",
        passes=True,
    ),
    Failure(
        r"already exists under Gen|already exists in (the )?(1st|first)",
        "The project has a function or service with this name that is not ours. Use another project, or delete it: gcloud "
        "functions list, https://console.cloud.google.com/run",
        "https://github.com/google-github-actions/deploy-cloud-functions/issues/338",
    ),
    Failure(
        r"Container Healthcheck failed|container failed to start",
        "The function was built, but its code did not start. Its log says why: https://console.cloud.google.com/run, the "
        "function, Logs.",
        "https://cloud.google.com/run/docs/troubleshooting#container-failed-to-start, "
        "https://github.com/firebase/firebase-tools/issues/7369",
    ),
    Failure(
        r"vpcServiceControls|VPC Service Controls|SecurityPolicyViolated",
        "A VPC Service Controls perimeter of the organisation forbids it, often to Google's own build account. Ask its "
        "administrator to let this project's Cloud Build and Cloud Functions accounts in.",
        "https://cloud.google.com/vpc-service-controls/docs/troubleshooting",
    ),
    Failure(
        r"Cloud Run service \S+ does not exist in region|Cloud Run region \S+ is not supported",
        "Hosting cannot find submit or progress in this region. Look whether they are there: gcloud functions list; if they "
        "are not, see https://console.cloud.google.com/run",
        "https://github.com/firebase/firebase-tools/issues/2364, https://github.com/pulumi/pulumi-gcp/issues/1224",
    ),
    Failure(
        r"RESOURCE_EXHAUSTED|\b429\b|Quota exceeded for quota metric",
        "Too many requests within a minute.",
        "https://cloud.google.com/apis/design/errors#handling_errors",
        passes=True,
    ),
    Failure(
        r"ABORTED|\b409\b|concurrent policy changes|conflict|unable to queue the operation|already in progress",
        "Google is still busy with an earlier change.",
        "https://cloud.google.com/apis/design/errors#handling_errors, "
        "https://github.com/firebase/firebase-tools/issues/10731",
        passes=True,
    ),
    Failure(
        r"UNAVAILABLE|DEADLINE_EXCEEDED|\b50[0234]\b|Internal error encountered|currently unavailable",
        "Google's service did not answer for a moment.",
        "https://cloud.google.com/apis/design/errors#handling_errors",
        passes=True,
    ),
    Failure(
        r"PERMISSION_DENIED|does not have permission|\b403\b",
        'This account may not do that. docs/deploy.md, "Before the first run", lists the roles that are needed.',
        "https://cloud.google.com/iam/docs/permission-error-messages",
    ),
)

WAITS_S = (5, 10, 20, 40, *([60] * 10))
"""How long to wait before each further attempt, seconds: 11 minutes in all, more than the 10 that a metric may need."""

ALREADY = re.compile(r"ALREADY_EXISTS|already exists|you already own it", re.IGNORECASE)
"""What a command that makes something says when it is there already."""


def known(said: str) -> Failure | None:
    """Return what is known of a failure; None where nothing is."""
    return next((failure for failure in KNOWN if re.search(failure.says, said)), None)
