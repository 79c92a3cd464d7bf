"""Firebase: what gcloud has no command for, the site and the rules of Firestore. By the Firebase CLI, pinned."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

from infra.gcp import staging
from infra.gcp.deployment import ROOT, Deployment
from infra.gcp.steps import Command, Item, Local, Step, Verdict

FIREBASE_TOOLS = "firebase-tools@15.34.2"
APP_NAME = "GreenWatt Intake"
_TAKE_CONFIG = 'import json, sys; print(json.dumps(json.load(sys.stdin)["result"]["sdkConfig"]))'


def firebase(*arguments: str) -> Command:
    """Return a command of the pinned Firebase CLI; npx fetches it when it is not there."""
    return Command(("npx", "--yes", FIREBASE_TOOLS, *arguments, "--non-interactive"))


def project(deployment: Deployment) -> Step:
    """Return the step that adds Firebase to the project; early, so that a missing login shows before anything slow."""
    return Step(
        "Firebase in the project",
        "Hosting and the rules of Firestore belong to Firebase.",
        (firebase("projects:addfirebase", deployment.project),),
        firebase("projects:list", "--json"),
        lambda found: _listed(found, "projectId", deployment.project),
    )


def site(deployment: Deployment, digest: str) -> tuple[Item, ...]:
    """Return the web app, and the deployment of site and rules.

    Args:
        deployment: The deployment.
        digest: Digest of site and rules.
    """
    project = f"--project={deployment.project}"
    config = firebase("apps:sdkconfig", "WEB", project, "--json")

    def stage(_values: Mapping[str, str]) -> None:
        staging.stage_site(deployment, digest)
        done = subprocess.run(  # noqa: S603 - our own command
            config.argv, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or done.stdout.strip())
        staging.add_firebase_config(deployment, done.stdout)

    return (
        Step(
            f"web app {APP_NAME}",
            "Gives the page the key with which it listens to Firestore.",
            (firebase("apps:create", "WEB", APP_NAME, project),),
            firebase("apps:list", "WEB", project, "--json"),
            lambda found: _listed(found, "displayName", APP_NAME),
        ),
        Local(
            "the site in .build/site",
            "The built page, the config that it reads, and firebase.json with this deployment's region.",
            _shown(deployment, config),
            stage,
        ),
        Step(
            "site and rules",
            "The agents' form with its headers and the way to submit and progress; what a stranger may read in Firestore.",
            (firebase("deploy", "--only=hosting,firestore:rules", project, "--config=.build/firebase.json"),),
            # --fail: a site that is not there, or has no build.json, is an error with its status.
            Command(("curl", "--fail", "--silent", "--show-error", f"https://{deployment.project}.web.app/build.json")),
            lambda found: (
                Verdict.MISSING
                if not found
                else (Verdict.AS_WANTED if found.get("digest") == digest else Verdict.DIFFERS)
            ),
            slow=True,
        ),
    )


def _shown(deployment: Deployment, config: Command) -> str:
    """Return what the staging of the site comes to, as a shell would do it."""
    region = f's#"region": "[a-z0-9-]*"#"region": "{deployment.region}"#'
    policy = [f"s#{narrow}#{wide}#" for narrow, wide in staging.policy_edits(deployment).items()]
    edit = shlex.quote("; ".join([region, "s#../frontend/dist#site#", *policy]))
    return "\n".join(
        [
            "npm ci --prefix frontend && npm run build --prefix frontend",
            "rm -rf .build/site && mkdir -p .build && cp -r frontend/dist .build/site && cp infra/firestore.rules .build/",
            f"sed {edit} infra/firebase.json > .build/firebase.json",
            f"{config.shell()} |",
            f"  python3 -c {shlex.quote(_TAKE_CONFIG)} > .build/site/firebase-config.json",
        ]
    )


def _listed(found: Any, key: str, value: str) -> Verdict:
    entries = (found or {}).get("result") or []
    return Verdict.AS_WANTED if any(entry.get(key) == value for entry in entries) else Verdict.MISSING
