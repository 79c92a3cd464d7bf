"""Firebase, for what gcloud has no command: the site, and the rules and indexes of Firestore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.gcp import staging
from infra.gcp.apply import run, said
from infra.gcp.deployment import Deployment
from infra.gcp.steps import Command, Item, Local, Lookup, Step, curl, taken

FIREBASE_TOOLS = "firebase-tools@15.34.2"
APP_NAME = "GreenWatt Intake"
LIMIT_S = 900
"""The first call downloads the CLI, and a deployment of Firestore's indexes can take minutes."""


def firebase(deployment: Deployment, *arguments: str) -> Command:
    """Return a command of the pinned Firebase CLI, which npx downloads.

    With application-default credentials it sends no quota project by itself, and Google answers 403
    (firebase-tools, src/apiv2.ts).
    """
    quota = ("env", f"GOOGLE_CLOUD_QUOTA_PROJECT={deployment.project}")
    return Command((*quota, "npx", "--yes", FIREBASE_TOOLS, *arguments, "--non-interactive"), limit_s=LIMIT_S)


def project(deployment: Deployment) -> tuple[Item, ...]:
    """Return Firebase in the project, its Hosting site, and the web app; early, so that a missing login shows soon.

    None of the commands can be repeated, and the CLI hides what Google says, so each thing is looked for first.
    """
    flag = f"--project={deployment.project}"
    sites = firebase(deployment, "hosting:sites:list", flag, "--json")
    apps = firebase(deployment, "apps:list", "WEB", flag, "--json")
    app_id = f'next(app["appId"] for app in found["result"] if app.get("displayName") == "{APP_NAME}")'
    return (
        Step(
            "Firebase in the project",
            "Hosting and the rules of Firestore are parts of Firebase.",
            (firebase(deployment, "projects:addfirebase", deployment.project),),
            look=firebase(deployment, "projects:list", "--json"),
            compare=lambda found, _values: _listed(found, "projectId", deployment.project),
        ),
        Step(
            "Hosting site",
            "A project that is new to Firebase has none. Its name is part of the form's address.",
            (firebase(deployment, "hosting:sites:create", deployment.project, flag),),
            look=sites,
            compare=lambda found, _values: bool(found["result"]["sites"]),
            # Somebody else may have a site with the name of the project.
            refused=(
                r"already (exists|reserved)|Invalid name",
                firebase(deployment, "hosting:sites:create", "intake-${PROJECT_NUMBER}", flag),
            ),
        ),
        *site_lookups(deployment),
        Step(
            f"web app {APP_NAME}",
            "The page needs its API key to listen to Firestore.",
            (firebase(deployment, "apps:create", "WEB", APP_NAME, flag),),
            look=apps,
            compare=lambda found, _values: _listed(found, "displayName", APP_NAME),
        ),
        Lookup("APP_ID", "ID of our web app; the project may have others.", taken(apps, app_id)),
        *([_app_check(deployment)] if deployment.app_check_key else []),
    )


def site_lookups(deployment: Deployment) -> tuple[Lookup, ...]:
    """Return the default site, whose name can differ from the project's, and its address."""
    sites = firebase(deployment, "hosting:sites:list", f"--project={deployment.project}", "--json")
    site = 'min(found["result"]["sites"], key=lambda site: site.get("type") != "DEFAULT_SITE")'
    return (
        Lookup("SITE", "Name of the site.", taken(sites, f'{site}["name"].rpartition("/")[2]')),
        Lookup("SITE_URL", "Address of the form.", taken(sites, f'{site}["defaultUrl"]')),
    )


def _app_check(deployment: Deployment) -> Step:
    """Return the registration of the reCAPTCHA key, without which the page gets no App Check token.

    https://firebase.google.com/docs/reference/appcheck/rest/v1/projects.apps.recaptchaEnterpriseConfig/patch
    """
    config = "projects/${PROJECT_NUMBER}/apps/${APP_ID}/recaptchaEnterpriseConfig"
    return Step(
        "App Check knows the key",
        "App Check issues the page tokens for this reCAPTCHA key.",
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
    """Return the rules, indexes, and TTL of Firestore, early because indexes take minutes to build."""
    deploy = ("deploy", "--only=firestore", f"--project={deployment.project}", "--config=.build/firebase.json")
    return (
        Local(
            ".build/firebase.json",
            "infra/firebase.json with the site and region, and the files that it names.",
            lambda values: staging.stage_firebase(deployment, values["SITE"]),
        ),
        Step(
            "Firestore rules, indexes, and TTL",
            "What strangers can read, what sweep and submit query, and when finished progress documents are deleted.",
            (firebase(deployment, *deploy),),
        ),
    )


def site(deployment: Deployment) -> tuple[Item, ...]:
    """Return the deployment of the site; `destroy` disables it, because a default site cannot be deleted."""
    flag = f"--project={deployment.project}"
    config = firebase(deployment, "apps:sdkconfig", "WEB", "${APP_ID}", flag, "--json")

    def stage(values: Mapping[str, str]) -> None:
        staging.stage_site()
        done = run(config, dict(values))
        if done.returncode:
            raise RuntimeError(said(done))
        staging.add_firebase_config(deployment, done.stdout)

    return (
        Local(".build/site", f"The page, built with npm, and its Firebase configuration: {config.shell()}", stage),
        Step(
            "site",
            "The form with its headers, and the rewrites to submit and progress.",
            (firebase(deployment, "deploy", "--only=hosting", flag, "--config=.build/firebase.json"),),
            slow=True,
            remove=(firebase(deployment, "hosting:disable", "--force", "--site=${SITE}", flag),),
        ),
    )


def _listed(found: Any, key: str, value: str) -> bool:
    return any(entry.get(key) == value for entry in (found or {}).get("result") or [])
