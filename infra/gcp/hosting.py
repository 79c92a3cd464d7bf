"""Firebase: what gcloud has no command for, the site and the rules and indexes of Firestore. By the Firebase CLI, pinned."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from infra.gcp import staging
from infra.gcp.apply import run, said
from infra.gcp.deployment import Deployment
from infra.gcp.steps import Command, Item, Local, Lookup, Step, Verdict, curl, taken

FIREBASE_TOOLS = "firebase-tools@15.34.2"
APP_NAME = "GreenWatt Intake"
_TAKE_CONFIG = 'import json, sys; print(json.dumps(json.load(sys.stdin)["result"]["sdkConfig"]))'


def firebase(deployment: Deployment, *arguments: str) -> Command:
    """Return a command of the pinned Firebase CLI; npx fetches it when it is not there.

    With application-default credentials it sends no quota project of its own, which Google answers with 403
    (firebase-tools, src/apiv2.ts).
    """
    quota = ("env", f"GOOGLE_CLOUD_QUOTA_PROJECT={deployment.project}")
    return Command((*quota, "npx", "--yes", FIREBASE_TOOLS, *arguments, "--non-interactive"))


def project(deployment: Deployment) -> tuple[Item, ...]:
    """Return Firebase in the project, its Hosting site, and the web app; early, so that a missing login shows at once."""
    flag = f"--project={deployment.project}"
    sites = firebase(deployment, "hosting:sites:list", flag, "--json")
    apps = firebase(deployment, "apps:list", "WEB", flag, "--json")
    app_id = f'next(app["appId"] for app in found["result"] if app.get("displayName") == "{APP_NAME}")'
    return (
        Step(
            "Firebase in the project",
            "Hosting and the rules of Firestore belong to Firebase.",
            (firebase(deployment, "projects:addfirebase", deployment.project),),
            look=firebase(deployment, "projects:list", "--json"),
            compare=lambda found, _values: _listed(found, "projectId", deployment.project),
        ),
        Step(
            "Hosting site",
            "A project that is new to Firebase has none; its name is part of the form's address.",
            (firebase(deployment, "hosting:sites:create", deployment.project, flag),),
            look=sites,
            compare=lambda found, _values: Verdict.SAME if found["result"]["sites"] else Verdict.MISSING,
            # The project's id may be the name of a site of somebody else.
            refused=(
                r"already (exists|reserved)|Invalid name",
                firebase(deployment, "hosting:sites:create", "intake-${PROJECT_NUMBER}", flag),
            ),
        ),
        *site_lookups(deployment),
        Step(
            f"web app {APP_NAME}",
            "Gives the page the key with which it listens to Firestore.",
            (firebase(deployment, "apps:create", "WEB", APP_NAME, flag),),
            look=apps,
            compare=lambda found, _values: _listed(found, "displayName", APP_NAME),
        ),
        Lookup("APP_ID", "The project may have other web apps.", taken(apps, app_id)),
        *([_app_check(deployment)] if deployment.app_check_key else []),
    )


def site_lookups(deployment: Deployment) -> tuple[Lookup, ...]:
    """Return the site and its address: the default one, which need not be called like the project."""
    sites = firebase(deployment, "hosting:sites:list", f"--project={deployment.project}", "--json")
    site = 'min(found["result"]["sites"], key=lambda site: site.get("type") != "DEFAULT_SITE")'
    return (
        Lookup("SITE", "The site's name.", taken(sites, f'{site}["name"].rpartition("/")[2]')),
        Lookup("SITE_URL", "The form's address.", taken(sites, f'{site}["defaultUrl"]')),
    )


def _app_check(deployment: Deployment) -> Step:
    """Return the registration of the reCAPTCHA key, without which App Check gives the page no token.

    https://firebase.google.com/docs/reference/appcheck/rest/v1/projects.apps.recaptchaEnterpriseConfig/patch
    """
    config = "projects/${PROJECT_NUMBER}/apps/${APP_ID}/recaptchaEnterpriseConfig"
    return Step(
        "App Check knows the key",
        "The page gets its tokens for this reCAPTCHA key.",
        (
            curl(
                f"https://firebaseappcheck.googleapis.com/v1/{config}?updateMask=siteKey",
                "--request=PATCH",
                "--header=Content-Type: application/json",
                f"--header=X-Goog-User-Project: {deployment.project}",
                f'--data={{"siteKey": "{deployment.app_check_key}"}}',
            ),
        ),
    )


def rules(deployment: Deployment) -> tuple[Item, ...]:
    """Return the rules, indexes and TTL of Firestore, early because indexes take minutes to build.

    The CLI compares and changes only what differs.
    """
    return (
        Local(
            "Firestore's rules and indexes in .build",
            "infra/firebase.json with this deployment's site and region, and the files that it names.",
            _shown_config(deployment),
            lambda values: staging.stage_firebase(deployment, values["SITE"]),
        ),
        Step(
            "Firestore's rules, indexes and TTL",
            "What a stranger may read; what sweep and submit ask for; finished progress documents delete themselves.",
            (
                firebase(
                    deployment,
                    "deploy",
                    "--only=firestore",
                    f"--project={deployment.project}",
                    "--config=.build/firebase.json",
                ),
            ),
        ),
    )


def site(deployment: Deployment, digest: str) -> tuple[Item, ...]:
    """Return the deployment of the site.

    Args:
        deployment: The deployment.
        digest: Digest of the site.
    """
    flag = f"--project={deployment.project}"
    config = firebase(deployment, "apps:sdkconfig", "WEB", "${APP_ID}", flag, "--json")

    def stage(values: Mapping[str, str]) -> None:
        staging.stage_site(digest)
        done = run(config, dict(values))
        if done.returncode:
            raise RuntimeError(said(done))
        staging.add_firebase_config(deployment, done.stdout)

    return (
        Local(
            "the site in .build/site",
            "The built page and the config that it reads.",
            "\n".join(
                [
                    "npm ci --prefix frontend && npm run build --prefix frontend",
                    "rm -rf .build/site && cp -r frontend/dist .build/site",
                    f"{config.shell()} |",
                    f"  python3 -c {shlex.quote(_TAKE_CONFIG)} > .build/site/firebase-config.json",
                ]
            ),
            stage,
        ),
        Step(
            "the site",
            "The agents' form with its headers and the way to submit and progress.",
            (firebase(deployment, "deploy", "--only=hosting", flag, "--config=.build/firebase.json"),),
            # --fail: a site that is not there, or has no build.json, is an error with its status.
            look=Command(("curl", "--fail", "--silent", "--show-error", "${SITE_URL}/build.json")),
            compare=lambda found, _values: (
                Verdict.SAME if (found or {}).get("digest") == digest else Verdict.DIFFERS if found else Verdict.MISSING
            ),
            slow=True,
        ),
    )


def _shown_config(deployment: Deployment) -> str:
    """Return what the staging of firebase.json comes to, as a shell would do it."""
    region = f's#"region": "[a-z0-9-]*"#"region": "{deployment.region}"#'
    policy = [f"s#{narrow}#{wide}#" for narrow, wide in staging.policy_edits(deployment).items()]
    edit = shlex.quote("; ".join([region, *policy]))
    site = '-e "s#\\"public\\": \\"../frontend/dist\\"#\\"site\\": \\"${SITE}\\", \\"public\\": \\"site\\"#"'
    return "\n".join(
        [
            "mkdir -p .build && cp infra/firestore.rules infra/firestore.indexes.json .build/",
            f"sed -e {edit} {site} infra/firebase.json > .build/firebase.json",
        ]
    )


def _listed(found: Any, key: str, value: str) -> Verdict:
    entries = (found or {}).get("result") or []
    return Verdict.SAME if any(entry.get(key) == value for entry in entries) else Verdict.MISSING
