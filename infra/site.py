"""The folder that the site is served from: the built one or, if it cannot be built, its sources.

The built page listens to Firestore. The sources work in a browser too, but without Firebase, which is only in the bundle. Then
the gateway has no firebase-config.json, and the page polls GET /progress.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra import contract

FRONTEND = Path(__file__).resolve().parents[1] / "frontend"
_NPM_TIMEOUT_S = 600
_UNBUILT = "The page is served unbuilt and polls for progress instead of listening to Firestore"


@dataclass(frozen=True)
class Site:
    """One folder to serve.

    Attributes:
        public: The folder.
        live: Whether it holds Firebase, so that the page can listen.
    """

    public: Path
    live: bool


def current(frontend: Path = FRONTEND) -> Site:
    """Return the built site while it is that of the sources, else the sources."""
    stamp = frontend / "dist" / ".built"
    if stamp.is_file() and stamp.read_text("utf-8").strip() == _digest(frontend):
        return Site(frontend / "dist", live=True)
    return Site(frontend / "site", live=False)


def build(say: Callable[[str], None], frontend: Path = FRONTEND) -> Site:
    """Build the site when its sources changed, and return what there is to serve.

    A machine without Node.js, or without a way to npm's registry, serves the sources; `say` is told.
    """
    contract.write(frontend / "site")
    if (site := current(frontend)).live:
        return site
    npm = shutil.which("npm")
    if npm is None:
        say(f"{_UNBUILT}, because Node.js (npm) is not installed.")
        return site
    with (frontend / ".build.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another stack may be building it at this moment
        if (site := current(frontend)).live:
            return site
        say("Building the page with npm ...")
        installed = frontend / "node_modules" / ".package-lock.json"
        fresh = installed.is_file() and installed.stat().st_mtime >= (frontend / "package-lock.json").stat().st_mtime
        install = [npm, "ci", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"]
        for command in ([] if fresh else [install]) + [[npm, "run", "build"]]:
            if trouble := _run(command, frontend):
                say(f"{_UNBUILT}, because {' '.join(['npm', *command[1:]])} failed: {trouble}")
                return site
    return current(frontend)


def _run(command: list[str], folder: Path) -> str:
    """Run a command quietly; return the end of what it said when it failed, else ""."""
    try:
        done = subprocess.run(  # noqa: S603 - npm with our own arguments
            command, cwd=folder, capture_output=True, text=True, timeout=_NPM_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return str(exc)
    if done.returncode == 0:
        return ""
    return " ".join((done.stderr or done.stdout).split())[-300:] or f"exit status {done.returncode}"


def _digest(frontend: Path) -> str:
    """Return the digest that frontend/build.mjs writes: names and bytes of everything that goes into the build."""
    sources = [f"site/{path.name}" for path in sorted((frontend / "site").iterdir())]
    digest = hashlib.sha256()
    for path in [*sources, "build.mjs", "package-lock.json"]:
        digest.update(f"{path}\0".encode() + (frontend / path).read_bytes() + b"\0")
    return digest.hexdigest()
