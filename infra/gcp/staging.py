"""Staging in .build what is sent to Google: the functions' source with its requirements, and the site with its config."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from infra import site
from infra.gcp.deployment import BUILD, ROOT, Deployment

APP_CHECK_SOURCES = {
    "default-src 'self'": "default-src 'self'; script-src 'self' https://www.google.com/recaptcha/ "
    "https://www.gstatic.com/recaptcha/; frame-src https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/",
    "connect-src 'self'": "connect-src 'self' https://content-firebaseappcheck.googleapis.com https://www.google.com/recaptcha/",
}
"""What replaces a part of the page's policy if App Check is on: reCAPTCHA's scripts and frames
(https://developers.google.com/recaptcha/docs/faq, on Content-Security-Policy) and the address that the Firebase SDK calls."""
_DIGEST_CHARS = 40
"""A label's value has at most 63 (https://cloud.google.com/resource-manager/docs/labels-overview)."""


def source_files() -> Iterator[tuple[str, Path]]:
    """Yield the place in the source folder and the path of every deployed file, in a fixed order."""
    yield "requirements.txt", ROOT / "requirements.txt"
    functions = ROOT / "functions"
    for path in sorted(functions.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path.relative_to(functions).as_posix(), path


def source_digest() -> str:
    """Return the digest of all that is deployed."""
    digest = hashlib.sha256()
    for name, path in source_files():
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGEST_CHARS]


def stage_source(target: Path = BUILD / "source") -> None:
    """Copy the source into an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    for name, path in source_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)


def firebase_json(deployment: Deployment, site_name: str = "") -> dict[str, object]:
    """Return infra/firebase.json with the region, the policy, and the site of this deployment."""
    text = (ROOT / "infra" / "firebase.json").read_text("utf-8")
    if deployment.app_check_key:
        for narrow, wide in APP_CHECK_SOURCES.items():
            text = text.replace(narrow, wide)
    document = json.loads(text)
    document["hosting"] = {**({"site": site_name} if site_name else {}), **document["hosting"], "public": "site"}
    for rule in document["hosting"]["rewrites"]:
        rule["run"]["region"] = deployment.region
    return dict(document)


def stage_firebase(deployment: Deployment, site_name: str, target: Path = BUILD) -> None:
    """Write firebase.json for a site, and copy Firestore's rules and indexes beside it."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("firestore.rules", "firestore.indexes.json"):
        shutil.copyfile(ROOT / "infra" / name, target / name)
    text = json.dumps(firebase_json(deployment, site_name), indent=2)
    (target / "firebase.json").write_text(text + "\n", "utf-8")


def stage_site(target: Path = BUILD) -> None:
    """Build the page; a RuntimeError says why that failed."""
    messages: list[str] = []
    built = site.build(messages.append)
    if not built.live:
        raise RuntimeError(f"The page could not be built. {' '.join(messages)}")
    shutil.rmtree(target / "site", ignore_errors=True)
    shutil.copytree(built.public, target / "site", ignore=shutil.ignore_patterns(".*"))


def add_firebase_config(deployment: Deployment, answer: str, target: Path = BUILD) -> None:
    """Write what the page needs to listen to Firestore, from the answer to `apps:sdkconfig WEB --json`.

    None of it is secret: https://firebase.google.com/docs/projects/api-keys. A RuntimeError says that the answer has no config.
    """
    try:
        config = json.loads(answer)["result"]["sdkConfig"]
        wanted = {name: config[name] for name in ("projectId", "apiKey", "appId")}
    except (ValueError, KeyError, TypeError) as exc:
        raise RuntimeError("The Firebase CLI did not print the web app's config.") from exc
    if deployment.app_check_key:
        wanted["appCheckKey"] = deployment.app_check_key
    (target / "site" / "firebase-config.json").write_text(json.dumps(wanted) + "\n", "utf-8")
